import type { IncomingMessage } from 'node:http';
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import { booleanOf, integerIn, numberIn, oneOf } from '../core/arguments.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import { checkBytes, checkObject, checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { CLOSING, PROTOCOL_NAME, encodeProtocol } from '../core/session/protocol.ts';
import type { ServerSession } from '../core/session/server/server-session.ts';
import type {
  SessionAnswer,
  SessionArrival,
  SessionRefusal,
} from '../core/session/server/session-host.ts';
import { SessionServer } from '../core/session/server/session-server.ts';
import { tokenOf } from '../core/session/token-protocol.ts';
import { AcceptedStream } from './accepted-stream.ts';
import type { StreamEnding, StreamOwner } from './accepted-stream.ts';
import { isAllowedOrigin } from './allowed-origin.ts';
import { PlainPeer } from './plain-peer.ts';
import { refuseUpgrade } from './refuse-upgrade.ts';
import { StreamConnection } from './stream-connection.ts';
import type { StreamAnswer, StreamHost } from './stream-host.ts';
import type { StreamSocket } from './stream-socket.ts';
import { importWs } from './import-ws.ts';
import { pause } from './pause.ts';

/** Options of a {@link StreamServer}. */
export interface StreamServerOptions {
  /**
   * When audio is acknowledged, so that the client discards it. `'read'`: when the reader requests the chunk after it. `'stored'`:
   * when the reader calls `stream.stored(frame)`.
   * @default 'read'
   */
  readonly acknowledge?: 'read' | 'stored';
  /**
   * Origins whose pages may connect, such as `'https://app.example'`; `'*'` for any. Only browsers send an origin: all other
   * clients are admitted.
   * @default the host of the request
   */
  readonly origins?: readonly string[] | '*';
  /** Whether clients may send packets without the protocol `micwire.1`; such packets are not acknowledged. @default true */
  readonly plain?: boolean;
  /** Maximum number of simultaneous streams. Further clients are asked to come back later. @default 1000 */
  readonly maxStreams?: number;
  /** Maximum number of simultaneous connections, with or without a stream. @default 2000 */
  readonly maxConnections?: number;
  /** Maximum number of simultaneous connections from one address. @default 100 */
  readonly maxConnectionsPerAddress?: number;
  /** Maximum number of messages per second on one connection; beyond it the client has to wait. @default 1000 */
  readonly messagesPerSecond?: number;
  /** Maximum number of bytes per second on one connection; beyond it the client has to wait. @default 4194304 */
  readonly bytesPerSecond?: number;
  /** Maximum length of a message in bytes. A connection with a longer message is closed. @default 1048576 */
  readonly maxMessageBytes?: number;
  /** Maximum length of audio that waits for a reader, in ms; beyond it the client has to wait. @default 10000 */
  readonly queuedMs?: number;
  /** The same limit in bytes. @default 4194304 */
  readonly queuedBytes?: number;
  /** A stream ends when its client was disconnected for this time, in ms. @default 600000 */
  readonly expireMs?: number;
  /** A connection is closed when no message has arrived for this time, in ms. @default 90000 */
  readonly idleMs?: number;
  /** A connection is closed when it has had no stream for this time, in ms. @default 10000 */
  readonly helloMs?: number;
  /** Maximum length of replies that wait for a client, in ms of audio; beyond it the oldest are dropped. @default 600000 */
  readonly maxReplyMs?: number;
  /** The same limit in bytes. @default 33554432 */
  readonly maxReplyBytes?: number;
  /** Returns a client's address, for a server behind a trusted proxy. @default the address of the request's socket */
  readonly addressOf?: (request: IncomingMessage) => string;
}

const OPTION_NAMES = {
  acknowledge: 1,
  origins: 1,
  plain: 1,
  maxStreams: 1,
  maxConnections: 1,
  maxConnectionsPerAddress: 1,
  messagesPerSecond: 1,
  bytesPerSecond: 1,
  maxMessageBytes: 1,
  queuedMs: 1,
  queuedBytes: 1,
  expireMs: 1,
  idleMs: 1,
  helloMs: 1,
  maxReplyMs: 1,
  maxReplyBytes: 1,
  addressOf: 1,
} satisfies OptionNames<StreamServerOptions>;

/** Why a connection was refused. */
export type ConnectionRefusal = 'origin' | 'full' | 'address' | 'leaving' | 'authorize' | 'plain';

