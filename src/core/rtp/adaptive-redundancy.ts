import { readLossBlocks, summarizeBlock } from './loss-pattern.ts';
import type { LossBlock } from './loss-pattern.ts';
import { RedundancyController } from './redundancy-controller.ts';
import type { RedundancyControllerOptions, RedundancySettings } from './redundancy-controller.ts';
import { readReports } from './rtcp.ts';
import type { ReportBlock } from './rtcp.ts';
import { sequenceDifference } from './unwrapper.ts';

/** An encoder that sends copies: one of the framing `rtp`. */
export interface RedundantEncoder {
  readonly ssrc: number;
  redundancy: number;
  redundancySpacing: number;
  /** Full numbers of the first and the last sent packet; −1 before the first. If absent, reports are not checked against them. */
  readonly firstSent?: number;
  readonly lastSent?: number;
}

const SEQUENCES = 2 ** 16;
/** A receiver whose loss has gone back by so many packets counts again from the start. Late packets take back less. */
const RESTART = 256;
/** Packets that came before the first one that a receiver counted: so many more may be expected at once. */
const EARLIER = 100;
/** Reports and patterns about packets of longer ago cannot be told from those about packets to come. */
const MAX_AGE = 2 ** 15;
/** How long the runs of losses are remembered: in a second there may be none at all. */
const RUN_MEMORY_MS = 15_000;
/** Longer ones are standstills, which no copy outlasts. */
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
  /** The highest number of the last report, in full; −1 before the first. */
  #highest = -1;
  /** The most that was ever reported lost: packets that arrive after all are not a gain. */
  #mostLost = 0;
  /** Whether the last report told of more lost packets than there were. */
  #isDoubtful = false;
  /** Lost packets and runs of them, forgotten gradually. */
  #lost = 0;
  #runs = 0;
  /** When the last pattern came. */
  #patternAtMs = 0;
  /** The number behind the last pattern, in full, and whether its last packet was lost. */
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
      // The first tells where to count from: of what it calls lost, part may be on its way. So does a receiver's first since it restarted.
      this.#highest = highest;
      this.#mostLost = packetsLost;
      return;
    }
    // One that was overtaken by a later one, or about nothing new.
    if (expected <= 0) return;
    if (lost > expected + EARLIER) {
      // More were lost than there were. Two in a row count from somewhere else.
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
    // Never sent; or told already.
    if (begin < 0 || end - 1 > lastSent || (this.#patternEnd >= 0 && begin < this.#patternEnd))
      return;
    const { lost, runs, beginsInLoss, endsInLoss } = summarizeBlock(message, block);
    // A run that continues from the pattern before is one.
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

  /** The encoder's numbers begin again: what was told about those before is no measure. */
  #noticeRestart(): void {
    const { lastSent = Number.POSITIVE_INFINITY } = this.#encoder;
    if (this.#highest <= lastSent && this.#patternEnd - 1 <= lastSent) return;
    this.#highest = -1;
    this.#mostLost = 0;
    this.#patternEnd = -1;
    this.#endsInLoss = false;
  }

  /** @returns a number of which the last 16 bits are given, in full; −1 where no such packet was sent */
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
