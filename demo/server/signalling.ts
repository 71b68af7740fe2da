import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RawData } from 'ws';
import { WebSocket, WebSocketServer } from 'ws';
import { PacketError } from '../../src/core/errors.ts';
import { MAX_SIGNAL_LENGTH } from '../../src/core/webrtc/signal-message.ts';
import type {
  SignallingErrorCode,
  SignallingReply,
  SignallingRequest,
} from '../../src/core/webrtc/signalling-protocol.ts';
import { parseSignallingRequest } from '../../src/core/webrtc/signalling-protocol.ts';
import { refuseUpgrade } from '../../src/node/refuse-upgrade.ts';
import { ErrorBoundary } from './error-boundary.ts';
import { Heartbeat } from './heartbeat.ts';
import { TokenBucket } from '../../src/core/token-bucket.ts';
import { isTrustedOrigin } from './origin.ts';
import type { CallWay, OpenSplice, Peer, RoomSeat } from './signalling-rooms.ts';
import { SignallingRooms } from './signalling-rooms.ts';

/** The limits of the signalling. */
export interface SignallingServerOptions {
  /** @default '/signal' */
  readonly path?: string;
  /** Further connections are refused with status 503. @default 64 */
  readonly maxConnections?: number;
  /** Further rooms are refused with `too-many-rooms`. @default 32 */
  readonly maxRooms?: number;
  /** Bursts of twice as many are allowed; a connection that exceeds that is ended with `too-fast`. @default 50 */
  readonly maxMessagesPerSecond?: number;
  /** A connection that has not joined a room after this many ms is ended. @default 10000 */
  readonly joinTimeoutMs?: number;
  /** How long the place of a peer that was cut off from a call is kept for it, ms; 0: not at all. @default 60000 */
  readonly holdMs?: number;
  /** Interval of pings, in ms. A connection that shows no sign of life between two pings is cut. @default 10000 */
  readonly pingIntervalMs?: number;
  /** A connection for which more bytes than this wait is cut. @default 1048576 */
  readonly maxBufferedBytes?: number;
  /** Origins that may connect besides the server's own pages. See `isTrustedOrigin`. */
  readonly allowedOrigins?: readonly string[];
  /** Opens the path of a call over the simulated network. @default none: calls that ask for one are refused */
  readonly openSplice?: OpenSplice;
}

/** A running signalling. */
export interface SignallingServer {
  readonly connections: number;
  readonly rooms: number;
  /** Cuts every connection and accepts no more. Leaves the HTTP server alone. */
  close(): void;
}

/** RFC 6455 §7.4.1: the peer broke a rule that has no code of its own. */
const POLICY_VIOLATION = 1008;
/** Empty for a call without a simulated network. */
const LINK_NAME = /^[A-Za-z0-9_-]{0,64}$/;
const NO_CODE = 1005;
const NORMAL = 1000;
const GOING_AWAY = 1001;

/**
 * Brings the two peers of a call together: `SignallingRequest` in, `SignallingReply` out. With `?link=NAME` in the address the
 * simulated network carries the call, under that name; with `?router=1` the peers are behind simulated routers, and neither
 * learns the other's own addresses. Upgrades to other paths are left to others.
 * @param server an HTTP server: whatever emits `'upgrade'`
 */
