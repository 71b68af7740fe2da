import { WebSocket } from 'ws';
import type { WebSocketServer } from 'ws';

/** Asks the clients of a server for a sign of life, and ends those that have given none by the next time. */
export class Heartbeat {
  readonly #sockets: Pick<WebSocketServer, 'clients'>;
  readonly #timer: NodeJS.Timeout;
  /** Clients that have given one since the last time. */
  readonly #alive = new WeakSet<WebSocket>();

  constructor(sockets: Pick<WebSocketServer, 'clients'>, intervalMs: number) {
    this.#sockets = sockets;
    // Node reads its sockets after timers and before immediates: what arrived while the process was busy counts.
    this.#timer = setInterval(() => setImmediate(() => this.#ping()), intervalMs);
    this.#timer.unref();
  }

  /** A client has connected. */
  watch(client: WebSocket): void {
    this.seen(client);
    client.on('pong', () => this.seen(client));
  }

  /** A client has sent something. */
  seen(client: WebSocket): void {
    this.#alive.add(client);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #ping(): void {
    for (const client of this.#sockets.clients) {
      if (!this.#alive.has(client)) client.terminate();
      this.#alive.delete(client);
      if (client.readyState === WebSocket.OPEN) client.ping();
    }
  }
}
