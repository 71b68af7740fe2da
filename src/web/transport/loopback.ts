import { checkOptions } from '../../core/option-names.ts';
import { checkSignal } from '../abort.ts';
import { BaseTransport } from './base.ts';
import { TRANSPORT_NAMES, WaterMarks, messageBytes } from './transport.ts';
import type { TransportMessage, TransportOptions } from './transport.ts';

/**
 * Returns every message to its sender within this page, as an echo server would: for tests, and to hear a stream without a network.
 * Each message arrives in a separate task.
 */
export class LoopbackTransport extends BaseTransport {
  readonly #channel = new MessageChannel();
  readonly #marks: WaterMarks;
  /** Bytes in transit through the channel. */
  #inFlightBytes = 0;

  /** @throws TypeError or RangeError for an invalid option; the reason of a `signal` that is already aborted */
  static create(options: TransportOptions = {}): LoopbackTransport {
    return new LoopbackTransport(options);
  }

  private constructor(options: TransportOptions) {
    super();
    checkOptions('LoopbackTransport', options, TRANSPORT_NAMES);
    checkSignal(options.signal);
    this.#marks = new WaterMarks(options);
    this.#channel.port2.onmessage = (event: MessageEvent<TransportMessage | null>) => {
      this.#arrive(event.data);
    };
    // Opens in a later task, like any other transport, so that its owner can listen first.
    this.#channel.port1.postMessage(null);
    this.begin(this.#marks, options);
  }

  /** @internal */
  protected get unsentBytes(): number {
    return this.#inFlightBytes;
  }

  /** @internal */
  protected transmit(message: TransportMessage): boolean {
    if (!this.isConnected || this.#marks.congested(this.#inFlightBytes)) {
      this.counters.dropped(message);
      if (this.isConnected) this.become('congested', CONGESTED);
      return false;
    }
    this.become('open');
    // A copy, because structured cloning of a view would copy the whole buffer behind it.
    if (typeof message === 'string') this.#channel.port1.postMessage(message);
    else {
      const copy = new Uint8Array(message);
      this.#channel.port1.postMessage(copy, [copy.buffer]);
    }
    this.counters.sent(message);
    this.#inFlightBytes += messageBytes(message);
    return true;
  }

  /** @internal */
  protected async end(): Promise<void> {
    this.#channel.port1.close();
    this.#channel.port2.close();
    this.#channel.port2.onmessage = null;
    this.#inFlightBytes = 0;
    this.become('closed');
  }

  #arrive(message: TransportMessage | null): void {
    if (message === null) {
      this.counters.connected();
      this.become('open');
      return;
    }
    this.#inFlightBytes -= messageBytes(message);
    if (!this.#marks.congested(this.#inFlightBytes)) this.become('open');
    // A listener of 'statechange' may have closed it.
    if (this.state !== 'closed') this.deliver(message);
  }
}

const CONGESTED = 'More is sent than can be delivered.';
