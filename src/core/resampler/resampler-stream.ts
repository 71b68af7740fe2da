/** Runs a plan. A worklet imports this: it has no design code. */
import { checkObject } from '../option-names.ts';
import { integerIn, MAX_CHANNELS } from '../arguments.ts';
import { MicwireError } from '../errors.ts';
import { greatestCommonDivisor } from './resampler-plan.ts';
import type { ResamplerPlan, ResamplerExecution, ResamplerKernel } from './resampler-plan.ts';
import { TypeScriptKernel } from './resampler-typescript-kernel.ts';
import { WasmKernel } from './resampler-wasm-kernel.ts';

/**
 * Converts a stream block by block. Output frame k is at input instant k · inputRate / outputRate. Allocates nothing after
 * construction. A sample that is NaN or infinite spoils only the outputs within the filter's reach.
 */
export interface StreamResampler {
  /** How many input frames after an output frame's instant are needed to produce that frame. */
  readonly latencyFrames: number;
  /** How the resampler runs. */
  readonly execution: ResamplerExecution;
  /** Returns the most frames that one `process` call with `inputFrames` can give. */
  outputFramesMax(inputFrames: number): number;
  /**
   * Converts the first `frames` frames (default: all) of planar `input`, writes to planar `output` from index 0 on, and returns
   * how many frames it wrote. Both buffers stay the caller's. They must not overlap.
   * @throws RangeError if `output` has fewer channels than the stream or fewer frames than are due. The message says how many
   *   are due, and nothing is lost: the same call with enough room succeeds.
   */
  process(input: readonly Float32Array[], output: readonly Float32Array[], frames?: number): number;
  /**
   * Ends the stream: writes the frames that are still due, so that n input frames gave round(n · outputRate / inputRate) in all,
   * returns how many it wrote, and resets the resampler. Writes at most {@link StreamResampler.flushFramesMax} frames.
   * @throws RangeError as `process` does.
   */
  flush(output: readonly Float32Array[]): number;
  /** The most frames that `flush` can give. */
  readonly flushFramesMax: number;
  /** Forgets the stream; the next frames start a new one. */
  reset(): void;
  /**
   * Frees the WebAssembly memory for the next resampler of this scope. No method may be called afterwards. Without this
   * call, the memory stays in use until garbage collection.
   */
  close(): void;
}

/**
 * Allocates a resampler for a plan. For constructors; cheap compared with the plan.
 * @param channels 1 to 32.
 */
export function createResampler(plan: ResamplerPlan, channels: number): StreamResampler {
  return createOn((...given) => WasmKernel.create(...given), plan, channels);
}

/** Creates a WebAssembly kernel; undefined if WebAssembly cannot run here. */
type CreateKernel = (plan: ResamplerPlan, channels: number) => ResamplerKernel | undefined;

/** @internal */
export function createOn(
  createWasm: CreateKernel,
  plan: ResamplerPlan,
  channels: number,
): StreamResampler {
  checkObject('plan must be what planResampler returns', plan, 'stages');
  integerIn('channels', channels, 1, MAX_CHANNELS);
  return new KernelResampler(plan, channels, createKernel(createWasm, plan, channels));
}

function createKernel(
  createWasm: CreateKernel,
  plan: ResamplerPlan,
  channels: number,
): ResamplerKernel {
  // Equal rates copy: nothing to compute.
  if (plan.wasm !== undefined && plan.stages.length > 0) {
    const kernel = createWasm(plan, channels);
    if (kernel !== undefined) return kernel;
  }
  if (plan.requireWasm) {
    throw new MicwireError(
      'unsupported',
      "This scope does not run WebAssembly with SIMD. A Content Security Policy must allow 'wasm-unsafe-eval'; " +
        "execution 'auto' falls back to TypeScript.",
    );
  }
  return new TypeScriptKernel(plan, channels);
}

/** After this many frames the counts restart. Multiplied by the highest rate, it stays below 2⁵³. */
const LONG_FRAMES = 2 ** 28;

