import type { MicwireError } from '../../core/errors.ts';
import type { TypedEventTarget } from '../typed-event-target.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { integerIn, numberIn } from '../../core/arguments.ts';

/** A message of a transport: text as a string, all other data as bytes. */
export type TransportMessage = string | Uint8Array;

/**
 * - `'connecting'`: the first or the next attempt is in progress;
 * - `'open'`: messages can be sent;
 * - `'congested'`: connected, but more is buffered than the high water mark: messages are dropped and counted until it
 *   has drained to the low water mark;
 * - `'waiting'`: the connection is lost; the next attempt starts after `retryInMs`;
 * - `'closed'`: closed by `close()`, or by the other side if the transport cannot reconnect.
 */
export type TransportState = 'connecting' | 'open' | 'congested' | 'waiting' | 'closed';

/** The state of a transport, with a reason that can be shown to the user. */
export interface TransportStatus {
  readonly state: TransportState;
  /** Why the transport is not open, in a short sentence; empty when it is open, or has not failed yet. */
  readonly reason: string;
  /** Number of connections that failed in a row; restarts from 1 after a connection that worked for 5 s. */
  readonly failedAttempts: number;
  /** With `'waiting'`: time from the change of state until the next attempt, in ms; otherwise 0. */
  readonly retryInMs: number;
}

/** Running totals since the transport was created. Byte counts cover the messages, without the transport's own headers. */
export interface TransportStats {
  readonly sentMessages: number;
  readonly sentBytes: number;
  readonly receivedMessages: number;
  readonly receivedBytes: number;
  /** Messages that `send` refused. */
  readonly droppedMessages: number;
  readonly droppedBytes: number;
  /** Number of connections that opened, including the first. */
  readonly connections: number;
}

/** Events of a {@link Transport}. */
export interface TransportEventMap {
  /** A message arrived, in `data`. Bytes belong to the listener. */
  readonly message: MessageEvent<TransportMessage>;
  /** `transport.state` has changed. */
  readonly statechange: Event;
  /**
   * The connection was lost or could not be opened; the error in `detail` has the code `'transport'`. `state` says whether another
   * attempt follows.
   */
  readonly error: CustomEvent<MicwireError>;
}

/**
 * Carries messages in both directions while it is connected, in order unless documented otherwise. It never queues without bound: a
 * message that cannot leave soon is dropped and counted, because late audio is worse than lost audio. A custom transport extends
 * `TypedEventTarget<TransportEventMap>`.
 */
export interface Transport extends TypedEventTarget<TransportEventMap> {
  /** State of the transport. Each change fires `'statechange'`. */
  readonly state: TransportState;
  /** The state with its reason, as a snapshot. */
  readonly status: TransportStatus;
  /** Bytes that were sent but have not left this process, held ones included. */
  readonly bufferedBytes: number;
  /** A snapshot of the totals. */
  readonly stats: TransportStats;
  /**
   * Resolves when messages can be sent: immediately while `state` is `'open'`, otherwise when it is next `'open'`. Rejects when the
   * transport can never open again, because it is closed: with a MicwireError, `'closed'` after `close()` and `'transport'` after a
   * failure, or with the reason of the option `signal`. A rejection counts as handled even if it is not awaited.
   */
  readonly opened: Promise<void>;
  /**
   * Sends a message, or holds it (see `holdMs`), or drops and counts it.
   * @param message the message; it is copied before this returns, so the caller may reuse its buffer
   * @returns whether the message was accepted; false when the transport is congested, or is not `'open'` and does not hold the
   * message
   */
  send(message: TransportMessage): boolean;
  /** Ends the connection: `'statechange'` to `'closed'` is the last event. A second call returns the same promise. */
  close(): Promise<void>;
}

/** The running totals of one transport. */
export class TransportCounters {
  #sentMessages = 0;
  #sentBytes = 0;
  #receivedMessages = 0;
  #receivedBytes = 0;
  #droppedMessages = 0;
  #droppedBytes = 0;
  #connections = 0;

  connected(): void {
    this.#connections++;
  }

  sent(message: TransportMessage): void {
    this.#sentMessages++;
    this.#sentBytes += messageBytes(message);
  }

