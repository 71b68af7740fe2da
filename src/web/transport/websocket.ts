import { checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { numberIn } from '../../core/arguments.ts';
import type { BackOffOptions } from './back-off.ts';
import { BackOff } from './back-off.ts';
import { TransportCounters } from './counters.ts';
import type { WebSocketLike } from './socket.ts';
import { createGlobalSocket, socketAddress } from './socket.ts';
import type {
  Transport,
  TransportMessage,
  TransportState,
  TransportStats,
  TransportStatus,
} from './transport.ts';
import type { WaterMarkOptions } from './water-marks.ts';
import { WaterMarks } from './water-marks.ts';

/** How a {@link WebSocketTransport} connects, waits and drops. */
export interface WebSocketTransportOptions extends WaterMarkOptions, BackOffOptions {
  /** Subprotocols to offer (RFC 6455 §1.9). */
  readonly protocols?: readonly string[];
  /**
   * An attempt that has not opened after this many ms has failed.
   * @default 10000
   */
  readonly connectTimeoutMs?: number;
  /**
   * A congested connection that has not moved a byte for this many ms is given up, and a new one made: a network that
   * went away leaves a WebSocket open for minutes.
   * @default 10000
   */
  readonly stallTimeoutMs?: number;
  /**
   * Makes the socket.
   * @default the global WebSocket
   */
  readonly createSocket?: (url: string, protocols: readonly string[]) => WebSocketLike;
  /**
   * Uniform numbers in [0, 1), for the jitter of the back-off.
   * @default Math.random
   */
  readonly random?: () => number;
}
const NAMES = {
  protocols: 1,
  connectTimeoutMs: 1,
  stallTimeoutMs: 1,
  createSocket: 1,
  random: 1,
  highWaterBytes: 1,
  lowWaterBytes: 1,
  firstDelayMs: 1,
  maxDelayMs: 1,
} satisfies OptionNames<WebSocketTransportOptions>;

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 600_000;
/** A connection that lived this long was sound: the back-off starts anew after it. */
const SOUND_CONNECTION_MS = 5000;

/**
 * Messages over a WebSocket (RFC 6455) that comes back by itself: bounded exponential back-off with jitter, and at once when the
 * system reports that it is online again. A slow network never makes latency grow without bound: above the high
 * water mark messages are dropped and counted. What is sent while it is not connected is dropped and counted too.
 */
export class WebSocketTransport implements Transport {
  onmessage: ((message: TransportMessage) => void) | null = null;
  onstatechange: ((status: TransportStatus) => void) | null = null;
  /** The address in full: `ws:` or `wss:`. */
  readonly url: string;
  private readonly protocols: readonly string[];
  private readonly connectTimeoutMs: number;
  private readonly stallTimeoutMs: number;
  private readonly createSocket: (url: string, protocols: readonly string[]) => WebSocketLike;
  private readonly random: () => number;
  private readonly marks: WaterMarks;
  private readonly backOff: BackOff;
  private readonly counters = new TransportCounters();
  private current: TransportStatus = {
    state: 'connecting',
    reason: '',
    failedAttempts: 0,
    retryInMs: 0,
  };
  /** The socket of the attempt or connection under way; null while waiting and when closed. */
  private socket: WebSocketLike | null = null;
  /** Ends the attempt when connecting, begins the next one when waiting. */
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** `performance.now()` when the connection opened. */
  private openedAt = 0;
  /** What was buffered when it last shrank while congested, and when that was. */
  private stalledBytes = 0;
  private stalledSince = 0;

  /**
   * Begins to connect.
   * @param url `ws:`, `wss:`, `http:` or `https:`, absolute or relative to the page
   * @throws MicwireError `'unsupported'` where there is no WebSocket; TypeError or RangeError for an address or an
   *   option that is none
   */
  constructor(url: string | URL, options: WebSocketTransportOptions = {}) {
    checkOptions('WebSocketTransport', options, NAMES);
    this.url = socketAddress(url);
    this.protocols = options.protocols ?? [];
    const { connectTimeoutMs = DEFAULT_TIMEOUT_MS, stallTimeoutMs = DEFAULT_TIMEOUT_MS } = options;
    this.connectTimeoutMs = numberIn('connectTimeoutMs', connectTimeoutMs, 1, MAX_TIMEOUT_MS);
    this.stallTimeoutMs = numberIn('stallTimeoutMs', stallTimeoutMs, 1, MAX_TIMEOUT_MS);
    this.createSocket = options.createSocket ?? createGlobalSocket;
    this.random = options.random ?? Math.random;
    this.marks = new WaterMarks(options);
    this.backOff = new BackOff(options);
    this.connect();
    globalThis.addEventListener?.('online', this.retryNow);
  }

  get status(): TransportStatus {
    return this.current;
  }

  get bufferedBytes(): number {
    return this.isConnected ? (this.socket?.bufferedAmount ?? 0) : 0;
  }

  get stats(): TransportStats {
    return this.counters.snapshot();
  }

  send(message: TransportMessage): boolean {
    const { socket } = this;
    if (socket === null || !this.isConnected || this.isCongested(socket.bufferedAmount)) {
      this.counters.dropped(message);
      return false;
    }
    this.become('open');
    this.counters.sent(message);
    // Not from a SharedArrayBuffer: browsers refuse to send one.
    socket.send(message as string | Uint8Array<ArrayBuffer>);
    return true;
  }

  /** Ends a wait: the next attempt begins at once. Without effect in any other state. */
  readonly retryNow = (): void => {
    if (this.current.state === 'waiting') this.connect();
  };

  close(): void {
    if (this.current.state === 'closed') return;
    globalThis.removeEventListener?.('online', this.retryNow);
    this.letGo();
    this.become('closed');
    this.onmessage = null;
    this.onstatechange = null;
  }

  private get isConnected(): boolean {
    return this.current.state === 'open' || this.current.state === 'congested';
  }

  private connect(): void {
    clearTimeout(this.timer);
    const socket = this.createSocket(this.url, this.protocols);
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.opened();
    socket.onmessage = (event: { readonly data: unknown }) => this.arrived(event.data);
    socket.onclose = (event: { readonly code: number; readonly reason: string }) => {
      this.lost(closeReason(this.isConnected, event.code, event.reason));
    };
    // An error is always followed by a close (WHATWG WebSockets §6), and tells nothing; but `ws` throws without a handler.
    socket.onerror = () => {};
    this.timer = setTimeout(() => this.lost('The server does not answer.'), this.connectTimeoutMs);
    this.become('connecting');
  }

  private opened(): void {
    clearTimeout(this.timer);
    this.openedAt = performance.now();
    this.counters.connected();
    this.marks.congested(0);
    this.become('open');
  }

  private arrived(data: unknown): void {
    const message = typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer);
    this.counters.received(message);
    this.onmessage?.(message);
  }

  private isCongested(bufferedBytes: number): boolean {
    if (!this.marks.congested(bufferedBytes)) return false;
    const now = performance.now();
    if (this.current.state !== 'congested' || bufferedBytes < this.stalledBytes) {
      this.stalledBytes = bufferedBytes;
      this.stalledSince = now;
      this.become('congested', 'The network takes less than is sent; chunks are dropped.');
    } else if (now - this.stalledSince >= this.stallTimeoutMs) {
      this.lost('The connection stopped moving.');
    }
    return true;
  }

  private lost(reason: string): void {
    const wasSound = this.isConnected && performance.now() - this.openedAt >= SOUND_CONNECTION_MS;
    const failedAttempts = (wasSound ? 0 : this.current.failedAttempts) + 1;
    this.letGo();
    const retryInMs = this.backOff.delayMs(failedAttempts, this.random());
    this.timer = setTimeout(this.retryNow, retryInMs);
    this.become('waiting', reason, failedAttempts, retryInMs);
  }

  /** Drops the socket and the timer; nothing that the socket still reports is heard. */
  private letGo(): void {
    clearTimeout(this.timer);
    const { socket } = this;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.onerror = () => {};
    socket.close();
  }

  private become(
    state: TransportState,
    reason: string = state === 'connecting' ? this.current.reason : '',
    failedAttempts: number = this.current.failedAttempts,
    retryInMs = 0,
  ): void {
    if (state === this.current.state) return;
    this.current = { state, reason, failedAttempts, retryInMs };
    this.onstatechange?.(this.current);
  }
}

/** Close codes: RFC 6455 §7.4.1. */
function closeReason(wasOpen: boolean, code: number, reason: string): string {
  if (!wasOpen) return 'The server cannot be reached, or refused the connection.';
  const said = reason === '' ? `code ${code}` : `${reason} (code ${code})`;
  if (code === 1000 || code === 1001) return `The server closed the connection: ${said}.`;
  if (code === 1006) return 'The connection was cut.';
  return `The server ended the connection: ${said}.`;
}
