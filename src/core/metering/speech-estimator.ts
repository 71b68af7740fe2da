import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { numberIn, MAX_SAMPLE_RATE } from '../arguments.ts';
import { powerToDb } from './decibels.ts';
import { thinSamples } from './meter-kernel.ts';
import type { MeterKernel } from './meter-kernel.ts';

/**
 * Estimates the likelihood of speech in segments of mono audio. Implement it to replace the energy-based detector with a learned one.
 * It runs synchronously where the `ActivityDetector` runs: a model that answers later cannot be used.
 */
export interface SpeechEstimator {
  /** Number of frames that `estimate` takes at a time. */
  readonly frames: number;
  /** Likelihood that the last segment contained speech, 0 to 1. A property, because the result of a function would be allocated. */
  readonly likelihood: number;
  /** Estimates a segment. @param samples `frames` finite samples; the array is reused after the call. */
  estimate(samples: Float32Array): void;
  /** Restores the initial state. */
  reset(): void;
}

/** Options of an energy-based estimator. */
export interface EnergySpeechEstimatorOptions {
  /** Sample rate in Hz. */
  readonly sampleRate: number;
  /** Level in dBFS below which audio is never speech. @default -60 */
  readonly minimumDbfs?: number;
  /** Level above the noise floor at which speech is as likely as not, in dB. @default 9 */
  readonly marginDb?: number;
}
const NAMES = {
  sampleRate: 1,
  minimumDbfs: 1,
  marginDb: 1,
} satisfies OptionNames<EnergySpeechEstimatorOptions>;

/** Most of the power of speech lies below half of this rate: at higher rates, samples are averaged in groups. */
const ENOUGH_HZ = 8000;
/** Hum and rumble lie below this frequency. */
const HIGH_PASS_HZ = 100;
const STRETCH_MS = 10;
/** The floor is the lowest power of the last 6 × 0.3 s, longer than words and breath groups without a gap. */
const PARTS = 6;
const STRETCHES_PER_PART = 30;
/** Weight of each segment in the smoothed power, whose minimum is the floor: 30 ms. */
const SMOOTHING = 1 / 3;
/** Floor before anything is known. */
const FIRST_FLOOR_DBFS = -60;
/** Slots of the state: smoothed power, level of the last segment in dBFS, noise floor in dBFS. */
const SMOOTHED = 0;
const LEVEL = 1;
const FLOOR = 2;
/** Change of the level in dB that changes the odds by a factor of e. */
const SLOPE_DB = 2;

/**
 * Estimates speech by energy: how far the level from 100 Hz to about 4 kHz is above a noise floor that follows the lowest level of
 * the last 1.8 s. It needs no model, but takes any rise of the level for speech: a door, a keyboard, music.
 */
export class EnergySpeechEstimator implements SpeechEstimator {
  readonly frames: number;
  likelihood = 0;
  readonly #minimum: number;
  readonly #margin: number;
  readonly #highPass: Biquad;
  /** The segment at the reduced rate, and how many samples are averaged into each of its samples. */
  #thinned: Float32Array;
  readonly #factor: number;
  #kernel: MeterKernel | undefined;
  /** Lowest smoothed power of each part; that of the current part can fall. */
  readonly #parts: Float64Array = new Float64Array(PARTS);
  #part = 0;
  #inPart = 0;
  /** Indexed by `SMOOTHED`, `LEVEL` and `FLOOR`. An array, because a fraction in a field of its own may be allocated when it changes. */
  readonly #state: Float64Array = new Float64Array(3);

