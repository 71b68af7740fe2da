import type { MicwireError } from '../../core/errors.ts';
import type { TypedEventTarget } from '../typed-event-target.ts';

/** What a transport carries: text as a string, anything else as bytes. */
export type TransportMessage = string | Uint8Array;

/**
 * - `'connecting'`: the first attempt, or the next one, is under way;
 * - `'open'`: messages go out;
 * - `'congested'`: connected, but more is buffered than the high water mark: messages are dropped and counted until it
 *   has drained to the low water mark;
 * - `'waiting'`: the connection is lost; the next attempt comes by itself after `retryInMs`;
 * - `'closed'`: for good, by `close()`; or by the other side, over a transport that cannot come back.
 */
export type TransportState = 'connecting' | 'open' | 'congested' | 'waiting' | 'closed';

/** The state of a transport, in words for the user too. */
export interface TransportStatus {
  readonly state: TransportState;
  /** Why it is not open, in a short sentence; empty when it is, or when nothing failed yet. */
  readonly reason: string;
  /** Connections that failed in a row; back to 0 after one that lasted. */
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
  /** Connections that came up, the first one included. */
  readonly connections: number;
}

/** What a {@link Transport} dispatches. */
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
  /** What the transport is doing; `'statechange'` tells when that changes. */
  readonly state: TransportState;
  /** The state with its reason, as a snapshot. */
  readonly status: TransportStatus;
  /** Bytes that were sent and have not left this process yet. */
  readonly bufferedBytes: number;
  /** A snapshot of the totals. */
  readonly stats: TransportStats;
  /**
   * Sends a message, or drops and counts it.
   * @param message copied before this returns: the caller may use its buffer again
   * @returns whether it went out; false when the transport is not `'open'`, or is congested
   */
  send(message: TransportMessage): boolean;
  /**
   * Ends the connection for good: `'statechange'` to `'closed'` is the last event. A second call returns the same promise.
   */
  close(): Promise<void>;
}
