import type { OptionNames } from '../../core/option-names.ts';
import { checkOptions } from '../../core/option-names.ts';
import { describe, numberIn } from '../../core/arguments.ts';
import { errorText } from '../../core/errors.ts';
import { madeSocket } from '../../core/socket.ts';
import type { WebSocketLike } from '../../core/socket.ts';
import { checkSignal } from '../abort.ts';
import { Patience } from '../patience.ts';
import type { BackOffOptions } from './back-off.ts';
import { BACK_OFF_NAMES, BackOff } from './back-off.ts';
import { BaseTransport } from './base.ts';
import { TRANSPORT_NAMES, WaterMarks, messageBytes } from './transport.ts';
import type { TransportMessage, TransportOptions } from './transport.ts';

/** Options of a heartbeat, which probes a silent server. */
export interface HeartbeatOptions {
  /** The message to send. Your server must answer it with a message of any content. */
  readonly message: TransportMessage | (() => TransportMessage);
  /** The message is sent when no message has arrived for this time, in ms. @default 15000 */
  readonly intervalMs?: number;
  /** The connection is replaced when no message has arrived for this time after the heartbeat, in ms. @default 10000 */
  readonly timeoutMs?: number;
}

/** Options of a transport that reconnects by itself. */
export interface ReconnectOptions extends TransportOptions, BackOffOptions {
  /**
   * How long an attempt to connect may take before it counts as failed, in ms.
   * @default 10000
   */
  readonly connectTimeoutMs?: number;
  /**
   * A connection that holds bytes and has sent none for this time, in ms, is replaced: when the network is gone, a connection may
   * stay open for minutes.
   * @default 10000
   */
  readonly stallTimeoutMs?: number;
  /**
   * Probes a silent server: a connection without traffic does not notice that its network is gone, and pages cannot send the
   * protocol's own pings. Pass a message that your server answers.
   * @default none: a server may be silent for any length of time
   */
  readonly heartbeat?: HeartbeatOptions;
  /**
   * Returns uniformly distributed numbers in [0, 1), for the jitter of the back-off.
   * @default Math.random
   */
  readonly random?: () => number;
}
export const RECONNECT_NAMES: OptionNames<ReconnectOptions> = {
  ...TRANSPORT_NAMES,
  connectTimeoutMs: 1,
  stallTimeoutMs: 1,
  heartbeat: 1,
  random: 1,
  ...BACK_OFF_NAMES,
};

const HEARTBEAT_NAMES: OptionNames<HeartbeatOptions> = { message: 1, intervalMs: 1, timeoutMs: 1 };

/** Kinds of messages that a heartbeat may send. */
type HeartbeatKind = 'any' | 'text';
const HEARTBEAT_WORDS: Readonly<Record<HeartbeatKind, string>> = {
  any: 'a string, a Uint8Array or a function that returns one',
  text: 'a string or a function that returns one',
};

/** A validated heartbeat. */
interface Heartbeat {
  /** @throws what the app's function throws, and TypeError for a result that is not allowed */
  readonly message: () => TransportMessage;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** Creates a connection, or a promise of one. */
type Connect = () => WebSocketLike | Promise<WebSocketLike>;

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 600_000;
/** A connection that worked for this long was good: the back-off restarts after it. In ms. */
const SOUND_CONNECTION_MS = 5000;
/** Interval at which a connection is checked, in ms. */
const LOOK_MS = 250;
const DEFAULT_HEARTBEAT_MS = 15_000;

/**
 * Base class of transports that reconnect by themselves: with bounded exponential back-off and jitter, and immediately when the
 * system is online again.
 */
export abstract class ReconnectingTransport extends BaseTransport {
  readonly #connectTimeoutMs: number;
  readonly #stallTimeoutMs: number;
  readonly #heartbeat: Heartbeat | null;
  readonly #random: () => number;
  readonly #marks: WaterMarks;
  readonly #backOff: BackOff;
  #connect: Connect | undefined;
  /** The socket of the current attempt or connection; null while waiting and when closed. */
  #socket: WebSocketLike | null = null;
  /** While connecting, ends the attempt; while connected, grants a late answer a last moment. */
  readonly #deadline = new Patience();
  /** While waiting, begins the next attempt. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Checks the connection while there is one. */
  #watch: ReturnType<typeof setInterval> | undefined;
  /** Number of the attempt, to recognize a socket that arrives late from an earlier one. */
  #attempt = 0;
  /** `performance.now()` when the connection opened. */
  #openedAt = 0;
  /** Bytes handed to the socket; bytes that had left it, and were in it, at the last check; and when bytes last left. */
  #handedBytes = 0;
  #leftBytes = 0;
  #heldBytes = 0;
  #movedAt = 0;
  /** When a message last arrived, and when the server was last probed since then; 0 if it was not. */
  #heardAt = 0;
  #askedAt = 0;