/** Running totals and current counts of a {@link StreamServer}. */
export interface StreamServerStats {
  readonly connections: number;
  readonly streams: number;
  readonly acceptedConnections: number;
  readonly acceptedStreams: number;
  /** Refused connections, by reason. */
  readonly refused: Readonly<Record<ConnectionRefusal, number>>;
  /** Number of exceptions from the host's functions. */
  readonly failures: number;
  /** How often a connection was paused, by a rate limit or by its reader. */
  readonly pauses: number;
  /** Audio of all streams, in seconds: received = delivered + queued + dropped. */
  readonly receivedSeconds: number;
  readonly deliveredSeconds: number;
  readonly queuedSeconds: number;
  readonly droppedSeconds: number;
  readonly missingSeconds: number;
  readonly duplicateSeconds: number;
}

type Seconds = 'received' | 'delivered' | 'queued' | 'dropped' | 'missing' | 'duplicate';
const SECONDS: readonly Seconds[] = [
  'received',
  'delivered',
  'queued',
  'dropped',
  'missing',
  'duplicate',
];

const TICK_MS = 20;
const MAX_MS = 2 ** 31 - 1;

interface Running {
  readonly stream: AcceptedStream;
  /** The connection that carries the stream. */
  connection: StreamConnection | null;
}

/**
 * The server for micwire's clients: takes WebSockets, and passes each client's audio to the host as an {@link AcceptedStream},
 * exactly once and in order. Clients of `micwire.1` get acknowledgements and can resume their streams; other clients may send
 * packets of the binary framing or of Base64 in JSON.
 */
