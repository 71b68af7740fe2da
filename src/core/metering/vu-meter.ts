import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { numberIn } from '../arguments.ts';
import { amplitudeToDb } from './decibels.ts';
import { SIZES, meterInSlices } from './meter-kernel.ts';
import type { MeterKernel } from './meter-kernel.ts';
import type { BlockMeter, Fields, Reading } from './meter-reading.ts';
import { createReading } from './meter-reading.ts';
import { openKernel } from './open-meter-kernel.ts';
import type { SettingChecks, StageOptions } from './open-meter-kernel.ts';

/**
 * Reading in volume units (IEC 60268-17). A steady sine at the reference level reads 0 VU. Silence reads −∞, once the pointer has
 * fallen.
 */
export interface VuReading extends Reading {
  /** Position of the pointer, in VU (dB) per channel. */
  readonly vu: Float64Array;
  /** Highest position of the pointer since the start or the last reset, in VU per channel. */
  readonly maxVu: Float64Array;
}

export const VU_FIELDS: Fields<VuReading> = {
  vu: ['channels', -Infinity],
  maxVu: ['channels', -Infinity],
};

/** Options of a {@link VuMeter}. */
export interface VuMeterOptions extends StageOptions {
  /** Peak of the steady sine that reads 0 VU, in dBFS. @default -18 (EBU R 68; SMPTE RP 155 specifies −20) */
  readonly referenceDbfs?: number;
}
const NAMES = {
  sampleRate: 1,
  channels: 1,
  wasm: 1,
  kernel: 1,
  referenceDbfs: 1,
} satisfies OptionNames<VuMeterOptions>;

/** Checks of the meter's settings. */
export const VU_SETTINGS: SettingChecks<VuMeterOptions> = {
  referenceDbfs: (value) => numberIn('referenceDbfs', value, -60, 0),
};

/**
 * Damping of the pointer: a mass on a spring that reaches 99 % of a steady tone 300 ms after its start and overshoots by 1.25 %
 * (IEC 60268-17: 300 ms ± 10 %, 1 to 1.5 %).
 */
const DAMPING = 0.8127;
const RADIANS_PER_SECOND = 13.512;
/** Mean of |sin|. */
const SINE_MEAN = 2 / Math.PI;
/** Below −300 dB the pointer is at rest. */
const NEGLIGIBLE = 1e-15;
/** The pointer moves in steps of 5 ms, each driven by the mean of the rectified signal: exact for such a staircase. */
const STEPS_PER_SECOND = 200;

/** A VU meter. */
export class VuMeter implements BlockMeter {
  readonly channels: number;
  readonly #kernel: MeterKernel;
  readonly #reference: number;
  readonly #stepFrames: number;
  #inStep = 0;
  /** The pointer's motion over a step, from position and speed: closed form of the damped oscillator. */
  readonly #placeToPlace: number;
  readonly #speedToPlace: number;
  readonly #placeToSpeed: number;
  readonly #speedToSpeed: number;
  /** Sum of |sample| in the step, per channel. */
  readonly #sum: Float64Array;
  readonly #place: Float64Array;
  readonly #speed: Float64Array;
  readonly #max: Float64Array;

  /** @throws RangeError for options out of their range */
  constructor(options: VuMeterOptions) {
    checkOptions('VuMeter', options, NAMES);
    const { sampleRate, channels, kernel } = openKernel(options);
    this.channels = channels;
    this.#kernel = kernel;
    this.#reference = VU_SETTINGS.referenceDbfs(options.referenceDbfs ?? -18, options);
    this.#stepFrames = Math.round(sampleRate / STEPS_PER_SECOND);
    const seconds = this.#stepFrames / sampleRate;
    const decay = DAMPING * RADIANS_PER_SECOND;
    const swing = RADIANS_PER_SECOND * Math.sqrt(1 - DAMPING ** 2);
    const left = Math.exp(-decay * seconds);
    const cos = left * Math.cos(swing * seconds);
    const sin = (left * Math.sin(swing * seconds)) / swing;
    this.#placeToPlace = cos + decay * sin;
    this.#speedToPlace = sin;
    this.#placeToSpeed = -(RADIANS_PER_SECOND ** 2) * sin;
    this.#speedToSpeed = cos - decay * sin;
    this.#sum = new Float64Array(this.channels);
    this.#place = new Float64Array(this.channels);
    this.#speed = new Float64Array(this.channels);
    this.#max = new Float64Array(this.channels);
  }

  /** Creates a reading for `read()`. */
  createReading(): VuReading {
    return createReading<VuReading>(VU_FIELDS, this.channels);
  }

  /** Fills a reading of this meter's channel count. */
  read(out: VuReading): void {
    this.store(out.values, 0);
  }

  process(block: readonly Float32Array[], from: number, frames: number): void {
    meterInSlices(this.#kernel, this, block, from, frames);
  }

  /** @internal */
  meter(_present: number, frames: number): void {
    for (let at = 0; at < frames;) {
      const count = Math.min(frames - at, this.#stepFrames - this.#inStep);
      this.#kernel.scan(at, count);
      const { scanned } = this.#kernel;
      for (let c = 0; c < this.channels; c++) {
        this.#sum[c]! += scanned[this.#kernel.scanAt(c) + SIZES]!;
      }
      at += count;
      this.#inStep += count;
      if (this.#inStep === this.#stepFrames) this.#step();
    }
  }

  store(target: Float64Array, at: number): number {
    const channels = this.channels;
    for (let c = 0; c < channels; c++) {
      target[at + c] = this.#scale(this.#place[c]!);
      target[at + channels + c] = this.#scale(this.#max[c]!);
    }
    return at + 2 * channels;
  }

  reset(): void {
    this.#kernel.reset();
    this.#inStep = 0;
    this.#sum.fill(0);
    this.#place.fill(0);
    this.#speed.fill(0);
    this.#max.fill(0);
  }

  #scale(place: number): number {
    // A pointer that swings back passes its resting position.
    return amplitudeToDb(Math.max(0, place) / SINE_MEAN) - this.#reference;
  }

  #step(): void {
    this.#inStep = 0;
    for (let c = 0; c < this.channels; c++) {
      const mean = this.#sum[c]! / this.#stepFrames;
      const away = this.#place[c]! - mean;
      const speed = this.#speed[c]!;
      const place = mean + this.#placeToPlace * away + this.#speedToPlace * speed;
      const resting = Math.abs(place) < NEGLIGIBLE && Math.abs(speed) < NEGLIGIBLE;
      this.#place[c] = resting ? 0 : place;
      this.#speed[c] = resting ? 0 : this.#placeToSpeed * away + this.#speedToSpeed * speed;
      this.#sum[c] = 0;
      if (place > this.#max[c]!) this.#max[c] = place;
    }
  }
}
