import { SLICE } from './meter-kernel.ts';
import {
  TRUE_PEAK_HEADROOM,
  TRUE_PEAK_LATENCY,
  TRUE_PEAK_NEIGHBOURS,
  TRUE_PEAK_TAPS,
  peakOfThree,
  truePeakFilter,
} from './true-peak-filter.ts';
import type { TruePeakFilter } from './true-peak-filter.ts';

const PAIRS = TRUE_PEAK_TAPS / 2;

/** Finds true peaks in plain TypeScript. It has no state: `TRUE_PEAK_TAPS` samples must stand before the first. */
export class TruePeakInterpolator {
  readonly #filter: TruePeakFilter = truePeakFilter();
  /** Phase 2 of each frame. */
  readonly #middle: Float64Array = new Float64Array(SLICE);
  /** Phases 1 and 3 of the frame interpolated last. */
  #quarter = 0;
  #threeQuarters = 0;

  /** The largest of `floor` and the true peaks of `frames` frames from `input[from]` on. */
  peak(input: Float32Array, from: number, frames: number, floor: number): number {
    let largest = 0;
    for (let i = from - TRUE_PEAK_TAPS + 1; i < from + frames; i++) {
      const size = Math.abs(input[i]!);
      if (size > largest) largest = size;
    }
    if (largest * this.#filter.norm * TRUE_PEAK_HEADROOM <= floor) return floor;
    return this.#refine(input, from, frames, Math.max(floor, this.#halve(input, from, frames)));
  }

  /** Makes phase 2, and returns the largest point of phases 0 and 2. */
  #halve(input: Float32Array, from: number, frames: number): number {
    const middle = this.#middle;
    const { half } = this.#filter;
    let largest = 0;
    for (let frame = 0; frame < frames; frame++) {
      const newest = from + frame;
      const oldest = newest - TRUE_PEAK_TAPS + 1;
      let sum = 0;
      for (let j = 0; j < PAIRS; j++) sum += half[j]! * (input[newest - j]! + input[oldest + j]!);
      middle[frame] = sum;
      largest = Math.max(largest, Math.abs(sum));
      largest = Math.max(largest, Math.abs(input[newest - TRUE_PEAK_LATENCY]!));
    }
    return largest;
  }

  /** The peak of all phases and of the curve between them, where it can rise above `floor`. */
  #refine(input: Float32Array, from: number, frames: number, floor: number): number {
    const middle = this.#middle;
    let peak = floor;
    /** The frame of which phases 1 and 3 are at hand. */
    let known = -2;
    for (let frame = 0; frame < frames; frame++) {
      const at = from + frame - TRUE_PEAK_LATENCY;
      const zero = input[at]!;
      const two = middle[frame]!;
      const next = input[at + 1]!;
      const near = two * two + Math.max(zero * zero, next * next);
      if (near < peak * peak * TRUE_PEAK_NEIGHBOURS) continue;
      if (known !== frame - 1) this.#interpolate(input, from + frame - 1);
      const before = this.#threeQuarters;
      this.#interpolate(input, from + frame);
      known = frame;
      const one = this.#quarter;
      const three = this.#threeQuarters;
      peak = crest(before, zero, one, peak);
      peak = crest(zero, one, two, peak);
      peak = crest(one, two, three, peak);
      peak = crest(two, three, next, peak);
    }
    return peak;
  }

  /** Makes phases 1 and 3 of the frame whose newest sample is given. */
  #interpolate(input: Float32Array, newest: number): void {
    const { even, odd } = this.#filter;
    const oldest = newest - TRUE_PEAK_TAPS + 1;
    let sums = 0;
    let differences = 0;
    for (let j = 0; j < PAIRS; j++) {
      const newer = input[newest - j]!;
      const older = input[oldest + j]!;
      sums += even[j]! * (newer + older);
      differences += odd[j]! * (newer - older);
    }
    this.#quarter = sums + differences;
    this.#threeQuarters = sums - differences;
  }
}

/** The larger of `peak` and the sinusoid through three points, if the middle one is a maximum. */
function crest(a: number, b: number, c: number, peak: number): number {
  const size = Math.abs(b);
  if (size * TRUE_PEAK_HEADROOM <= peak || Math.abs(a) > size || Math.abs(c) > size) return peak;
  const top = b < 0 ? peakOfThree(-a, -b, -c) : peakOfThree(a, b, c);
  return top > peak ? top : peak;
}
