import { MicwireError } from '../../core/errors.ts';
import { socketUrl } from '../../core/socket.ts';
import type { WebSocketLike } from '../../core/socket.ts';

/** Creates a socket with the global `WebSocket`. @throws MicwireError `'unsupported'` if it does not exist */
export function createGlobalSocket(url: string, protocols: readonly string[]): WebSocketLike {
  if (typeof WebSocket === 'undefined') {
    throw new MicwireError(
      'unsupported',
      'There is no WebSocket in this scope. Pass one with the option createSocket.',
    );
  }
  return new WebSocket(url, [...protocols]);
}

/** Returns the absolute address, `ws:` or `wss:`. @throws TypeError for an invalid address */
export function socketAddress(url: string | URL): string {
  return socketUrl(new URL(url, globalThis.location?.href));
}
