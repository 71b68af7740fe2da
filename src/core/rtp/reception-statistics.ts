import { numberIn, integerIn } from '../arguments.ts';
import {
  timestampJumped,
  CONTINUES,
  DURATION,
  RESTARTS,
  SEQUENCE,
  StreamContinuity,
  TIMESTAMP,
} from './stream-continuity.ts';
import { timestampDifference } from './unwrapper.ts';
import { LossRuns } from './loss-runs.ts';
import { ntpMiddle } from './rtcp.ts';
import type { ReportBlock, SenderReport } from './rtcp.ts';

/** J goes a sixteenth of the way each time (RFC 3550 §6.4.1). */
const GAIN = 1 / 16;

/** Places in the state. */
const JITTER = 0;
const SENT = 1;
const ARRIVAL = 2;

/**
 * Mean deviation of how far packets arrive apart from how far they were sent apart (RFC 3550 §6.4.1, A.8). With fractions, where
 * the RFC's code rounds; and where timestamps jump, as those of a sender do that restarts, they say nothing about the network.
 * Allocates in its constructor only.
 */
export class InterarrivalJitter {
  /** Rate of the payload's clock, Hz. */
  readonly clockRate: number;
  /** Jitter in units of the clock; timestamp and arrival of the last packet, NaN before the first. */
  readonly #state = Float64Array.of(0, Number.NaN, Number.NaN);

  /** @param clockRate of the payload, Hz */
  constructor(clockRate: number) {
    this.clockRate = numberIn('clockRate', clockRate, 1, 2 ** 32);
  }

  /**
   * Takes a packet in the order of arrival.
   * @param timestamp its own, of 32 bits or unwrapped
   * @param arrivalMs when it came, by any clock
   */
  update(timestamp: number, arrivalMs: number): void {
    const state = this.#state;
    const arrival = (arrivalMs * this.clockRate) / 1000;
    const sentApart = timestampDifference(state[SENT]!, timestamp);
    const elapsed = arrival - state[ARRIVAL]!;
    const difference = Math.abs(elapsed - sentApart);
    const tells = !Number.isNaN(difference) && !timestampJumped(sentApart, elapsed, this.clockRate);
    if (tells) state[JITTER]! += (difference - state[JITTER]!) * GAIN;
    state[SENT] = timestamp;
    state[ARRIVAL] = arrival;
  }

  /** In units of the payload's clock, as receiver reports have it, but with fractions. */
  get jitter(): number {
    return this.#state[JITTER]!;
  }

  /** In ms. */
  get jitterMs(): number {
    return (this.#state[JITTER]! * 1000) / this.clockRate;
  }

  /** The next packet is not compared with the one before: the sender restarted. */
  restart(): void {
    this.#state[SENT] = Number.NaN;
    this.#state[ARRIVAL] = Number.NaN;
  }

  /** As new. */
  reset(): void {
    this.#state[JITTER] = 0;
    this.restart();
  }
}

const TWO_32 = 2 ** 32;
const SEQUENCES = 2 ** 16;
/** Numbers in full begin here: a packet from before the first one has its place. */
const BASE = SEQUENCES;
const FIRST = 0;
const HIGHEST = 1;
const MAX_LOST = 2 ** 23 - 1;
const FRACTION_STEPS = 256;
/** 1/65536 s in a ms. */
const UNITS_PER_MS = 2 ** 16 / 1000;

/**
 * What was expected and received, of one source, and what comes of it for its sender. Where the sender restarts
 * (`StreamContinuity`), it is counted from the beginning of the new run, as RFC 3550 A.1 does; the totals here go over all runs.
 * Allocates in its constructor only.
 */
export class ReceptionStatistics {
  readonly #ssrc: number;
  readonly #continuity: StreamContinuity;
  readonly #jitter: InterarrivalJitter;
  readonly #runs = new LossRuns();
  /** Numbers in full, of the present run: the first, and the highest; −1 before the first. In an array, as V8 boxes doubles. */
  readonly #state = Float64Array.of(-1, -1);
  #received = 0;
  /** Of the runs before. */
  #expectedEarlier = 0;
  #receivedEarlier = 0;
  /** As of the report before. */
  #expectedBefore = 0;
  #receivedBefore = 0;
  #strays = 0;
  #restarts = 0;
  #lastSenderReport = 0;
  #senderReportAtMs = 0;

  /**
   * @param ssrc of the source, 0..2³²−1
   * @param clockRate of its payload, Hz
   * @param repeatsRestart whether five duplicates in a row are a sender that restarted shortly after it had started, as a decoder of
   *   RTP takes them. RFC 3550 A.1 counts them as duplicates
   */
  constructor(ssrc: number, clockRate: number, repeatsRestart = false) {
    this.#ssrc = integerIn('ssrc', ssrc, 0, TWO_32 - 1);
    this.#jitter = new InterarrivalJitter(clockRate);
    this.#continuity = new StreamContinuity(clockRate, true, repeatsRestart);
  }

