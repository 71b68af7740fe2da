import { WebSocketTransport } from 'micwire';
import { FRAMINGS } from 'micwire/core';
import type { LaneId } from './close-up-id.ts';
import type { LaneKind, OpenTransport } from './close-up-parts.ts';
import { buildChunkLane } from './close-up-lane.ts';

const WEBSOCKET = { name: 'WebSocket', what: 'to a server and back' };
/** Up to a second of sound may wait for the network; what comes on top is dropped, and the page says so. */
const echo: OpenTransport = (bytesPerSecond) =>
  WebSocketTransport.create('/echo', { highWaterBytes: Math.ceil(bytesPerSecond) });

/** Every lane of the lab. A new one is one more line. */
export const LANES = {
  'base64-json-websocket': {
    label: 'Base64 JSON',
    note: 'One JSON object a chunk, the sound in Base64: what most speech services take.',
    stations: [{ name: 'Base64 JSON', what: 'one object a chunk' }, WEBSOCKET],
    framing: FRAMINGS['base64-json'],
    openTransport: echo,
    build: buildChunkLane,
  },
  'binary-websocket': {
    label: 'Binary',
    note: 'A header of 9 bytes or so and the sound as it is: a quarter less on the wire, or better.',
    stations: [{ name: 'Binary', what: 'short header' }, WEBSOCKET],
    framing: FRAMINGS.binary,
    openTransport: echo,
    build: buildChunkLane,
  },
} as const satisfies Readonly<Record<LaneId, LaneKind>>;