  /** @throws RangeError for options out of their range */
  constructor(options: EnergySpeechEstimatorOptions) {
    checkOptions('EnergySpeechEstimator', options, NAMES);
    const rate = numberIn('sampleRate', options.sampleRate, 1000, MAX_SAMPLE_RATE);
    this.#minimum = numberIn('minimumDbfs', options.minimumDbfs ?? -60, -200, 0);
    this.#margin = numberIn('marginDb', options.marginDb ?? 9, 0, 60);
    this.#factor = Math.max(1, Math.floor(rate / ENOUGH_HZ));
    const thinned = Math.round((rate * STRETCH_MS) / 1000 / this.#factor);
    this.#thinned = new Float32Array(thinned);
    this.frames = thinned * this.#factor;
    this.#highPass = Biquad.highPass(HIGH_PASS_HZ, rate / this.#factor);
    this.reset();
  }

  /** Level of the last segment, in dBFS. */
  get levelDbfs(): number {
    return this.#state[LEVEL]!;
  }

  /** The noise floor in dBFS; −60 or lower for the first 1.8 s. */
  get floorDbfs(): number {
    return this.#state[FLOOR]!;
  }

  /** @internal From now on, the kernel averages the samples, which is faster for memory of its `mixTarget`. */
  useKernel(kernel: MeterKernel): void {
    this.#kernel = kernel;
    this.#thinned = kernel.thinTarget(this.#thinned.length);
  }

  estimate(samples: Float32Array): void {
    const thinned = this.#thinned;
    if (this.#kernel === undefined) thinSamples(samples, this.#factor, thinned);
    else this.#kernel.thin(samples, this.#factor, thinned);
    this.#highPass.sumSquares(thinned, 0, thinned.length);
    const state = this.#state;
    const parts = this.#parts;
    const power = this.#highPass.squares / thinned.length;
    const smoothed = state[SMOOTHED]! + SMOOTHING * (power - state[SMOOTHED]!);
    state[SMOOTHED] = smoothed;
    if (smoothed < parts[this.#part]!) parts[this.#part] = smoothed;
    if (++this.#inPart === STRETCHES_PER_PART) {
      this.#inPart = 0;
      this.#part = (this.#part + 1) % PARTS;
      parts[this.#part] = smoothed;
    }
    let lowest = Infinity;
    for (let i = 0; i < PARTS; i++) if (parts[i]! < lowest) lowest = parts[i]!;
    // Digital silence is not a noise floor: the first noise after it would count as speech.
    const lowestFloor = this.#minimum - this.#margin;
    let floor = powerToDb(lowest);
    if (!(floor > lowestFloor)) floor = lowestFloor;
    const level = powerToDb(power);
    state[LEVEL] = level;
    state[FLOOR] = floor;
    this.likelihood =
      level < this.#minimum ? 0 : 1 / (1 + Math.exp((this.#margin - level + floor) / SLOPE_DB));
  }

  reset(): void {
    this.#highPass.reset();
    this.likelihood = 0;
    this.#parts.fill(10 ** (FIRST_FLOOR_DBFS / 10));
    this.#part = this.#inPart = 0;
    this.#state[SMOOTHED] = 0;
    this.#state[LEVEL] = -Infinity;
    this.#state[FLOOR] = FIRST_FLOOR_DBFS;
  }
}

const NEGLIGIBLE = 1e-30;

/** A second-order section in transposed direct form II, double precision. */
export class Biquad {
  readonly #b0: number;
  readonly #b1: number;
  readonly #b2: number;
  readonly #a1: number;
  readonly #a2: number;
  /** Result of `sumSquares`. */
  squares = 0;
  #s1 = 0;
  #s2 = 0;

  /** Transfer function: (b0 + b1·z⁻¹ + b2·z⁻²)/(1 + a1·z⁻¹ + a2·z⁻²). */
  constructor(b0: number, b1: number, b2: number, a1: number, a2: number) {
    this.#b0 = b0;
    this.#b1 = b1;
    this.#b2 = b2;
    this.#a1 = a1;
    this.#a2 = a2;
  }

  /** Creates a Butterworth high-pass, −3 dB at `frequency` Hz, by the bilinear transform with pre-warping. */
  static highPass(frequency: number, sampleRate: number): Biquad {
    const k = Math.tan((Math.PI * frequency) / sampleRate);
    const scale = 1 / (1 + Math.SQRT2 * k + k * k);
    return new Biquad(
      scale,
      -2 * scale,
      scale,
      2 * (k * k - 1) * scale,
      (1 - Math.SQRT2 * k + k * k) * scale,
    );
  }

  /** Filters samples, which must be finite, and stores the sum of the squares of the output in `squares`. */
  sumSquares(samples: Float32Array, from: number, count: number): void {
    const b0 = this.#b0;
    const b1 = this.#b1;
    const b2 = this.#b2;
    const a1 = this.#a1;
    const a2 = this.#a2;
    let s1 = this.#s1;
    let s2 = this.#s2;
    let sum = 0;
    for (let i = from, end = from + count; i < end; i++) {
      const x = samples[i]!;
      const y = b0 * x + s1;
      s1 = b1 * x - a1 * y + s2;
      s2 = b2 * x - a2 * y;
      sum += y * y;
    }
    // Clears inaudible state, which would become denormal and slow.
    const quiet = Math.abs(s1) < NEGLIGIBLE && Math.abs(s2) < NEGLIGIBLE;
    this.#s1 = quiet ? 0 : s1;
    this.#s2 = quiet ? 0 : s2;
    this.squares = sum;
  }

  /** Restores the initial state. */
  reset(): void {
    this.#s1 = 0;
    this.#s2 = 0;
  }
}
