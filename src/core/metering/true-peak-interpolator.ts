import { SLICE } from './meter-kernel.ts';
import {
  TRUE_PEAK_HEADROOM,
  TRUE_PEAK_LATENCY,
  TRUE_PEAK_NEIGHBOURS,
  TRUE_PEAK_TAPS,
  truePeakFilter,
} from './true-peak-filter.ts';
import type { TruePeakFilter } from './true-peak-filter.ts';

const PAIRS = TRUE_PEAK_TAPS / 2;

/** Points of a frame and those beside it: before, phases 0 to 3, after. */
const BEFORE = 0;
const ZERO = 1;
const ONE = 2;
const TWO = 3;
const THREE = 4;
const NEXT = 5;

/** Finds true peaks in plain TypeScript. It has no state: `TRUE_PEAK_TAPS` samples must stand before the first. */
export class TruePeakInterpolator {
  readonly #filter: TruePeakFilter = truePeakFilter();
  /** Phase 2 of each frame. */
  readonly #middle: Float64Array = new Float64Array(SLICE);
  readonly #points: Float64Array = new Float64Array(6);
  /** The highest so far. A field: engines may allocate what functions are given and return. */
  #peak = 0;

  /** Raises `target[0]` to the largest true peak of `frames` frames from `input[from]` on. */
  raise(target: Float64Array, input: Float32Array, from: number, frames: number): void {
    let largest = 0;
    for (let i = from - TRUE_PEAK_TAPS + 1; i < from + frames; i++) {
      const size = Math.abs(input[i]!);
      if (size > largest) largest = size;
    }
    if (largest * this.#filter.norm * TRUE_PEAK_HEADROOM <= target[0]!) return;
    this.#peak = target[0]!;
    this.#halve(input, from, frames);
    this.#refine(input, from, frames);
    target[0] = this.#peak;
  }

  /** Makes phase 2, and takes the largest point of phases 0 and 2. */
  #halve(input: Float32Array, from: number, frames: number): void {
    const middle = this.#middle;
    const { half } = this.#filter;
    let peak = this.#peak;
    for (let frame = 0; frame < frames; frame++) {
      const newest = from + frame;
      const oldest = newest - TRUE_PEAK_TAPS + 1;
      let sum = 0;
      for (let j = 0; j < PAIRS; j++) sum += half[j]! * (input[newest - j]! + input[oldest + j]!);
      middle[frame] = sum;
      peak = Math.max(peak, Math.abs(sum));
      peak = Math.max(peak, Math.abs(input[newest - TRUE_PEAK_LATENCY]!));
    }
    this.#peak = peak;
  }

  /** Takes the peak of all phases and of the curve between them, where it can rise above the highest so far. */
  #refine(input: Float32Array, from: number, frames: number): void {
    const middle = this.#middle;
    const points = this.#points;
    /** The frame of which phases 1 and 3 are at hand. */
    let known = -2;
    for (let frame = 0; frame < frames; frame++) {
      const at = from + frame - TRUE_PEAK_LATENCY;
      const zero = input[at]!;
      const two = middle[frame]!;
      const next = input[at + 1]!;
      // Two points beside a peak have its sign.
      const beside = Math.max(
        zero * two >= 0 ? zero * zero : -1,
        two * next >= 0 ? next * next : -1,
      );
      const enough = this.#peak * this.#peak * TRUE_PEAK_NEIGHBOURS;
      if (beside < 0 || two * two + beside < enough) continue;
      if (known !== frame - 1) this.#interpolate(input, from + frame - 1);
      points[BEFORE] = points[THREE]!;
      points[ZERO] = zero;
      points[TWO] = two;
      points[NEXT] = next;
      this.#interpolate(input, from + frame);
      known = frame;
      for (let point = ZERO; point <= THREE; point++) this.#crest(point);
    }
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
    this.#points[ONE] = sums + differences;
    this.#points[THREE] = sums - differences;
  }

  /**
   * Takes the amplitude of the sinusoid through a point and its neighbours if none is larger: exact for a steady tone. Where
   * they bend too little to tell a frequency, or too much for one below half the sample rate, the vertex of a parabola.
   * Never more above the point than a tone could be.
   */
  #crest(point: number): void {
    const points = this.#points;
    const b = Math.abs(points[point]!);
    if (b * TRUE_PEAK_HEADROOM <= this.#peak) return;
    const sign = points[point]! < 0 ? -1 : 1;
    const a = sign * points[point - 1]!;
    const c = sign * points[point + 1]!;
    if (Math.abs(a) > b || Math.abs(c) > b) return;
    // b = A·cos(φ) and (c − a)/2 = A·sin(φ)·sin(ω), with cos(ω) = (a + c)/2b, give A.
    const cosine = (a + c) / (2 * b);
    const slope = (c - a) / 2;
    let peak = b;
    if (cosine > 0.9998 || cosine < 0.6) {
      const bend = 2 * b - a - c;
      if (bend > 0) peak = b + (slope * slope) / (2 * bend);
    } else peak = Math.sqrt(b * b + (slope * slope) / (1 - cosine * cosine));
    peak = Math.min(peak, b * TRUE_PEAK_HEADROOM);
    if (peak > this.#peak) this.#peak = peak;
  }
}
