import { numberIn } from '../core/arguments.ts';
import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { amplitudeOf } from './signal.ts';

/**
 * Options of `toHaveNoClicks`. A step from one frame to the next is a click when all of these are true:
 *
 * - it is larger than `aboveDbfs`;
 * - it is larger than the signal's own steps: than 1.2 times the 95th percentile of the steps around it;
 * - it breaks the curve: the fourth difference of the samples, which is small where a signal is smooth, is more than `ratio` times
 *   its 95th percentile around the step.
 *
 * "Around" means the block of 256 frames that contains the step, the previous block or the next block, whichever has the largest
 * percentile: a step is compared with the signal that it leaves and with the signal that it reaches.
 */
export interface ClickOptions {
  /** Ratio of the fourth difference at the step to that around it, 1 to 1000. Recorded speech reaches 3.5, noise 2.4. @default 5 */
  readonly ratio?: number;
  /** Level below which steps are not clicks, in dBFS, −400 to 0. @default -60 */
  readonly aboveDbfs?: number;
}
const NAMES = { ratio: 1, aboveDbfs: 1 } satisfies OptionNames<ClickOptions>;

/** A step, compared with the signal around it. */
export interface Step {
  readonly channel: number;
  /** The frame after the step. */
  readonly frame: number;
  /** Size of the step. */
  readonly step: number;
  /** Ratio of the fourth difference at the step to that around it. */
  readonly ratio: number;
}

/** Result of {@link findClicks}. */
export interface Clicks {
  /** The limit that was applied. */
  readonly ratio: number;
  readonly count: number;
  /** The earliest click. */
  readonly first: Step | undefined;
  /** The step with the largest ratio, among all steps that are larger than the signal's own. */
  readonly worst: Step | undefined;
}

const BLOCK_FRAMES = 256;
const PERCENTILE = 0.95;
const STEP_RATIO = 1.2;
/** Number of further frames that the fourth difference spans. */
const ORDER = 4;

/** Looks for clicks. @throws TypeError or RangeError for an invalid option */
export function findClicks(channels: readonly Float32Array[], options: ClickOptions = {}): Clicks {
  checkOptions('toHaveNoClicks', options, NAMES);
  const limit = numberIn('ratio', options.ratio ?? 5, 1, 1000);
  const floor = amplitudeOf(numberIn('aboveDbfs', options.aboveDbfs ?? -60, -400, 0));
  let first: Step | undefined;
  let worst: Step | undefined;
  let count = 0;
  for (const [channel, samples] of channels.entries()) {
    const steps = differences(samples, 1);
    const bends = differences(samples, ORDER);
    const usualSteps = percentiles(steps);
    const usualBends = percentiles(bends);
    for (let frame = 1; frame < samples.length; frame++) {
      const step = steps[frame]!;
      const block = Math.floor(frame / BLOCK_FRAMES);
      if (step <= Math.max(floor, STEP_RATIO * around(usualSteps, block))) continue;
      let bend = 0;
      for (let i = frame; i < frame + ORDER && i < bends.length; i++) {
        bend = Math.max(bend, bends[i]!);
      }
      const usual = around(usualBends, block);
      // NaN is a click, and so is any step in a constant signal.
      const ratio = step === step && usual > 0 ? bend / usual : Infinity;
      if (worst === undefined || ratio > worst.ratio) worst = { channel, frame, step, ratio };
      if (ratio <= limit) continue;
      count++;
      if (first === undefined || frame < first.frame) first = { channel, frame, step, ratio };
    }
  }
  return { ratio: limit, count, first, worst };
}

/** Returns the absolute differences of an order; 0 for the first frames, which have too few frames before them. */
function differences(samples: Float32Array, order: number): Float64Array {
  const values = Float64Array.from(samples);
  for (let pass = 0; pass < order; pass++) {
    for (let i = values.length - 1; i > 0; i--) values[i]! -= values[i - 1]!;
  }
  values.fill(0, 0, order);
  for (let i = 0; i < values.length; i++) values[i] = Math.abs(values[i]!);
  return values;
}

/** Returns the 95th percentile of each block. */
function percentiles(values: Float64Array): Float64Array {
  const blocks = new Float64Array(Math.ceil(values.length / BLOCK_FRAMES));
  for (let block = 0; block < blocks.length; block++) {
    const sorted = values.slice(block * BLOCK_FRAMES, (block + 1) * BLOCK_FRAMES).sort();
    blocks[block] = sorted[Math.floor((sorted.length - 1) * PERCENTILE)]!;
  }
  return blocks;
}

function around(blocks: Float64Array, block: number): number {
  return Math.max(blocks[block]!, blocks[block - 1] ?? 0, blocks[block + 1] ?? 0);
}
