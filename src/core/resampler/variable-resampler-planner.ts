import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn, oneOf, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from '../arguments.ts';
import type { ResamplerQuality, ResamplerStage } from './resampler-plan.ts';
import {
  bandFor,
  guardHalving,
  interpolatedBank,
  lookAheadFrames,
  lowPassDoubling,
  sharpDoubling,
  shortFilter,
} from './resampler-stage-design.ts';
import type { VariableResamplerPlan } from './variable-resampler.ts';

/** What a resampler whose ratio may change is to do. */
export interface VariableResamplerPlanOptions {
  /** Hz, an integer from 3000 to 768000. */
  readonly inputRate: number;
  /** Hz at speed 1, an integer from 3000 to 768000. */
  readonly outputRate: number;
  /** @default 'hq' */
  readonly quality?: ResamplerQuality;
}
const NAMES = {
  inputRate: 1,
  outputRate: 1,
  quality: 1,
} satisfies OptionNames<VariableResamplerPlanOptions>;

const cache = new Map<string, VariableResamplerPlan>();

/**
 * Designs the filters of a {@link VariableResampler}: a sharp filter at twice the input rate, then a short one whose
 * instants are free. Milliseconds at the first call for a pair of rates. Not for the audio thread.
 * @throws RangeError for rates that are not integers from 3000 to 768000.
 */
export function planVariableResampler(
  options: VariableResamplerPlanOptions,
): VariableResamplerPlan {
  checkOptions('planVariableResampler', options, NAMES);
  const inputRate = integerIn('inputRate', options.inputRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
  const outputRate = integerIn('outputRate', options.outputRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
  const quality = oneOf('quality', options.quality ?? 'hq', ['voice', 'hq', 'vhq']);
  const key = `${inputRate}:${outputRate}:${quality}`;
  let plan = cache.get(key);
  if (plan === undefined) {
    const band = bandFor(Math.min(inputRate, outputRate), quality, false);
    const stages: ResamplerStage[] = [];
    let rate = inputRate;
    for (; rate / 2 >= 2 * outputRate; rate /= 2) stages.push(guardHalving(rate, band));
    stages.push(rate > outputRate ? lowPassDoubling(rate, band) : sharpDoubling(band));
    const bank = interpolatedBank(shortFilter(2 * rate, 2 * rate, band), band);
    const bankFrames = ((bank.taps / 2) * inputRate) / (2 * rate);
    plan = {
      inputRate,
      outputRate,
      quality,
      stages,
      latencyFrames: lookAheadFrames(stages) + Math.ceil(bankFrames),
      ...bank,
    };
    cache.set(key, plan);
  }
  return plan;
}
