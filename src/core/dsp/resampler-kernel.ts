import type { ResamplerPlan } from './resampler-plan.ts';
import { createStageKernel } from './resampler-stages.ts';
import type { StageKernel } from './resampler-stages.ts';
import type { ResamplerKernel } from './resampler-stream.ts';

/** Values that the largest buffer between stages holds: 16 KiB stay in the nearest cache. */
const MAX_BLOCK = 2048;

/** Runs a plan's stages in plain TypeScript, in double precision. */
export class TypeScriptKernel implements ResamplerKernel {
  readonly execution = 'typescript' as const;
  readonly maxFrames: number;
  /** Per channel, per stage. */
  readonly #stages: readonly (readonly StageKernel[])[];
  /** Per channel: where `load` writes, then what `run` made. The buffers between stages are shared by the channels. */
  readonly #inputs: readonly Float64Array[];
  readonly #outputs: readonly Float64Array[];
  readonly #between: readonly Float64Array[];

  constructor(plan: ResamplerPlan, channels: number) {
    this.maxFrames = blockFramesFor(plan, MAX_BLOCK);
    const sizes = blockSizes(plan, this.maxFrames);
    const stages: (readonly StageKernel[])[] = [];
    const inputs: Float64Array[] = [];
    const outputs: Float64Array[] = [];
    for (let c = 0; c < channels; c++) {
      stages.push(plan.stages.map((stage, index) => createStageKernel(stage, sizes[index]!)));
      inputs.push(new Float64Array(this.maxFrames));
      outputs.push(plan.stages.length === 0 ? inputs[c]! : new Float64Array(sizes.at(-1)!));
    }
    this.#stages = stages;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#between = sizes.slice(1, -1).map((size) => new Float64Array(size));
  }

  outputFramesFor(frames: number): number {
    const stages = this.#stages[0]!;
    let count = frames;
    for (let i = 0; i < stages.length; i++) count = stages[i]!.outputFramesFor(count);
    return count;
  }

  load(channel: number, source: Float32Array | undefined, from: number, frames: number): void {
    const target = this.#inputs[channel]!;
    if (source === undefined) target.fill(0, 0, frames);
    else for (let i = 0; i < frames; i++) target[i] = source[from + i]!;
  }

  run(frames: number): number {
    let made = frames;
    for (let c = 0; c < this.#stages.length; c++) {
      const stages = this.#stages[c]!;
      const last = stages.length - 1;
      let block = this.#inputs[c]!;
      made = frames;
      for (let i = 0; i <= last; i++) {
        const target = i === last ? this.#outputs[c]! : this.#between[i]!;
        made = stages[i]!.process(block, made, target);
        block = target;
      }
    }
    return made;
  }

  store(channel: number, target: Float32Array, at: number, frames: number): void {
    const source = this.#outputs[channel]!;
    for (let i = 0; i < frames; i++) target[at + i] = source[i]!;
  }

  reset(): void {
    for (const stages of this.#stages) for (const stage of stages) stage.reset();
  }
}

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
