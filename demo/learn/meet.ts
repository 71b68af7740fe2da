import { WebSocketSignalling } from 'micwire';
import type { Signalling, WebSocketSignallingOptions } from 'micwire';
import { joined } from '../lanes/joined.ts';

/**
 * Brings both ends of a call of this page together in a room of the lab's signalling server.
 * @param url of the signalling, such as `/signal`
 * @param socketOf makes the socket of one end. @default the global WebSocket
 */
export async function meet(
  url: string,
  socketOf?: (end: 'caller' | 'callee') => NonNullable<WebSocketSignallingOptions['createSocket']>,
): Promise<readonly [caller: Signalling, callee: Signalling]> {
  const room = `learn-${crypto.randomUUID()}`;
  const optionsOf = (end: 'caller' | 'callee'): WebSocketSignallingOptions => ({
    room,
    ...(socketOf === undefined ? {} : { createSocket: socketOf(end) }),
  });
  // The first in the room is called.
  const callee = WebSocketSignalling.create(url, optionsOf('callee'));
  await joined(callee);
  return [WebSocketSignalling.create(url, optionsOf('caller')), callee];
}
