/**
 * A resampler's plan, as plain data: {@link planResampler} makes it where time does not matter, structured clone carries it to
 * where it does, and {@link createResampler} runs it there. This file has no design code, so a worklet's bundle has none either.
 */

/** Quality of a resampler, by its accuracy: `voice` 100 dB, `hq` 120 dB, `vhq` 140 dB. */
export type ResamplerQuality = 'voice' | 'hq' | 'vhq';

/** Symmetric filter that halves the rate: output j is at input 2j. */
export interface HalveStage {
  readonly kind: 'halve';
  /** Taps at odd distances ±1, ±3, …, one side. */
  readonly odd: Float64Array;
  /** Taps at even distances 0, ±2, ±4, …, one side with the centre. A half-band filter has only the centre. */
  readonly even: Float64Array;
}

/** Symmetric filter that doubles the rate: outputs 2j and 2j + 1 are at input j and j + ½. */
export interface DoubleStage {
  readonly kind: 'double';
  /** Taps at odd distances ±1, ±3, … of the output, one side; gain 2 compensates for the inserted zeros. */
  readonly odd: Float64Array;
  /** Taps at even distances of the output, one side with the centre. */
  readonly even: Float64Array;
}

/** Output k is at input k · down / up; every phase of the filter is stored. */
export interface PolyphaseStage {
  readonly kind: 'polyphase';
  readonly up: number;
  readonly down: number;
  /** Even. Phase p weighs the inputs from ⌊t⌋ − taps/2 + 1 to ⌊t⌋ + taps/2, where t − ⌊t⌋ = p / up. */
  readonly taps: number;
  /** `up` rows of `taps`. */
  readonly coefficients: Float64Array;
}

/** Like {@link PolyphaseStage}, for an `up` so large that phases are interpolated (cubic) between stored ones. */
export interface InterpolatedStage {
  readonly kind: 'interpolated';
  readonly up: number;
  readonly down: number;
  /** Even. */
  readonly taps: number;
  readonly phases: number;
  /** `phases` rows of 4 · `taps`: for each power 0 to 3 of the distance from the stored phase, one row of `taps`. */
  readonly coefficients: Float64Array;
}

/** One step of a plan. */
export type ResamplerStage = HalveStage | DoubleStage | PolyphaseStage | InterpolatedStage;

/** The stages from input to output, and properties of the whole. Structured-cloneable; do not write to its arrays. */
export interface ResamplerPlan {
  readonly inputRate: number;
  readonly outputRate: number;
  readonly quality: ResamplerQuality;
  readonly strict: boolean;
  /** Empty if the rates are equal: the plan then copies. */
  readonly stages: readonly ResamplerStage[];
  /** How many input frames after an output frame's instant are needed to produce that frame. */
  readonly latencyFrames: number;
  /**
   * The compiled WebAssembly kernel (a `WebAssembly.Module`), or its bytes if it could not be compiled; undefined if the plan is
   * to run in TypeScript.
   */
  readonly wasm: object | undefined;
  /** Whether it is an error to run in TypeScript instead. */
  readonly requireWasm: boolean;
}

/** Returns the greatest common divisor of two positive integers (Euclid). */
export function greatestCommonDivisor(a: number, b: number): number {
  let high = a;
  let low = b;
  while (low !== 0) {
    const rest = high % low;
    high = low;
    low = rest;
  }
  return high;
}

/** Returns the longest input block for which no stage handles more than `limit` values at once. */
export function blockFramesFor(plan: ResamplerPlan, limit: number): number {
  let frames = limit;
  while (frames > 1 && Math.max(...blockSizes(plan, frames)) > limit)
    frames = Math.ceil(frames / 2);
  return frames;
}

/** Returns the most values before the first stage, between stages and after the last, for an input block of `frames`. */
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

/** How a resampler runs: as a WebAssembly SIMD kernel, or in plain TypeScript. */
export type ResamplerExecution = 'wasm' | 'typescript';

/** Computes blocks through all stages, in either execution. `frames` must not exceed `maxFrames`. */
export interface ResamplerKernel {
  readonly execution: ResamplerExecution;
  readonly maxFrames: number;
  /**
   * Converts `frames` frames of `input` from `from` on, or of silence if it is undefined. Writes at most `limit` frames to
   * `output` from `at` on, and returns how many it wrote.
   */
  convert(
    input: readonly Float32Array[] | undefined,
    from: number,
    frames: number,
    output: readonly Float32Array[],
    at: number,
    limit?: number,
  ): number;
  /** Returns how many frames `frames` input frames would give in all, in blocks of at most `maxFrames`. */
  outputFramesFor(frames: number): number;
  reset(): void;
  /** Frees the memory. No method may be called afterwards. */
  release?(): void;
}
