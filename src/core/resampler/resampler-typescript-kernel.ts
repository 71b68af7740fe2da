import { blockFramesFor, blockSizes } from './resampler-plan.ts';
import type {
  ResamplerPlan,
  ResamplerKernel,
  DoubleStage,
  HalveStage,
  InterpolatedStage,
  PolyphaseStage,
  ResamplerStage,
} from './resampler-plan.ts';

/** Values in the largest buffer between stages: 16 KiB stay in the nearest cache. */
const MAX_BLOCK = 2048;

/** Runs a plan's stages in plain TypeScript, in double precision. */
export class TypeScriptKernel implements ResamplerKernel {
  readonly execution = 'typescript' as const;
  readonly maxFrames: number;
  /** Per channel, per stage. */
  readonly #stages: readonly (readonly StageKernel[])[];
  /** The input of each stage, and the output of the last: shared by the channels, which are converted one after the other. */
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

  /** Runs the first block through a channel's stages to the last block; returns how many values that holds. */
  #run(stages: readonly StageKernel[], frames: number): number {
    let count = frames;
    for (let i = 0; i < stages.length; i++) {
      count = stages[i]!.process(this.#blocks[i]!, count, this.#blocks[i + 1]!);
    }
    return count;
  }
}

/*
 * The resampler's stages in plain TypeScript, one channel each, in double precision. Each keeps the inputs that later outputs
 * still need, so an output is the same sum in the same order however the input is split into blocks.
 */

/** One step of the rate conversion. */
export interface StageKernel {
  /** Returns how many outputs `process` would give for `frames` inputs. */
  outputFramesFor(frames: number): number;
  /** Returns how many inputs are needed for at least `outputs` outputs. */
  inputFramesFor(outputs: number): number;
  /** Takes `frames` values of `input`, at most the stage's largest block; returns how many it wrote to `output`. */
  process(input: Float64Array, frames: number, output: Float64Array): number;
  /** Forgets the past. */
  reset(): void;
}

/** @param maxFrames the largest block that `process` will get */
export function createStageKernel(stage: ResamplerStage, maxFrames: number): StageKernel {
  switch (stage.kind) {
    case 'halve':
      return new HalveKernel(stage, maxFrames);
    case 'double':
      return new DoubleKernel(stage, maxFrames);
    case 'polyphase':
      return new PolyphaseKernel(stage, maxFrames);
    case 'interpolated':
      return new InterpolatedKernel(stage, maxFrames);
  }
}

class HalveKernel implements StageKernel {
  readonly #odd: Float64Array;
  readonly #even: Float64Array;
  /** Distance from the centre to the farthest tap. */
  readonly #reach: number;
  /** Inputs from `#reach` before the next output's instant on. */
  readonly #line: Float64Array;
  #fill: number;

  constructor(stage: HalveStage, maxFrames: number) {
    this.#odd = stage.odd;
    this.#even = stage.even;
    this.#reach = reachOf(stage);
    this.#line = new Float64Array(2 * this.#reach + 2 + maxFrames);
    this.#fill = this.#reach;
  }

