import { designedFilters } from './resampler-filter-design.ts';
import type { ResamplerPlan } from './resampler-plan.ts';
import { RESAMPLER_WIDE_WASM } from './resampler-wide-wasm-bytes.ts';
import { makePlan, moduleOf, resamplerTask, singleModule } from './usual-planner.ts';
import type { ResamplerPlanOptions } from './usual-planner.ts';

/**
 * Chooses the stages and designs their filters. The filters of the usual rates are stored; for others the first call for a pair
 * of rates takes up to a second, and later calls are fast. Not for the audio thread.
 *
 * @throws RangeError for rates that are not integers from 3000 to 768000.
 */
export function planResampler(options: ResamplerPlanOptions): ResamplerPlan {
  const task = resamplerTask('planResampler', options);
  // `designedFilters` never lacks a filter.
  return makePlan(task, designedFilters, task.quality === 'vhq' ? wideModule : singleModule)!;
}

let module: object | undefined;

/** The kernel in double precision. */
function wideModule(): object {
  return (module ??= moduleOf(RESAMPLER_WIDE_WASM));
}
