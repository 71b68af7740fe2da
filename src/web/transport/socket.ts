import { MicwireError } from '../../core/errors.ts';
import { socketUrl } from '../../core/socket.ts';
import type { WebSocketLike } from '../../core/socket.ts';

/** The scope's own socket. @throws MicwireError `'unsupported'` if there is none */
export function createGlobalSocket(url: string, protocols: readonly string[]): WebSocketLike {
  if (typeof WebSocket === 'undefined') {
    throw new MicwireError(
      'unsupported',
      'There is no WebSocket in this scope. Pass one with the option createSocket.',
    );
  }
  return new WebSocket(url, [...protocols]);
}

/** The address in full: `ws:` or `wss:`. @throws TypeError for an invalid address */
export function socketAddress(url: string | URL): string {
  return socketUrl(new URL(url, globalThis.location?.href));
}