  /**
   * @param owner name of the class, for error messages
   * @param heartbeat which messages a heartbeat may send: only those that cannot be lost on the way
   * @internal
   */
  protected constructor(
    owner: string,
    options: ReconnectOptions,
    names: object,
    heartbeat: HeartbeatKind = 'any',
  ) {
    super();
    checkOptions(owner, options, names);
    checkSignal(options.signal);
    const { connectTimeoutMs = DEFAULT_TIMEOUT_MS, stallTimeoutMs = DEFAULT_TIMEOUT_MS } = options;
    this.#connectTimeoutMs = numberIn('connectTimeoutMs', connectTimeoutMs, 1, MAX_TIMEOUT_MS);
    this.#stallTimeoutMs = numberIn('stallTimeoutMs', stallTimeoutMs, 1, MAX_TIMEOUT_MS);
    this.#random = options.random ?? Math.random;
    this.#marks = new WaterMarks(options);
    this.#backOff = new BackOff(options);
    this.#heartbeat =
      options.heartbeat === undefined ? null : checkHeartbeat(options.heartbeat, heartbeat);
  }

  /** Begins the first attempt; called last in every constructor. @throws what `connect` throws @internal */
  protected start(connect: Connect, options: ReconnectOptions): void {
    this.#connect = connect;
    this.#begin(connect());
    globalThis.addEventListener?.('online', this.retryNow);
    this.begin(this.#marks, options);
  }

  /** Returns in a sentence why a connection ended or could not be opened. @internal */
  protected abstract closeReason(wasOpen: boolean, code: number, reason: string): string;

  /** Returns true if a connection that ended with this code must not be replaced. @internal */
  protected isFinal(_code: number): boolean {
    return false;
  }

  /** The close code for a connection that is abandoned and may be replaced; undefined for no code. @internal */
  protected get lostCode(): number | undefined {
    return undefined;
  }

  /** @internal */
  protected get unsentBytes(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** @internal */
  protected transmit(message: TransportMessage): boolean {
    this.#look();
    const socket = this.#socket;
    if (socket === null || this.state !== 'open') {
      this.counters.dropped(message);
      return false;
    }
    try {
      // Not from a SharedArrayBuffer: browsers refuse to send one.
      socket.send(message as string | Uint8Array<ArrayBuffer>);
    } catch (error) {
      this.counters.dropped(message);
      throw error;
    }
    this.counters.sent(message);
    this.#handedBytes += messageBytes(message);
    return true;
  }

  /** Ends a wait: the next attempt starts immediately. No effect in any other state. */
  readonly retryNow = (): void => {
    if (this.state === 'waiting') this.#tryAgain();
  };

  /** @internal */
  protected async end(): Promise<void> {
    this.#finish('');
  }

  #finish(reason: string): void {
    globalThis.removeEventListener?.('online', this.retryNow);
    this.#letGo();
    this.become('closed', reason);
  }

  /** Closes the transport because the other side does not allow it to reconnect. */
  #refused(reason: string): void {
    if (this.state === 'closed') return;
    this.#finish(reason);
    this.report(reason);
  }

  #tryAgain(): void {
    clearTimeout(this.#timer);
    this.become('connecting', this.status.reason);
    // A listener may have closed it.
    if (this.state !== 'connecting') return;
    try {
      this.#begin(this.#connect!());
    } catch (error) {
      this.#lost(notMade(error));
    }
  }

  /** Begins an attempt with a socket or a promise of one. @throws TypeError for any other value */
  #begin(made: WebSocketLike | Promise<WebSocketLike>): void {
    const isPromise = typeof made === 'object' && made !== null && 'then' in made;
    if (!isPromise) madeSocket(made);
    // The function that created the socket may have closed this transport.
    if (this.state === 'closed') {
      if (isPromise) made.then(discard).catch(() => {});
      else discard(made);
      return;
    }
    clearTimeout(this.#timer);
    const attempt = ++this.#attempt;
    this.#deadline.wait(this.#connectTimeoutMs, () => this.#lost('The server does not answer.'));
    if (!isPromise) return this.#listen(made);
    const begin = (socket: WebSocketLike): void => {
      if (attempt !== this.#attempt) return discard(socket);
      this.#listen(madeSocket(socket));
    };
    made.then(begin).catch((error: unknown) => {
      if (attempt === this.#attempt) this.#lost(notMade(error));
    });
  }

  #listen(socket: WebSocketLike): void {
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.#opened();
    socket.onmessage = (event: { readonly data: unknown }) => this.#arrived(event.data);
    socket.onclose = (event: { readonly code: number; readonly reason: string }) => {
      const reason = this.closeReason(this.isConnected, event.code, event.reason);
      if (this.isFinal(event.code)) this.#refused(reason);
      else this.#lost(reason);
    };
    // An error is always followed by a close event (WHATWG WebSockets §6), and carries no reason; but `ws` throws without a
    // handler.
    socket.onerror = () => {};
  }

  #opened(): void {
    this.#deadline.end();
    const now = performance.now();
    this.#openedAt = now;
    this.#movedAt = now;
    this.#heardAt = now;
    this.#askedAt = 0;
    this.#handedBytes = 0;
    this.#leftBytes = 0;
    this.#heldBytes = 0;
    clearInterval(this.#watch);
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
    this.counters.connected();
    this.#marks.congested(0);
    this.become('open');
  }

  #arrived(data: unknown): void {
    this.#heardAt = performance.now();
    this.#askedAt = 0;
    const isReady = typeof data === 'string' || data instanceof Uint8Array;
    this.deliver(isReady ? data : new Uint8Array(data as ArrayBuffer));
  }

