import { blockFramesFor, blockSizes } from './resampler-blocks.ts';
import type { ResamplerPlan } from './resampler-plan.ts';
import { createStageKernel } from './resampler-stages.ts';
import type { StageKernel } from './resampler-stages.ts';
import type { ResamplerKernel } from './resampler-kernel.ts';

/** Values that the largest buffer between stages holds: 16 KiB stay in the nearest cache. */
const MAX_BLOCK = 2048;

/** Runs a plan's stages in plain TypeScript, in double precision. */
export class TypeScriptKernel implements ResamplerKernel {
  readonly execution = 'typescript' as const;
  readonly maxFrames: number;
  /** Per channel, per stage. */
  readonly #stages: readonly (readonly StageKernel[])[];
  /** What goes into each stage, and what comes out of the last: shared by the channels, which are converted in turn. */
  readonly #blocks: readonly Float64Array[];

  constructor(plan: ResamplerPlan, channels: number) {
    this.maxFrames = blockFramesFor(plan, MAX_BLOCK);
    const sizes = blockSizes(plan, this.maxFrames);
    const stages: (readonly StageKernel[])[] = [];
    for (let c = 0; c < channels; c++) {
      stages.push(plan.stages.map((stage, index) => createStageKernel(stage, sizes[index]!)));
    }
    this.#stages = stages;
    this.#blocks = sizes.map((size) => new Float64Array(size));
  }

  outputFramesFor(frames: number): number {
    const stages = this.#stages[0]!;
    let count = frames;
    for (let i = 0; i < stages.length; i++) count = stages[i]!.outputFramesFor(count);
    return count;
  }

  convert(
    input: readonly Float32Array[] | undefined,
    from: number,
    frames: number,
    output: readonly Float32Array[],
    at: number,
    limit: number = Infinity,
  ): number {
    let count = frames;
    for (let c = 0; c < this.#stages.length; c++) {
      const block = this.#blocks[0]!;
      const source = input?.[c];
      if (source === undefined) block.fill(0, 0, frames);
      else for (let i = 0; i < frames; i++) block[i] = source[from + i]!;
      count = this.#run(this.#stages[c]!, frames);
      if (count > limit) count = limit;
      const result = this.#blocks[this.#blocks.length - 1]!;
      const target = output[c]!;
      for (let i = 0; i < count; i++) target[at + i] = result[i]!;
    }
    return count;
  }

  reset(): void {
    for (const stages of this.#stages) for (const stage of stages) stage.reset();
  }

  /** Sends the first block through a channel's stages to the last; returns how many values that holds. */
  #run(stages: readonly StageKernel[], frames: number): number {
    let count = frames;
    for (let i = 0; i < stages.length; i++) {
      count = stages[i]!.process(this.#blocks[i]!, count, this.#blocks[i + 1]!);
    }
    return count;
  }
}
