/** How lanes get onto the link that all of them share. */
export interface LinkAccess {
  /** Address of the WebSocket that leads over the link and back, absolute. */
  readonly socketUrl: string;
}
