import { readLossBlocks, summarizeBlock } from './loss-pattern.ts';
import type { LossBlock } from './loss-pattern.ts';
import { RedundancyController } from './redundancy-controller.ts';
import type { RedundancyControllerOptions, RedundancySettings } from './redundancy-controller.ts';
import { readReports } from './rtcp.ts';
import type { ReportBlock } from './rtcp.ts';
import { sequenceDifference } from './unwrapper.ts';

/** An encoder that sends copies, such as that of the framing `rtp`. */
export interface RedundantEncoder {
  readonly ssrc: number;
  redundancy: number;
  redundancySpacing: number;
  /**
   * Full sequence numbers of the first and the last packet sent; −1 before the first. If absent, reports are not checked against
   * them.
   */
  readonly firstSent?: number;
  readonly lastSent?: number;
}

const SEQUENCES = 2 ** 16;
/** If the total loss drops by more packets than this, the receiver has restarted its count. Late packets reduce it by less. */
const RESTART = 256;
/** Packets from before the first one that a receiver counted: up to this many more may be lost than were expected. */
const EARLIER = 100;
/** Older reports and patterns cannot be told from reports about packets still to be sent. */
const MAX_AGE = 2 ** 15;
/** How long runs of losses are remembered: some seconds have no loss at all. */
const RUN_MEMORY_MS = 15_000;
/** Longer runs are outages, which no copy outlasts. */
const MAX_RUN = 64;

/**
 * The sender's end of adaptive redundancy: takes a receiver's reports, lets a {@link RedundancyController} decide on copies, and
 * configures the encoder. Has no clock: each report passes the time.
 *
 * It computes the loss from one report to the next by their totals (RFC 3550 §6.4.4): a lost report loses no information, and
 * reordered packets do not count as lost. Impossible data is ignored: reports and loss patterns about packets that were never sent,
 * more lost packets than were sent, and repeated reports.
 */
export class AdaptiveRedundancy {
  readonly #encoder: RedundantEncoder;
  readonly #controller: RedundancyController;
  /** The highest sequence number of the last report, in full; −1 before the first report. */
  #highest = -1;
  /** The highest total loss reported so far: packets that arrive after all are not a gain. */
  #mostLost = 0;
  /** Whether the last report claimed more lost packets than were possible. */
  #isDoubtful = false;
  /** Lost packets and runs of them, with older ones gradually forgotten. */
  #lost = 0;
  #runs = 0;
  /** When the last pattern arrived. */
  #patternAtMs = 0;
  /** The sequence number after the last pattern, in full, and whether its last packet was lost. */
  #patternEnd = -1;
  #endsInLoss = false;

  /**
   * @param encoder the encoder; no other code may set its `redundancy`, which becomes 0
   * @throws TypeError or RangeError for options out of their range
   */
  constructor(encoder: RedundantEncoder, options: RedundancyControllerOptions) {
    this.#controller = new RedundancyController(options);
    this.#encoder = encoder;
    this.#apply(this.#controller.settings);
  }

  /**
   * The current settings. `copies` and `spacing` are applied already; `fec` and `expectedLossPercent` are for the Opus encoder:
   * call `opusEncoder.adjust({ expectedLossPercent })` of an encoder created with `fec: true`.
   */
  get settings(): RedundancySettings {
    return this.#controller.settings;
  }

  /** The estimated loss, 0–1. */
  get loss(): number {
    return this.#controller.loss;
  }

  /**
   * Takes an RTCP message (`isRtcp`) of the receiver. Reports about other sources than this encoder are ignored.
   * @param nowMs when the message arrived, by any monotonic clock
   * @returns `settings`, the same object until something changes
   * @throws PacketError when the message does not consist of whole RTCP packets
   */
  receive(message: Uint8Array, nowMs: number): RedundancySettings {
    const { ssrc } = this.#encoder;
    const reports = readReports(message);
    for (const block of readLossBlocks(message)) {
      if (block.ssrc === ssrc) this.#remember(message, block, nowMs);
    }
    for (const { reports: blocks } of reports) {
      for (const block of blocks) if (block.ssrc === ssrc) this.#heed(block, nowMs);
    }
    return this.settings;
  }

