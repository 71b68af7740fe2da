import { MicwireError } from '../../core/errors.ts';
import { TypedEventTarget } from '../typed-event-target.ts';
import { TransportCounters } from './transport.ts';
import type {
  Transport,
  TransportEventMap,
  TransportMessage,
  TransportState,
  TransportStats,
  TransportStatus,
} from './transport.ts';

/** Base of this library's transports: their state, their totals and their events. */
export abstract class BaseTransport
  extends TypedEventTarget<TransportEventMap>
  implements Transport
{
  /** @internal */
  protected readonly counters: TransportCounters = new TransportCounters();
  #status: TransportStatus = { state: 'connecting', reason: '', failedAttempts: 0, retryInMs: 0 };
  #closing: Promise<void> | undefined;

  get state(): TransportState {
    return this.#status.state;
  }

  get status(): TransportStatus {
    return this.#status;
  }

  get stats(): TransportStats {
    return this.counters.snapshot();
  }

  abstract readonly bufferedBytes: number;
  abstract send(message: TransportMessage): boolean;

  close(): Promise<void> {
    return (this.#closing ??= this.end());
  }

  /** Lets go of everything and ends in `'closed'`. @internal */
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

  /** Enters a state, if it is another. `'closed'` is for good. @internal */
  protected become(
    state: TransportState,
    reason = '',
    failedAttempts: number = this.#status.failedAttempts,
    retryInMs = 0,
  ): void {
    if (state === this.state || this.state === 'closed') return;
    this.#status = { state, reason, failedAttempts, retryInMs };
    this.dispatchEvent(new Event('statechange'));
  }

  /** Says that the connection failed, after the state has changed. @internal */
  protected report(reason: string): void {
    const detail = new MicwireError('transport', reason);
    this.dispatchEvent(new CustomEvent('error', { detail }));
  }
}
