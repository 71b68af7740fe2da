import { Fft, powerOfTwoFrom } from '../dsp/fft.ts';

/** The width over which the spectrum is averaged for whitening, Hz to each side. */
const LEVELLED_HZ = 100;

/** The correlation of a recording with a sweep, at every frame. */
export interface EchoCorrelation {
  /** For each frame at which the sweep may begin: the gain with which it does. */
  readonly plain: Float64Array;
  /**
   * The same, with each frequency weighted by how little else is recorded at it: speech and hum have most of their power where
   * the sweep has little. Shows when the sweep begins, but not its gain.
   */
  readonly whitened: Float64Array;
  /** Factor from the power of `plain`, summed over time, to that of the gain: the share of the spectrum that a sweep fills. */
  readonly bandShare: number;
}

/** Correlates at every frame, by Fourier transforms. */
export function correlateSweep(
  samples: Float32Array,
  sweep: Float32Array,
  sampleRate: number,
): EchoCorrelation {
  const fft = new Fft(powerOfTwoFrom(samples.length + sweep.length));
  const { size } = fft;
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  // Both are real: one transform takes them as its real and imaginary parts.
  re.set(samples);
  im.set(sweep);
  fft.forward(re, im);
  const half = size / 2;
  const power = new Float64Array(half + 1);
  const crossRe = new Float64Array(half + 1);
  const crossIm = new Float64Array(half + 1);
  let energy = 0;
  let squares = 0;
  for (let k = 0; k <= half; k++) {
    const mirror = k === 0 ? 0 : size - k;
    const a = (re[k]! + re[mirror]!) / 2;
    const b = (im[k]! - im[mirror]!) / 2;
    const c = (im[k]! + im[mirror]!) / 2;
    const d = (re[mirror]! - re[k]!) / 2;
    power[k] = a * a + b * b;
    crossRe[k] = a * c + b * d;
    crossIm[k] = b * c - a * d;
    const square = c * c + d * d;
    const times = k === 0 || k === half ? 1 : 2;
    energy += times * square;
    squares += times * square * square;
  }
  levelled(power, Math.max(1, Math.round((LEVELLED_HZ / sampleRate) * size)));
  // The inverse transform does the same: plain + i · whitened.
  for (let k = 0; k <= half; k++) {
    const x = crossRe[k]! / energy;
    const y = crossIm[k]! / energy;
    const weight = power[k]! > 0 ? energy / power[k]! : 0;
    re[k] = x - y * weight;
    im[k] = y + x * weight;
    if (k === 0 || k === half) continue;
    re[size - k] = x + y * weight;
    im[size - k] = x * weight - y;
  }
  fft.inverse(re, im);
  return { plain: re, whitened: im, bandShare: (energy * energy) / squares / size };
}

/** Replaces each value by the mean of those around it. */
function levelled(values: Float64Array, reach: number): void {
  const sums = new Float64Array(values.length + 1);
  for (let k = 0; k < values.length; k++) sums[k + 1] = sums[k]! + values[k]!;
  for (let k = 0; k < values.length; k++) {
    const from = Math.max(0, k - reach);
    const to = Math.min(values.length, k + reach + 1);
    values[k] = (sums[to]! - sums[from]!) / (to - from);
  }
}
