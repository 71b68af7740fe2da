/** Names of the lanes of which one runs at a time. */
export type LaneId = 'base64-json-websocket' | 'binary-websocket';
