import type { ResamplerPlan } from './resampler-plan.ts';

/** The longest input block for which no stage handles more than `limit` values at once. */
export function blockFramesFor(plan: ResamplerPlan, limit: number): number {
  let frames = limit;
  while (frames > 1 && Math.max(...blockSizes(plan, frames)) > limit)
    frames = Math.ceil(frames / 2);
  return frames;
}

/** The most values before the first stage, between the stages and after the last, for an input block of `frames`. */
export function blockSizes(plan: ResamplerPlan, frames: number): number[] {
  const sizes = [frames];
  let count = frames;
  for (const stage of plan.stages) {
    if (stage.kind === 'halve') count = Math.ceil(count / 2);
    else if (stage.kind === 'double') count *= 2;
    else count = Math.ceil((count * stage.up) / stage.down);
    sizes.push(count);
  }
  return sizes;
}
