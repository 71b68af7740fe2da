import type { ResamplerPlan, ResamplerQuality } from '../core/resampler/resampler-plan.ts';
import type { planResampler } from '../core/resampler/resampler-planner.ts';

/** The filter design, once it was loaded: half of what a page would load, and no use where the rates are equal. */
let design: { readonly planResampler: typeof planResampler } | undefined;

/** Loads the filter design, unless the rates are equal. */
export async function loadResamplerDesign(inputRate: number, outputRate: number): Promise<void> {
  if (inputRate !== outputRate) design ??= await import('../core/resampler/resampler-planner.ts');
}

/**
 * What goes from one rate to the other: null where they are equal.
 * @throws TypeError when that takes a filter design, and it was not loaded
 */
export function resamplerBetween(
  inputRate: number,
  outputRate: number,
  quality: ResamplerQuality,
): ResamplerPlan | null {
  if (inputRate === outputRate) return null;
  if (design === undefined) {
    throw new TypeError(
      `From ${inputRate} to ${outputRate} Hz takes a resampler, which only create() loads: use it in place of the constructor.`,
    );
  }
  return design.planResampler({ inputRate, outputRate, quality });
}
