import type { ResamplerPlan, ResamplerQuality } from '../core/resampler/resampler-plan.ts';
import type { planResampler } from '../core/resampler/resampler-planner.ts';
import type { planUsual } from '../core/resampler/usual-planner.ts';
import type { VariableResamplerPlanOptions } from '../core/resampler/usual-variable-planner.ts';
import type { VariableResamplerPlan } from '../core/resampler/variable-resampler.ts';

/** The planners, once loaded: equal rates need none, and few conversions need the filter design. */
let usual: { readonly planUsual: typeof planUsual } | undefined;
let design: { readonly planResampler: typeof planResampler } | undefined;

/** Loads the planner of a conversion, unless the rates are equal: the stored filters, or the filter design. */
export async function loadResamplerDesign(
  inputRate: number,
  outputRate: number,
  quality: ResamplerQuality,
): Promise<void> {
  if (inputRate === outputRate) return;
  usual ??= await import('../core/resampler/usual-planner.ts');
  if (usual.planUsual(taskOf(inputRate, outputRate, quality)) === undefined) {
    design ??= await import('../core/resampler/resampler-planner.ts');
  }
}

/**
 * Returns the plan from one rate to another; null if they are equal.
 * @throws TypeError when a plan is needed, and its planner has not been loaded
 */
export function resamplerBetween(
  inputRate: number,
  outputRate: number,
  quality: ResamplerQuality,
): ResamplerPlan | null {
  if (inputRate === outputRate) return null;
  const task = taskOf(inputRate, outputRate, quality);
  const plan = usual?.planUsual(task) ?? design?.planResampler(task);
  if (plan === undefined) {
    throw new TypeError(
      `From ${inputRate} to ${outputRate} Hz takes a resampler, which only create() loads: use it in place of the constructor.`,
    );
  }
  return plan;
}

/** Loads the plan of a resampler with a variable ratio, from stored filters or newly designed. */
export async function loadVariablePlan(
  options: VariableResamplerPlanOptions,
): Promise<VariableResamplerPlan> {
  const { planUsualVariable } = await import('../core/resampler/usual-variable-planner.ts');
  const plan = planUsualVariable(options);
  if (plan !== undefined) return plan;
  const planner = await import('../core/resampler/variable-resampler-planner.ts');
  return planner.planVariableResampler(options);
}

function taskOf(
  inputRate: number,
  outputRate: number,
  quality: ResamplerQuality,
): Parameters<typeof planUsual>[0] {
  return { inputRate, outputRate, quality, strict: false, execution: 'auto' };
}
