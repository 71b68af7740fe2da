import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import { refuseUpgrade } from '../../src/node/refuse-upgrade.ts';
import { ErrorBoundary } from './error-boundary.ts';
import { Heartbeat } from './heartbeat.ts';
import { isTrustedOrigin } from './origin.ts';

/** The limits of an echo. */
export interface EchoOptions {
  /** @default '/echo' */
  readonly path?: string;
  /**
   * A longer message ends its connection (close code 1009).
   * @default 1048576
   */
  readonly maxMessageBytes?: number;
  /**
   * Further connections are refused with status 503.
   * @default 32
   */
  readonly maxConnections?: number;
  /**
   * Interval of pings to each connection, in ms. A connection that shows no sign of life between two pings is cut.
   * @default 10000
   */
  readonly pingIntervalMs?: number;
  /**
   * While more bytes than this wait for a client that reads slowly, nothing further is read from it: back-pressure reaches the sender
   * instead of filling this process's memory.
   * @default 262144
   */
  readonly maxBufferedBytes?: number;
  /** Origins that may connect besides the server's own pages. See `isTrustedOrigin`. */
  readonly allowedOrigins?: readonly string[];
}

/** A running echo. */
export interface Echo {
  /** Connections that are open now. */
  readonly connections: number;
  /** Cuts every connection and accepts no more. Leaves the HTTP server alone. */
  close(): void;
}

/**
 * Sends every WebSocket message that comes in at the path back to its sender. Upgrades to other paths are left to others.
 * @param server an HTTP server: whatever emits `'upgrade'`
 */
export function attachEcho(server: EventEmitter, options: EchoOptions = {}): Echo {
  const {
    path = '/echo',
    maxMessageBytes = 2 ** 20,
    maxConnections = 32,
    pingIntervalMs = 10_000,
    maxBufferedBytes = 2 ** 18,
    allowedOrigins = [],
  } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    clientTracking: true,
  });
  const heartbeat = new Heartbeat(sockets, pingIntervalMs);

  const boundary = new ErrorBoundary('echo');
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (pathOf(request) !== path) return;
    const { origin, host } = request.headers;
    if (!isTrustedOrigin(origin, host, allowedOrigins))
      return refuseUpgrade(socket, '403 Forbidden');
    if (sockets.clients.size >= maxConnections)
      return refuseUpgrade(socket, '503 Service Unavailable');
    sockets.handleUpgrade(request, socket, head, (client) => serve(client));
  };
  const onUpgrade = boundary.guard(upgrade, (_request, socket) => socket.destroy());

  const serve = (client: WebSocket): void => {
    heartbeat.watch(client);
    const onMessage = (data: RawData, binary: boolean): void => {
      heartbeat.seen(client);
      client.send(data, { binary }, () => {
        if (client.bufferedAmount <= maxBufferedBytes / 2) client.resume();
      });
      // A paused client gives no sign of life: the heartbeat ends one that needs too long to read half of the limit.
      if (client.bufferedAmount > maxBufferedBytes) client.pause();
    };
    client.on(
      'message',
      boundary.guard(onMessage, () => client.terminate()),
    );
    // A message that is too long or not UTF-8: `ws` closes the connection with the right code by itself.
    client.on('error', () => {});
  };

  server.on('upgrade', onUpgrade);
  return {
    get connections() {
      return sockets.clients.size;
    },
    close() {
      heartbeat.close();
      server.off('upgrade', onUpgrade);
      for (const client of sockets.clients) client.terminate();
      sockets.close();
    },
  };
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}
