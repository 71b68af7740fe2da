import type { MicwireError } from '../../core/errors.ts';
import type { TypedEventTarget } from '../typed-event-target.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { integerIn, numberIn } from '../../core/arguments.ts';

/** A message of a transport: text as a string, anything else as bytes. */
export type TransportMessage = string | Uint8Array;

/**
 * - `'connecting'`: the first or the next attempt is in progress;
 * - `'open'`: messages go out;
 * - `'congested'`: connected, but more is buffered than the high water mark: messages are dropped and counted until it
 *   has drained to the low water mark;
 * - `'waiting'`: the connection is lost; the next attempt starts after `retryInMs`;
 * - `'closed'`: by `close()`, or by the other side over a transport that cannot reconnect.
 */
export type TransportState = 'connecting' | 'open' | 'congested' | 'waiting' | 'closed';

/** The state of a transport, in words for the user too. */
export interface TransportStatus {
  readonly state: TransportState;
  /** Why it is not open, in a short sentence; empty when it is, or when nothing failed yet. */
  readonly reason: string;
  /** Connections that failed in a row; counts from 1 again after one that was of use for 5 s. */
  readonly failedAttempts: number;
  /** With `'waiting'`: ms from the change of state until the next attempt; else 0. */
  readonly retryInMs: number;
}

/** Running totals since the transport was made. Bytes are those of the messages, without the transport's own headers. */
export interface TransportStats {
  readonly sentMessages: number;
  readonly sentBytes: number;
  readonly receivedMessages: number;
  readonly receivedBytes: number;
  /** Messages that `send` refused. */
  readonly droppedMessages: number;
  readonly droppedBytes: number;
  /** Connections that opened, the first one included. */
  readonly connections: number;
}

/** Events of a {@link Transport}. */
export interface TransportEventMap {
  /** A message arrived, in `data`. Bytes are the listener's to keep. */
  readonly message: MessageEvent<TransportMessage>;
  /** `transport.state` has changed. */
  readonly statechange: Event;
  /** The connection was lost, or could not be made: code `'transport'`, in `detail`. `state` says whether another attempt follows. */
  readonly error: CustomEvent<MicwireError>;
}

/**
 * Carries messages both ways, in order unless it says otherwise, as long as it is connected. It never queues without bound:
 * a message that cannot leave soon is dropped and counted, because late audio is worth less than none. A transport of your
 * own extends `TypedEventTarget<TransportEventMap>`.
 */
export interface Transport extends TypedEventTarget<TransportEventMap> {
  /** State of the transport. `'statechange'` follows each change. */
  readonly state: TransportState;
  /** The state with its reason, as a snapshot. */
  readonly status: TransportStatus;
  /** Bytes that were sent but have not left this process, held ones included. */
  readonly bufferedBytes: number;
  /** A snapshot of the totals. */
  readonly stats: TransportStats;
  /**
   * Resolves when messages can go out: at once while `state` is `'open'`, otherwise when it is `'open'` next. Rejects when it
   * never will be, because the transport is closed: with a MicwireError, `'closed'` after `close()` and `'transport'` after a
   * failure, or with the reason of the option `signal`. A rejection that nobody awaits counts as handled.
   */
  readonly opened: Promise<void>;
  /**
   * Sends a message, or holds it (see `holdMs`), or drops and counts it.
   * @param message copied before this returns: the caller may use its buffer again
   * @returns whether it was taken; false when the transport is not `'open'` and does not hold it, or is congested
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

/** Bytes of a message on the wire: text travels as UTF-8 (RFC 6455 §5.6). A lone surrogate counts as its substitute. */
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
   * Closes the transport when it is aborted before it has opened for the first time; `opened` then rejects with the signal's
   * reason. Without effect afterwards. An `AbortController`'s `signal`, or `AbortSignal.timeout(ms)`. @default none
   */
  readonly signal?: AbortSignal | undefined;
}

/** Limits of what a transport buffers before it drops messages. */
export interface WaterMarkOptions {
  /**
   * With more bytes than this buffered, messages are dropped. It bounds the latency that a slow network can add, and the
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
   * How long a message that is sent while there is no connection is held, ms, 0–600000. When the transport opens, held
   * messages go out first, in order. At most `highWaterBytes` are held, counting 128 more for each message; what does not
   * fit, or has waited longer, is dropped and counted. @default 0: such a message is dropped
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
 * Decides when to drop, with two marks: a single one would let every other message through, and leave only fragments of
 * the audio.
 */
export class WaterMarks {
  readonly highWaterBytes: number;
  readonly lowWaterBytes: number;
  readonly holdMs: number;
  /** Between the marks it keeps what it was. */
  #isCongested = false;

  constructor(options: WaterMarkOptions) {
    const high = options.highWaterBytes ?? DEFAULT_HIGH_WATER_BYTES;
    this.highWaterBytes = integerIn('highWaterBytes', high, 1, MAX_WATER_BYTES);
    const low = options.lowWaterBytes ?? Math.floor(this.highWaterBytes / 4);
    this.lowWaterBytes = integerIn('lowWaterBytes', low, 0, this.highWaterBytes);
    this.holdMs = numberIn('holdMs', options.holdMs ?? 0, 0, MAX_HOLD_MS);
  }

  /** Takes the bytes that are buffered now; says whether to drop. */
  congested(bufferedBytes: number): boolean {
    if (bufferedBytes > this.highWaterBytes) this.#isCongested = true;
    else if (bufferedBytes <= this.lowWaterBytes) this.#isCongested = false;
    return this.#isCongested;
  }
}
