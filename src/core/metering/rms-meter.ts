import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { numberIn } from '../arguments.ts';
import { amplitudeToDb, powerToDb } from './decibels.ts';
import { PEAK, SQUARES, SUM, meterInSlices } from './meter-kernel.ts';
import type { MeterKernel } from './meter-kernel.ts';
import type { BlockMeter, Fields, Reading } from './meter-reading.ts';
import { createReading } from './meter-reading.ts';
import { openKernel } from './open-meter-kernel.ts';
import type { SettingChecks, StageOptions } from './open-meter-kernel.ts';

/**
 * Reading of levels by mean square. All windows are rectangular and move in steps of 5 ms; audio before the start counts as
 * silence. dBFS is 10·log10 of the mean square, so that 1.0 is 0 dBFS: a full-scale square wave reads 0 and a full-scale sine
 * −3.01. AES17 defines the sine as 0 dBFS: add 3.01 dB.
 */
export interface RmsReading extends Reading {
  /** RMS level of the last 300 ms (option `windowMs`), dBFS per channel. */
  readonly rmsDbfs: Float64Array;
  /** Ratio of peak to RMS in the same window, in dB per channel: 0 for a square wave, 3.01 for a sine; 0 for silence. */
  readonly crestDb: Float64Array;
  /** Mean of the last 3 s, as an amplitude from −1 to 1, per channel. */
  readonly dcOffset: Float64Array;
  /**
   * Noise floor: the lowest level of 100 ms, taken every 20 ms, in the last 10 s, dBFS per channel; −∞ if they contain silence, or
   * before the first 100 ms.
   */
  readonly noiseFloorDbfs: Float64Array;
}

export const RMS_FIELDS: Fields<RmsReading> = {
  rmsDbfs: ['channels', -Infinity],
  crestDb: ['channels', 0],
  dcOffset: ['channels', 0],
  noiseFloorDbfs: ['channels', -Infinity],
};

/** Options of an {@link RmsMeter}. */
export interface RmsMeterOptions extends StageOptions {
  /** Integration time in ms, in steps of 5 ms. @default 300 */
  readonly windowMs?: number;
}
const NAMES = {
  sampleRate: 1,
  channels: 1,
  wasm: 1,
  kernel: 1,
  windowMs: 1,
} satisfies OptionNames<RmsMeterOptions>;

/** Checks of the meter's settings. */
export const RMS_SETTINGS: SettingChecks<RmsMeterOptions> = {
  windowMs: (value) => numberIn('windowMs', value, 100, 60_000),
};

const STEP_MS = 5;
const DC_STEPS = 3000 / STEP_MS;
const FLOOR_STEPS = 100 / STEP_MS;
/** Number of steps between comparisons of the last 100 ms with the noise floor. */
const STEPS_PER_FLOOR = 4;
/** The noise floor covers ten parts of 1 s; the oldest is dropped as a whole. */
const FLOOR_PARTS = 10;
const STEPS_PER_FLOOR_PART = 1000 / STEP_MS;

/** Measures RMS, crest factor, DC offset and noise floor. */
export class RmsMeter implements BlockMeter {
  readonly channels: number;
  readonly #kernel: MeterKernel;
  /** Number of frames per step. */
  readonly #stepFrames: number;
  /** Number of steps in the window. */
  readonly #steps: number;
  #inStep = 0;
  /** The current step, counted within the window, the DC ring, and one part of the noise floor. */
  #step = 0;
  #dcStep = 0;
  #floorStep = 0;
  #floorPart = 0;
  /** Steps taken, at most as many as the noise floor needs. */
  #seen = 0;
  /** Sum of squares, sum and peak of the current step, per channel. */
  readonly #square: Float64Array;
  readonly #sum: Float64Array;
  readonly #peak: Float64Array;
  /** Rings of these values over the window, channel after channel. */
  readonly #squares: Float64Array;
  readonly #peaks: Float64Array;
  readonly #sums: Float64Array;
  /** Running sum of `#sums`, recomputed once per round, so that rounding errors never accumulate. */
  readonly #dc: Float64Array;
  /**
   * The window consists of the steps since the start of the ring and the rest of the previous round. Per channel: sum and peak of
   * the former so far, and of the latter from each step to the end of the round. So no window has to be summed, and rounding errors
   * never accumulate.
   */
  readonly #newSquares: Float64Array;
  readonly #newPeaks: Float64Array;
  readonly #oldSquares: Float64Array;
  readonly #oldPeaks: Float64Array;
  /** Result of `#sumUp`. */
  #windowSquare = 0;
  #windowPeak = 0;
  /** Lowest 100 ms mean square of each part. */
  readonly #floors: Float64Array;