  /**
   * Takes a packet in the order of arrival; redundant copies do not count.
   * @param sequence its sequence number, of 16 bits or unwrapped
   * @param timestamp its own, in the payload's clock, of 32 bits or unwrapped
   * @param arrivalMs when it came, by any clock
   */
  update(sequence: number, timestamp: number, arrivalMs: number): void {
    const { input } = this.#continuity;
    input[SEQUENCE] = sequence % SEQUENCES;
    input[TIMESTAMP] = timestamp;
    input[DURATION] = -1;
    const verdict = this.#continuity.judge();
    if (verdict === RESTARTS) {
      this.#restart(sequence % SEQUENCES, timestamp);
    } else if (verdict === CONTINUES) {
      this.#take(this.#continuity.ahead);
    } else {
      this.#strays++;
      return;
    }
    this.#jitter.update(timestamp, arrivalMs);
  }

  /** Takes a packet that carries no audio: it was received, and its timestamp says nothing. */
  updateWithoutAudio(sequence: number): void {
    this.#continuity.input[SEQUENCE] = sequence % SEQUENCES;
    const isKnown = this.#state[HIGHEST]! >= 0 && this.#continuity.judge(false) === CONTINUES;
    if (isKnown) this.#take(this.#continuity.ahead);
    else this.#strays++;
  }

  /** Notes a sender report, so that its sender can compute the round trip from the next receiver report. */
  senderReport(report: SenderReport, arrivalMs: number): void {
    this.#lastSenderReport = ntpMiddle(report.ntpSeconds, report.ntpFraction);
    this.#senderReportAtMs = arrivalMs;
  }

  /** Packets that should have come (RFC 3550 A.3), over all runs. */
  get expected(): number {
    return this.#expectedEarlier + this.#expectedNow;
  }

  /** Packets that came, duplicates and late ones too, over all runs. */
  get received(): number {
    return this.#receivedEarlier + this.#received;
  }

  /** Packets lost since the start; negative where duplicates came. */
  get lost(): number {
    return this.expected - this.received;
  }

  /** Packets that do not belong to the stream, as far as is known: they are neither expected nor received. */
  get strays(): number {
    return this.#strays;
  }

  /** How often the sender restarted. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Interarrival jitter (RFC 3550 A.8). */
  get jitter(): InterarrivalJitter {
    return this.#jitter;
  }

  /** How losses follow on one another. */
  get lossRuns(): LossRuns {
    return this.#runs;
  }

  /**
   * What to tell the sender (RFC 3550 A.3): the fraction lost is that since the report before, which this call ends.
   * @param nowMs when it will be sent, by the clock of the arrivals
   */
  report(nowMs: number): ReportBlock {
    const { expected, received } = this;
    const expectedNow = expected - this.#expectedBefore;
    const lostNow = expectedNow - (received - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = received;
    const fraction = expectedNow > 0 && lostNow > 0 ? lostNow / expectedNow : 0;
    const delay = Math.round((nowMs - this.#senderReportAtMs) * UNITS_PER_MS);
    return {
      ssrc: this.#ssrc,
      fractionLost:
        Math.min(FRACTION_STEPS - 1, Math.floor(fraction * FRACTION_STEPS)) / FRACTION_STEPS,
      packetsLost: Math.max(-MAX_LOST - 1, Math.min(MAX_LOST, this.#expectedNow - this.#received)),
      highestSequence: Math.max(0, this.#state[HIGHEST]! - BASE) % TWO_32,
      jitter: Math.min(TWO_32 - 1, Math.floor(this.#jitter.jitter)),
      lastSenderReport: this.#lastSenderReport,
      delaySinceSenderReport:
        this.#lastSenderReport === 0 ? 0 : Math.max(0, Math.min(TWO_32 - 1, delay)),
    };
  }

  /** Of the present run. */
  get #expectedNow(): number {
    const state = this.#state;
    return state[HIGHEST]! < 0 ? 0 : state[HIGHEST]! - state[FIRST]! + 1;
  }

  #take(ahead: number): void {
    const state = this.#state;
    // There is room below for packets that the first one overtook.
    if (state[HIGHEST]! < 0) this.#begin(this.#continuity.input[SEQUENCE]!);
    const full = state[HIGHEST]! + ahead;
    this.#received++;
    if (full < state[FIRST]!) state[FIRST] = full;
    if (full > state[HIGHEST]!) state[HIGHEST] = full;
    this.#runs.update(full);
  }

  /** A run begins with that sequence number. */
  #begin(sequenceNumber: number): void {
    this.#state[FIRST] = BASE + sequenceNumber;
    this.#state[HIGHEST] = BASE + sequenceNumber - 1;
  }

  #restart(sequenceNumber: number, timestamp: number): void {
    const continuity = this.#continuity;
    const { input, repeats, hasCandidate, candidateSequence, candidateTimestamp } = continuity;
    this.#restarts++;
    this.#expectedEarlier += this.#expectedNow;
    this.#receivedEarlier += this.#received - repeats;
    // They came before this one, and were taken for duplicates of the run before.
    this.#received = repeats;
    this.#runs.restart();
    this.#jitter.restart();
    this.#begin(hasCandidate ? candidateSequence : sequenceNumber);
    this.#state[FIRST]! -= repeats;
    if (hasCandidate) {
      this.#strays--;
      input[SEQUENCE] = candidateSequence;
      input[TIMESTAMP] = candidateTimestamp;
      continuity.reopen();
      continuity.judge();
      this.#take(continuity.ahead);
      input[SEQUENCE] = sequenceNumber;
      input[TIMESTAMP] = timestamp;
    } else {
      continuity.reopen();
    }
    continuity.judge();
    this.#take(continuity.ahead);
  }
}
