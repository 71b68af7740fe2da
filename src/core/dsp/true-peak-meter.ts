import { integerIn, numberIn } from '../arguments.ts';
import type { BlockMeter, Fields, Reading } from './meter-reading.ts';
import { createReading } from './meter-reading.ts';
import { PeakHold } from './peak-hold.ts';
import type { PeakHoldOptions } from './peak-hold.ts';
import { MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from './sample-rate.ts';
import {
  TRUE_PEAK_LATENCY,
  TRUE_PEAK_TAPS,
  peakOfThree,
  truePeakFilter,
} from './true-peak-filter.ts';
import type { TruePeakFilter } from './true-peak-filter.ts';

/** Peaks of the waveform between the samples too: dBTP (BS.1770-5 Annex 2). Silence reads −∞. */
export interface TruePeakReading extends Reading {
  /** Highest true peak of the last 50 ms (option `interval`; up to a fifth longer), dBTP per channel. */
  readonly truePeakDbtp: Float64Array;
  /** The true peak, held for 1.5 s (option `holdDuration`) after it was last reached, dBTP per channel. */
  readonly heldTruePeakDbtp: Float64Array;
  /** Highest true peak since the start or the last reset, dBTP per channel. */
  readonly maxTruePeakDbtp: Float64Array;
}

export const TRUE_PEAK_FIELDS: Fields<TruePeakReading> = {
  truePeakDbtp: ['channels', -Infinity],
  heldTruePeakDbtp: ['channels', -Infinity],
  maxTruePeakDbtp: ['channels', -Infinity],
};

export interface TruePeakMeterOptions extends PeakHoldOptions {
  /** Hz. */
  readonly sampleRate: number;
  /** Channels to meter. */
  readonly channels: number;
}

/** Frames that are interpolated at a time. */
const SLICE = 256;
const HISTORY = TRUE_PEAK_TAPS - 1;
/** A peak between two of four points a sample lies above both by 1/cos(π/8) at most: 1.0824 at half the sample rate. */
const HEADROOM = 1.09;

/**
 * True peak by four-fold interpolation, and between the points by the sinusoid through three of them. For tones up to
 * 0.45 of the sample rate within −0.02…+0.02 dB.
 */
export class TruePeakMeter implements BlockMeter {
  readonly channels: number;
  /** Frames by which the readings lag the input. */
  readonly latencyFrames: number = TRUE_PEAK_LATENCY;
  readonly #peaks: PeakHold;
  readonly #filter: TruePeakFilter;
  /** Per channel: the samples before, then those of the slice. */
  readonly #input: readonly Float64Array[];
  /** Largest of the samples before, per channel. */
  readonly #before: Float64Array;
  /** Per channel, the last two interpolated values. */
  readonly #last: Float64Array;
  /** The interpolated slice, after the two values before it. */
  readonly #output: Float64Array = new Float64Array(2 + 4 * SLICE);

  /** @throws RangeError when an option is out of its range. */
  constructor(options: TruePeakMeterOptions) {
    const rate = numberIn('sampleRate', options.sampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
    const channels = integerIn('channels', options.channels, 1, MAX_CHANNELS);
    this.channels = channels;
    this.#peaks = new PeakHold(rate, channels, options);
    this.#filter = truePeakFilter();
    this.#input = Array.from({ length: channels }, () => new Float64Array(HISTORY + SLICE));
    this.#before = new Float64Array(channels);
    this.#last = new Float64Array(2 * channels);
  }

  /** Makes a reading to hand to `read()`. */
  createReading(): TruePeakReading {
    return createReading<TruePeakReading>(TRUE_PEAK_FIELDS, this.channels);
  }

  /** Fills a reading of this meter's channel count. */
  read(out: TruePeakReading): void {
    this.store(out.values, 0);
  }

  process(block: readonly Float32Array[], from: number, frames: number): void {
    const end = from + frames;
    let at = from;
    while (at < end) {
      const count = Math.min(end - at, SLICE, this.#peaks.framesLeft);
      for (let channel = 0; channel < this.channels; channel++) {
        const largest =
          channel < block.length
            ? this.#load(channel, block[channel]!, at, count)
            : this.#loadSilence(channel, count);
        this.#meter(channel, largest, count);
      }
      at += count;
      this.#peaks.advance(count);
    }
  }

  store(target: Float64Array, at: number): number {
    return this.#peaks.store(target, at);
  }

  reset(): void {
    this.#peaks.reset();
    for (let channel = 0; channel < this.channels; channel++) this.#input[channel]!.fill(0);
    this.#before.fill(0);
    this.#last.fill(0);
  }

  /** Puts samples behind the history, what is not finite as 0; returns the largest |sample|. */
  #load(channel: number, samples: Float32Array, from: number, count: number): number {
    const input = this.#input[channel]!;
    let largest = 0;
    for (let i = 0; i < count; i++) {
      const value = samples[from + i]!;
      const finite = value - value === 0 ? value : 0;
      input[HISTORY + i] = finite;
      const size = finite < 0 ? -finite : finite;
      if (size > largest) largest = size;
    }
    return largest;
  }

  #loadSilence(channel: number, count: number): number {
    this.#input[channel]!.fill(0, HISTORY, HISTORY + count);
    return 0;
  }

  #meter(channel: number, largest: number, count: number): void {
    const floor = this.#peaks.partPeak(channel);
    const bound = Math.max(largest, this.#before[channel]!) * this.#filter.norm * HEADROOM;
    if (bound > floor) {
      this.#interpolate(channel, 0, count);
      this.#peaks.take(channel, this.#findPeak(count, floor));
    } else {
      // Nothing here can be a new peak; only what the next slice looks back at is needed.
      this.#interpolate(channel, count - 1, count);
    }
    this.#last[2 * channel] = this.#output[4 * count]!;
    this.#last[2 * channel + 1] = this.#output[4 * count + 1]!;
    this.#keepHistory(channel, count);
  }

  /** Fills `#output` with the four points of each frame `from`…`end` of the slice, behind the two points before. */
  #interpolate(channel: number, from: number, end: number): void {
    const input = this.#input[channel]!;
    const output = this.#output;
    const { even, odd, half } = this.#filter;
    output[0] = this.#last[2 * channel]!;
    output[1] = this.#last[2 * channel + 1]!;
    for (let i = from; i < end; i++) {
      let sums = 0;
      let differences = 0;
      let middle = 0;
      let newer = i + HISTORY;
      for (let older = i, j = 0; older < newer; older++, newer--, j++) {
        const a = input[newer]!;
        const b = input[older]!;
        const sum = a + b;
        sums += even[j]! * sum;
        differences += odd[j]! * (a - b);
        middle += half[j]! * sum;
      }
      const to = 2 + 4 * i;
      output[to] = input[i + HISTORY - TRUE_PEAK_LATENCY]!;
      output[to + 1] = sums + differences;
      output[to + 2] = middle;
      output[to + 3] = sums - differences;
    }
  }

  /** The peak of the slice's points, and of the curve between them where it can rise above `floor`. */
  #findPeak(count: number, floor: number): number {
    const output = this.#output;
    let peak = floor;
    for (let i = 1, end = 4 * count + 1; i < end; i++) {
      let b = output[i]!;
      if (b < 0) b = -b;
      if (b * HEADROOM <= peak) continue;
      const sign = output[i]! < 0 ? -1 : 1;
      const a = sign * output[i - 1]!;
      const c = sign * output[i + 1]!;
      if (a > b || c > b) continue;
      const top = peakOfThree(a, b, c);
      if (top > peak) peak = top;
    }
    return peak;
  }

  #keepHistory(channel: number, count: number): void {
    const input = this.#input[channel]!;
    let largest = 0;
    for (let i = 0; i < HISTORY; i++) {
      const value = input[count + i]!;
      input[i] = value;
      const size = value < 0 ? -value : value;
      if (size > largest) largest = size;
    }
    this.#before[channel] = largest;
  }
}
