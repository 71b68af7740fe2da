import { checkObject, checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn, numberIn } from '../arguments.ts';
import type { RtpArrival, RtpStreamOptions } from './rtp-stream.ts';
import { lossPatternBytes, writeLossPattern } from './loss-pattern.ts';
import { ReceptionStatistics } from './reception-statistics.ts';
import { DEFAULT_SSRC, payloadTypesOf, rtpClockRate } from './rtp-payload-format.ts';
import {
  checkCname,
  reportBytes,
  sourceDescriptionBytes,
  writeReport,
  writeSourceDescription,
} from './rtcp.ts';
import type { ReceiverReport } from './rtcp.ts';

/** Options of a {@link LossReporter}. */
export interface LossReporterOptions {
  /** Interval of the reports in ms, 100–60000. @default 1000 */
  readonly intervalMs?: number | undefined;
  /** The SSRC of the reporter, 0 to 2³²−1, which must differ from the sender's. @default 1 */
  readonly reporter?: number | undefined;
  /** The canonical name of the reporter (RFC 3550 §6.5.1), 1 to 255 ASCII characters. @default 'micwire' */
  readonly cname?: string | undefined;
}
const NAMES = { intervalMs: 1, reporter: 1, cname: 1 } satisfies OptionNames<LossReporterOptions>;

const DEFAULT_INTERVAL_MS = 1000;
const DEFAULT_REPORTER = 1;
const DEFAULT_CNAME = 'micwire';
const SEQUENCES = 2 ** 16;

/**
 * The receiver's end of adaptive redundancy: counts the packets of a stream, and periodically reports to the sender, an
 * {@link AdaptiveRedundancy}, how many packets were lost (RFC 3550 §6.4.2) and which (RFC 3611 §4.1). Has no clock and no timer:
 * each packet passes the time, and may return a report. Without packets there are no reports.
 *
 * It follows the decoder: when the sender restarts, counting starts over, and when another source replaces the sender, the reports
 * describe the new source.
 */
export class LossReporter {
  #statistics: ReceptionStatistics;
  #ssrc: number;
  readonly #clockRate: number;
  readonly #reporter: number;
  readonly #cname: string;
  readonly #intervalMs: number;
  readonly #sequenceOffset: number;
  /** Units of the payload's clock per frame. */
  readonly #ticksPerFrame: number;
  /** When the last report was sent, or the first packet arrived; NaN before. */
  #reportedAtMs = Number.NaN;

  /**
   * @param stream the stream as passed to the decoder
   * @throws TypeError or RangeError for a stream that RTP cannot carry, or options out of their range
   */
  constructor(stream: RtpStreamOptions, options: LossReporterOptions = {}) {
    checkObject('stream must be an object', stream);
    checkOptions('LossReporter', options, NAMES);
    const {
      intervalMs = DEFAULT_INTERVAL_MS,
      reporter = DEFAULT_REPORTER,
      cname = DEFAULT_CNAME,
    } = options;
    this.#clockRate = rtpClockRate(stream);
    payloadTypesOf(stream);
    this.#ssrc = integerIn('ssrc', stream.ssrc ?? DEFAULT_SSRC, 0, 2 ** 32 - 1);
    this.#statistics = new ReceptionStatistics(this.#ssrc, this.#clockRate, true);
    this.#reporter = integerIn('reporter', reporter, 0, 2 ** 32 - 1);
    this.#intervalMs = numberIn('intervalMs', intervalMs, 100, 60_000);
    this.#cname = checkCname(cname);
    this.#sequenceOffset = integerIn(
      'sequenceOffset',
      stream.sequenceOffset ?? 0,
      0,
      SEQUENCES - 1,
    );
    this.#ticksPerFrame = this.#clockRate / stream.sampleRate;
  }

  /** Statistics of the current source so far. */
  get statistics(): ReceptionStatistics {
    return this.#statistics;
  }

  /**
   * Takes a packet of an RTP decoder, in the order of arrival: the object itself, not a copy, which would lack the packet's header.
   * Redundant copies are ignored; packets without audio count as received.
   * @param nowMs when the packet arrived, by any monotonic clock
   * @returns a report to send back, which belongs to the caller; null while no report is due
   */
  receive(packet: RtpArrival, nowMs: number): Uint8Array<ArrayBuffer> | null {
    checkObject('packet must be a packet', packet);
    if (packet.redundant === true) return null;
    const { rtp } = packet;
    if (rtp !== undefined && rtp.ssrc !== this.#ssrc) {
      this.#ssrc = rtp.ssrc;
      this.#statistics = new ReceptionStatistics(rtp.ssrc, this.#clockRate, true);
    }
    const sequence = rtp?.sequenceNumber ?? packet.sequence + this.#sequenceOffset;
    if (packet.noAudio === undefined) {
      const timestamp = rtp?.timestamp ?? packet.frame * this.#ticksPerFrame;
      this.#statistics.update(sequence, timestamp, nowMs);
    } else {
      this.#statistics.updateWithoutAudio(sequence);
    }
    if (Number.isNaN(this.#reportedAtMs)) this.#reportedAtMs = nowMs;
    if (nowMs - this.#reportedAtMs < this.#intervalMs) return null;
    this.#reportedAtMs = nowMs;
    return this.#report(nowMs);
  }

  #report(nowMs: number): Uint8Array<ArrayBuffer> {
    const report: ReceiverReport = {
      type: 'receiver',
      ssrc: this.#reporter,
      reports: [this.#statistics.report(nowMs)],
    };
    const { begin, came } = this.#statistics.lossRuns.takePattern();
    const pattern = {
      reporter: this.#reporter,
      ssrc: this.#ssrc,
      begin: begin % SEQUENCES,
      came,
    };
    // A packet counts as lost only after late packets have had time to arrive.
    const patternBytes = came.length === 0 ? 0 : lossPatternBytes(pattern);
    const descriptionBytes = sourceDescriptionBytes(this.#cname);
    const bytes = new Uint8Array(reportBytes(report) + patternBytes + descriptionBytes);
    let at = writeReport(report, bytes);
    if (patternBytes > 0) at += writeLossPattern(pattern, bytes, at);
    // Part of every compound packet (RFC 3550 §6.1); last, because Wireshark 4.0 reads 8 bytes past the end of a loss pattern.
    writeSourceDescription(this.#reporter, this.#cname, bytes, at);
    return bytes;
  }
}
