import type { Clock } from './clock.ts';
import type { CongestionControlName } from './congestion-control.ts';
import type { Link } from './lane-path.ts';
import type { TcpAck, TcpSegment } from './tcp-receiver.ts';
import { TcpReceiver } from './tcp-receiver.ts';
import type { TcpSenderCounts } from './tcp-sender.ts';
import { TcpSender } from './tcp-sender.ts';

/** What a connection runs on, and over. */
export interface TcpModelOptions<Message> {
  readonly clock: Clock;
  /** Carries segments. */
  readonly forward: Link;
  /** Carries acknowledgements. */
  readonly back: Link;
  /** Called with each message once, in order, when its last byte has arrived and none before it is missing. */
  readonly deliver: (message: Message) => void;
  /** Called after an acknowledgement has come: `bufferedBytes` may be less. */
  readonly onacknowledge?: () => void;
  /** @default 'cubic' */
  readonly congestion?: CongestionControlName;
}

/** What a connection has done so far. */
export interface TcpModelCounts extends TcpSenderCounts {
  readonly sentMessages: number;
  readonly deliveredMessages: number;
  /** Bytes of the messages sent. */
  readonly messageBytes: number;
  /** Bytes of all segments with the headers of IP and TCP, those sent again included. */
  readonly forwardBytes: number;
  /** Acknowledgements sent. */
  readonly acknowledgements: number;
  /** Their bytes with the headers of IP and TCP. */
  readonly backBytes: number;
}

/** Headers of IPv4 and TCP with time stamps (RFC 7323), as all current systems send them. */
const HEADER_BYTES = 20 + 20 + 12;
/** What fits beside them into an Ethernet frame. */
const SEGMENT_BYTES = 1500 - HEADER_BYTES;
/** RFC 2018 §3: the option's padded header, and the size of one block. At most three fit beside the time stamps. */
const SACK_BYTES = 4;
const SACK_BLOCK_BYTES = 8;
const MOST_SACK_BLOCKS = 3;

/**
 * One direction of a TCP connection over a modelled link: takes messages, cuts them into segments, loses and retransmits those, and
 * delivers messages when a real connection would. The connection is open from the start, and nobody closes it.
 */
export class TcpModel<Message> {
  readonly #options: TcpModelOptions<Message>;
  readonly #sender: TcpSender;
  readonly #receiver: TcpReceiver;
  /** Messages not delivered yet, with the stream's byte behind each. */
  readonly #underWay: { readonly message: Message; readonly end: number }[] = [];
  #written = 0;
  #sentMessages = 0;
  #deliveredMessages = 0;
  #forwardBytes = 0;
  #acknowledgements = 0;
  #backBytes = 0;
  #closed = false;

  constructor(options: TcpModelOptions<Message>) {
    this.#options = options;
    const { clock, congestion = 'cubic' } = options;
    this.#sender = new TcpSender(clock, SEGMENT_BYTES, congestion, (segment) => {
      this.#carryForward(segment);
    });
    this.#receiver = new TcpReceiver(
      clock,
      SEGMENT_BYTES,
      (upTo) => this.#deliver(upTo),
      (ack) => this.#carryBack(ack),
    );
  }

  /** Bytes written that the sender would have to keep because they are not acknowledged yet. */
  get bufferedBytes(): number {
    return this.#sender.bufferedBytes;
  }

  /** Of `counts.forwardBytes`, those of segments sent again. */
  get repeatedWireBytes(): number {
    const { retransmissions, repeatedBytes } = this.#sender.counts;
    return repeatedBytes + retransmissions * HEADER_BYTES;
  }

  get counts(): TcpModelCounts {
    const sentMessages = this.#sentMessages;
    const deliveredMessages = this.#deliveredMessages;
    const forwardBytes = this.#forwardBytes;
    const acknowledgements = this.#acknowledgements;
    const backBytes = this.#backBytes;
    return {
      ...this.#sender.counts,
      sentMessages,
      deliveredMessages,
      messageBytes: this.#written,
      forwardBytes,
      acknowledgements,
      backBytes,
    };
  }

  /**
   * Writes a message to the stream.
   * @param bytes its size in the stream, above 0
   */
  send(message: Message, bytes: number): void {
    if (this.#closed) return;
    this.#sentMessages++;
    this.#written += bytes;
    this.#underWay.push({ message, end: this.#written });
    this.#sender.write(bytes);
  }

  /** Delivers nothing further, and stops all timers. */
  close(): void {
    this.#closed = true;
    this.#sender.close();
    this.#receiver.close();
    this.#underWay.length = 0;
  }

  #carryForward(segment: TcpSegment): void {
    const { clock, forward } = this.#options;
    const bytes = segment.end - segment.start + HEADER_BYTES;
    this.#forwardBytes += bytes;
    const arrival = forward.fate(bytes, clock.nowMs);
    if (arrival < 0) return;
    clock.at(arrival, () => {
      if (!this.#closed) this.#receiver.receive(segment);
    });
  }

  #carryBack(ack: TcpAck): void {
    const { clock, back } = this.#options;
    const blocks = ack.beyond.length + (ack.duplicate === null ? 0 : 1);
    const bytes =
      HEADER_BYTES +
      (blocks > 0 ? SACK_BYTES + SACK_BLOCK_BYTES * Math.min(blocks, MOST_SACK_BLOCKS) : 0);
    this.#acknowledgements++;
    this.#backBytes += bytes;
    const arrival = back.fate(bytes, clock.nowMs);
    if (arrival < 0) return;
    clock.at(arrival, () => {
      if (this.#closed) return;
      this.#sender.receive(ack);
      this.#options.onacknowledge?.();
    });
  }

  #deliver(upTo: number): void {
    while (this.#underWay[0] !== undefined && this.#underWay[0].end <= upTo) {
      this.#deliveredMessages++;
      this.#options.deliver(this.#underWay.shift()!.message);
    }
  }
}