  /**
   * Checks the connection. Called by a timer, because the app may not send for a long time.
   * @param isLast true for the second look after a timeout: data that disproves it may have waited behind the timer
   */
  #look(isLast = false): void {
    if (this.#socket === null || !this.isConnected) return;
    const held = this.#socket.bufferedAmount;
    const left = this.#handedBytes - held;
    const now = performance.now();
    if (held === 0 || held < this.#heldBytes || left > this.#leftBytes) this.#movedAt = now;
    this.#heldBytes = held;
    this.#leftBytes = left;
    if (this.#marks.congested(held)) {
      this.become('congested', 'The network takes less than is sent; chunks are dropped.');
    } else this.become('open');
    const isStalled = now - this.#movedAt >= this.#stallTimeoutMs;
    const late = isStalled ? 'The connection stopped moving.' : this.#askIfThere(now);
    if (late === null) this.#deadline.end();
    else if (isLast) this.#lost(late);
    else if (!this.#deadline.isWaiting) this.#deadline.wait(0, () => this.#look(true));
  }

  /** Sends a heartbeat if it is due. @returns why the connection counts as lost; null if it does not */
  #askIfThere(now: number): string | null {
    const heartbeat = this.#heartbeat;
    if (heartbeat === null) return null;
    if (this.#askedAt > 0) {
      return now - this.#askedAt >= heartbeat.timeoutMs ? 'The server does not answer.' : null;
    }
    if (now - this.#heardAt >= heartbeat.intervalMs && this.state === 'open') {
      this.#askedAt = now;
      const { message } = heartbeat;
      try {
        this.send(message());
      } catch (error) {
        this.#lost(`The heartbeat could not be sent: ${errorText(error)}`);
      }
    }
    return null;
  }

  /** Returns when the connection last worked: bytes in the socket may never leave it, and a silent server may be gone. */
  #usedUntil(): number {
    const movedAt = this.unsentBytes > 0 ? this.#movedAt : performance.now();
    return this.#askedAt > 0 ? Math.min(movedAt, this.#heardAt) : movedAt;
  }

  #lost(reason: string): void {
    // An app's function that throws may have closed this transport first.
    if (this.state === 'closed') return;
    const wasSound = this.isConnected && this.#usedUntil() - this.#openedAt >= SOUND_CONNECTION_MS;
    const failedAttempts = (wasSound ? 0 : this.status.failedAttempts) + 1;
    this.#letGo(this.lostCode);
    const retryInMs = this.#backOff.delayMs(failedAttempts, this.#random());
    this.#timer = setTimeout(this.retryNow, retryInMs);
    this.become('waiting', reason, failedAttempts, retryInMs);
    if (this.state === 'waiting') this.report(reason);
  }

  /** Drops the socket and the timer; later events of the socket are ignored. */
  #letGo(code?: number): void {
    clearTimeout(this.#timer);
    this.#deadline.end();
    clearInterval(this.#watch);
    this.#attempt++;
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.onerror = () => {};
    if (code === undefined) socket.close();
    else socket.close(code);
  }
}

/** Closes a socket that arrives too late, if there is one. */
function discard(socket: WebSocketLike | null | undefined): void {
  if (typeof socket !== 'object' || socket === null) return;
  // Closing a socket that is still connecting emits another error, which would terminate Node.
  socket.onerror = () => {};
  socket.close?.();
}

function notMade(error: unknown): string {
  return `The connection could not be made: ${errorText(error)}`;
}

/** @throws TypeError or RangeError */
function checkHeartbeat(options: HeartbeatOptions, kind: HeartbeatKind): Heartbeat {
  checkOptions('heartbeat', options, HEARTBEAT_NAMES);
  const { message, intervalMs = DEFAULT_HEARTBEAT_MS, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const checked = (value: unknown): TransportMessage => {
    if (typeof value === 'string') return value;
    if (kind === 'any' && value instanceof Uint8Array) return value;
    throw new TypeError(
      `heartbeat.message must be ${HEARTBEAT_WORDS[kind]}, got ${describe(value)}.`,
    );
  };
  if (typeof message !== 'function') checked(message);
  return {
    message: () => checked(typeof message === 'function' ? message() : message),
    intervalMs: numberIn('heartbeat.intervalMs', intervalMs, 1, MAX_TIMEOUT_MS),
    timeoutMs: numberIn('heartbeat.timeoutMs', timeoutMs, 1, MAX_TIMEOUT_MS),
  };
}