export function attachSignalling(
  server: EventEmitter,
  options: SignallingServerOptions = {},
): SignallingServer {
  const {
    path = '/signal',
    maxConnections = 64,
    maxRooms = 32,
    maxMessagesPerSecond = 50,
    joinTimeoutMs = 10_000,
    holdMs = 60_000,
    pingIntervalMs = 10_000,
    maxBufferedBytes = 2 ** 20,
    allowedOrigins = [],
    openSplice = null,
  } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_SIGNAL_LENGTH,
    perMessageDeflate: false,
    clientTracking: true,
  });
  const boundary = new ErrorBoundary('signalling');
  const rooms = new SignallingRooms(maxRooms, holdMs, openSplice, boundary);
  const heartbeat = new Heartbeat(sockets, pingIntervalMs);

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const url = request.url ?? '';
    if (url.split('?', 1)[0] !== path) return;
    const query = new URLSearchParams(url.slice(path.length));
    const link = query.get('link') ?? '';
    const isRouted = query.get('router') === '1';
    const { origin, host } = request.headers;
    if (!isTrustedOrigin(origin, host, allowedOrigins))
      return refuseUpgrade(socket, '403 Forbidden');
    if (!LINK_NAME.test(link)) return refuseUpgrade(socket, '400 Bad Request');
    if (sockets.clients.size >= maxConnections)
      return refuseUpgrade(socket, '503 Service Unavailable');
    sockets.handleUpgrade(request, socket, head, (client) => serve(client, { link, isRouted }));
  };
  const onUpgrade = boundary.guard(upgrade, (_request, socket) => socket.destroy());

  const serve = (client: WebSocket, way: CallWay): void => {
    const rate = TokenBucket.perSecond(maxMessagesPerSecond, performance.now());
    let seat: RoomSeat | null = null;
    const peer: Peer = {
      reply: (reply) => send(client, reply, maxBufferedBytes),
      refuse(code: SignallingErrorCode, message: string) {
        peer.reply({ type: 'error', code, message });
        client.close(POLICY_VIOLATION, code);
      },
    };
    const joinTimer = setTimeout(
      () => peer.refuse('not-joined', 'No room was joined in time.'),
      joinTimeoutMs,
    );
    heartbeat.watch(client);
    const onMessage = (data: RawData, binary: boolean): void => {
      if (client.readyState !== WebSocket.OPEN) return;
      if (!rate.tryTake(performance.now())) {
        peer.refuse('too-fast', `At most ${maxMessagesPerSecond} messages a second are taken.`);
        return;
      }
      const request = read(data, binary, peer);
      if (request === null) return;
      if (request.type === 'ping') {
        peer.reply({ type: 'pong' });
      } else if (request.type !== 'join' && seat !== null) {
        seat.say(request);
      } else if (request.type === 'join' && seat === null) {
        clearTimeout(joinTimer);
        seat = rooms.join(peer, request, way);
      } else {
        peer.refuse('not-joined', 'The first message must be a join, and no later one.');
      }
    };
    const onClose = (code: number): void => {
      clearTimeout(joinTimer);
      seat?.leave(code === NORMAL || code === GOING_AWAY || code === NO_CODE);
    };
    client.on(
      'message',
      boundary.guard(onMessage, () => client.terminate()),
    );
    client.on('close', boundary.guard(onClose));
    // A message that is too long or not UTF-8: `ws` closes the connection with the right code by itself.
    client.on('error', () => {});
  };

  server.on('upgrade', onUpgrade);
  return {
    get connections() {
      return sockets.clients.size;
    },
    get rooms() {
      return rooms.count;
    },
    close() {
      heartbeat.close();
      server.off('upgrade', onUpgrade);
      rooms.close();
      for (const client of sockets.clients) client.terminate();
      sockets.close();
    },
  };
}

function send(client: WebSocket, reply: SignallingReply, maxBufferedBytes: number): void {
  if (client.readyState !== WebSocket.OPEN) return;
  client.send(JSON.stringify(reply));
  if (client.bufferedAmount > maxBufferedBytes) client.terminate();
}

/** Reads a request, or says what is wrong with it: bytes from the network have no other effect. */
function read(data: RawData, binary: boolean, peer: Peer): SignallingRequest | null {
  try {
    if (binary) throw new PacketError('bad-json', 'A signalling message must be text.');
    return parseSignallingRequest((data as Buffer).toString());
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    peer.reply({
      type: 'error',
      code: 'bad-message',
      message: `${error.message} (${error.reason})`,
    });
    return null;
  }
}
