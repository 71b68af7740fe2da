import { SLICE } from './meter-kernel.ts';
import {
  TRUE_PEAK_HEADROOM,
  TRUE_PEAK_LATENCY,
  TRUE_PEAK_TAPS,
  peakOfThree,
  truePeakFilter,
} from './true-peak-filter.ts';
import type { TruePeakFilter } from './true-peak-filter.ts';

const PAIRS = TRUE_PEAK_TAPS / 2;

/** Finds true peaks in plain TypeScript. */
export class TruePeakInterpolator {
  readonly #filter: TruePeakFilter = truePeakFilter();
  /** The point before the first of those to be made: the last of what went before, per channel. */
  readonly #last: Float64Array;
  /** That point, then four of each frame, then the one after. */
  readonly #points: Float64Array = new Float64Array(2 + 4 * SLICE);

  constructor(channels: number) {
    this.#last = new Float64Array(channels);
  }

  /** The largest of `floor` and the true peaks of `frames` frames from `input[from]` on; earlier samples stand before them. */
  peak(channel: number, input: Float32Array, from: number, frames: number, floor: number): number {
    let largest = 0;
    for (let i = from - TRUE_PEAK_TAPS + 1; i < from + frames; i++) {
      const size = Math.abs(input[i]!);
      if (size > largest) largest = size;
    }
    const points = this.#points;
    points[0] = this.#last[channel]!;
    // Where nothing can rise above the floor, only the point is needed that the next call looks back at.
    const skip = largest * this.#filter.norm * TRUE_PEAK_HEADROOM <= floor;
    this.#interpolate(input, from, skip ? frames - 1 : 0, frames);
    this.#last[channel] = points[4 * frames]!;
    return skip ? floor : this.#findPeak(4 * frames, floor);
  }

  reset(): void {
    this.#last.fill(0);
  }

  #interpolate(input: Float32Array, from: number, first: number, end: number): void {
    const points = this.#points;
    const { even, odd, half } = this.#filter;
    for (let frame = first; frame < end; frame++) {
      let sums = 0;
      let differences = 0;
      let middle = 0;
      const newest = from + frame;
      const oldest = newest - TRUE_PEAK_TAPS + 1;
      for (let j = 0; j < PAIRS; j++) {
        const newer = input[newest - j]!;
        const older = input[oldest + j]!;
        const sum = newer + older;
        sums += even[j]! * sum;
        differences += odd[j]! * (newer - older);
        middle += half[j]! * sum;
      }
      const at = 1 + 4 * frame;
      points[at] = input[newest - TRUE_PEAK_LATENCY]!;
      points[at + 1] = sums + differences;
      points[at + 2] = middle;
      points[at + 3] = sums - differences;
    }
    points[1 + 4 * end] = input[from + end - TRUE_PEAK_LATENCY]!;
  }

  /** The peak of the points, and of the curve between them where it can rise above `floor`. */
  #findPeak(count: number, floor: number): number {
    const points = this.#points;
    let peak = floor;
    for (let i = 1; i <= count; i++) {
      const middle = points[i]!;
      const b = Math.abs(middle);
      if (b * TRUE_PEAK_HEADROOM <= peak) continue;
      const sign = middle < 0 ? -1 : 1;
      const a = sign * points[i - 1]!;
      const c = sign * points[i + 1]!;
      if (a > b || c > b) continue;
      const top = peakOfThree(a, b, c);
      if (top > peak) peak = top;
    }
    return peak;
  }
}
