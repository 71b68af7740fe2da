import { Fft, powerOfTwoFrom } from '../dsp/fft.ts';

/** The band outside of which a sweep has no power, Hz. */
const LOW_HZ = 100;
const HIGH_HZ = 7000;
/** The largest clock drift that is considered, in both directions, and the steps of the search. */
const MAX_DRIFT_PPM = 200;
const COARSE_PPM = 20;
const FINE_PPM = 5;

/** The power that several answers to the same sweep have in common. */
export interface CommonPower {
  /** Sum of the answer's squares, as if nothing else had been recorded. May be negative if there is almost no answer. */
  readonly power: number;
  /** Standard error of `power`. */
  readonly error: number;
  /** How much faster the recording's clock is than the speaker's. */
  readonly driftPpm: number;
}

/**
 * Measures the power of a repeated answer from pairs: the product of two answers contains what they share, while noise that
 * occurs once averages to zero in it, so the noise need not be known. Aligns clocks that drift apart.
 * @param correlation one value per frame
 * @param starts first frame of each answer
 * @param frames length of an answer
 */
export function commonPower(
  correlation: Float64Array,
  starts: readonly number[],
  frames: number,
  sampleRate: number,
): CommonPower {
  const fft = new Fft(powerOfTwoFrom(frames));
  const { size } = fft;
  const spectra = starts.map((start) => {
    const re = new Float64Array(size);
    const im = new Float64Array(size);
    for (let i = 0; i < frames; i++) re[i] = correlation[start + i] ?? 0;
    fft.forward(re, im);
    return { re, im };
  });
  const low = Math.floor((LOW_HZ / sampleRate) * size);
  const high = Math.min(size / 2, Math.ceil((HIGH_HZ / sampleRate) * size));
  const pairs: Pair[] = [];
  for (const [j, { re: a, im: b }] of spectra.entries()) {
    for (let k = j + 1; k < spectra.length; k++) {
      const { re: c, im: d } = spectra[k]!;
      const re = new Float64Array(high - low);
      const im = new Float64Array(high - low);
      for (let i = 0, f = low; f < high; i++, f++) {
        re[i] = (2 / size) * (a[f]! * c[f]! + b[f]! * d[f]!);
        im[i] = (2 / size) * (b[f]! * c[f]! - a[f]! * d[f]!);
      }
      pairs.push({ j, k, apart: starts[k]! - starts[j]!, re, im });
    }
  }
  const powerAt = (ppm: number): number[] => pairs.map((pair) => product(pair, low, size, ppm));
  const best = { ppm: 0, powers: powerAt(0) };
  const look = (from: number, to: number, step: number): void => {
    for (let ppm = from; ppm <= to; ppm += step) {
      const powers = powerAt(ppm);
      if (sumOf(powers) > sumOf(best.powers)) Object.assign(best, { ppm, powers });
    }
  };
  look(-MAX_DRIFT_PPM, MAX_DRIFT_PPM, COARSE_PPM);
  look(best.ppm - COARSE_PPM / 2, best.ppm + COARSE_PPM / 2, FINE_PPM);
  const power = sumOf(best.powers) / pairs.length;
  // The jackknife: how much the power depends on each answer.
  const without = spectra.map((_, left) => {
    const others = best.powers.filter((_power, i) => pairs[i]!.j !== left && pairs[i]!.k !== left);
    return sumOf(others) / others.length;
  });
  const mean = sumOf(without) / without.length;
  const variance = sumOf(without.map((each) => (each - mean) ** 2));
  const error = Math.sqrt((variance * (without.length - 1)) / without.length);
  return { power, error, driftPpm: best.ppm };
}

/** The product of the spectra of two answers, and their distance. */
interface Pair {
  readonly j: number;
  readonly k: number;
  /** Distance in frames. */
  readonly apart: number;
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** Computes the power that two answers share if the second is shifted by the drift. */
function product({ apart, re, im }: Pair, low: number, size: number, ppm: number): number {
  const turn = (2 * Math.PI * apart * ppm * 1e-6) / size;
  const stepCos = Math.cos(turn);
  const stepSin = Math.sin(turn);
  let c = Math.cos(turn * low);
  let s = Math.sin(turn * low);
  let sum = 0;
  for (let i = 0; i < re.length; i++) {
    sum += re[i]! * c + im[i]! * s;
    const next = c * stepCos - s * stepSin;
    s = s * stepCos + c * stepSin;
    c = next;
  }
  return sum;
}

function sumOf(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
