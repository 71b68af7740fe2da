import { integerIn, numberIn, oneOf } from '../../arguments.ts';
import { PacketError } from '../../errors.ts';
import { isSameStream } from '../../format/stream-format.ts';
import { checkObject, checkOptions } from '../../option-names.ts';
import type { OptionNames } from '../../option-names.ts';
import { readAppText } from '../app-messages.ts';
import { CLOSING, closeReason, decodeProtocol, encodeProtocol } from '../protocol.ts';
import type { HelloMessage } from '../protocol.ts';
import { ServerSession } from './server-session.ts';
import type { ServerSessionSettings } from './server-session.ts';
import type {
  SessionAnswer,
  SessionClient,
  SessionEnding,
  SessionHost,
  SessionRefusal,
  SessionWire,
} from './session-host.ts';

/** Options of a {@link SessionServer}. */
export interface SessionServerOptions {
  /**
   * When the user's audio is acknowledged, so that the client discards it: `'received'`: when `host.audio` has returned;
   * `'stored'`: when the host calls `session.stored(frame)`.
   * @default 'received'
   */
  readonly acknowledge?: 'received' | 'stored';
  /** Maximum number of simultaneous sessions. Further clients are asked to come back later. @default 1000 */
  readonly maxSessions?: number;
  /** A session ends when its client was disconnected for this time, in ms. @default 600000 */
  readonly expireMs?: number;
  /** A connection is closed when no message has arrived for this time, in ms. @default 90000 */
  readonly idleMs?: number;
  /** A connection is closed when no hello has arrived, or the host has not answered it, within this time, in ms. @default 10000 */
  readonly helloMs?: number;
  /** Maximum length of replies that wait for a client, in ms of audio; beyond it the oldest are dropped. @default 600000 */
  readonly maxReplyMs?: number;
  /** The same limit in bytes. @default 33554432 */
  readonly maxReplyBytes?: number;
}

const OPTION_NAMES = {
  acknowledge: 1,
  maxSessions: 1,
  expireMs: 1,
  idleMs: 1,
  helloMs: 1,
  maxReplyMs: 1,
  maxReplyBytes: 1,
} satisfies OptionNames<SessionServerOptions>;

/** Handlers of a server for one connection. */
export interface ServerConnection {
  /** Handles a message. Never throws. */
  receive(message: string | Uint8Array, nowMs: number): void;
  /** Must be called when the connection has closed. */
  closed(nowMs: number): void;
}

/** About 24 days: the maximum of a timer. */
const MAX_MS = 2 ** 31 - 1;
/** Ended sessions are remembered by id for `expireMs`, and at most this many. */
const MAX_ENDED = 10_000;

interface Entry {
  readonly session: ServerSession;
  connection: Connection | null;
  /** When the connection was lost; Infinity while connected. */
  lostMs: number;
}

/** A connection: before its hello, while the host is asked, with a session, or closed. */
interface Connection {
  readonly wire: SessionWire;
  readonly client: SessionClient;
  /** Serial number of the connection: of two connections of one session, the newer one has it. */
  readonly number: number;
  state: 'new' | 'asking' | 'ready' | 'gone';
  session: string | undefined;
  /** When it is closed unless a message arrives. */
  deadlineMs: number;
}

/**
 * The server's side of `micwire.1`, without sockets and clocks: connections are added with `connect`, and sessions outlive them.
 * Times are ms of a monotonic clock.
 */
export class SessionServer {
  readonly #host: SessionHost;
  readonly #maxSessions: number;
  readonly #expireMs: number;
  readonly #idleMs: number;
  readonly #helloMs: number;
  readonly #settings: ServerSessionSettings;
  readonly #sessions = new Map<string, Entry>();
  /** When each session ended, oldest first. */
  readonly #ended = new Map<string, number>();
  readonly #connections = new Set<Connection>();
  #count = 0;
  #nowMs = -Infinity;
  #dueMs = Infinity;
  #isLeaving = false;
  /** When all connections are closed. */
  #leaveMs = Infinity;

