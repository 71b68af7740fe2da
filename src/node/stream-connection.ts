import type { IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { SessionWire } from '../core/session/server/session-host.ts';
import type { WireMessage } from '../core/services/service.ts';
import type { AcceptedStream } from './accepted-stream.ts';
import { OPEN, bytesOf } from './stream-socket.ts';
import type { StreamSocket } from './stream-socket.ts';
import { TokenBucket } from '../core/token-bucket.ts';

/** Limits of a connection. */
export interface ConnectionLimits {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly maxMessageBytes: number;
}

/** The handler of a connection's messages. */
export interface ConnectionPeer {
  /** Handles a message. Never throws. */
  receive(message: string | Uint8Array, nowMs: number): void;
  closed(nowMs: number): void;
  /** Sends a message, so that the client knows that the connection is alive while it is not being read. */
  keepAlive(): void;
}

/**
 * Interval of the messages to the client while the connection is not being read, in ms. The client abandons a connection that is
 * silent for 5 seconds.
 */
const KEEP_ALIVE_MS = 2000;
/** Close code for a message that is too long (RFC 6455 §7.4.1). */
const TOO_LONG = 1009;

/**
 * A WebSocket that is read only as fast as its limits and the reader of its stream allow. No data is discarded: the client has to wait.
 */
export class StreamConnection implements SessionWire {
  readonly address: string;
  readonly request: IncomingMessage | null;
  /** The stream that the connection carries, once there is one. */
  stream: AcceptedStream | null = null;
  readonly #socket: StreamSocket;
  readonly #messages: TokenBucket;
  readonly #bytes: TokenBucket;
  #peer: ConnectionPeer | null = null;
  #isAsking = false;
  #isOverRate = false;
  #isFull = false;
  #isPaused = false;
  #rateTimer: ReturnType<typeof setTimeout> | undefined;
  #keepAliveTimer: ReturnType<typeof setInterval> | undefined;
  #pauses = 0;

  constructor(
    socket: StreamSocket,
    from: { readonly address: string; readonly request: IncomingMessage | null },
    limits: ConnectionLimits,
  ) {
    this.address = from.address;
    this.request = from.request;
    this.#socket = socket;
    const nowMs = performance.now();
    this.#messages = TokenBucket.perSecond(limits.messagesPerSecond, nowMs);
    this.#bytes = TokenBucket.perSecond(limits.bytesPerSecond, nowMs);
    socket.on('message', (data, isBinary) => {
      const bytes = bytesOf(data);
      if (this.#peer === null) return;
      if (bytes.length > limits.maxMessageBytes) {
        this.close(TOO_LONG, 'A message is too long.');
        return;
      }
      const atMs = performance.now();
      // A message that has arrived can no longer be refused: reading pauses until the limit allows it.
      this.#messages.take(1, atMs);
      this.#bytes.take(bytes.length, atMs);
      const waitMs = Math.max(this.#messages.dueMs(0, atMs), this.#bytes.dueMs(0, atMs)) - atMs;
      if (waitMs > 0) this.#waitForRate(waitMs);
      this.#peer.receive(isBinary ? bytes : new TextDecoder().decode(bytes), atMs);
      this.look();
    });
    // A 'close' event follows.
    socket.on('error', () => {});
    socket.on('close', () => this.#closed());
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === OPEN;
  }

  /** How often the connection was paused, by a rate limit or by its reader. */
  get pauses(): number {
    return this.#pauses;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Begins to deliver messages to a peer. */
  begin(peer: ConnectionPeer): void {
    this.#peer = peer;
  }

  send(message: WireMessage): void {
    if (this.isOpen) this.#socket.send(message);
  }

  close(code: number, reason: string): void {
    this.#resumeForGood();
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** Pauses reading until the host has answered. */
  ask(isAsking: boolean): void {
    this.#isAsking = isAsking;
    this.#apply();
  }

  /** Checks whether the stream has room. */
  look(): void {
    const { stream } = this;
    if (stream === null) return;
    if (stream.isFull) this.#isFull = true;
    else if (stream.hasRoom) this.#isFull = false;
    this.#apply();
  }

  #waitForRate(waitMs: number): void {
    this.#isOverRate = true;
    clearTimeout(this.#rateTimer);
    this.#rateTimer = setTimeout(() => {
      this.#isOverRate = false;
      this.#apply();
    }, waitMs);
    this.#rateTimer.unref();
    this.#apply();
  }

  #apply(): void {
    const wanted = this.isOpen && (this.#isAsking || this.#isOverRate || this.#isFull);
    if (wanted === this.#isPaused) return;
    this.#isPaused = wanted;
    if (!wanted) {
      clearInterval(this.#keepAliveTimer);
      this.#socket.resume();
      return;
    }
    this.#pauses++;
    this.#socket.pause();
    this.#keepAliveTimer = setInterval(() => this.#peer?.keepAlive(), KEEP_ALIVE_MS);
    this.#keepAliveTimer.unref();
  }

  /** Resumes reading permanently, so that the answer to a close frame is read, too. */
  #resumeForGood(): void {
    clearTimeout(this.#rateTimer);
    this.#isAsking = false;
    this.#isOverRate = false;
    this.#isFull = false;
    this.#apply();
  }

  #closed(): void {
    const peer = this.#peer;
    this.#peer = null;
    this.#resumeForGood();
    clearInterval(this.#keepAliveTimer);
    peer?.closed(performance.now());
  }
}