  outputFramesFor(frames: number): number {
    return Math.max(0, Math.floor((this.#fill + frames - 2 * this.#reach + 1) / 2));
  }

  inputFramesFor(outputs: number): number {
    return Math.max(0, 2 * outputs + 2 * this.#reach - 1 - this.#fill);
  }

  process(input: Float64Array, frames: number, output: Float64Array): number {
    const line = this.#line;
    const odd = this.#odd;
    const even = this.#even;
    const count = this.outputFramesFor(frames);
    const fill = append(line, this.#fill, input, frames);
    for (let j = 0; j < count; j++) {
      const centre = 2 * j + this.#reach;
      let sum = even[0]! * line[centre]!;
      let other = 0;
      for (let k = 1, distance = 2; k < even.length; k++, distance += 2) {
        other += even[k]! * (line[centre - distance]! + line[centre + distance]!);
      }
      for (let k = 0, distance = 1; k < odd.length; k++, distance += 2) {
        sum += odd[k]! * (line[centre - distance]! + line[centre + distance]!);
      }
      output[j] = sum + other;
    }
    this.#fill = drop(line, 2 * count, fill);
    return count;
  }

  reset(): void {
    this.#line.fill(0);
    this.#fill = this.#reach;
  }
}

class DoubleKernel implements StageKernel {
  readonly #odd: Float64Array;
  readonly #even: Float64Array;
  /** How many inputs are needed before an output pair's instant, and after it. */
  readonly #before: number;
  readonly #after: number;
  /** Inputs from `#before` before the next output pair's instant on. */
  readonly #line: Float64Array;
  #fill: number;

  constructor(stage: DoubleStage, maxFrames: number) {
    this.#odd = stage.odd;
    this.#even = stage.even;
    this.#after = Math.ceil(reachOf(stage) / 2);
    this.#before = this.#after;
    this.#line = new Float64Array(this.#before + this.#after + 1 + maxFrames);
    this.#fill = this.#before;
  }

  outputFramesFor(frames: number): number {
    return 2 * Math.max(0, this.#fill + frames - this.#before - this.#after);
  }

  inputFramesFor(outputs: number): number {
    return Math.max(0, Math.ceil(outputs / 2) + this.#before + this.#after - this.#fill);
  }

  process(input: Float64Array, frames: number, output: Float64Array): number {
    const line = this.#line;
    const odd = this.#odd;
    const even = this.#even;
    const count = this.outputFramesFor(frames) / 2;
    const fill = append(line, this.#fill, input, frames);
    for (let j = 0; j < count; j++) {
      const centre = j + this.#before;
      let onGrid = even[0]! * line[centre]!;
      for (let k = 1; k < even.length; k++) {
        onGrid += even[k]! * (line[centre - k]! + line[centre + k]!);
      }
      let between = 0;
      for (let k = 0; k < odd.length; k++) {
        between += odd[k]! * (line[centre - k]! + line[centre + 1 + k]!);
      }
      output[2 * j] = onGrid;
      output[2 * j + 1] = between;
    }
    this.#fill = drop(line, count, fill);
    return 2 * count;
  }

  reset(): void {
    this.#line.fill(0);
    this.#fill = this.#before;
  }
}

/** Tracks the position of a rational stage's next output, for both ways of storing its coefficients. */
abstract class RationalKernel implements StageKernel {
  protected readonly up: number;
  protected readonly taps: number;
  /** down = whole · up + rest. */
  protected readonly whole: number;
  protected readonly rest: number;
  /** Inputs, starting with the first that the next output needs. */
  protected readonly line: Float64Array;
  protected fill: number;
  /** The next output is `phase / up` after an input. */
  protected phase = 0;
  /** Inputs that the next output skips and that have not arrived yet. */
  protected skip = 0;
  readonly #down: number;

  constructor(stage: PolyphaseStage | InterpolatedStage, maxFrames: number) {
    this.up = stage.up;
    this.taps = stage.taps;
    this.#down = stage.down;
    this.whole = Math.floor(stage.down / stage.up);
    this.rest = stage.down % stage.up;
    this.line = new Float64Array(stage.taps + maxFrames + this.whole + 1);
    this.fill = stage.taps / 2 - 1;
  }

  outputFramesFor(frames: number): number {
    const last = this.fill + frames - this.skip - this.taps;
    if (last < 0) return 0;
    return Math.ceil(((last + 1) * this.up - this.phase) / this.#down);
  }

  inputFramesFor(outputs: number): number {
    const start = Math.floor((this.phase + (outputs - 1) * this.#down) / this.up);
    return Math.max(0, this.skip + start + this.taps - this.fill);
  }

  process(input: Float64Array, frames: number, output: Float64Array): number {
    const count = this.outputFramesFor(frames);
    const fill = append(this.line, this.fill, input, frames);
    const next = this.run(output, count);
    const used = Math.min(next, fill);
    this.skip = next - used;
    this.fill = drop(this.line, used, fill);
    return count;
  }

  reset(): void {
    this.line.fill(0);
    this.fill = this.taps / 2 - 1;
    this.phase = 0;
    this.skip = 0;
  }

  /** Writes `count` outputs, moves `phase`, and returns where in `line` the next output starts. */
  protected abstract run(output: Float64Array, count: number): number;
}

class PolyphaseKernel extends RationalKernel {
  readonly #coefficients: Float64Array;

  constructor(stage: PolyphaseStage, maxFrames: number) {
    super(stage, maxFrames);
    this.#coefficients = stage.coefficients;
  }

  protected run(output: Float64Array, count: number): number {
    const { line, taps, up, whole, rest } = this;
    const coefficients = this.#coefficients;
    let start = this.skip;
    let phase = this.phase;
    for (let k = 0; k < count; k++) {
      let row = phase * taps;
      let a = 0;
      let b = 0;
      for (let i = start, end = start + taps; i < end; i += 2, row += 2) {
        a += line[i]! * coefficients[row]!;
        b += line[i + 1]! * coefficients[row + 1]!;
      }
      output[k] = a + b;
      start += whole;
      phase += rest;
      if (phase >= up) {
        phase -= up;
        start++;
      }
    }
    this.phase = phase;
    return start;
  }
}

class InterpolatedKernel extends RationalKernel {
  readonly #coefficients: Float64Array;
  readonly #phasesPerStep: number;

  constructor(stage: InterpolatedStage, maxFrames: number) {
    super(stage, maxFrames);
    this.#coefficients = stage.coefficients;
    this.#phasesPerStep = stage.phases / stage.up;
  }

  protected run(output: Float64Array, count: number): number {
    const { line, taps, up, whole, rest } = this;
    const coefficients = this.#coefficients;
    let start = this.skip;
    let phase = this.phase;
    for (let k = 0; k < count; k++) {
      const position = phase * this.#phasesPerStep;
      const stored = Math.floor(position);
      output[k] = interpolatedSum(
        line,
        start,
        coefficients,
        stored * taps * 4,
        taps,
        position - stored,
      );
      start += whole;
      phase += rest;
      if (phase >= up) {
        phase -= up;
        start++;
      }
    }
    this.phase = phase;
    return start;
  }
}

/** Sums `taps` inputs from `start` on, weighted with the cubics stored at `row`, evaluated at `distance` (0 to 1). */
export function interpolatedSum(
  line: Float64Array,
  start: number,
  coefficients: Float64Array,
  row: number,
  taps: number,
  distance: number,
): number {
  let constant = 0;
  let linear = 0;
  let square = 0;
  let cube = 0;
  for (let i = 0, at = row; i < taps; i++, at++) {
    const value = line[start + i]!;
    constant += value * coefficients[at]!;
    linear += value * coefficients[at + taps]!;
    square += value * coefficients[at + 2 * taps]!;
    cube += value * coefficients[at + 3 * taps]!;
  }
  return constant + distance * (linear + distance * (square + distance * cube));
}

function reachOf(stage: HalveStage | DoubleStage): number {
  return Math.max(2 * stage.odd.length - 1, 2 * stage.even.length - 2);
}

/** Appends `frames` values; returns the new fill. */
function append(line: Float64Array, fill: number, input: Float64Array, frames: number): number {
  for (let i = 0; i < frames; i++) line[fill + i] = input[i]!;
  return fill + frames;
}

/** Drops the first `count` of `fill` values; returns the new fill. */
function drop(line: Float64Array, count: number, fill: number): number {
  line.copyWithin(0, count, fill);
  return fill - count;
}
