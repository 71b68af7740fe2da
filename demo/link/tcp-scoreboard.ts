import type { ByteRange, TcpAck } from './tcp-receiver.ts';

/** A segment that was sent and is not acknowledged. */
export interface SentSegment {
  start: number;
  end: number;
  push: boolean;
  /** When it was sent last. */
  sentMs: number;
  /** The receiver has it, beyond a gap. */
  sacked: boolean;
  /** Considered lost. */
  lost: boolean;
  /** Sent again, and that is under way. */
  resent: boolean;
  /** Sent again at any time. */
  everResent: boolean;
}

/** What an acknowledgement newly reports. */
export interface AckNews {
  /** Whether more contiguous bytes have arrived. */
  readonly advanced: boolean;
  /** Segments that have arrived. */
  readonly delivered: number;
  /** Whether something beyond a gap has arrived. */
  readonly sacked: boolean;
  /** Whether a segment that was sent only once has arrived. */
  readonly original: boolean;
  /** A round trip; -1 when it gives none. */
  readonly roundTripMs: number;
  /** Whether data beyond a gap was sent after the oldest segment was last sent: then there is no reason to wait for it longer. */
  readonly newerThanHead: boolean;
}

/** The result of a search for losses. */
export interface FoundLost {
  /** Segments newly considered lost. */
  readonly lost: number;
  /** Whether one that was sent again is among them. */
  readonly resent: boolean;
  /** In how many ms to look again; Infinity: not before the next acknowledgement. */
  readonly nextMs: number;
}

/** At least this many segments out of order are a sign of loss (RFC 5681 §3.2). */
const MANY_SACKED = 3;
/** Recoveries for which a wider reordering window holds (RFC 8985 §6.2). */
const REORDER_PERSISTS = 16;
const MOST_REORDER_STEPS = 255;
/** Linux forgets the minimum round trip after this time. */
const LEAST_ROUND_TRIP_HOLDS_MS = 300_000;
/** Tolerance: times are sums of fractions. */
const ROUNDING_MS = 1e-6;

/** What is known of each segment under way, and which are considered lost: RACK (RFC 8985 §6). */
export class Scoreboard {
  /** The end of what has been acknowledged without a gap. */
  acknowledged = 0;
  /** Infinity while unknown. */
  leastRoundTripMs: number = Infinity;
  readonly #segmentBytes: number;
  readonly #queue: SentSegment[] = [];
  #leastSeenMs = 0;
  /** Of the segment sent last among those that have arrived: when, its end, and its round trip. */
  #rackSentMs = -Infinity;
  #rackEnd = 0;
  #rackRoundTripMs = 0;
  #rackAdvanced = false;
  /** The end of the furthest byte that has arrived beyond a gap. */
  #furthest = 0;
  #reorderingSeen = false;
  #reorderSteps = 1;
  #reorderPersists = 0;
  /** Up to this byte duplicates widen the reordering window no further: once a round trip. */
  #widenedUpTo = -1;

  /** @param segmentBytes what a full segment carries */
  constructor(segmentBytes: number) {
    this.#segmentBytes = segmentBytes;
  }

  get empty(): boolean {
    return this.#queue.length === 0;
  }

  /** Segments sent and not acknowledged. */
  get count(): number {
    return this.#queue.length;
  }

  get head(): SentSegment | undefined {
    return this.#queue[0];
  }

  get last(): SentSegment | undefined {
    return this.#queue.at(-1);
  }

  get headSentMs(): number {
    return this.#queue[0]?.sentMs ?? 0;
  }

  get hasSacked(): boolean {
    return this.#queue.some((segment) => segment.sacked);
  }

  /** Segments that were sent again and are under way. */
  get resentCount(): number {
    return this.#queue.reduce((sum, { resent }) => sum + (resent ? 1 : 0), 0);
  }

