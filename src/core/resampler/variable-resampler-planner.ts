import { designedFilters } from './resampler-filter-design.ts';
import { makeVariablePlan } from './usual-variable-planner.ts';
import type { VariableResamplerPlanOptions } from './usual-variable-planner.ts';
import type { VariableResamplerPlan } from './variable-resampler.ts';

/**
 * Designs the filters of a {@link VariableResampler}: a sharp filter at twice the input rate, then a short one for any instant.
 * Takes milliseconds at the first call for a pair of rates. Not for the audio thread.
 * @throws RangeError for rates that are not integers from 3000 to 768000.
 */
export function planVariableResampler(
  options: VariableResamplerPlanOptions,
): VariableResamplerPlan {
  // `designedFilters` never lacks a filter.
  return makeVariablePlan(options, designedFilters)!;
}
