import { describe } from '../../core/arguments.ts';
import { MicwireError } from '../../core/errors.ts';
import { onAbort } from '../abort.ts';
import { deferred } from '../patience.ts';
import { TypedEventTarget } from '../typed-event-target.ts';
import { HeldMessages } from './held-messages.ts';
import { TransportCounters } from './transport.ts';
import type {
  Transport,
  TransportEventMap,
  TransportMessage,
  TransportOptions,
  TransportState,
  TransportStats,
  TransportStatus,
  WaterMarks,
} from './transport.ts';

/** @throws TypeError for a value that no transport can carry */
function checkTransportMessage(message: unknown): void {
  if (typeof message === 'string') return;
  // Checked by shape: bytes may come from another realm, and views of other kinds hold bytes as well.
  if (typeof message === 'object' && message !== null && 'byteLength' in message) return;
  throw new TypeError(`message must be a string or a Uint8Array, got ${describe(message)}.`);
}

/** Base class of this library's transports: their state, totals and events. */
export abstract class BaseTransport
  extends TypedEventTarget<TransportEventMap>
  implements Transport
{
  /** @internal */
  protected readonly counters: TransportCounters = new TransportCounters();
  #status: TransportStatus = { state: 'connecting', reason: '', failedAttempts: 0, retryInMs: 0 };
  #closing: Promise<void> | undefined;
  /** Pending while messages cannot be sent. */
  #opened = deferred<void>();
  #failed = false;
  #held: HeldMessages | null = null;
  /** Stops watching the option `signal`. */
  #endAbort: (() => void) | undefined;

  get state(): TransportState {
    return this.#status.state;
  }

  get status(): TransportStatus {
    return this.#status;
  }

  get stats(): TransportStats {
    this.#held?.expire();
    return this.counters.snapshot();
  }

  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  get bufferedBytes(): number {
    return this.isConnected ? this.unsentBytes : (this.#held?.bytes ?? 0);
  }

  send(message: TransportMessage): boolean {
    checkTransportMessage(message);
    const waits = !this.isConnected && this.state !== 'closed';
    return (waits && this.#held?.add(message) === true) || this.transmit(message);
  }

  close(): Promise<void> {
    if (this.state !== 'closed') this.#fail(new MicwireError('closed', CLOSED));
    return (this.#closing ??= this.end());
  }

  /** Must be called last in every constructor, once options are checked, because it may close the transport. @internal */
  protected begin({ highWaterBytes, holdMs }: WaterMarks, { signal }: TransportOptions): void {
    this.#held = new HeldMessages(highWaterBytes, holdMs, (late) => this.counters.dropped(late));
    this.#endAbort = onAbort(signal, (reason) => {
      this.#fail(reason);
      void this.close();
    });
  }

  /** Bytes that were handed to a connection but not sent yet. @internal */
  protected abstract readonly unsentBytes: number;

  /** Hands a message to the connection, or drops and counts it. @internal */
  protected abstract transmit(message: TransportMessage): boolean;

  /** Releases everything and ends in the state `'closed'`. @internal */
  protected abstract end(): Promise<void>;

  /** @internal */
  protected get isConnected(): boolean {
    return this.state === 'open' || this.state === 'congested';
  }

  /** Counts and dispatches a message. @internal */
  protected deliver(data: TransportMessage): void {
    this.counters.received(data);
    this.dispatchEvent(new MessageEvent('message', { data }));
  }

  /** Enters a state, unless it is the current one. `'closed'` is final. @internal */
  protected become(
    state: TransportState,
    reason = '',
    failedAttempts: number = this.#status.failedAttempts,
    retryInMs = 0,
  ): void {
    if (state === this.state || this.state === 'closed') return;
    const wasConnected = this.isConnected;
    if (state === 'closed') this.#fail(new MicwireError('transport', reason));
    else if (this.state === 'open') this.#opened = deferred();
    this.#status = { state, reason, failedAttempts, retryInMs };
    if (state === 'open') {
      this.#endAbort?.();
      this.#opened.resolve();
      if (!wasConnected) for (const message of this.#held?.take() ?? []) this.transmit(message);
      // Sending the held messages may have changed the state already.
      if (this.state !== 'open') return;
    }
    this.dispatchEvent(new Event('statechange'));
  }

  /** Marks the transport as permanently closed. The first reason counts. */
  #fail(reason: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#endAbort?.();
    if (this.state === 'open') this.#opened = deferred();
    this.#opened.reject(reason);
    for (const message of this.#held?.take() ?? []) this.counters.dropped(message);
  }

  /** Reports that the connection failed, after the state has changed. @internal */
  protected report(reason: string): void {
    const detail = new MicwireError('transport', reason);
    this.dispatchEvent(new CustomEvent('error', { detail }));
  }
}

const CLOSED = 'The transport is closed. Create another one.';
