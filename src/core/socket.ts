import { checkObject } from './option-names.ts';

/** The part of a browser's `WebSocket` that this library uses. Other implementations, such as `ws` in Node, also match. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
}

/** Creates a socket that connects to `url` (RFC 6455 §1.9 for `protocols`). */
export type CreateSocket = (url: string, protocols: readonly string[]) => WebSocketLike;

/** Checks what an app's `createSocket` returned. @returns the socket @throws TypeError for anything but a socket */
export function madeSocket(socket: WebSocketLike): WebSocketLike {
  checkObject('createSocket must return a WebSocket', socket, 'send', 'close');
  return socket;
}

/**
 * Returns an absolute address with `ws:` or `wss:`, since not every browser's WebSocket takes `http:` and relative addresses
 * (WHATWG WebSockets §3.1, since 2023).
 * @param absolute a `URL`, which is changed
 * @throws TypeError for an address with any other protocol
 */
export function socketUrl(absolute: { protocol: string; readonly href: string }): string {
  if (absolute.protocol === 'http:') absolute.protocol = 'ws:';
  else if (absolute.protocol === 'https:') absolute.protocol = 'wss:';
  if (absolute.protocol === 'ws:' || absolute.protocol === 'wss:') return absolute.href;
  throw new TypeError(`url must be a ws: or wss: address, got '${absolute.protocol}'.`);
}
