import type { Clock, ClockTimer } from './clock.ts';

/** Bytes of the stream from `start` up to `end`, the latter not among them. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A segment on its way. */
export interface TcpSegment extends ByteRange {
  /** Whether it ends where a write ended: the flag PSH. */
  readonly push: boolean;
  /** When it was sent: the time stamp of RFC 7323. */
  readonly sentMs: number;
}

/** An acknowledgement on its way back. */
export interface TcpAck {
  /** All bytes before this one have come. */
  readonly upTo: number;
  /** What has arrived beyond it, in order (RFC 2018). */
  readonly beyond: readonly ByteRange[];
  /** The duplicate data that caused this acknowledgement, if that is its reason (RFC 2883). */
  readonly duplicate: ByteRange | null;
  /** The time stamp of the segment that moved `upTo` last. */
  readonly echoMs: number;
}

/** Longest wait for a second segment before one is acknowledged, as on Linux. */
const ACK_DELAY_MS = 40;
/** Acknowledgements of the same gap that go out at once; further ones within this time go as one, as on Linux. */
const PROMPT_DUPLICATES = 3;
const MERGE_MS = 1;

/** The receiving end of a TCP connection: puts segments in order, and acknowledges them as Linux does for a prompt reader. */
export class TcpReceiver {
  readonly #clock: Clock;
  readonly #segmentBytes: number;
  readonly #advance: (upTo: number) => void;
  readonly #acknowledge: (ack: TcpAck) => void;
  #upTo = 0;
  /** What came beyond a gap, in order, merged. */
  #beyond: ByteRange[] = [];
  #acknowledgedUpTo = 0;
  #echoMs = 0;
  #delayed: ClockTimer | null = null;
  /** Acknowledgements sent since `upTo` last moved, and the one that waits for others to go with it. */
  #duplicates = 0;
  #merged: ClockTimer | null = null;

  /**
   * @param segmentBytes what a full segment carries
   * @param advance called with the end of the readable part of the stream
   */
  constructor(
    clock: Clock,
    segmentBytes: number,
    advance: (upTo: number) => void,
    acknowledge: (ack: TcpAck) => void,
  ) {
    this.#clock = clock;
    this.#segmentBytes = segmentBytes;
    this.#advance = advance;
    this.#acknowledge = acknowledge;
  }

  receive(segment: TcpSegment): void {
    const { start, end } = segment;
    if (
      end <= this.#upTo ||
      this.#beyond.some((range) => range.start <= start && end <= range.end)
    ) {
      this.#acknowledgeNow({ start, end });
      return;
    }
    // Loss or its repair: the sender waits for every report of it (RFC 5681 §4.2).
    const gap = this.#beyond.length > 0 || start > this.#upTo;
    if (start > this.#upTo) {
      this.#keep(start, end);
      if (this.#duplicates++ >= PROMPT_DUPLICATES) {
        this.#merged ??= this.#clock.at(this.#clock.nowMs + MERGE_MS, () =>
          this.#acknowledgeNow(null),
        );
        return;
      }
    } else {
      this.#duplicates = 0;
      this.#echoMs = segment.sentMs;
      this.#upTo = end;
      while (this.#beyond[0] !== undefined && this.#beyond[0].start <= this.#upTo) {
        this.#upTo = Math.max(this.#upTo, this.#beyond.shift()!.end);
      }
      this.#advance(this.#upTo);
    }
    if (gap) {
      this.#acknowledgeNow(null);
    } else if (segment.push || this.#upTo - this.#acknowledgedUpTo > this.#segmentBytes) {
      // When it is read, with everything that arrived at the same moment.
      this.#merged ??= this.#clock.at(this.#clock.nowMs, () => this.#acknowledgeNow(null));
    } else {
      this.#delayed ??= this.#clock.at(this.#clock.nowMs + ACK_DELAY_MS, () =>
        this.#acknowledgeNow(null),
      );
    }
  }

  close(): void {
    this.#delayed?.cancel();
    this.#merged?.cancel();
  }

  #acknowledgeNow(duplicate: ByteRange | null): void {
    this.#delayed?.cancel();
    this.#delayed = null;
    this.#merged?.cancel();
    this.#merged = null;
    this.#acknowledgedUpTo = this.#upTo;
    const upTo = this.#upTo;
    const echoMs = this.#echoMs;
    this.#acknowledge({ upTo, beyond: this.#beyond.slice(), duplicate, echoMs });
  }

  /** Puts a range among those beyond the gap. */
  #keep(start: number, end: number): void {
    const merged: ByteRange[] = [];
    let range: ByteRange = { start, end };
    for (const other of this.#beyond) {
      if (other.end < range.start) merged.push(other);
      else if (other.start > range.end) {
        merged.push(range);
        range = other;
      } else {
        range = {
          start: Math.min(range.start, other.start),
          end: Math.max(range.end, other.end),
        };
      }
    }
    merged.push(range);
    this.#beyond = merged;
  }
}
