import { SLICE } from './meter-kernel.ts';
import {
  TRUE_PEAK_HEADROOM,
  TRUE_PEAK_LATENCY,
  TRUE_PEAK_STEP,
  TRUE_PEAK_TAPS,
  truePeakFilter,
} from './true-peak-filter.ts';
import type { TruePeakFilter } from './true-peak-filter.ts';

const PAIRS = TRUE_PEAK_TAPS / 2;

/** Finds true peaks in plain TypeScript. It has no state: `TRUE_PEAK_TAPS` samples must stand before the first. */
export class TruePeakInterpolator {
  readonly #filter: TruePeakFilter = truePeakFilter();
  /** Phase 2 of the frame before the first, and of each frame. */
  readonly #middle: Float64Array = new Float64Array(1 + SLICE);
  /** Five points, a quarter of a sample apart. */
  readonly #points: Float64Array = new Float64Array(5);
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
    for (let frame = -1; frame < frames; frame++) {
      const newest = from + frame;
      const oldest = newest - TRUE_PEAK_TAPS + 1;
      let sum = 0;
      for (let j = 0; j < PAIRS; j++) sum += half[j]! * (input[newest - j]! + input[oldest + j]!);
      middle[frame + 1] = sum;
      if (frame < 0) continue;
      peak = Math.max(peak, Math.abs(sum));
      peak = Math.max(peak, Math.abs(input[newest - TRUE_PEAK_LATENCY]!));
    }
    this.#peak = peak;
  }

  /** Takes the peak of the curve around those points of phases 0 and 2 where it can rise above the highest so far. */
  #refine(input: Float32Array, from: number, frames: number): void {
    const middle = this.#middle;
    const points = this.#points;
    for (let frame = 0; frame < frames; frame++) {
      const at = from + frame - TRUE_PEAK_LATENCY;
      points[0] = middle[frame]!;
      points[2] = input[at]!;
      points[4] = middle[frame + 1]!;
      if (this.#mayRise()) {
        this.#makeQuarter(1, input, from + frame - 1, -1);
        this.#makeQuarter(3, input, from + frame, 1);
        this.#crests();
      }
      points[0] = input[at]!;
      points[2] = middle[frame + 1]!;
      points[4] = input[at + 1]!;
      if (this.#mayRise()) {
        this.#makeQuarter(1, input, from + frame, 1);
        this.#makeQuarter(3, input, from + frame, -1);
        this.#crests();
      }
    }
  }

  /** Whether the middle one of the points is the highest of three, and the curve around it may be higher than all so far. */
  #mayRise(): boolean {
    const middle = this.#points[2]!;
    const sign = middle < 0 ? -1 : 1;
    const height = sign * middle;
    const left = sign * this.#points[0]!;
    const right = sign * this.#points[4]!;
    if (left > height || right > height) return false;
    return 1.5 * height - 0.25 * (left + right) > this.#peak * TRUE_PEAK_STEP;
  }

  /** Makes a point of phase 1 of the frame whose newest sample is given, or with a `direction` of −1 of phase 3. */
  #makeQuarter(point: number, input: Float32Array, newest: number, direction: 1 | -1): void {
    const taps = this.#filter.quarter;
    let at = direction === 1 ? newest : newest - TRUE_PEAK_TAPS + 1;
    let sum = 0;
    for (let k = 0; k < TRUE_PEAK_TAPS; k++, at -= direction) sum += taps[k]! * input[at]!;
    this.#points[point] = sum;
  }

  #crests(): void {
    for (let point = 1; point <= 3; point++) this.#crest(point);
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