  received(message: TransportMessage): void {
    this.#receivedMessages++;
    this.#receivedBytes += messageBytes(message);
  }

  dropped(message: TransportMessage): void {
    this.#droppedMessages++;
    this.#droppedBytes += messageBytes(message);
  }

  snapshot(): TransportStats {
    return {
      sentMessages: this.#sentMessages,
      sentBytes: this.#sentBytes,
      receivedMessages: this.#receivedMessages,
      receivedBytes: this.#receivedBytes,
      droppedMessages: this.#droppedMessages,
      droppedBytes: this.#droppedBytes,
      connections: this.#connections,
    };
  }
}

/**
 * Returns the size of a message on the wire, in bytes: text travels as UTF-8 (RFC 6455 §5.6). A lone surrogate counts as its
 * substitute.
 */
export function messageBytes(message: TransportMessage): number {
  if (typeof message !== 'string') return message.byteLength;
  let bytes = message.length;
  for (let i = 0; i < message.length; i++) {
    const code = message.charCodeAt(i);
    if (code < 0x80) continue;
    bytes += code < 0x800 ? 1 : 2;
    if (isHighSurrogate(code) && isLowSurrogate(message.charCodeAt(i + 1))) i++;
  }
  return bytes;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code < 0xe000;
}

/** Options of every transport. */
export interface TransportOptions extends WaterMarkOptions {
  /**
   * Closes the transport if the signal is aborted before the transport has opened for the first time; `opened` then rejects with
   * the signal's reason. Has no effect afterwards. Pass an `AbortController`'s `signal` or `AbortSignal.timeout(ms)`. @default none
   */
  readonly signal?: AbortSignal | undefined;
}

/** Limits on how much a transport buffers before it drops messages. */
export interface WaterMarkOptions {
  /**
   * Messages are dropped while more bytes than this are buffered. This bounds the latency that a slow network can add, and the
   * burst that a page may send after it was busy: at 51 kB/s (20 ms of 16 kHz s16 as Base64 JSON) the default holds 2.6 s.
   * @default 131072
   */
  readonly highWaterBytes?: number;
  /**
   * Dropping ends when the buffer has drained to this many bytes.
   * @default a quarter of highWaterBytes
   */
  readonly lowWaterBytes?: number;
  /**
   * How long a message that is sent without a connection is held, in ms, 0–600000. When the transport opens, held messages go out
   * first, in order. At most `highWaterBytes` are held, counting 128 extra bytes for each message; a message that does not fit, or
   * has waited too long, is dropped and counted. @default 0: such a message is dropped
   */
  readonly holdMs?: number;
}
export const TRANSPORT_NAMES: OptionNames<TransportOptions> = {
  highWaterBytes: 1,
  lowWaterBytes: 1,
  holdMs: 1,
  signal: 1,
};

const DEFAULT_HIGH_WATER_BYTES = 2 ** 17;
const MAX_WATER_BYTES = 2 ** 30;
const MAX_HOLD_MS = 600_000;

/**
 * Decides when to drop messages, with two marks: a single mark would let every other message through, and leave only fragments of
 * the audio.
 */
export class WaterMarks {
  readonly highWaterBytes: number;
  readonly lowWaterBytes: number;
  readonly holdMs: number;
  /** Unchanged while the buffer is between the marks. */
  #isCongested = false;

  constructor(options: WaterMarkOptions) {
    const high = options.highWaterBytes ?? DEFAULT_HIGH_WATER_BYTES;
    this.highWaterBytes = integerIn('highWaterBytes', high, 1, MAX_WATER_BYTES);
    const low = options.lowWaterBytes ?? Math.floor(this.highWaterBytes / 4);
    this.lowWaterBytes = integerIn('lowWaterBytes', low, 0, this.highWaterBytes);
    this.holdMs = numberIn('holdMs', options.holdMs ?? 0, 0, MAX_HOLD_MS);
  }

  /** Takes the number of bytes that are buffered now, and returns whether to drop. */
  congested(bufferedBytes: number): boolean {
    if (bufferedBytes > this.highWaterBytes) this.#isCongested = true;
    else if (bufferedBytes <= this.lowWaterBytes) this.#isCongested = false;
    return this.#isCongested;
  }
}
