import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { PROTOCOL_NAME } from '../../src/core/session/protocol.ts';
import { refuseUpgrade } from '../../src/node/refuse-upgrade.ts';
import { ErrorBoundary } from './error-boundary.ts';
import type { MessageSocket } from './message-socket.ts';
import { isOwnRequest, isTrustedOrigin, withoutCors } from './origin.ts';
import { WIRE_TICK_MS, WireSessions } from './wire-sessions.ts';

const SESSION_PATH = '/session';
const PLAIN_PATH = '/plain';
const MAX_MESSAGE_BYTES = 2 ** 20;
const MAX_CONNECTIONS = 64;

/** Running sessions, and plain WebSockets beside them. */
export interface Sessions {
  /** Answers `GET /NAME`, `POST /NAME/cut` and `POST /NAME/mend` below where it is mounted. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void;
  close(): void;
}

/**
 * Serves micwire's own protocol at `/session?wire=NAME`, and a WebSocket that echoes at `/plain?wire=NAME`. Records which frames of both
 * have arrived, sends the audio back, and cuts the wire when the page asks for it.
 * @param http an HTTP server: whatever emits `'upgrade'`
 */
export function attachSessions(http: EventEmitter): Sessions {
  const boundary = new ErrorBoundary('sessions');
  const wires = new WireSessions(boundary);
  const ticking = setInterval(() => wires.tick(), WIRE_TICK_MS);
  ticking.unref();

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(PROTOCOL_NAME) ? PROTOCOL_NAME : false),
  });

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname !== SESSION_PATH && pathname !== PLAIN_PATH) return;
    const { origin, host } = request.headers;
    const name = searchParams.get('wire') ?? '';
    if (!isTrustedOrigin(origin, host, [])) return refuseUpgrade(socket, '403 Forbidden');
    const isFull = sockets.clients.size >= MAX_CONNECTIONS;
    const wire = isFull ? undefined : wires.open(name);
    if (wire === null) return refuseUpgrade(socket, '400 Bad Request');
    if (wire === undefined) return refuseUpgrade(socket, '503 Service Unavailable');
    // A cut wire carries no refusal either.
    if (wire.isCut) return void socket.destroy();
    sockets.handleUpgrade(request, socket, head, (client) => {
      // By its `binaryType` every message is a Buffer.
      const messages = client as unknown as MessageSocket;
      wires.serve(pathname === SESSION_PATH ? 'session' : 'plain', name, messages);
    });
  };
  const onUpgrade = boundary.guard(upgrade, (_request, socket) => socket.destroy());
  http.on('upgrade', onUpgrade);

  return {
    answer(request, response) {
      withoutCors(response);
      const [, name = '', verb = ''] = (request.url ?? '').split('?', 1)[0]!.split('/');
      if (!isOwnRequest(request.headers)) return end(response, 403);
      const record = wires.record(name);
      if (record === undefined) return end(response, 404);
      if (request.method === 'GET' && verb === '') {
        response.setHeader('Content-Type', 'application/json');
        response.setHeader('Cache-Control', 'no-store');
        response.end(JSON.stringify(record));
        return;
      }
      const wire = request.method === 'POST' ? wires.open(name) : undefined;
      if (!wire || (verb !== 'cut' && verb !== 'mend')) return end(response, 404);
      if (verb === 'cut') wire.cut();
      else wire.mend();
      end(response, 204);
    },
    close() {
      clearInterval(ticking);
      http.off('upgrade', onUpgrade);
      wires.close();
      sockets.close();
    },
  };
}

function end(response: ServerResponse, status: number): void {
  response.statusCode = status;
  response.end();
}
