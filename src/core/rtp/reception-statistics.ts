import { integerIn } from '../arguments.ts';
import { InterarrivalJitter } from './interarrival-jitter.ts';
import { LossRuns } from './loss-runs.ts';
import { ntpMiddle } from './ntp-time.ts';
import type { ReportBlock, SenderReport } from './rtcp.ts';

const TWO_32 = 2 ** 32;
const MAX_LOST = 2 ** 23 - 1;
const FRACTION_STEPS = 256;
/** 1/65536 s in a ms. */
const UNITS_PER_MS = 2 ** 16 / 1000;

/** What was expected and received, of one source, and what comes of it for its sender. */
export class ReceptionStatistics {
  readonly #ssrc: number;
  readonly #jitter: InterarrivalJitter;
  readonly #runs = new LossRuns();
  /** The first and the highest number; −1 before the first. */
  #first = -1;
  #highest = -1;
  #received = 0;
  /** As of the report before. */
  #expectedBefore = 0;
  #receivedBefore = 0;
  #lastSenderReport = 0;
  #senderReportAtMs = 0;

  /**
   * @param ssrc of the source, 0..2³²−1
   * @param clockRate of its payload, Hz
   */
  constructor(ssrc: number, clockRate: number) {
    this.#ssrc = integerIn('ssrc', ssrc, 0, TWO_32 - 1);
    this.#jitter = new InterarrivalJitter(clockRate);
  }

  /**
   * Takes a packet in the order of arrival; redundant copies are none.
   * @param sequence in full, as a `SequenceUnwrapper` gives it; from 0
   * @param timestamp its own, in the payload's clock, of 32 bits or unwrapped
   * @param arrivalMs when it came, by any clock
   */
  update(sequence: number, timestamp: number, arrivalMs: number): void {
    this.#jitter.update(timestamp, arrivalMs);
    this.#runs.update(sequence);
    this.#received++;
    if (this.#first < 0 || sequence < this.#first) this.#first = sequence;
    if (sequence > this.#highest) this.#highest = sequence;
  }

  /** Notes a sender report, so that the next receiver report lets its sender reckon the round trip. */
  senderReport(report: SenderReport, arrivalMs: number): void {
    this.#lastSenderReport = ntpMiddle(report.ntpSeconds, report.ntpFraction);
    this.#senderReportAtMs = arrivalMs;
  }

  /** Packets that should have come (RFC 3550 A.3). */
  get expected(): number {
    return this.#first < 0 ? 0 : this.#highest - this.#first + 1;
  }

  /** Packets that came, duplicates and late ones too. */
  get received(): number {
    return this.#received;
  }

  /** Packets lost since the start; negative where duplicates came. */
  get lost(): number {
    return this.expected - this.#received;
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
    const { expected } = this;
    const expectedNow = expected - this.#expectedBefore;
    const lostNow = expectedNow - (this.#received - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = this.#received;
    const fraction = expectedNow > 0 && lostNow > 0 ? lostNow / expectedNow : 0;
    const delay = Math.round((nowMs - this.#senderReportAtMs) * UNITS_PER_MS);
    return {
      ssrc: this.#ssrc,
      fractionLost:
        Math.min(FRACTION_STEPS - 1, Math.floor(fraction * FRACTION_STEPS)) / FRACTION_STEPS,
      packetsLost: Math.max(-MAX_LOST - 1, Math.min(MAX_LOST, this.lost)),
      highestSequence: Math.max(0, this.#highest) % TWO_32,
      jitter: Math.min(TWO_32 - 1, Math.floor(this.#jitter.jitter)),
      lastSenderReport: this.#lastSenderReport,
      delaySinceSenderReport:
        this.#lastSenderReport === 0 ? 0 : Math.max(0, Math.min(TWO_32 - 1, delay)),
    };
  }
}
