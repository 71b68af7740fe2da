import { checkObject } from '../option-names.ts';
import { integerIn, numberIn, MAX_CHANNELS } from '../arguments.ts';
import type { ResamplerQuality, ResamplerStage } from './resampler-plan.ts';
import { createStageKernel, interpolatedSum } from './resampler-typescript-kernel.ts';
import type { StageKernel } from './resampler-typescript-kernel.ts';

/** The plan of a {@link VariableResampler}, as plain data from {@link planVariableResampler}. Structured-cloneable. */
export interface VariableResamplerPlan {
  readonly inputRate: number;
  readonly outputRate: number;
  readonly quality: ResamplerQuality;
  /** Fixed stages, up to the rate at which the short filter interpolates. */
  readonly stages: readonly ResamplerStage[];
  /** How many input frames after an output frame's instant are needed to produce that frame. */
  readonly latencyFrames: number;
  /** The short filter: see {@link InterpolatedStage}. */
  readonly taps: number;
  readonly phases: number;
  readonly coefficients: Float64Array;
}

/** The speed may differ from 1 by a tenth: beyond that, the filters would let aliases through. */
export const MIN_SPEED = 0.9;
export const MAX_SPEED = 1.1;

/** Input frames that a stage takes at once; the lines hold two such blocks in addition to the filter's reach. */
const BLOCK = 256;

const FRACTION = 0;
const SPEED = 1;

/**
 * Converts a stream at a speed that may change between any two output frames: for clocks that drift apart, and for catching up.
 * A change bends the pitch but makes no step in the signal, so no click. Takes and gives any number of frames: `write` as many
 * as {@link inputFramesFor} says, then `read`. Allocates nothing after construction.
 */
export class VariableResampler {
  readonly latencyFrames: number;
  /** Output frames of the last fixed stage per input frame. */
  readonly #oversampling: number;
  /** Input frames (after oversampling) per output frame at speed 1. */
  readonly #nominalStep: number;
  readonly #channels: number;
  /** Per channel. */
  readonly #stages: readonly (readonly StageKernel[])[];
  readonly #lines: readonly Float64Array[];
  readonly #blocks: readonly Float64Array[];
  readonly #taps: number;
  readonly #phases: number;
  readonly #coefficients: Float64Array;
  /** Values in each line. */
  #fill = 0;
  /** The next output's first tap in the lines. */
  #start = 0;
  /** How far the output's instant is after that tap, 0 to 1; and the speed. An array, since V8 allocates fractions in fields. */
  readonly #state: Float64Array = new Float64Array(2);
  /** How many values have left the lines. */
  #gone = 0;

