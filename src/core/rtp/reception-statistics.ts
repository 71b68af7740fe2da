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

/** J moves a sixteenth of the way for each packet (RFC 3550 §6.4.1). */
const GAIN = 1 / 16;

/** Slots of the state. */
const JITTER = 0;
const SENT = 1;
const ARRIVAL = 2;

/**
 * Measures the mean deviation between the intervals of arrival and of sending (RFC 3550 §6.4.1, A.8). Unlike the RFC's code, it
 * keeps fractions, and ignores jumps of the timestamps, as after a restart of the sender, which say nothing about the network.
 * Allocates only in its constructor.
 */
export class InterarrivalJitter {
  /** Rate of the payload's clock, Hz. */
  readonly clockRate: number;
  /** Jitter in units of the clock; timestamp and arrival of the last packet, NaN before the first packet. */
  readonly #state = Float64Array.of(0, Number.NaN, Number.NaN);

  /** @param clockRate clock rate of the payload, in Hz */
  constructor(clockRate: number) {
    this.clockRate = numberIn('clockRate', clockRate, 1, 2 ** 32);
  }

  /**
   * Takes a packet in the order of arrival.
   * @param timestamp timestamp of the packet, 32 bits or unwrapped
   * @param arrivalMs when the packet arrived, by any clock
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

  /** Jitter in units of the payload's clock, as in receiver reports, but with fractions. */
  get jitter(): number {
    return this.#state[JITTER]!;
  }

  /** Jitter in ms. */
  get jitterMs(): number {
    return (this.#state[JITTER]! * 1000) / this.clockRate;
  }

  /** Skips the comparison of the next packet with the previous one, because the sender restarted. */
  restart(): void {
    this.#state[SENT] = Number.NaN;
    this.#state[ARRIVAL] = Number.NaN;
  }

  /** Restores the initial state. */
  reset(): void {
    this.#state[JITTER] = 0;
    this.restart();
  }
}

const TWO_32 = 2 ** 32;
const SEQUENCES = 2 ** 16;
/** Full numbers start here, which leaves room for packets from before the first one. */
const BASE = SEQUENCES;
const FIRST = 0;
const HIGHEST = 1;
const MAX_LOST = 2 ** 23 - 1;
const FRACTION_STEPS = 256;
/** Units of 1/65536 s in a ms. */
const UNITS_PER_MS = 2 ** 16 / 1000;

/**
 * Counts expected and received packets of one source, and produces the report for its sender. When the sender restarts
 * (`StreamContinuity`), counting starts at the new run, as in RFC 3550 A.1; the totals here cover all runs. Allocates only in its
 * constructor.
 */
export class ReceptionStatistics {
  readonly #ssrc: number;
  readonly #continuity: StreamContinuity;
  readonly #jitter: InterarrivalJitter;
  readonly #runs = new LossRuns();
  /** First and highest full number of the current run; −1 before the first packet. In an array, because V8 boxes doubles. */
  readonly #state = Float64Array.of(-1, -1);
  #received = 0;
  /** Totals of the previous runs. */
  #expectedEarlier = 0;
  #receivedEarlier = 0;
  /** Totals at the previous report. */
  #expectedBefore = 0;
  #receivedBefore = 0;
  #strays = 0;
  #restarts = 0;
  #lastSenderReport = 0;
  #senderReportAtMs = 0;

  /**
   * @param ssrc SSRC of the source, 0 to 2³²−1
   * @param clockRate clock rate of its payload, in Hz
   * @param repeatsRestart whether five duplicates in a row mean that the sender restarted shortly after it had started, as an RTP
   *   decoder assumes. RFC 3550 A.1 counts them as duplicates
   */
  constructor(ssrc: number, clockRate: number, repeatsRestart = false) {
    this.#ssrc = integerIn('ssrc', ssrc, 0, TWO_32 - 1);
    this.#jitter = new InterarrivalJitter(clockRate);
    this.#continuity = new StreamContinuity(clockRate, true, repeatsRestart);
  }

  /**
   * Takes a packet in the order of arrival; redundant copies do not count.
   * @param sequence sequence number of the packet, 16 bits or unwrapped
   * @param timestamp timestamp of the packet in the payload's clock, 32 bits or unwrapped
   * @param arrivalMs when the packet arrived, by any clock
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

  /** Takes a packet without audio: it counts as received, and its timestamp is ignored. */
  updateWithoutAudio(sequence: number): void {
    this.#continuity.input[SEQUENCE] = sequence % SEQUENCES;
    const isKnown = this.#state[HIGHEST]! >= 0 && this.#continuity.judge(false) === CONTINUES;
    if (isKnown) this.#take(this.#continuity.ahead);
    else this.#strays++;
  }

  /** Records a sender report, so that its sender can compute the round-trip time from the next receiver report. */
  senderReport(report: SenderReport, arrivalMs: number): void {
    this.#lastSenderReport = ntpMiddle(report.ntpSeconds, report.ntpFraction);
    this.#senderReportAtMs = arrivalMs;
  }

  /** Number of expected packets (RFC 3550 A.3), over all runs. */
  get expected(): number {
    return this.#expectedEarlier + this.#expectedNow;
  }

  /** Number of received packets, including duplicates and late ones, over all runs. */
  get received(): number {
    return this.#receivedEarlier + this.#received;
  }

  /** Number of packets lost since the start; negative if duplicates arrived. */
  get lost(): number {
    return this.expected - this.received;
  }

  /** Number of packets that, as far as is known, do not belong to the stream: they count as neither expected nor received. */
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

  /** Statistics of runs of lost packets. */
  get lossRuns(): LossRuns {
    return this.#runs;
  }

  /**
   * Returns the report for the sender (RFC 3550 A.3). The fraction lost covers the time since the previous report; this call starts
   * a new interval.
   * @param nowMs when the report will be sent, by the clock of the arrivals
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

  /** Number of expected packets of the current run. */
  get #expectedNow(): number {
    const state = this.#state;
    return state[HIGHEST]! < 0 ? 0 : state[HIGHEST]! - state[FIRST]! + 1;
  }

  #take(ahead: number): void {
    const state = this.#state;
    // Leaves room below for packets that the first one overtook.
    if (state[HIGHEST]! < 0) this.#begin(this.#continuity.input[SEQUENCE]!);
    const full = state[HIGHEST]! + ahead;
    this.#received++;
    if (full < state[FIRST]!) state[FIRST] = full;
    if (full > state[HIGHEST]!) state[HIGHEST] = full;
    this.#runs.update(full);
  }

  /** Starts a run at this sequence number. */
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
    // They arrived before this one, and were taken for duplicates of the previous run.
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