  #heed({ highestSequence, packetsLost }: ReportBlock, nowMs: number): void {
    this.#noticeRestart();
    const { lastSent } = this.#encoder;
    const highest = this.#sentNumber(highestSequence);
    if (highest < 0) return;
    const expected = highest - this.#highest;
    const lost = packetsLost - this.#mostLost;
    const sent = lastSent === undefined ? Number.POSITIVE_INFINITY : highest - this.#first + 1;
    if (packetsLost > sent || packetsLost < -sent) return;
    if (this.#highest < 0 || (expected >= 0 && lost < -RESTART)) {
      // The first report only sets the baseline: some packets that it calls lost may still arrive. The same holds after a receiver
      // restarts.
      this.#highest = highest;
      this.#mostLost = packetsLost;
      return;
    }
    // A later report overtook this one, or it covers no new packets.
    if (expected <= 0) return;
    if (lost > expected + EARLIER) {
      // More packets lost than were sent. Two such reports in a row mean that the receiver counts from another baseline.
      if (this.#isDoubtful) this.#highest = -1;
      this.#isDoubtful = !this.#isDoubtful;
      return;
    }
    this.#isDoubtful = false;
    const fractionLost = Math.min(1, Math.max(0, lost) / expected);
    this.#highest = highest;
    this.#mostLost = Math.max(this.#mostLost, packetsLost);
    const meanRun = this.#runs > 0 ? Math.min(MAX_RUN, Math.max(1, this.#lost / this.#runs)) : 1;
    this.#apply(this.#controller.update({ fractionLost, meanRun }, nowMs));
  }

  #remember(message: Uint8Array, block: LossBlock, nowMs: number): void {
    const { packets } = block;
    if (packets === 0) return;
    this.#noticeRestart();
    const begin = this.#sentNumber(block.begin);
    const end = begin + packets;
    const { lastSent = Number.POSITIVE_INFINITY } = this.#encoder;
    // Never sent, or already reported.
    if (begin < 0 || end - 1 > lastSent || (this.#patternEnd >= 0 && begin < this.#patternEnd))
      return;
    const { lost, runs, beginsInLoss, endsInLoss } = summarizeBlock(message, block);
    // A run that continues from the previous pattern counts as one run.
    const continues = this.#endsInLoss && begin === this.#patternEnd && beginsInLoss;
    const kept = Math.exp(-Math.max(0, nowMs - this.#patternAtMs) / RUN_MEMORY_MS);
    this.#lost = this.#lost * kept + lost;
    this.#runs = this.#runs * kept + runs - (continues ? 1 : 0);
    this.#patternAtMs = nowMs;
    this.#patternEnd = end;
    this.#endsInLoss = endsInLoss;
  }

  get #first(): number {
    return this.#encoder.firstSent ?? 0;
  }

  /** The encoder's sequence numbers restart: earlier reports no longer apply. */
  #noticeRestart(): void {
    const { lastSent = Number.POSITIVE_INFINITY } = this.#encoder;
    if (this.#highest <= lastSent && this.#patternEnd - 1 <= lastSent) return;
    this.#highest = -1;
    this.#mostLost = 0;
    this.#patternEnd = -1;
    this.#endsInLoss = false;
  }

  /** @returns the full number for one given by its last 16 bits; −1 if no such packet was sent */
  #sentNumber(number: number): number {
    const { lastSent } = this.#encoder;
    if (lastSent === undefined) {
      const from = Math.max(this.#highest, this.#patternEnd);
      return from < 0 ? (number % SEQUENCES) + SEQUENCES : from + sequenceDifference(from, number);
    }
    if (lastSent < 0) return -1;
    const age = (((lastSent - number) % SEQUENCES) + SEQUENCES) % SEQUENCES;
    const full = lastSent - age;
    return age < MAX_AGE && full >= this.#first ? full : -1;
  }

  #apply({ copies, spacing }: RedundancySettings): void {
    this.#encoder.redundancy = copies;
    this.#encoder.redundancySpacing = spacing;
  }
}
