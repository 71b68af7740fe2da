import { MicwireError } from '../../core/errors.ts';

/** The part of a browser's `WebSocket` that is used: other implementations, such as `ws` in Node, fit too. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** The scope's own socket. @throws MicwireError `'unsupported'` where there is none */
export function createGlobalSocket(url: string, protocols: readonly string[]): WebSocketLike {
  if (typeof WebSocket === 'undefined') {
    throw new MicwireError(
      'unsupported',
      'There is no WebSocket in this scope. Pass one with the option createSocket.',
    );
  }
  return new WebSocket(url, [...protocols]);
}

/**
 * The address in full, for not every browser's WebSocket takes `http:` and relative ones (WHATWG WebSockets §3.1, since 2023).
 * @throws TypeError for an invalid address
 */
export function socketAddress(url: string | URL): string {
  const absolute = new URL(url, globalThis.location?.href);
  if (absolute.protocol === 'http:') absolute.protocol = 'ws:';
  else if (absolute.protocol === 'https:') absolute.protocol = 'wss:';
  if (absolute.protocol === 'ws:' || absolute.protocol === 'wss:') return absolute.href;
  throw new TypeError(`url must be a ws: or wss: address, got '${absolute.protocol}'.`);
}
