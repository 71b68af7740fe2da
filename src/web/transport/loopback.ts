import { checkOptions } from '../../core/option-names.ts';
import { TransportCounters, messageBytes, WATER_MARK_NAMES, WaterMarks } from './transport.ts';
import type {
  Transport,
  TransportMessage,
  TransportStats,
  TransportStatus,
  WaterMarkOptions,
} from './transport.ts';

/**
 * Brings every message back to its sender, as an echo server would, within this page: for tests, and to hear what a lane
 * does without a network. Each message arrives in a task of its own.
 */
export class LoopbackTransport implements Transport {
  onmessage: ((message: TransportMessage) => void) | null = null;
  onstatechange: ((status: TransportStatus) => void) | null = null;
  private readonly channel = new MessageChannel();
  private readonly counters = new TransportCounters();
  private readonly marks: WaterMarks;
  private current: TransportStatus = statusOf('connecting');
  /** Bytes on their way through the channel. */
  private inFlightBytes = 0;

  constructor(options: WaterMarkOptions = {}) {
    checkOptions('LoopbackTransport', options, WATER_MARK_NAMES);
    this.marks = new WaterMarks(options);
    this.channel.port2.onmessage = (event: MessageEvent<TransportMessage | null>) => {
      this.arrive(event.data);
    };
    // Opens in a later task, like any other transport, so that its owner can set the callbacks first.
    this.channel.port1.postMessage(null);
  }

  get status(): TransportStatus {
    return this.current;
  }

  get bufferedBytes(): number {
    return this.inFlightBytes;
  }

  get stats(): TransportStats {
    return this.counters.snapshot();
  }

  send(message: TransportMessage): boolean {
    const { state } = this.current;
    const connected = state === 'open' || state === 'congested';
    if (!connected || this.marks.congested(this.inFlightBytes)) {
      this.counters.dropped(message);
      if (connected) this.become('congested');
      return false;
    }
    this.become('open');
    // A copy, because structured cloning of a view would copy the whole buffer behind it.
    if (typeof message === 'string') this.channel.port1.postMessage(message);
    else {
      const copy = message.slice();
      this.channel.port1.postMessage(copy, [copy.buffer]);
    }
    this.counters.sent(message);
    this.inFlightBytes += messageBytes(message);
    return true;
  }

  close(): void {
    if (this.current.state === 'closed') return;
    this.channel.port1.close();
    this.channel.port2.close();
    this.channel.port2.onmessage = null;
    this.inFlightBytes = 0;
    this.become('closed');
    this.onmessage = null;
    this.onstatechange = null;
  }

  private arrive(message: TransportMessage | null): void {
    if (message === null) {
      this.counters.connected();
      this.become('open');
      return;
    }
    this.inFlightBytes -= messageBytes(message);
    this.counters.received(message);
    if (!this.marks.congested(this.inFlightBytes)) this.become('open');
    this.onmessage?.(message);
  }

  private become(state: TransportStatus['state']): void {
    if (state === this.current.state) return;
    this.current = statusOf(state);
    this.onstatechange?.(this.current);
  }
}

function statusOf(state: TransportStatus['state']): TransportStatus {
  const reason = state === 'congested' ? 'More is sent than can be delivered.' : '';
  return { state, reason, failedAttempts: 0, retryInMs: 0 };
}