  /** @param channels 1 to 32. */
  constructor(plan: VariableResamplerPlan, channels: number) {
    checkObject('plan must be what planVariableResampler returns', plan, 'taps');
    this.#channels = integerIn('channels', channels, 1, MAX_CHANNELS);
    this.latencyFrames = plan.latencyFrames;
    this.#taps = plan.taps;
    this.#phases = plan.phases;
    this.#coefficients = plan.coefficients;
    let oversampling = 1;
    for (const stage of plan.stages) oversampling *= stage.kind === 'double' ? 2 : 0.5;
    this.#oversampling = oversampling;
    this.#nominalStep = (plan.inputRate * oversampling) / plan.outputRate;
    const blocks: Float64Array[] = [];
    for (let i = 0; i <= plan.stages.length; i++) blocks.push(new Float64Array(2 * BLOCK));
    this.#blocks = blocks;
    const capacity = plan.taps + 4 * BLOCK + Math.ceil(MAX_SPEED * this.#nominalStep);
    const stages: (readonly StageKernel[])[] = [];
    const lines: Float64Array[] = [];
    for (let c = 0; c < channels; c++) {
      stages.push(plan.stages.map((stage) => createStageKernel(stage, 2 * BLOCK)));
      lines.push(new Float64Array(capacity));
    }
    this.#stages = stages;
    this.#lines = lines;
    this.#state[SPEED] = 1;
    this.reset();
  }

  /**
   * Input frames consumed per output frame, as a multiple of the nominal ratio: 1.001 plays 1,000 ppm fast. 0.9 to 1.1.
   * Counts from the next output frame on. @default 1
   */
  get speed(): number {
    return this.#state[SPEED]!;
  }
  set speed(value: number) {
    // A valid call must not pass the number on, which would allocate it.
    if (!(value >= MIN_SPEED && value <= MAX_SPEED)) numberIn('speed', value, MIN_SPEED, MAX_SPEED);
    this.#state[SPEED] = value;
  }

  /** The input instant of the next output frame, in frames since the stream began. Exact. */
  get position(): number {
    const first = this.#gone + this.#start;
    return (first + this.#taps / 2 - 1 + this.#state[FRACTION]!) / this.#oversampling;
  }

  /** Returns how many more input frames must be written before `outputFrames` can be read at the current speed. */
  inputFramesFor(outputFrames: number): number {
    if (outputFrames <= 0) return 0;
    const step = this.#nominalStep * this.#state[SPEED]!;
    // `read` adds steps one by one while this multiplies: rounding must ask for a frame too many rather than one too few.
    const advance = (outputFrames - 1) * step;
    const last = advance === 0 ? 0 : Math.floor(this.#state[FRACTION]! + advance + 1e-9);
    let missing = this.#start + last + this.#taps - this.#fill;
    const stages = this.#stages[0]!;
    for (let i = stages.length - 1; i >= 0 && missing > 0; i--) {
      missing = stages[i]!.inputFramesFor(missing);
    }
    return Math.max(0, missing);
  }

  /**
   * Takes up to `frames` frames of planar `input` from index `from` on; returns how many there was room for: at least 512 once
   * everything has been read.
   */
  write(input: readonly Float32Array[], from: number, frames: number): number {
    return this.#write(input, from, frames);
  }

  /** Takes up to `frames` frames of silence, to follow the last frame of a stream; returns how many there was room for. */
  writeSilence(frames: number): number {
    return this.#write(undefined, 0, frames);
  }

  /** Writes up to `frames` frames to planar `output` from index `at` on; returns how many it wrote. */
  read(output: readonly Float32Array[], at: number, frames: number): number {
    const step = this.#nominalStep * this.#state[SPEED]!;
    const taps = this.#taps;
    const phases = this.#phases;
    const coefficients = this.#coefficients;
    const limit = this.#fill - taps;
    let start = this.#start;
    let fraction = this.#state[FRACTION]!;
    let count = 0;
    while (count < frames && start <= limit) {
      const place = fraction * phases;
      const phase = Math.min(phases - 1, Math.floor(place));
      const row = phase * taps * 4;
      for (let c = 0; c < this.#channels; c++) {
        const line = this.#lines[c]!;
        output[c]![at + count] = interpolatedSum(
          line,
          start,
          coefficients,
          row,
          taps,
          place - phase,
        );
      }
      count++;
      const next = fraction + step;
      const whole = Math.floor(next);
      start += whole;
      fraction = next - whole;
    }
    this.#start = start;
    this.#state[FRACTION] = fraction;
    return count;
  }

  /** Forgets the stream; the next frames start a new one. Keeps the speed. */
  reset(): void {
    for (let c = 0; c < this.#channels; c++) {
      this.#lines[c]!.fill(0);
      const stages = this.#stages[c]!;
      for (let i = 0; i < stages.length; i++) stages[i]!.reset();
    }
    // The first output is at the first input: half the filter lies before it, over silence.
    this.#fill = this.#taps / 2 - 1;
    this.#gone = -(this.#taps / 2 - 1);
    this.#start = 0;
    this.#state[FRACTION] = 0;
  }

  #write(input: readonly Float32Array[] | undefined, from: number, frames: number): number {
    this.#makeRoom();
    const capacity = this.#lines[0]!.length;
    let done = 0;
    while (done < frames) {
      const count = Math.min(BLOCK, frames - done);
      let made = count;
      const stages = this.#stages[0]!;
      for (let i = 0; i < stages.length; i++) made = stages[i]!.outputFramesFor(made);
      if (this.#fill + made > capacity) break;
      for (let c = 0; c < this.#channels; c++) this.#run(c, input?.[c], from + done, count, made);
      this.#fill += made;
      done += count;
    }
    return done;
  }

  /** Runs one block of a channel through the fixed stages, and appends the result to its line. */
  #run(
    channel: number,
    source: Float32Array | undefined,
    from: number,
    count: number,
    made: number,
  ): void {
    const stages = this.#stages[channel]!;
    const blocks = this.#blocks;
    const first = blocks[0]!;
    if (source === undefined) first.fill(0, 0, count);
    else for (let i = 0; i < count; i++) first[i] = source[from + i]!;
    let frames = count;
    for (let i = 0; i < stages.length; i++) {
      frames = stages[i]!.process(blocks[i]!, frames, blocks[i + 1]!);
    }
    const last = blocks[stages.length]!;
    const line = this.#lines[channel]!;
    for (let i = 0; i < made; i++) line[this.#fill + i] = last[i]!;
  }

  /** Drops values that no output needs any more. */
  #makeRoom(): void {
    const used = Math.min(this.#start, this.#fill);
    if (used === 0) return;
    for (let c = 0; c < this.#channels; c++) this.#lines[c]!.copyWithin(0, used, this.#fill);
    this.#fill -= used;
    this.#start -= used;
    this.#gone += used;
  }
}
