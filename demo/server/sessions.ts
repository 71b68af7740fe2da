import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import { PacketError } from '../../src/core/errors.ts';
import { binaryFraming } from '../../src/core/framing/binary.ts';
import type { Packet } from '../../src/core/framing/packet.ts';
import { CLOSING, PROTOCOL_NAME } from '../../src/core/session/protocol.ts';
import type { ServerSession } from '../../src/core/session/server/server-session.ts';
import { SessionServer } from '../../src/core/session/server/session-server.ts';
import { ErrorBoundary } from './error-boundary.ts';
import { isOwnRequest, isTrustedOrigin, withoutCors } from './origin.ts';
import { refuse } from './refuse.ts';
import { Wires } from './wire.ts';
import type { Wire } from './wire.ts';

const SESSION_PATH = '/session';
const PLAIN_PATH = '/plain';
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_MESSAGE_BYTES = 2 ** 20;
const MAX_CONNECTIONS = 64;
const MAX_WIRES = 64;
const TICK_MS = 50;

/** Running sessions, and plain WebSockets beside them. */
export interface Sessions {
  /** Answers `GET /NAME`, `POST /NAME/cut` and `POST /NAME/mend` below where it is mounted. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void;
  close(): void;
}

/**
 * Serves micwire's own protocol at `/session?wire=NAME`, and a WebSocket that echoes at `/plain?wire=NAME`. Keeps which frames of
 * both have arrived, sends the audio back, and cuts the wire when the page asks for it.
 * @param http an HTTP server: whatever emits `'upgrade'`
 */
export function attachSessions(http: EventEmitter): Sessions {
  const wires = new Wires(MAX_WIRES);
  const boundary = new ErrorBoundary('sessions');
  /** The wire of each session, by its id. */
  const wireOf = new Map<string, Wire>();
  const server = new SessionServer({
    open: ({ session, token }) => {
      const wire = wires.find(token ?? '');
      if (wire !== undefined) wireOf.set(session, wire);
      return {};
    },
    audio: (session, { frame, frames, bytes }) => {
      wireOf.get(session.id)?.session.add(frame, frames);
      session.write({ item: echoItem(session), bytes, frames });
    },
    ended: (session) => void wireOf.delete(session.id),
    failed: (error) => boundary.report(error),
  });
  const ticking = setInterval(() => server.tick(performance.now()), TICK_MS);
  ticking.unref();

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(PROTOCOL_NAME) ? PROTOCOL_NAME : false),
  });

  const serveSession = (socket: WebSocket, name: string): void => {
    const connection = server.connect(
      {
        get bufferedBytes() {
          return socket.bufferedAmount;
        },
        send: (message) => socket.send(message),
        close: (code, reason) => socket.close(code, reason),
      },
      { token: name },
      performance.now(),
    );
    socket.on('message', (data: RawData, isBinary: boolean) => {
      connection.receive(isBinary ? bytesOf(data) : bytesOf(data).toString(), performance.now());
    });
    socket.on('close', () => connection.closed(performance.now()));
  };
  const servePlain = (socket: WebSocket, wire: Wire): void => {
    const decoder = binaryFraming.createDecoder();
    const read = (bytes: Buffer): readonly Packet[] | null => {
      try {
        return decoder.decode(bytes);
      } catch (error) {
        // The peer's fault, so the peer is told, and not the log.
        if (!(error instanceof PacketError)) throw error;
        socket.close(CLOSING.badMessage, 'A message must be a packet.');
        return null;
      }
    };
    const onMessage = (data: RawData): void => {
      const bytes = bytesOf(data);
      const packets = socket.readyState === socket.OPEN ? read(bytes) : null;
      if (packets === null) return;
      for (const { frame, frames } of packets) wire.plain.add(frame, frames);
      socket.send(bytes);
    };
    socket.on(
      'message',
      boundary.guard(onMessage, () => socket.terminate()),
    );
  };

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname !== SESSION_PATH && pathname !== PLAIN_PATH) return;
    const { origin, host } = request.headers;
    const name = searchParams.get('wire') ?? '';
    if (!isTrustedOrigin(origin, host, [])) return refuse(socket, '403 Forbidden');
    if (!NAME.test(name)) return refuse(socket, '400 Bad Request');
    const isFull = sockets.clients.size >= MAX_CONNECTIONS;
    const wire = isFull ? undefined : wires.open(name, performance.now());
    if (wire === undefined) return refuse(socket, '503 Service Unavailable');
    // A wire that is cut carries no refusal either.
    if (wire.isCut) return void socket.destroy();
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => {});
      wire.add(client);
      if (pathname === SESSION_PATH) serveSession(client, name);
      else servePlain(client, wire);
    });
  };
  const onUpgrade = boundary.guard(upgrade, (_request, socket) => socket.destroy());
  http.on('upgrade', onUpgrade);

  return {
    answer(request, response) {
      withoutCors(response);
      const [, name = '', verb = ''] = (request.url ?? '').split('?', 1)[0]!.split('/');
      if (!isOwnRequest(request.headers)) return end(response, 403);
      if (!NAME.test(name)) return end(response, 404);
      if (request.method === 'GET' && verb === '') {
        const wire = wires.find(name);
        response.setHeader('Content-Type', 'application/json');
        response.setHeader('Cache-Control', 'no-store');
        response.end(
          JSON.stringify({
            cut: wire?.isCut ?? false,
            session: wire?.session.spans ?? [],
            plain: wire?.plain.spans ?? [],
          }),
        );
        return;
      }
      const wire = request.method === 'POST' ? wires.open(name, performance.now()) : undefined;
      if (wire === undefined || (verb !== 'cut' && verb !== 'mend')) return end(response, 404);
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

/** All that a session sends back is one item: the plain WebSocket's audio has no parts either. */
function echoItem({ id }: ServerSession): string {
  return `echo-${id}`;
}

function bytesOf(data: RawData): Buffer {
  return Buffer.isBuffer(data)
    ? data
    : Array.isArray(data)
      ? Buffer.concat(data)
      : Buffer.from(data);
}

function end(response: ServerResponse, status: number): void {
  response.statusCode = status;
  response.end();
}