class KernelResampler implements StreamResampler {
  readonly latencyFrames: number;
  readonly flushFramesMax: number;
  readonly execution: ResamplerExecution;
  readonly #channels: number;
  readonly #kernel: ResamplerKernel;
  readonly #stages: ResamplerPlan['stages'];
  /** outputRate : inputRate in lowest terms. */
  readonly #up: number;
  readonly #down: number;
  /**
   * Input and output frames since the stream began, less the same time from both, so that they stay small integers, which V8
   * stores without allocating.
   */
  #consumed = 0;
  #produced = 0;
  /** That time, in input frames and in output frames. */
  readonly #longInput: number;
  readonly #longOutput: number;
  /** The last block's length and the most frames that it can give: blocks tend to be alike. */
  #blockFrames = -1;
  #blockFramesMax = 0;

  constructor(plan: ResamplerPlan, channels: number, kernel: ResamplerKernel) {
    this.latencyFrames = plan.latencyFrames;
    this.#channels = channels;
    this.#kernel = kernel;
    this.execution = kernel.execution;
    this.#stages = plan.stages;
    const divisor = greatestCommonDivisor(plan.inputRate, plan.outputRate);
    this.#up = plan.outputRate / divisor;
    this.#down = plan.inputRate / divisor;
    const periods = Math.floor(LONG_FRAMES / Math.max(this.#up, this.#down));
    this.#longInput = periods * this.#down;
    this.#longOutput = periods * this.#up;
    this.flushFramesMax = Math.ceil(((plan.latencyFrames + 1) * this.#up) / this.#down) + 1;
  }

  outputFramesMax(inputFrames: number): number {
    let frames = inputFrames;
    for (const stage of this.#stages) {
      if (stage.kind === 'halve') frames = Math.ceil(frames / 2);
      else if (stage.kind === 'double') frames *= 2;
      else frames = Math.ceil((frames * stage.up) / stage.down);
    }
    return frames;
  }

  process(
    input: readonly Float32Array[],
    output: readonly Float32Array[],
    frames: number = input[0]?.length ?? 0,
  ): number {
    const kernel = this.#kernel;
    const channels = this.#channels;
    if (frames !== this.#blockFrames) {
      this.#blockFrames = frames;
      this.#blockFramesMax = this.outputFramesMax(frames);
    }
    // The exact count costs time, and is not needed if there is room for the maximum.
    let roomy = true;
    for (let c = 0; c < channels; c++) {
      const from = input[c];
      const to = output[c];
      if (from === undefined || !(frames >= 0 && frames <= from.length))
        this.#refuse(input, frames);
      if (to === undefined || to.length < this.#blockFramesMax) roomy = false;
    }
    if (!roomy) this.#checkOutput(output, kernel.outputFramesFor(frames));
    let written = 0;
    let from = 0;
    do {
      const count = Math.min(kernel.maxFrames, frames - from);
      written += kernel.convert(input, from, count, output, written);
      from += count;
    } while (from < frames);
    this.#consumed += frames;
    this.#produced += written;
    while (this.#consumed >= this.#longInput) {
      this.#consumed -= this.#longInput;
      this.#produced -= this.#longOutput;
    }
    return written;
  }

  flush(output: readonly Float32Array[]): number {
    const kernel = this.#kernel;
    const due = Math.round((this.#consumed * this.#up) / this.#down) - this.#produced;
    this.#checkOutput(output, due);
    let written = 0;
    while (written < due) {
      const count = Math.min(kernel.maxFrames, this.latencyFrames + 1);
      written += kernel.convert(undefined, 0, count, output, written, due - written);
    }
    this.reset();
    return written;
  }

  reset(): void {
    this.#consumed = 0;
    this.#produced = 0;
    this.#kernel.reset();
  }

  close(): void {
    this.#kernel.release?.();
  }

  #refuse(input: readonly Float32Array[], frames: number): never {
    throw new RangeError(
      `input must hold ${this.#channels} channels of ${frames} frames, got ${input.length} of ${input[0]?.length ?? 0}.`,
    );
  }

  #checkOutput(output: readonly Float32Array[], needed: number): void {
    for (let c = 0; c < this.#channels; c++) {
      const channel = output[c];
      if (channel === undefined || channel.length < needed) {
        throw new RangeError(
          `output must hold ${this.#channels} channels of ${needed} frames, got ${output.length} of ${channel?.length ?? 0}.`,
        );
      }
    }
  }
}