  /** Segments thought to be on the link. */
  get inFlight(): number {
    return this.#queue.reduce(
      (sum, { sacked, lost, resent }) => (sacked ? sum : sum + (lost ? 0 : 1) + (resent ? 1 : 0)),
      0,
    );
  }

  add(start: number, end: number, push: boolean, sentMs: number): SentSegment {
    const segment: SentSegment = {
      start,
      end,
      push,
      sentMs,
      sacked: false,
      lost: false,
      resent: false,
      everResent: false,
    };
    this.#queue.push(segment);
    return segment;
  }

  /** Notes that a segment goes out again; small ones behind it go with it, as far as they fit. */
  resend(segment: SentSegment, sentMs: number): void {
    const at = this.#queue.indexOf(segment);
    let behind = this.#queue[at + 1];
    while (
      behind !== undefined &&
      !behind.sacked &&
      behind.end - segment.start <= this.#segmentBytes
    ) {
      segment.end = behind.end;
      segment.push = behind.push;
      this.#queue.splice(at + 1, 1);
      behind = this.#queue[at + 1];
    }
    segment.resent = true;
    segment.everResent = true;
    segment.sentMs = sentMs;
  }

  /** Those to be sent again, the oldest first. */
  *lostToSend(): Generator<SentSegment> {
    for (let at = 0; at < this.#queue.length; at++) {
      const segment = this.#queue[at]!;
      if (segment.lost && !segment.resent && !segment.sacked) yield segment;
    }
  }

  acknowledge({ upTo, beyond }: TcpAck, nowMs: number): AckNews {
    const queue = this.#queue;
    const advanced = upTo > this.acknowledged;
    const furthestBefore = this.#furthest;
    let delivered = 0;
    let original = false;
    let anyResent = false;
    let earliestMs = Infinity;
    let latestMs = -Infinity;
    const arrived = (segment: SentSegment): void => {
      delivered++;
      this.#noteArrival(segment, nowMs);
      if (segment.everResent) anyResent = true;
      else {
        original = true;
        earliestMs = Math.min(earliestMs, segment.sentMs);
        latestMs = Math.max(latestMs, segment.sentMs);
        if (segment.start < furthestBefore) this.#reorderingSeen = true;
      }
    };
    while (queue[0] !== undefined && queue[0].end <= upTo) {
      const segment = queue.shift()!;
      if (!segment.sacked) arrived(segment);
    }
    if (queue[0] !== undefined) queue[0].start = Math.max(queue[0].start, upTo);
    this.acknowledged = upTo;
    let roundTripMs = earliestMs < Infinity && !anyResent ? nowMs - earliestMs : -1;
    let sacked = false;
    let newerThanHead = false;
    for (const segment of beyond.length > 0 ? queue : []) {
      if (segment.sacked || !isWithin(segment, beyond)) continue;
      const sentMs = segment.sentMs;
      arrived(segment);
      segment.sacked = true;
      segment.lost = false;
      segment.resent = false;
      sacked = true;
      this.#furthest = Math.max(this.#furthest, segment.end);
      if (!segment.everResent && roundTripMs < 0) roundTripMs = nowMs - sentMs;
      if (sentMs < this.headSentMs) newerThanHead = true;
    }
    if (latestMs > -Infinity) this.#noteRoundTrip(nowMs - latestMs, nowMs);
    return { advanced, delivered, sacked, original, roundTripMs, newerThanHead };
  }

  /**
   * Marks what must be lost, since later segments have arrived.
   * @param recovering whether losses are being repaired already
   */
  detectLost(nowMs: number, smoothedMs: number, recovering: boolean): FoundLost {
    let lost = 0;
    let resent = false;
    let nextMs = Infinity;
    if (!this.#rackAdvanced) return { lost, resent, nextMs };
    const windowMs = this.#reorderWindowMs(smoothedMs, recovering);
    for (const segment of this.#queue) {
      if (segment.sacked || (segment.lost && !segment.resent)) continue;
      const older =
        segment.sentMs < this.#rackSentMs ||
        (segment.sentMs === this.#rackSentMs && segment.end < this.#rackEnd);
      if (!older) continue;
      const left = this.#rackRoundTripMs + windowMs - (nowMs - segment.sentMs);
      if (left <= ROUNDING_MS) {
        lost++;
        if (segment.resent) resent = true;
        segment.lost = true;
        segment.resent = false;
      } else {
        nextMs = nextMs === Infinity ? left : Math.max(nextMs, left);
      }
    }
    // A timer that asks again must have an effect.
    this.#rackAdvanced = nextMs < Infinity;
    return { lost, resent, nextMs };
  }

  /** The time-out: all but what was sent within the last round trip is lost, and the oldest in any case. */
  markAllLost(nowMs: number): void {
    for (const [index, segment] of this.#queue.entries()) {
      if (segment.sacked) continue;
      const fresh = this.#rackRoundTripMs - (nowMs - segment.sentMs) > 0;
      if (index > 0 && fresh) continue;
      segment.lost = true;
      segment.resent = false;
    }
  }

  /** Nothing is lost after all. */
  clearLost(): void {
    for (const segment of this.#queue) segment.lost = false;
    // To be examined again.
    this.#rackAdvanced = true;
  }

  /** The receiver had what was sent again: wait longer for what may have been overtaken (RFC 8985 §6.2). */
  widenReorderWindow(): void {
    if (this.acknowledged < this.#widenedUpTo) return;
    this.#reorderSteps = Math.min(MOST_REORDER_STEPS, this.#reorderSteps + 1);
    this.#reorderPersists = REORDER_PERSISTS;
    this.#widenedUpTo = this.#queue.at(-1)?.end ?? this.acknowledged;
  }

  endRecovery(): void {
    if (this.#reorderPersists > 0 && --this.#reorderPersists === 0) this.#reorderSteps = 1;
  }

  /** How long a segment may be later than one sent after it (RFC 8985 §6.2). */
  #reorderWindowMs(smoothedMs: number, recovering: boolean): number {
    if (!this.#reorderingSeen) {
      if (recovering) return 0;
      const sacked = this.#queue.reduce((sum, segment) => sum + (segment.sacked ? 1 : 0), 0);
      if (sacked >= MANY_SACKED) return 0;
    }
    return Math.min((this.leastRoundTripMs / 4) * this.#reorderSteps, smoothedMs);
  }

  #noteArrival({ sentMs, end, everResent }: SentSegment, nowMs: number): void {
    const roundTripMs = nowMs - sentMs;
    // That was the first one, which came late, not the one sent again.
    if (everResent && roundTripMs < this.leastRoundTripMs) return;
    this.#rackAdvanced = true;
    this.#rackRoundTripMs = roundTripMs;
    if (sentMs > this.#rackSentMs || (sentMs === this.#rackSentMs && end > this.#rackEnd)) {
      this.#rackSentMs = sentMs;
      this.#rackEnd = end;
    }
  }

  #noteRoundTrip(roundTripMs: number, nowMs: number): void {
    const old = nowMs - this.#leastSeenMs > LEAST_ROUND_TRIP_HOLDS_MS;
    if (roundTripMs > this.leastRoundTripMs && !old) return;
    this.leastRoundTripMs = roundTripMs;
    this.#leastSeenMs = nowMs;
  }
}

function isWithin({ start, end }: ByteRange, ranges: readonly ByteRange[]): boolean {
  return ranges.some((range) => range.start <= start && end <= range.end);
}