export class StreamServer {
  readonly #host: StreamHost;
  readonly #sessions: SessionServer;
  readonly #settings: Required<StreamServerOptions>;
  readonly #connections = new Set<StreamConnection>();
  readonly #plain = new Map<StreamConnection, PlainPeer>();
  /** Connections whose client waits to begin a stream. */
  readonly #asking = new Set<StreamConnection>();
  readonly #perAddress = new Map<string, number>();
  readonly #running = new Map<string, Running>();
  /** Streams whose readers have not returned; the streams may have ended. */
  readonly #live = new Set<AcceptedStream>();
  /** Promises of the host's `stream`, for `drain`. */
  readonly #readers = new Set<Promise<void>>();
  readonly #refused = { origin: 0, full: 0, address: 0, leaving: 0, authorize: 0, plain: 0 };
  /** Totals, in seconds, of streams whose readers have returned. */
  readonly #past: Record<Seconds, number> = {
    received: 0,
    delivered: 0,
    queued: 0,
    dropped: 0,
    missing: 0,
    duplicate: 0,
  };
  #pastPauses = 0;
  #accepted = 0;
  #begun = 0;
  #failures = 0;
  #isLeaving = false;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #sockets: Promise<import('ws').WebSocketServer> | undefined;

  /** @throws TypeError or RangeError for an invalid option */
  constructor(host: StreamHost, options: StreamServerOptions = {}) {
    checkObject('host must be a StreamHost', host, 'stream');
    checkOptions('StreamServer', options, OPTION_NAMES);
    this.#host = host;
    const count = (name: string, value: number | undefined, standard: number): number =>
      integerIn(name, value ?? standard, 1, 2 ** 40);
    const ms = (name: string, value: number | undefined, standard: number): number =>
      numberIn(name, value ?? standard, 1, MAX_MS);
    this.#settings = {
      acknowledge: oneOf('acknowledge', options.acknowledge ?? 'read', ['read', 'stored']),
      origins: options.origins ?? [],
      plain: booleanOf('plain', options.plain ?? true),
      maxStreams: count('maxStreams', options.maxStreams, 1000),
      maxConnections: count('maxConnections', options.maxConnections, 2000),
      maxConnectionsPerAddress: count(
        'maxConnectionsPerAddress',
        options.maxConnectionsPerAddress,
        100,
      ),
      messagesPerSecond: count('messagesPerSecond', options.messagesPerSecond, 1000),
      bytesPerSecond: count('bytesPerSecond', options.bytesPerSecond, 2 ** 22),
      maxMessageBytes: count('maxMessageBytes', options.maxMessageBytes, 2 ** 20),
      queuedMs: ms('queuedMs', options.queuedMs, 10_000),
      queuedBytes: count('queuedBytes', options.queuedBytes, 2 ** 22),
      expireMs: numberIn('expireMs', options.expireMs ?? 600_000, 0, MAX_MS),
      idleMs: ms('idleMs', options.idleMs, 90_000),
      helloMs: ms('helloMs', options.helloMs, 10_000),
      maxReplyMs: numberIn('maxReplyMs', options.maxReplyMs ?? 600_000, 0, MAX_MS),
      maxReplyBytes: numberIn('maxReplyBytes', options.maxReplyBytes ?? 2 ** 25, 0, 2 ** 40),
      addressOf: options.addressOf ?? (({ socket }) => socket.remoteAddress ?? ''),
    };
    const { expireMs, idleMs, helloMs, maxReplyMs, maxReplyBytes } = this.#settings;
    this.#sessions = new SessionServer(
      {
        open: (arrival) => this.#open(arrival),
        audio: (session, { frame, frames, bytes, missing }) => {
          this.#running.get(session.id)?.stream.push(frame, frames, bytes, missing);
        },
        connected: (session, known, client) => {
          this.#connected(session, known, client.data as StreamConnection);
        },
        disconnected: (session) => this.#disconnected(session),
        ended: (session, ending) => {
          // A server that shuts down ends sessions that another server may continue.
          const isLeft = this.#isLeaving && ending === 'expired';
          this.#ended(session.id, isLeft ? 'closed' : ending);
        },
        failed: (error, id) => this.#failed(error, id),
        commit: (session, frame) => this.#tell(session, (stream) => host.commit?.(stream, frame)),
        interrupted: (session, heard) =>
          this.#tell(session, (stream) => host.interrupted?.(stream, heard)),
        played: (session, place) => this.#tell(session, (stream) => host.played?.(stream, place)),
        muted: (session, muted) => this.#tell(session, (stream) => host.muted?.(stream, muted)),
        message: (session, value) => this.#tell(session, (stream) => host.message?.(stream, value)),
      },
      {
        acknowledge: 'stored',
        // Whether there is room is decided here, including plain streams.
        maxSessions: 1e6,
        expireMs,
        idleMs,
        helloMs,
        maxReplyMs,
        maxReplyBytes,
      },
    );
  }

  /** Streams that have not ended, connected or not. */
  get streams(): readonly AcceptedStream[] {
    return Array.from(this.#running.values(), ({ stream }) => stream);
  }

  get stats(): StreamServerStats {
    const seconds = { ...this.#past };
    for (const stream of this.#live) addSeconds(seconds, stream);
    let pauses = this.#pastPauses;
    for (const connection of this.#connections) pauses += connection.pauses;
    return {
      connections: this.#connections.size,
      streams: this.#running.size,
      acceptedConnections: this.#accepted,
      acceptedStreams: this.#begun,
      refused: { ...this.#refused },
      failures: this.#failures,
      pauses,
      receivedSeconds: seconds.received,
      deliveredSeconds: seconds.delivered,
      queuedSeconds: seconds.queued,
      droppedSeconds: seconds.dropped,
      missingSeconds: seconds.missing,
      duplicateSeconds: seconds.duplicate,
    };
  }

  /**
   * Handles an upgrade of an HTTP server: `server.on('upgrade', (...args) => streams.handleUpgrade(...args))`. Needs the package
   * `ws`. Failures are reported to the host: the promise rejects only with a TypeError, for arguments that do not come from an
   * upgrade.
   */
  async handleUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void> {
    checkObject('request must be an IncomingMessage', request, 'headers');
    checkObject('socket must be a Duplex', socket, 'on');
    checkBytes('head', head);
    const refusal = this.#refusalOf(request);
    if (refusal !== undefined) {
      this.#refused[refusal]++;
      refuseUpgrade(socket, refusal === 'origin' ? '403 Forbidden' : '503 Service Unavailable');
      return;
    }
    // Active until `ws` listens.
    const ignore = (): void => {};
    socket.on('error', ignore);
    try {
      const sockets = await this.#webSockets();
      sockets.handleUpgrade(request, socket, Buffer.from(head), (webSocket) => {
        socket.off('error', ignore);
        this.accept(webSocket, request);
      });
    } catch (error) {
      refuseUpgrade(socket, '503 Service Unavailable');
      this.#failed(error, undefined);
    }
  }

  /**
   * Takes an open WebSocket: one of the package `ws`, or of Fastify's or Express's plugin. Such a server must select the
   * subprotocol `micwire.1` if it is offered.
   * @param request the socket's upgrade request, which holds origin, address and token; without it these are unknown
   * @throws TypeError unless the arguments are a WebSocket and a request
   */
  accept(socket: StreamSocket, request: IncomingMessage | null = null): void {
    checkObject('socket must be a WebSocket', socket, 'on', 'send', 'close');
    if (request !== null) checkObject('request must be an IncomingMessage', request, 'headers');
    const refusal = request === null ? undefined : this.#refusalOf(request);
    if (refusal !== undefined) {
      this.#refused[refusal]++;
      const isForbidden = refusal === 'origin';
      socket.on('error', () => {});
      socket.close(
        isForbidden ? CLOSING.notAllowed : refusal === 'leaving' ? CLOSING.leaving : CLOSING.busy,
        REFUSALS[refusal],
      );
      return;
    }
    this.#accepted++;
    const address = this.#addressOf(request);
    const connection = new StreamConnection(socket, { address, request }, this.#settings);
    this.#connections.add(connection);
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    socket.on('close', () => this.#forget(connection));
    this.#startTicking();
    if (connection.protocol === PROTOCOL_NAME) this.#acceptSession(connection);
    else if (this.#settings.plain) this.#acceptPlain(connection);
    else {
      this.#refused.plain++;
      connection.close(CLOSING.badMessage, REFUSALS.plain);
    }
  }

  /**
   * Asks clients to connect elsewhere, accepts no new ones, and closes the remaining connections after `inMs`. Their streams then
   * end, and their readers get the waiting audio.
   * @returns a promise that resolves when every reader has returned, and every connection is closed. Does not reject
   */
  async drain(inMs = 5000): Promise<void> {
    numberIn('inMs', inMs, 0, MAX_MS);
    this.#isLeaving = true;
    this.#sessions.leave(inMs, performance.now());
    const untilMs = performance.now() + inMs;
    while (this.#connections.size > 0 && performance.now() < untilMs) await pause(TICK_MS);
    await this.close();
  }

  /**
   * Closes every connection and ends every stream.
   * @returns a promise that resolves when every reader has returned. Does not reject
   */
  async close(): Promise<void> {
    this.#isLeaving = true;
    this.#sessions.leave(0, performance.now());
    this.#sessions.tick(performance.now());
    for (const connection of this.#plain.keys()) {
      connection.close(CLOSING.leaving, REFUSALS.leaving);
    }
    for (const session of this.#sessions.sessions) {
      // The stream may continue at another server, which knows what this one has acknowledged.
      session.abandon();
    }
    while (this.#readers.size > 0) await Promise.all(this.#readers);
    for (let i = 0; this.#connections.size > 0 && i < CLOSE_MS / TICK_MS; i++) await pause(TICK_MS);
    for (const connection of this.#connections) connection.terminate();
    clearInterval(this.#ticking);
    this.#ticking = undefined;
  }

  #refusalOf(request: IncomingMessage): Exclude<ConnectionRefusal, 'plain'> | undefined {
    const { origins, maxConnections, maxConnectionsPerAddress } = this.#settings;
    const { origin, host } = request.headers;
    if (!isAllowedOrigin(origin, host, origins)) return 'origin';
    if (this.#isLeaving) return 'leaving';
    if (this.#connections.size >= maxConnections) return 'full';
    const ofAddress = this.#perAddress.get(this.#addressOf(request)) ?? 0;
    return ofAddress >= maxConnectionsPerAddress ? 'address' : undefined;
  }

  #addressOf(request: IncomingMessage | null): string {
    return request === null ? '' : this.#settings.addressOf(request);
  }

  #webSockets(): Promise<import('ws').WebSocketServer> {
    this.#sockets ??= importWs().then(
      ({ WebSocketServer }) =>
        new WebSocketServer({
          noServer: true,
          clientTracking: false,
          perMessageDeflate: false,
          maxPayload: this.#settings.maxMessageBytes,
          handleProtocols: (offered) => (offered.has(PROTOCOL_NAME) ? PROTOCOL_NAME : false),
        }),
    );
    return this.#sockets;
  }

  #acceptSession(connection: StreamConnection): void {
    const token = tokenIn(connection.request);
    const client = this.#sessions.connect(
      connection,
      { token, data: connection },
      performance.now(),
    );
    connection.begin({
      receive: (message, nowMs) => client.receive(message, nowMs),
      closed: (nowMs) => client.closed(nowMs),
      keepAlive: () => connection.send(encodeProtocol({ type: 'ping', number: 0 })),
    });
  }

  #acceptPlain(connection: StreamConnection): void {
    const id = randomUUID();
    const peer = new PlainPeer(
      connection,
      {
        open: (format, frame) => this.#openPlain(connection, id, format, frame),
        closed: () => {
          this.#plain.delete(connection);
          const running = this.#running.get(id);
          if (running === undefined) return;
          this.#guard(id, () => this.#host.disconnected?.(running.stream));
          this.#ended(id, 'lost');
        },
      },
      performance.now(),
    );
    this.#plain.set(connection, peer);
    connection.begin(peer);
  }

  #open(arrival: SessionArrival): Promise<SessionAnswer | SessionRefusal> {
    const connection = arrival.client.data as StreamConnection;
    const { session: id, input: format, output, token, frame, known } = arrival;
    return this.#authorize(connection, { id, format, output, token, frame, known });
  }

  async #authorize(
    connection: StreamConnection,
    asked: {
      readonly id: string;
      readonly format: StreamFormat;
      readonly output: StreamFormat | null;
      readonly token: string | undefined;
      readonly frame: number;
      readonly known: boolean;
    },
  ): Promise<StreamAnswer | SessionRefusal> {
    if (!asked.known) {
      if (this.#running.size + this.#asking.size >= this.#settings.maxStreams) {
        this.#refused.full++;
        return { code: CLOSING.busy, reason: REFUSALS.full };
      }
      this.#asking.add(connection);
    }
    const { address, request } = connection;
    const answer = (await this.#host.authorize?.({ ...asked, address, request })) ?? {};
    if (answer.code !== undefined) {
      this.#refused.authorize++;
      return answer;
    }
    // A known stream continues where it is: waiting chunks may not be in a file yet.
    const { frame = asked.frame, ...rest } = answer;
    return asked.known ? rest : { ...rest, frame };
  }

  async #openPlain(
    connection: StreamConnection,
    id: string,
    format: StreamFormat,
    frame: number,
  ): Promise<AcceptedStream | SessionRefusal> {
    try {
      const token = tokenIn(connection.request);
      const asked = { id, format, output: null, token, frame, known: false };
      const answer = await this.#authorize(connection, asked);
      if (answer.code !== undefined) return answer;
      if (!connection.isOpen) return { code: CLOSING.leaving, reason: '' };
      const owner: StreamOwner = {
        stored: () => {},
        taken: () => connection.look(),
        close: () => {
          connection.close(CLOSING.done, '');
          this.#ended(id, 'closed');
        },
      };
      const stream = this.#makeStream({ id, format, frame, session: null }, connection, owner);
      stream.connected();
      this.#guard(id, () => this.#host.connected?.(stream, false));
      this.#read(stream);
      return stream;
    } catch (error) {
      this.#failed(error, id);
      return { code: CLOSING.failed, reason: 'The server has failed.' };
    }
  }

  #connected(session: ServerSession, known: boolean, connection: StreamConnection): void {
    const { id } = session;
    let running = this.#running.get(id);
    const isNew = running === undefined;
    if (running === undefined) {
      const owner: StreamOwner = {
        stored: (frame) => session.stored(frame),
        taken: () => this.#running.get(id)?.connection?.look(),
        close: () => session.close(),
      };
      const { input: format, frame } = session;
      this.#makeStream({ id, format, frame, session }, connection, owner);
      running = this.#running.get(id)!;
    }
    running.connection = connection;
    connection.stream = running.stream;
    running.stream.connected();
    connection.look();
    const { stream } = running;
    this.#guard(id, () => this.#host.connected?.(stream, known));
    if (isNew) this.#read(stream);
  }

  #makeStream(
    stream: {
      readonly id: string;
      readonly format: StreamFormat;
      readonly frame: number;
      readonly session: ServerSession | null;
    },
    connection: StreamConnection,
    owner: StreamOwner,
  ): AcceptedStream {
    const { acknowledge, queuedMs, queuedBytes } = this.#settings;
    const accepted = new AcceptedStream(
      { ...stream, address: connection.address },
      { acknowledgesReads: acknowledge === 'read', queuedMs, queuedBytes },
      owner,
    );
    this.#begun++;
    this.#asking.delete(connection);
    this.#live.add(accepted);
    this.#running.set(stream.id, { stream: accepted, connection });
    connection.stream = accepted;
    return accepted;
  }

  /** Passes a stream to the host. */
  #read(stream: AcceptedStream): void {
    const reading = (async () => {
      try {
        // The connection's events come first.
        await Promise.resolve();
        await this.#host.stream(stream);
        stream.abandon();
        stream.close();
      } catch (error) {
        stream.abandon();
        this.#failed(error, stream.id);
        this.#giveUp(stream);
      }
    })();
    this.#readers.add(reading);
    void reading.then(() => {
      this.#readers.delete(reading);
      this.#live.delete(stream);
      addSeconds(this.#past, stream);
    });
  }

  /** Abandons a stream whose reader has failed: the client reconnects, and sends unacknowledged audio again. */
  #giveUp(stream: AcceptedStream): void {
    if (stream.ending !== null) return;
    if (stream.session !== null) stream.session.abandon();
    else {
      this.#running.get(stream.id)?.connection?.close(CLOSING.failed, 'The server has failed.');
      this.#ended(stream.id, 'closed');
    }
  }

  #disconnected(session: ServerSession): void {
    const running = this.#running.get(session.id);
    if (running === undefined) return;
    running.connection = null;
    this.#host.disconnected?.(running.stream);
  }

  #ended(id: string, ending: StreamEnding): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    this.#running.delete(id);
    const { stream } = running;
    stream.end(ending);
    this.#guard(id, () => this.#host.ended?.(stream, ending));
  }

  #forget(connection: StreamConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#asking.delete(connection);
    this.#pastPauses += connection.pauses;
    const left = (this.#perAddress.get(connection.address) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(connection.address, left);
    else this.#perAddress.delete(connection.address);
  }

  #tell(session: ServerSession, act: (stream: AcceptedStream) => void): void {
    const running = this.#running.get(session.id);
    if (running !== undefined) act(running.stream);
  }

  #guard(id: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#failed(error, id);
    }
  }

  #failed(error: unknown, id: string | undefined): void {
    this.#failures++;
    if (this.#host.failed !== undefined) this.#host.failed(error, id);
    else console.error(`micwire: stream ${id ?? '(none)'}:`, error);
  }

  #startTicking(): void {
    // Data that arrived while this process was busy counts: sockets are read after timers, and before immediates.
    this.#ticking ??= setInterval(() => setImmediate(() => this.#tick()), TICK_MS).unref();
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#sessions.tick(nowMs);
    const { idleMs, helloMs } = this.#settings;
    for (const [connection, { heardMs, hasStream }] of this.#plain) {
      // A client that has to wait is not idle.
      if (connection.stream?.isFull === true) continue;
      if (nowMs < heardMs + (hasStream ? idleMs : helloMs)) continue;
      connection.close(CLOSING.leaving, 'Nothing came for too long.');
    }
    const isIdle = this.#connections.size === 0 && this.#sessions.sessions.length === 0;
    if (!isIdle) return;
    clearInterval(this.#ticking);
    this.#ticking = undefined;
  }
}

/** How long connections may take to close, in ms. */
const CLOSE_MS = 1000;

const REFUSALS = {
  origin: 'Pages of this origin may not connect.',
  full: 'The server is full.',
  address: 'There are too many connections from this address.',
  leaving: 'The server goes away.',
  plain: `The server takes the protocol ${PROTOCOL_NAME} only.`,
  authorize: 'Not allowed.',
} satisfies Record<ConnectionRefusal, string>;

function addSeconds(seconds: Record<Seconds, number>, stream: AcceptedStream): void {
  const { stats, format } = stream;
  for (const name of SECONDS) seconds[name] += stats[`${name}Frames`] / format.sampleRate;
}

/** Returns the token of a client: in a subprotocol, because a page cannot set a header of its WebSocket, or in a header. */
function tokenIn(request: IncomingMessage | null): string | undefined {
  if (request === null) return undefined;
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  const token = tokenOf(offered.split(/\s*,\s*/));
  if (token !== undefined) return token;
  const { authorization } = request.headers;
  const [, bearer] = /^Bearer +([^\s]+)$/i.exec(authorization ?? '') ?? [];
  return bearer;
}
