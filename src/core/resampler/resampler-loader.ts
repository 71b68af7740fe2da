import type { ResamplerPlan } from './resampler-plan.ts';
import { planUsual, resamplerTask } from './usual-planner.ts';
import type { ResamplerPlanOptions } from './usual-planner.ts';

/**
 * Makes the same plan as {@link planResampler}, with less code: the filters of `voice` and `hq` between 48, 44.1, 24, 16 and
 * 8 kHz are stored, and only other conversions load the filter design. Pass the plan to {@link createResampler}.
 * @throws RangeError for rates that are not integers from 3000 to 768000.
 */
export async function loadResamplerPlan(options: ResamplerPlanOptions): Promise<ResamplerPlan> {
  const task = resamplerTask('loadResamplerPlan', options);
  return planUsual(task) ?? (await import('./resampler-planner.ts')).planResampler(options);
}
