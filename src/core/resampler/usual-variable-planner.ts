import { integerIn, oneOf, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { ResamplerQuality } from './resampler-plan.ts';
import { bandFor } from './resampler-specification.ts';
import { planFreeStages } from './resampler-stages.ts';
import type { ResamplerFilters } from './resampler-stages.ts';
import { usualFilters } from './usual-filters.ts';
import type { VariableResamplerPlan } from './variable-resampler.ts';

/** Options for the plan of a resampler whose ratio may change. */
export interface VariableResamplerPlanOptions {
  /** Hz, an integer from 3000 to 768000. */
  readonly inputRate: number;
  /** Hz at speed 1, an integer from 3000 to 768000. */
  readonly outputRate: number;
  /** Attenuation of 100, 120 or 140 dB. @default 'hq' */
  readonly quality?: ResamplerQuality;
}
const NAMES = {
  inputRate: 1,
  outputRate: 1,
  quality: 1,
} satisfies OptionNames<VariableResamplerPlanOptions>;

const cache = new Map<string, VariableResamplerPlan>();

/** Makes a plan, or returns it from the cache; undefined if `filters` lacks one of its filters. */
export function makeVariablePlan(
  options: VariableResamplerPlanOptions,
  filters: ResamplerFilters,
): VariableResamplerPlan | undefined {
  checkOptions('planVariableResampler', options, NAMES);
  const inputRate = integerIn('inputRate', options.inputRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
  const outputRate = integerIn('outputRate', options.outputRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
  const quality = oneOf('quality', options.quality ?? 'hq', ['voice', 'hq', 'vhq']);
  const key = `${inputRate}:${outputRate}:${quality}`;
  let plan = cache.get(key);
  if (plan === undefined) {
    const band = bandFor(Math.min(inputRate, outputRate), quality, false);
    const made = planFreeStages(inputRate, outputRate, band, filters);
    if (made === undefined) return undefined;
    const { bank, ...stages } = made;
    plan = { inputRate, outputRate, quality, ...stages, ...bank };
    cache.set(key, plan);
  }
  return plan;
}

/** Returns the plan if all its filters are stored; undefined otherwise: {@link planVariableResampler} designs them. */
export function planUsualVariable(
  options: VariableResamplerPlanOptions,
): VariableResamplerPlan | undefined {
  return makeVariablePlan(options, usualFilters);
}