  /** @throws RangeError for options out of their range */
  constructor(options: RmsMeterOptions) {
    checkOptions('RmsMeter', options, NAMES);
    const { sampleRate, channels, kernel } = openKernel(options);
    const window = RMS_SETTINGS.windowMs(options.windowMs ?? 300, options);
    this.channels = channels;
    this.#kernel = kernel;
    this.#stepFrames = Math.round((sampleRate * STEP_MS) / 1000);
    this.#steps = Math.round(window / STEP_MS);
    this.#square = new Float64Array(channels);
    this.#sum = new Float64Array(channels);
    this.#peak = new Float64Array(channels);
    this.#squares = new Float64Array(channels * this.#steps);
    this.#peaks = new Float64Array(channels * this.#steps);
    this.#newSquares = new Float64Array(channels);
    this.#newPeaks = new Float64Array(channels);
    this.#oldSquares = new Float64Array(channels * this.#steps);
    this.#oldPeaks = new Float64Array(channels * this.#steps);
    this.#sums = new Float64Array(channels * DC_STEPS);
    this.#dc = new Float64Array(channels);
    this.#floors = new Float64Array(channels * FLOOR_PARTS);
    this.reset();
  }

  /** Creates a reading for `read()`. */
  createReading(): RmsReading {
    return createReading<RmsReading>(RMS_FIELDS, this.channels);
  }

  /** Fills a reading of this meter's channel count. */
  read(out: RmsReading): void {
    this.store(out.values, 0);
  }

