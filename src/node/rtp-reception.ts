import { PacketError } from '../core/errors.ts';
import { RtpMessageDecoder } from '../core/framing/rtp-message-decoder.ts';
import type { Packet } from '../core/framing/packet.ts';
import { LossReporter } from '../core/rtp/loss-reporter.ts';
import type { LossReporterOptions } from '../core/rtp/loss-reporter.ts';
import type { SenderReport } from '../core/rtp/rtcp.ts';
import type { RtpStreamOptions } from '../core/rtp/rtp-stream.ts';
import { ReorderWindow } from './reorder-window.ts';
import type { ReorderCounts } from './reorder-window.ts';

/** Receives the audio of an {@link RtpReception}. */
export interface ReceptionOutput {
  /** Called with audio. @param bytes the audio, which may be a view of a message */
  audio(frame: number, frames: number, bytes: Uint8Array, missing: number): void;
  /** Called with a report to send to the sender. */
  report(bytes: Uint8Array<ArrayBuffer>): void;
}

/** Counts of an {@link RtpReception}, in packets. */
export interface ReceptionCounts extends ReorderCounts {
  /** Packets of the stream, with or without audio, including late ones and duplicates. */
  readonly received: number;
  /** Packets of other sources, or far from all others of the stream. */
  readonly strays: number;
  /** Messages that were not RTP, or did not have the stream's payload type. */
  readonly bad: number;
  readonly restarts: number;
  readonly jitterMs: number;
}

/** Receives one RTP stream: decodes packets, puts them in order and counts them. Has no clock, timer or socket. */
export class RtpReception {
  readonly #decoder: RtpMessageDecoder;
  readonly #reporter: LossReporter;
  readonly #window: ReorderWindow;
  readonly #output: ReceptionOutput;
  /** Number of packets from the decoder. */
  #given = 0;
  #errors = 0;
  /** Number of errors that the decoder counts as strays. */
  #strayErrors = 0;
  #strays = 0;
  /** The decoder's number of the stream's first frame; NaN before it. */
  #base = Number.NaN;
  /** The end of the delivered audio. */
  #end = 0;

  /** @throws TypeError or RangeError for a stream that RTP cannot carry */
  constructor(
    stream: RtpStreamOptions,
    {
      reorderMs,
      maxBytes,
      reports,
    }: {
      readonly reorderMs: number;
      readonly maxBytes: number;
      readonly reports: LossReporterOptions;
    },
    output: ReceptionOutput,
  ) {
    this.#decoder = new RtpMessageDecoder(stream);
    this.#reporter = new LossReporter(stream, reports);
    this.#window = new ReorderWindow(reorderMs, maxBytes);
    this.#output = output;
  }

  get counts(): ReceptionCounts {
    const { packetsReceived, strays, restarts } = this.#decoder.statistics;
    const counts = this.#window.counts;
    return {
      ...counts,
      // The decoder itself leaves out audio from before the beginning.
      late: counts.late + packetsReceived - this.#given,
      received: packetsReceived,
      strays,
      bad: this.#errors - this.#strayErrors,
      restarts,
      jitterMs: this.#reporter.statistics.jitter.jitterMs,
    };
  }

  /** Number of frames in packets that wait for earlier ones. */
  get waitingFrames(): number {
    return this.#window.waitingFrames;
  }

  /** When to call `tick`; null if there is no need. */
  get dueMs(): number | null {
    return this.#window.dueMs;
  }

  /**
   * Takes a message as it arrives. The message is kept for a while and must not change.
   * @returns whether it was a packet of the stream
   */
  receive(message: Uint8Array, nowMs: number): boolean {
    let packets: readonly Packet[];
    try {
      packets = this.#decoder.decode(message);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#errors++;
      const { strays } = this.#decoder.statistics;
      if (strays > this.#strays) this.#strayErrors++;
      this.#strays = strays;
      return false;
    }
    const { length } = packets;
    // Only then may the decoder have counted strays, or one less.
    if (length !== 1) this.#strays = this.#decoder.statistics.strays;
    let isOurs = false;
    for (const packet of packets) {
      if (packet.redundant !== true) {
        this.#given++;
        isOurs = true;
        const report = this.#reporter.receive(packet, nowMs);
        if (report !== null) this.#output.report(report);
      }
      this.#window.take(packet, nowMs);
    }
    this.tick(nowMs);
    return isOurs;
  }

  /** Delivers packets that no longer have to wait. */
  tick(nowMs: number): void {
    for (
      let packet = this.#window.next(nowMs);
      packet !== null;
      packet = this.#window.next(nowMs)
    ) {
      this.#give(packet);
    }
  }

  /** Delivers all waiting packets. */
  flush(): void {
    for (let packet = this.#window.flush(); packet !== null; packet = this.#window.flush()) {
      this.#give(packet);
    }
  }

  /** Records a report of the sender, so that the sender can compute the round-trip time. */
  senderReport(report: SenderReport, nowMs: number): void {
    this.#reporter.statistics.senderReport(report, nowMs);
  }

  #give({ frame: tick, frames, payload, noAudio }: Packet): void {
    if (noAudio !== undefined || frames === 0) return;
    if (Number.isNaN(this.#base)) this.#base = tick;
    // Timestamps by which packets overlap do not cost audio: the packet with the next number follows.
    const frame = Math.max(this.#end, tick - this.#base);
    this.#output.audio(frame, frames, payload, frame - this.#end);
    this.#end = frame + frames;
  }
}
