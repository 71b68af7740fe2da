import { checkObject, checkOptions } from '../../core/option-names.ts';
import { checkSignal } from '../abort.ts';
import { BaseTransport } from './base.ts';
import { TRANSPORT_NAMES, WaterMarks } from './transport.ts';
import type { TransportMessage, TransportOptions } from './transport.ts';

/** The part of a browser's `RTCDataChannel` that this transport uses. */
export interface DataChannelLike {
  binaryType: string;
  readonly readyState: RTCDataChannelState;
  readonly bufferedAmount: number;
  bufferedAmountLowThreshold?: number;
  onbufferedamountlow?: ((event: never) => void) | null;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | ArrayBufferView<ArrayBuffer>): void;
  close(): void;
}

/**
 * Carries messages over an `RTCDataChannel` (RFC 8831). Reliability and order are those of the channel: a channel created with
 * `{ ordered: false, maxRetransmits: 0 }`, the default of `Call.createDataChannel`, loses and reorders messages as the network
 * does, and never waits. The transport also runs in a Worker, where the engine can transfer a channel (Chromium).
 */
export class DataChannelTransport extends BaseTransport {
  readonly #channel: DataChannelLike;
  readonly #marks: WaterMarks;
  #watch: ReturnType<typeof setInterval> | undefined;

  /**
   * @param channel the channel; its callbacks and `binaryType` belong to the transport from now on
   * @throws TypeError or RangeError for an invalid option; the reason of a `signal` that is already aborted
   */
  static create(channel: DataChannelLike, options: TransportOptions = {}): DataChannelTransport {
    return new DataChannelTransport(channel, options);
  }

  private constructor(channel: DataChannelLike, options: TransportOptions) {
    super();
    checkObject('channel must be an RTCDataChannel', channel, 'send');
    checkOptions('DataChannelTransport', options, TRANSPORT_NAMES);
    checkSignal(options.signal);
    this.#marks = new WaterMarks(options);
    this.#channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.onopen = () => this.#opened();
    channel.onmessage = ({ data }: { readonly data: unknown }) => {
      this.deliver(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer));
    };
    channel.onclose = () => this.#lost('The other side closed the channel, or is gone.');
    // Checked by a timer, because the app may not send for a long time.
    channel.bufferedAmountLowThreshold = this.#marks.lowWaterBytes;
    channel.onbufferedamountlow = () => this.#drained();
    // A close event follows (W3C webrtc §6.2).
    channel.onerror = () => {};
    // Opens in a later task, like any other transport, so that its owner can listen first.
    if (channel.readyState === 'open') queueMicrotask(() => this.#opened());
    else if (channel.readyState !== 'connecting') {
      queueMicrotask(() => this.#lost('The channel was closed before.'));
    }
    this.begin(this.#marks, options);
  }

  /** @internal */
  protected get unsentBytes(): number {
    return this.#channel.bufferedAmount;
  }

  /** @internal */
  protected transmit(message: TransportMessage): boolean {
    const channel = this.#channel;
    if (!this.isConnected || this.#marks.congested(channel.bufferedAmount)) {
      this.counters.dropped(message);
      if (this.isConnected) this.#congested();
      return false;
    }
    try {
      // Not from a SharedArrayBuffer: browsers refuse to send one.
      channel.send(message as string | Uint8Array<ArrayBuffer>);
    } catch {
      // The channel is closing, the message is larger than the other side accepts, or the browser's buffer is full. In each case
      // the message is not sent.
      this.counters.dropped(message);
      return false;
    }
    this.counters.sent(message);
    clearInterval(this.#watch);
    this.become('open');
    return true;
  }

  /** @internal */
  protected async end(): Promise<void> {
    this.#letGo('');
  }

  #opened(): void {
    if (this.state !== 'connecting') return;
    this.counters.connected();
    this.become('open');
  }

  #drained(): void {
    if (!this.isConnected) return;
    if (this.#marks.congested(this.#channel.bufferedAmount)) return this.#congested();
    clearInterval(this.#watch);
    this.become('open');
  }

  /** Polls until the channel has drained: not every channel reports when that happens. */
  #congested(): void {
    clearInterval(this.#watch);
    this.#watch = setInterval(() => this.#drained(), LOOK_MS);
    this.become('congested', CONGESTED);
  }

  #lost(reason: string): void {
    if (this.state === 'closed') return;
    this.#letGo(reason);
    this.report(reason);
  }

  #letGo(reason: string): void {
    const channel = this.#channel;
    clearInterval(this.#watch);
    channel.onopen = null;
    channel.onmessage = null;
    channel.onclose = null;
    channel.onbufferedamountlow = null;
    channel.close();
    this.become('closed', reason);
  }
}

/** Interval at which a congested channel is polled, in ms. */
const LOOK_MS = 250;
const CONGESTED = 'More is sent than the network takes.';
