import { readLossPatterns, summarizeLosses } from './loss-pattern.ts';
import type { LossPattern } from './loss-pattern.ts';
import { RedundancyController } from './redundancy-controller.ts';
import type { RedundancyControllerOptions, RedundancySettings } from './redundancy-controller.ts';
import { readReports } from './rtcp.ts';
import type { ReportBlock } from './rtcp.ts';
import { timestampDifference } from './unwrapper.ts';

/** What sends copies: an encoder of the framing `rtp`. */
export interface RedundantEncoder {
  readonly ssrc: number;
  redundancy: number;
  redundancySpacing: number;
}

const SEQUENCES = 2 ** 16;
/** A receiver that has gone back so many packets counts anew. Late packets take back less. */
const RESTART = 256;
/** How long the runs of losses are remembered: in a second there may be none at all. */
const RUN_MEMORY_MS = 15_000;
/** Longer ones are standstills, which no copy outlasts. */
const MAX_RUN = 64;

/**
 * The sender's end of adaptive redundancy: hears a receiver's reports, has a {@link RedundancyController} decide on copies, and sets
 * them at the encoder. Has no clock: time comes with each report.
 *
 * It reckons the loss from one report to the next by their totals (RFC 3550 §6.4.4), so that it misses nothing where reports get lost,
 * and takes packets that overtake each other for no loss.
 */
export class AdaptiveRedundancy {
  readonly #encoder: RedundantEncoder;
  readonly #controller: RedundancyController;
  /** Of the last report; −1 before the first. */
  #highestSequence = -1;
  /** The most that was ever reported lost: later ones that come after all are no gain to reckon with. */
  #mostLost = 0;
  /** Lost packets and runs of them, forgotten by and by. */
  #lost = 0;
  #runs = 0;
  /** When the last pattern came. */
  #patternAtMs = 0;
  /** Behind the last pattern, and whether its last packet was lost. */
  #patternEnd = -1;
  #endsInLoss = false;

  /**
   * @param encoder has no copies set by anybody else; its `redundancy` becomes 0
   * @throws TypeError or RangeError for options out of their range
   */
  constructor(encoder: RedundantEncoder, options: RedundancyControllerOptions) {
    this.#controller = new RedundancyController(options);
    this.#encoder = encoder;
    this.#apply(this.#controller.settings);
  }

  /**
   * What is sent now. `copies` and `spacing` are set already; `fec` and `expectedLoss` are for the encoder of Opus:
   * `opusEncoder.adjust({ expectedLoss })`, of one made with `fec: true`.
   */
  get settings(): RedundancySettings {
    return this.#controller.settings;
  }

  /** The loss that is reckoned with, 0..1. */
  get loss(): number {
    return this.#controller.loss;
  }

  /**
   * Takes a message of RTCP (`isRtcp`) of the receiver's. What it says about others than this encoder is passed over.
   * @param nowMs when it came, by any clock that does not go backwards
   * @returns `settings`, the same object until something changes
   * @throws PacketError when it is not made of whole RTCP packets
   */
  receive(message: Uint8Array, nowMs: number): RedundancySettings {
    const { ssrc } = this.#encoder;
    const reports = readReports(message);
    for (const pattern of readLossPatterns(message)) {
      if (pattern.ssrc === ssrc) this.#remember(pattern, nowMs);
    }
    for (const { reports: blocks } of reports) {
      for (const block of blocks) if (block.ssrc === ssrc) this.#heed(block, nowMs);
    }
    return this.settings;
  }

  #heed(block: ReportBlock, nowMs: number): void {
    const { highestSequence, packetsLost } = block;
    const expected = timestampDifference(this.#highestSequence, highestSequence);
    const startsAnew =
      this.#highestSequence < 0 || expected < -RESTART || packetsLost < this.#mostLost - RESTART;
    if (startsAnew) {
      // The first tells where to count from: of what it calls lost, part may be on its way.
      this.#highestSequence = highestSequence;
      this.#mostLost = packetsLost;
      return;
    }
    // One that was overtaken by a later one, or about nothing new.
    if (expected <= 0) return;
    const fractionLost = Math.min(1, Math.max(0, packetsLost - this.#mostLost) / expected);
    this.#highestSequence = highestSequence;
    this.#mostLost = Math.max(this.#mostLost, packetsLost);
    const meanRun = this.#runs > 0 ? Math.min(MAX_RUN, Math.max(1, this.#lost / this.#runs)) : 1;
    this.#apply(this.#controller.update({ fractionLost, meanRun }, nowMs));
  }

  #remember({ begin, came }: LossPattern, nowMs: number): void {
    if (came.length === 0) return;
    const { lost, runs } = summarizeLosses(came);
    // A run that goes on from the pattern before is one.
    const goesOn = this.#endsInLoss && begin === this.#patternEnd && came[0] === 0;
    const kept = Math.exp(-Math.max(0, nowMs - this.#patternAtMs) / RUN_MEMORY_MS);
    this.#lost = this.#lost * kept + lost;
    this.#runs = this.#runs * kept + runs - (goesOn ? 1 : 0);
    this.#patternAtMs = nowMs;
    this.#patternEnd = (begin + came.length) % SEQUENCES;
    this.#endsInLoss = came.at(-1) === 0;
  }

  #apply({ copies, spacing }: RedundancySettings): void {
    this.#encoder.redundancy = copies;
    this.#encoder.redundancySpacing = spacing;
  }
}
