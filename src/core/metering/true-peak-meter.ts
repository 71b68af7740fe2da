import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { MeterKernel } from './meter-kernel.ts';
import { meterInSlices } from './meter-kernel.ts';
import type { BlockMeter, Fields, Reading } from './meter-reading.ts';
import { createReading } from './meter-reading.ts';
import { openKernel } from './open-meter-kernel.ts';
import type { StageOptions } from './open-meter-kernel.ts';
import { PeakHold } from './peak-hold.ts';
import type { PeakHoldOptions } from './peak-hold.ts';
import { TRUE_PEAK_LATENCY } from './true-peak-filter.ts';

/** Reading of true peaks, which include the waveform between the samples, in dBTP (BS.1770-5 Annex 2). Silence reads −∞. */
export interface TruePeakReading extends Reading {
  /** Highest true peak of the last 50 ms (option `intervalMs`; up to a fifth longer), dBTP per channel. */
  readonly truePeakDbtp: Float64Array;
  /** The true peak, held for 1.5 s (option `holdDurationMs`) after it was last reached, dBTP per channel. */
  readonly heldTruePeakDbtp: Float64Array;
  /** Highest true peak since the start or the last reset, dBTP per channel. */
  readonly maxTruePeakDbtp: Float64Array;
}

export const TRUE_PEAK_FIELDS: Fields<TruePeakReading> = {
  truePeakDbtp: ['channels', -Infinity],
  heldTruePeakDbtp: ['channels', -Infinity],
  maxTruePeakDbtp: ['channels', -Infinity],
};

/** Options of a {@link TruePeakMeter}. */
export interface TruePeakMeterOptions extends StageOptions, PeakHoldOptions {}
const NAMES = {
  sampleRate: 1,
  channels: 1,
  wasm: 1,
  kernel: 1,
  intervalMs: 1,
  holdDurationMs: 1,
} satisfies OptionNames<TruePeakMeterOptions>;

/** Few parts: only samples that may exceed the peak of the current part are costly. */
const PARTS = 5;

/**
 * Measures the true peak by four-fold interpolation, and between the points with the sinusoid through three of them. Accurate to
 * ±0.02 dB for tones up to 0.45 of the sample rate.
 */
export class TruePeakMeter implements BlockMeter {
  readonly channels: number;
  /** Frames by which the readings lag the input. */
  readonly latencyFrames: number = TRUE_PEAK_LATENCY;
  readonly #kernel: MeterKernel;
  readonly #peaks: PeakHold;

  /** @throws RangeError for options out of their range */
  constructor(options: TruePeakMeterOptions) {
    checkOptions('TruePeakMeter', options, NAMES);
    const { sampleRate, channels, kernel } = openKernel(options);
    this.channels = channels;
    this.#kernel = kernel;
    this.#peaks = new PeakHold(sampleRate, channels, options, PARTS);
  }

  /** Creates a reading for `read()`. */
  createReading(): TruePeakReading {
    return createReading<TruePeakReading>(TRUE_PEAK_FIELDS, this.channels);
  }

  /** Fills a reading of this meter's channel count. */
  read(out: TruePeakReading): void {
    this.store(out.values, 0);
  }

  process(block: readonly Float32Array[], from: number, frames: number): void {
    meterInSlices(this.#kernel, this, block, from, frames);
  }

  /** @internal */
  meter(_present: number, frames: number): void {
    for (let at = 0; at < frames;) {
      const count = Math.min(frames - at, this.#peaks.framesLeft);
      for (let channel = 0; channel < this.channels; channel++) {
        this.#peaks.readPart(channel, this.#kernel.result);
        this.#kernel.truePeak(channel, at, count);
        this.#peaks.take(channel, this.#kernel.result);
      }
      at += count;
      this.#peaks.advance(count);
    }
  }

  store(target: Float64Array, at: number): number {
    return this.#peaks.store(target, at);
  }

  reset(): void {
    this.#kernel.reset();
    this.#peaks.reset();
  }
}