  /** @throws TypeError or RangeError for invalid options */
  constructor(host: SessionHost, options: SessionServerOptions = {}) {
    checkObject('host must be a SessionHost', host, 'open', 'audio', 'failed');
    checkOptions('SessionServer', options, OPTION_NAMES);
    const acknowledge = oneOf('acknowledge', options.acknowledge ?? 'received', [
      'received',
      'stored',
    ]);
    this.#host = host;
    this.#maxSessions = integerIn('maxSessions', options.maxSessions ?? 1000, 1, 1e6);
    this.#expireMs = numberIn('expireMs', options.expireMs ?? 600_000, 0, MAX_MS);
    this.#idleMs = numberIn('idleMs', options.idleMs ?? 90_000, 1, MAX_MS);
    this.#helloMs = numberIn('helloMs', options.helloMs ?? 10_000, 1, MAX_MS);
    this.#settings = {
      host,
      storesAtOnce: acknowledge === 'received',
      replies: {
        maxMs: numberIn('maxReplyMs', options.maxReplyMs ?? 600_000, 0, MAX_MS),
        maxBytes: numberIn('maxReplyBytes', options.maxReplyBytes ?? 2 ** 25, 0, 2 ** 40),
      },
      now: () => this.#nowMs,
      due: (dueMs) => this.#due(dueMs),
      end: (session, ending) => this.#end(session, ending),
    };
  }

  /** Sessions that have not ended, connected or not. */
  get sessions(): readonly ServerSession[] {
    return Array.from(this.#sessions.values(), ({ session }) => session);
  }

  /** When `tick` is due. Never too late, but sometimes earlier than necessary. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /**
   * Adds an open connection.
   * @param client data for the host, passed unchanged to `open` and `connected`
   */
  connect(wire: SessionWire, client: SessionClient, nowMs: number): ServerConnection {
    this.#nowMs = nowMs;
    const connection: Connection = {
      wire,
      client,
      number: this.#count++,
      state: 'new',
      session: undefined,
      deadlineMs: nowMs + this.#helloMs,
    };
    this.#connections.add(connection);
    this.#due(connection.deadlineMs);
    return {
      receive: (message, atMs) => this.#receive(connection, message, atMs),
      closed: (atMs) => this.#closed(connection, atMs),
    };
  }

  /** Performs the tasks that are due: see `dueMs`. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (nowMs < this.#dueMs) return;
    this.#dueMs = Infinity;
    if (nowMs >= this.#leaveMs) this.#leaveNow();
    for (const connection of this.#connections) {
      if (nowMs < connection.deadlineMs) this.#due(connection.deadlineMs);
      else if (connection.state === 'ready') {
        this.#drop(connection, CLOSING.leaving, 'Nothing came for too long.');
      } else this.#drop(connection, CLOSING.busy, 'Hello took too long.');
    }
    const asked = this.#askedFor();
    for (const { session, connection, lostMs } of this.#sessions.values()) {
      if (nowMs >= lostMs + this.#expireMs) {
        // Its client is back in time, and the host takes time to answer: `helloMs` limits that.
        if (asked.has(session.id)) continue;
        this.#guard(connection, session.id, () => session.finish('expired'));
        continue;
      }
      session.tick(nowMs);
      this.#due(Math.min(session.dueMs, lostMs + this.#expireMs));
    }
    for (const [id, endedMs] of this.#ended) {
      if (nowMs < endedMs + this.#expireMs) break;
      this.#ended.delete(id);
    }
    this.#due(this.#leaveMs);
  }

  /** Returns the ids of the sessions that a connection waits for. */
  #askedFor(): ReadonlySet<string | undefined> {
    const asked = new Set<string | undefined>();
    for (const { state, session } of this.#connections) if (state === 'asking') asked.add(session);
    return asked;
  }

  /**
   * Informs all clients that the server is going away, for example for an update, and closes their connections `inMs` later.
   * Sessions are kept, for hosts that store them.
   */
  leave(inMs: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#isLeaving = true;
    this.#leaveMs = nowMs + numberIn('inMs', inMs, 0, MAX_MS);
    const message = encodeProtocol({ type: 'leaving', ms: Math.floor(inMs) });
    for (const { state, wire } of this.#connections) if (state === 'ready') wire.send(message);
    this.#due(this.#leaveMs);
  }

  #leaveNow(): void {
    this.#leaveMs = Infinity;
    for (const connection of this.#connections) {
      this.#drop(connection, CLOSING.leaving, 'The server goes away.');
    }
  }

  #receive(connection: Connection, message: string | Uint8Array, nowMs: number): void {
    this.#nowMs = nowMs;
    if (connection.state === 'gone') return;
    const { session: id } = connection;
    this.#guard(connection, id, () => {
      if (connection.state === 'ready') {
        connection.deadlineMs = nowMs + this.#idleMs;
        this.#deliver(connection, this.#sessions.get(id!)!.session, message);
        return;
      }
      const hello = typeof message === 'string' ? undefined : decodeProtocol(message);
      if (hello?.type !== 'hello' || connection.state !== 'new') {
        throw new PacketError('bad-field', 'A client sends hello first, and then waits.');
      }
      this.#hello(connection, hello);
    });
  }

  #deliver(connection: Connection, session: ServerSession, message: string | Uint8Array): void {
    if (typeof message === 'string') {
      this.#host.message?.(session, readAppText(message));
      return;
    }
    const read = decodeProtocol(message);
    if (read.type !== 'bye') session.receive(read);
    else if (read.code === CLOSING.done) session.finish('bye');
    else this.#drop(connection, CLOSING.leaving, '');
  }

  #hello(connection: Connection, hello: HelloMessage): void {
    const known = this.#sessions.get(hello.session);
    const refusal = this.#refusal(hello, known?.session);
    if (refusal !== undefined) {
      this.#drop(connection, refusal.code, refusal.reason);
      return;
    }
    connection.state = 'asking';
    connection.session = hello.session;
    const { session, input, output, frame } = hello;
    const answer = this.#host.open({
      session,
      token: connection.client.token,
      client: connection.client,
      input,
      output,
      frame,
      known: known !== undefined,
    });
    if (!(answer instanceof Promise)) {
      this.#answer(connection, hello, answer);
      return;
    }
    answer.then(
      (later) => {
        this.#guard(connection, session, () => this.#answer(connection, hello, later));
      },
      (error: unknown) => {
        this.#guard(connection, session, () => {
          throw error;
        });
      },
    );
  }

  #refusal(hello: HelloMessage, known: ServerSession | undefined): SessionRefusal | undefined {
    if (this.#isLeaving) {
      return { code: CLOSING.leaving, reason: 'The server goes away.' };
    }
    if (this.#ended.has(hello.session)) {
      return { code: CLOSING.over, reason: 'The session is over.' };
    }
    if (known === undefined) {
      const isFull = this.#sessions.size >= this.#maxSessions;
      return isFull ? { code: CLOSING.busy, reason: 'There are too many sessions.' } : undefined;
    }
    if (isSameStream(hello.input, known.input)) return undefined;
    return { code: CLOSING.badMessage, reason: 'The input of a session must not change.' };
  }

  /** Takes the host's answer, now or later: the connection may be gone by then, and others may have been opened. */
  #answer(
    connection: Connection,
    hello: HelloMessage,
    answer: SessionAnswer | SessionRefusal,
  ): void {
    if (connection.state !== 'asking') return;
    if (answer.code !== undefined) {
      this.#drop(connection, answer.code, answer.reason);
      return;
    }
    const known = this.#sessions.get(hello.session);
    const refusal = this.#refusal(hello, known?.session);
    if (refusal !== undefined) {
      this.#drop(connection, refusal.code, refusal.reason);
      return;
    }
    const before = known?.connection ?? null;
    if (before !== null && before.number > connection.number) {
      this.#drop(connection, CLOSING.replaced, 'A newer connection has the session.');
      return;
    }
    const entry = known ?? {
      session: new ServerSession(hello, answer, this.#settings),
      connection,
      lostMs: Infinity,
    };
    this.#sessions.set(hello.session, entry);
    if (before !== null) this.#forget(before);
    entry.connection = connection;
    entry.lostMs = Infinity;
    connection.state = 'ready';
    connection.deadlineMs = this.#nowMs + this.#idleMs;
    this.#due(connection.deadlineMs);
    entry.session.attach(connection.wire, hello, answer, connection.client);
  }

  #closed(connection: Connection, nowMs: number): void {
    this.#nowMs = nowMs;
    if (connection.state !== 'gone') this.#lose(connection);
  }

  /** Closes a connection. The client of its session may reconnect. */
  #drop(connection: Connection, code: number, reason: string): void {
    const { wire, state } = connection;
    if (state === 'gone') return;
    wire.send(encodeProtocol({ type: 'bye', code, reason }));
    wire.close(code, reason);
    this.#lose(connection);
  }

  #lose(connection: Connection): void {
    const { state, session: id } = connection;
    this.#forget(connection);
    // The requested session may have waited for the answer before expiring.
    if (state === 'asking') this.#due(this.#nowMs);
    const entry = state === 'ready' ? this.#sessions.get(id!) : undefined;
    if (entry === undefined) return;
    entry.session.detach();
    entry.connection = null;
    entry.lostMs = this.#nowMs;
    this.#due(this.#nowMs + this.#expireMs);
    this.#guard(null, id, () => this.#host.disconnected?.(entry.session));
  }

  #forget(connection: Connection): void {
    connection.state = 'gone';
    this.#connections.delete(connection);
  }

  #end(session: ServerSession, ending: SessionEnding): void {
    const connection = this.#sessions.get(session.id)?.connection ?? null;
    if (connection !== null) this.#forget(connection);
    this.#sessions.delete(session.id);
    // An expired session may begin again if the host has stored it.
    if (ending !== 'expired') this.#ended.set(session.id, this.#nowMs);
    if (this.#ended.size > MAX_ENDED) {
      const [oldest] = this.#ended.keys();
      this.#ended.delete(oldest!);
    }
    this.#host.ended?.(session, ending);
  }

  /** Calls code that may throw, because of an invalid message or a failure of the host. */
  #guard(connection: Connection | null, session: string | undefined, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (error instanceof PacketError && connection !== null) {
        this.#drop(connection, CLOSING.badMessage, closeReason(error.message));
        return;
      }
      if (connection !== null) this.#drop(connection, CLOSING.failed, 'The server has failed.');
      this.#host.failed(error, session);
    }
  }

  #due(ms: number): void {
    if (ms < this.#dueMs) this.#dueMs = ms;
  }
}
