import type { WebSocketLike } from '../../src/core/socket.ts';
import type { ClientSocket } from './link-client.ts';
import type { FromClient, LinkPort, ToClient, ToGateway } from './link-port.ts';

/** The base of a gateway's addresses: no request goes to the network. */
export const GATEWAY_BASE = 'ws://link-worker';

/** Opens a port to a path of a gateway. @param url below `GATEWAY_BASE`, with `/link/` before the path */
export function openPort(gateway: LinkPort, url: string): LinkPort {
  const { port1, port2 } = new MessageChannel() as unknown as Record<'port1' | 'port2', LinkPort>;
  const path = new URL(url).pathname.replace('/link/', '');
  const connect: ToGateway = { type: 'connect', path, port: port2 };
  gateway.postMessage(connect, [port2 as never]);
  return port1;
}

/** A connection to a gateway, as its client sees it: a WebSocket that ends in a Worker of the page. */
export class PortClientSocket implements WebSocketLike, ClientSocket {
  /** Nothing else is supported. */
  binaryType = 'arraybuffer';
  /** Bytes that the other end has not read. */
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  /** Never called: a connection that is refused closes. */
  onerror: ((event: never) => void) | null = null;
  readonly #port: LinkPort;
  #closed = false;

  constructor(gateway: LinkPort, url: string) {
    this.#port = openPort(gateway, url);
    this.#port.onmessage = ({ data }: { readonly data: ToClient }) => this.#receive(data);
  }

  send(message: string | Uint8Array<ArrayBuffer>): void {
    if (this.#closed) return;
    const binary = typeof message !== 'string';
    // A copy: the caller keeps the buffer that it views.
    const data = binary ? message.slice() : new TextEncoder().encode(message);
    this.bufferedAmount += data.length;
    const post: FromClient = { type: 'message', data, binary };
    this.#port.postMessage(post, [data.buffer as never]);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const post: FromClient = { type: 'close' };
    this.#port.postMessage(post, []);
  }

  #receive(message: ToClient): void {
    if (this.#closed) return;
    switch (message.type) {
      case 'open':
        this.onopen?.(message as never);
        return;
      case 'read':
        this.bufferedAmount -= message.bytes;
        return;
      case 'message': {
        const { data, binary } = message;
        const whole =
          typeof data === 'string' ? data : binary ? data.buffer : new TextDecoder().decode(data);
        this.onmessage?.({ data: whole } as never);
        return;
      }
      case 'closed':
        this.#closed = true;
        this.#port.close();
        this.onclose?.({ code: message.code, reason: message.reason } as never);
        return;
    }
  }
}
