import { checkObject, checkOptions } from '../../core/option-names.ts';
import { TransportCounters, WATER_MARK_NAMES, WaterMarks } from './transport.ts';
import type {
  Transport,
  TransportMessage,
  TransportState,
  TransportStats,
  TransportStatus,
  WaterMarkOptions,
} from './transport.ts';

/** The part of a browser's `RTCDataChannel` that is used. */
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
 * Messages over an `RTCDataChannel` (RFC 8831). Whether they arrive for sure and in order is the channel's own: one made with
 * `{ ordered: false, maxRetransmits: 0 }`, as `Call.createDataChannel` does unless told otherwise, loses and reorders what the
 * network does, and never waits. It runs in a Worker too, where the engine can transfer a channel (Chromium).
 */
export class DataChannelTransport implements Transport {
  onmessage: ((message: TransportMessage) => void) | null = null;
  onstatechange: ((status: TransportStatus) => void) | null = null;
  private readonly channel: DataChannelLike;
  private readonly counters = new TransportCounters();
  private readonly marks: WaterMarks;
  private current: TransportStatus = statusOf('connecting');

  /**
   * @param channel its callbacks and `binaryType` belong to the transport from now on
   * @throws TypeError or RangeError for wrong water marks
   */
  constructor(channel: DataChannelLike, options: WaterMarkOptions = {}) {
    checkObject('channel must be an RTCDataChannel', channel, 'send');
    checkOptions('DataChannelTransport', options, WATER_MARK_NAMES);
    this.marks = new WaterMarks(options);
    this.channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.onopen = () => this.opened();
    channel.onmessage = (event: { readonly data: unknown }) => this.arrived(event.data);
    channel.onclose = () => this.end('The other side closed the channel, or is gone.');
    // By itself, for nobody may send for long.
    channel.bufferedAmountLowThreshold = this.marks.lowWaterBytes;
    channel.onbufferedamountlow = () => this.drained();
    // A close follows (W3C webrtc §6.2).
    channel.onerror = () => {};
    // Opens in a later task, like any other transport, so that its owner can set the callbacks first.
    if (channel.readyState === 'open') queueMicrotask(() => this.opened());
    else if (channel.readyState !== 'connecting') {
      queueMicrotask(() => this.end('The channel was closed before.'));
    }
  }

  get status(): TransportStatus {
    return this.current;
  }

  get bufferedBytes(): number {
    return this.isConnected ? this.channel.bufferedAmount : 0;
  }

  get stats(): TransportStats {
    return this.counters.snapshot();
  }

  send(message: TransportMessage): boolean {
    const { channel } = this;
    if (!this.isConnected || this.marks.congested(channel.bufferedAmount)) {
      this.counters.dropped(message);
      if (this.isConnected) this.become('congested');
      return false;
    }
    try {
      // Not from a SharedArrayBuffer: browsers refuse to send one.
      channel.send(message as string | Uint8Array<ArrayBuffer>);
    } catch {
      // Closing, larger than the other side takes, or the browser's own buffer is full: all of them mean that it is not sent.
      this.counters.dropped(message);
      return false;
    }
    this.counters.sent(message);
    this.become('open');
    return true;
  }

  close(): void {
    this.end('');
  }

  private get isConnected(): boolean {
    return this.current.state === 'open' || this.current.state === 'congested';
  }

  private opened(): void {
    if (this.current.state !== 'connecting') return;
    this.counters.connected();
    this.become('open');
  }

  private drained(): void {
    if (!this.isConnected) return;
    this.become(this.marks.congested(this.channel.bufferedAmount) ? 'congested' : 'open');
  }

  private arrived(data: unknown): void {
    const message = typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer);
    this.counters.received(message);
    this.onmessage?.(message);
  }

  private end(reason: string): void {
    if (this.current.state === 'closed') return;
    const { channel } = this;
    channel.onopen = null;
    channel.onmessage = null;
    channel.onclose = null;
    channel.onbufferedamountlow = null;
    channel.close();
    this.become('closed', reason);
    this.onmessage = null;
    this.onstatechange = null;
  }

  private become(state: TransportState, reason?: string): void {
    if (state === this.current.state) return;
    this.current = statusOf(state, reason);
    this.onstatechange?.(this.current);
  }
}

function statusOf(state: TransportState, reason?: string): TransportStatus {
  const words = state === 'congested' ? 'More is sent than the network takes.' : '';
  return { state, reason: reason ?? words, failedAttempts: 0, retryInMs: 0 };
}