  process(block: readonly Float32Array[], from: number, frames: number): void {
    meterInSlices(this.#kernel, this, block, from, frames);
  }

  /** @internal */
  meter(_present: number, frames: number): void {
    const kernel = this.#kernel;
    for (let at = 0; at < frames;) {
      const count = Math.min(frames - at, this.#stepFrames - this.#inStep);
      kernel.scan(at, count);
      for (let channel = 0; channel < this.channels; channel++) {
        const scan = kernel.scanAt(channel);
        this.#square[channel]! += kernel.scanned[scan + SQUARES]!;
        this.#sum[channel]! += kernel.scanned[scan + SUM]!;
        const peak = kernel.scanned[scan + PEAK]!;
        if (peak > this.#peak[channel]!) this.#peak[channel] = peak;
      }
      at += count;
      this.#inStep += count;
      if (this.#inStep === this.#stepFrames) this.#nextStep();
    }
  }

  store(target: Float64Array, at: number): number {
    const channels = this.channels;
    for (let c = 0; c < channels; c++) {
      this.#sumUp(c);
      const level = powerToDb(this.#windowSquare);
      target[at + c] = level;
      // The level of silence is −∞, and so is its peak.
      target[at + channels + c] = level === -Infinity ? 0 : amplitudeToDb(this.#windowPeak) - level;
      target[at + 2 * channels + c] = this.#dc[c]! / (DC_STEPS * this.#stepFrames);
      target[at + 3 * channels + c] = powerToDb(this.#floor(c));
    }
    return at + 4 * channels;
  }

  /** @internal Completes as many steps as the longest window has. Only `reset()` may follow. */
  warmUp(): void {
    for (let step = 0; step < this.#steps + FLOOR_STEPS + STEPS_PER_FLOOR; step++) this.#nextStep();
  }

  reset(): void {
    this.#kernel.reset();
    this.#inStep = this.#step = this.#dcStep = this.#floorStep = this.#floorPart = this.#seen = 0;
    this.#square.fill(0);
    this.#sum.fill(0);
    this.#peak.fill(0);
    this.#squares.fill(0);
    this.#peaks.fill(0);
    this.#newSquares.fill(0);
    this.#newPeaks.fill(0);
    this.#oldSquares.fill(0);
    this.#oldPeaks.fill(0);
    this.#sums.fill(0);
    this.#dc.fill(0);
    this.#floors.fill(Infinity);
  }

  #nextStep(): void {
    const steps = this.#steps;
    if (this.#seen < FLOOR_STEPS) this.#seen++;
    for (let c = 0; c < this.channels; c++) {
      this.#squares[c * steps + this.#step] = this.#square[c]!;
      this.#peaks[c * steps + this.#step] = this.#peak[c]!;
      this.#newSquares[c]! += this.#square[c]!;
      if (this.#peak[c]! > this.#newPeaks[c]!) this.#newPeaks[c] = this.#peak[c]!;
      if (this.#step === steps - 1) this.#endRound(c);
      const oldest = c * DC_STEPS + this.#dcStep;
      this.#dc[c]! += this.#sum[c]! - this.#sums[oldest]!;
      this.#sums[oldest] = this.#sum[c]!;
      if (this.#dcStep === DC_STEPS - 1) this.#sumAnew(c);
      this.#square[c] = this.#sum[c] = this.#peak[c] = 0;
      if (this.#seen === FLOOR_STEPS && this.#floorStep % STEPS_PER_FLOOR === 0) {
        this.#takeFloor(c);
      }
    }
    this.#inStep = 0;
    this.#step = (this.#step + 1) % steps;
    this.#dcStep = (this.#dcStep + 1) % DC_STEPS;
    this.#floorStep = (this.#floorStep + 1) % STEPS_PER_FLOOR_PART;
    if (this.#floorStep === 0) {
      this.#floorPart = (this.#floorPart + 1) % FLOOR_PARTS;
      for (let c = 0; c < this.channels; c++) {
        this.#floors[c * FLOOR_PARTS + this.#floorPart] = Infinity;
      }
    }
  }

  /** Recomputes the running sum of the samples. */
  #sumAnew(channel: number): void {
    let sum = 0;
    for (let i = channel * DC_STEPS, end = i + DC_STEPS; i < end; i++) sum += this.#sums[i]!;
    this.#dc[channel] = sum;
  }

  /** Compares the mean square of the last 100 ms with the noise floor. */
  #takeFloor(channel: number): void {
    let sum = 0;
    let step = this.#step;
    for (let i = 0; i < FLOOR_STEPS; i++) {
      sum += this.#squares[channel * this.#steps + step]!;
      step = step === 0 ? this.#steps - 1 : step - 1;
    }
    const square = sum / (FLOOR_STEPS * this.#stepFrames);
    const part = channel * FLOOR_PARTS + this.#floorPart;
    if (square < this.#floors[part]!) this.#floors[part] = square;
  }

  /** Ends a round: the new values become the old ones. */
  #endRound(channel: number): void {
    const first = channel * this.#steps;
    let sum = 0;
    let peak = 0;
    for (let i = first + this.#steps - 1; i >= first; i--) {
      sum += this.#squares[i]!;
      if (this.#peaks[i]! > peak) peak = this.#peaks[i]!;
      this.#oldSquares[i] = sum;
      this.#oldPeaks[i] = peak;
    }
    this.#newSquares[channel] = 0;
    this.#newPeaks[channel] = 0;
  }

  /** Computes the mean square and the peak of a channel's window. */
  #sumUp(channel: number): void {
    const next = channel * this.#steps + this.#step;
    const sum = this.#newSquares[channel]! + this.#oldSquares[next]!;
    this.#windowSquare = sum / (this.#steps * this.#stepFrames);
    this.#windowPeak = Math.max(this.#newPeaks[channel]!, this.#oldPeaks[next]!);
  }

  #floor(channel: number): number {
    let floor = Infinity;
    for (let i = channel * FLOOR_PARTS; i < (channel + 1) * FLOOR_PARTS; i++) {
      if (this.#floors[i]! < floor) floor = this.#floors[i]!;
    }
    return floor === Infinity ? 0 : floor;
  }
}
