import { WebSocketSignalling } from 'micwire';
import type { Signalling, WebSocketSignallingOptions } from 'micwire';
import { joined } from '../lanes/joined.ts';

/** Which end of a call. */
export type CallEnd = 'caller' | 'callee';

type CreateSocket = NonNullable<WebSocketSignallingOptions['createSocket']>;

/** A name for a room that nobody else has. */
export function newRoom(): string {
  return `learn-${crypto.randomUUID().slice(0, 8)}`;
}

/**
 * Brings both ends of a call of this page together in a room of the lab's signalling server.
 * @param url of the signalling, such as `/signal`
 * @param socketOf makes the socket of one end. @default the global WebSocket
 */
export async function meet(
  url: string,
  room: string,
  socketOf?: (end: CallEnd) => CreateSocket,
): Promise<readonly [caller: Signalling, callee: Signalling]> {
  const enter = (end: CallEnd): Signalling =>
    WebSocketSignalling.create(
      url,
      socketOf === undefined ? { room } : { room, createSocket: socketOf(end) },
    );
  // The first in the room is called.
  const callee = enter('callee');
  await joined(callee);
  return [enter('caller'), callee];
}
