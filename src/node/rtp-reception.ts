import { PacketError } from '../core/errors.ts';
import { RtpMessageDecoder } from '../core/framing/rtp-message-decoder.ts';
import type { Packet } from '../core/framing/packet.ts';
import { LossReporter } from '../core/rtp/loss-reporter.ts';
import type { LossReporterOptions } from '../core/rtp/loss-reporter.ts';
import type { SenderReport } from '../core/rtp/rtcp.ts';
import type { RtpStreamOptions } from '../core/rtp/rtp-stream.ts';
import { ReorderWindow } from './reorder-window.ts';
import type { ReorderCounts } from './reorder-window.ts';

/** Where the audio of a {@link RtpReception} goes. */
export interface ReceptionOutput {
  /** @param bytes may be a view of a message */
  audio(frame: number, frames: number, bytes: Uint8Array, missing: number): void;
  /** A report is to be sent to the sender. */
  report(bytes: Uint8Array<ArrayBuffer>): void;
}

/** Counts of a {@link RtpReception}, in packets. */
export interface ReceptionCounts extends ReorderCounts {
  /** Of the stream: with audio or without, late ones and duplicates too. */
  readonly received: number;
  /** Of other sources, or far from all others of the stream. */
  readonly strays: number;
  /** Messages that were not RTP, or not of the stream's payload type. */
  readonly bad: number;
  readonly restarts: number;
  readonly jitterMs: number;
}

/** Receives one stream of RTP: decodes, puts in order, counts. Has no clock, no timer and no socket. */
export class RtpReception {
  readonly #decoder: RtpMessageDecoder;
  readonly #reporter: LossReporter;
  readonly #window: ReorderWindow;
  readonly #output: ReceptionOutput;
  /** Packets that the decoder gave. */
  #given = 0;
  #errors = 0;
  /** Of the errors, those that the decoder counts as strays. */
  #strayErrors = 0;
  #strays = 0;
  /** The decoder's number of the stream's first frame; NaN before it. */
  #base = Number.NaN;
  /** The end of what was given. */
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
      // The decoder itself leaves out what is from before the beginning.
      late: counts.late + packetsReceived - this.#given,
      received: packetsReceived,
      strays,
      bad: this.#errors - this.#strayErrors,
      restarts,
      jitterMs: this.#reporter.statistics.jitter.jitterMs,
    };
  }

  /** Frames of packets that wait for those before them. */
  get waitingFrames(): number {
    return this.#window.waitingFrames;
  }

  /** When to call `tick`; null: there is no need. */
  get dueMs(): number | null {
    return this.#window.dueMs;
  }

  /**
   * Takes a message as it arrives. It is kept for a while: it must not change.
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
    // Only then the decoder may have counted strays, or one less.
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

  /** Gives what nothing has to be waited for any longer. */
  tick(nowMs: number): void {
    for (
      let packet = this.#window.next(nowMs);
      packet !== null;
      packet = this.#window.next(nowMs)
    ) {
      this.#give(packet);
    }
  }

  /** Gives everything that waits. */
  flush(): void {
    for (let packet = this.#window.flush(); packet !== null; packet = this.#window.flush()) {
      this.#give(packet);
    }
  }

  /** Notes a report of the sender, so that it can tell the round trip. */
  senderReport(report: SenderReport, nowMs: number): void {
    this.#reporter.statistics.senderReport(report, nowMs);
  }

  #give({ frame: tick, frames, payload, noAudio }: Packet): void {
    if (noAudio !== undefined || frames === 0) return;
    if (Number.isNaN(this.#base)) this.#base = tick;
    // Timestamps that say that packets overlap cost no audio: what comes next in number follows.
    const frame = Math.max(this.#end, tick - this.#base);
    this.#output.audio(frame, frames, payload, frame - this.#end);
    this.#end = frame + frames;
  }
}
