import { Fft, powerOfTwoFrom } from '../../src/core/dsp/fft.ts';

/** Seconds of a window whose lag is searched. */
export const WINDOW_SECONDS = 0.2;
/** The longest lag that is found, in seconds. */
export const MAX_LAG_SECONDS = 2;
/** Rate of the coarse search, Hz, about: it keeps the voice's first formants, and a search fits a transform of 8192. */
const COARSE_RATE = 3700;
/** Mean square below which an output holds nothing to compare: −80 dBFS. */
const SILENCE = 1e-8;

/** Where a window of the reference was found in an output. */
export interface Lag {
  /** In frames at the full rate; −1 when the output is silent. */
  readonly frames: number;
  /** The fractional part of the lag, in frames, −0.5 to 0.5. */
  readonly fraction: number;
  /** Normalised cross-correlation there: −1 to 1. */
  readonly correlation: number;
}

/**
 * Finds by how much outputs lag behind a reference: first at about 3.7 kHz over all lags at once, by Fourier transforms, then to
 * the frame at the full rate around the best of those. Two outputs share a transform, as its real and its imaginary part: correlation
 * with something real keeps them apart.
 */
export class LagFinder {
  /** Frames that are averaged to one in the coarse search. */
  readonly decimation: number;
  /** Frames of a window: a multiple of `decimation`. */
  readonly windowFrames: number;
  /** Frames of output that a search takes, from the window's first frame on. */
  readonly spanFrames: number;
  readonly #coarseWindow: number;
  readonly #coarseLags: number;
  readonly #fft: Fft;
  readonly #referenceRe: Float64Array;
  readonly #referenceIm: Float64Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #coarse: readonly [Float64Array, Float64Array];

  /** @param sampleRate of reference and outputs, Hz; at least 8000 */
  constructor(sampleRate: number) {
    const decimation = Math.max(1, Math.round(sampleRate / COARSE_RATE));
    this.decimation = decimation;
    this.#coarseWindow = Math.round((WINDOW_SECONDS * sampleRate) / decimation);
    this.#coarseLags = Math.round((MAX_LAG_SECONDS * sampleRate) / decimation);
    const coarseSpan = this.#coarseWindow + this.#coarseLags;
    this.windowFrames = this.#coarseWindow * decimation;
    // One more on either side of the last lag, for the search at the full rate.
    this.spanFrames = (coarseSpan + 1) * decimation;
    const size = powerOfTwoFrom(coarseSpan);
    this.#fft = new Fft(size);
    this.#referenceRe = new Float64Array(size);
    this.#referenceIm = new Float64Array(size);
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
    this.#coarse = [new Float64Array(coarseSpan), new Float64Array(coarseSpan)];
  }

  /**
   * Searches one window in several outputs.
   * @param reference at least `windowFrames` samples: the window
   * @param outputs at least `spanFrames` samples each, the first at the time of the window's first
   * @returns the lag of each
   */
  find(reference: Float32Array, outputs: readonly Float32Array[]): Lag[] {
    const fft = this.#fft;
    const referenceRe = this.#referenceRe;
    const referenceIm = this.#referenceIm;
    const coarse = this.#coarse;
    referenceRe.fill(0);
    referenceIm.fill(0);
    this.#average(reference, this.#coarseWindow, referenceRe);
    const energy = energyOf(referenceRe, 0, this.#coarseWindow);
    fft.forward(referenceRe, referenceIm);
    const lags: Lag[] = [];
    for (let first = 0; first < outputs.length; first += 2) {
      const [one, two] = coarse;
      this.#average(outputs[first]!, one.length, one);
      const second = outputs[first + 1];
      if (second === undefined) two.fill(0);
      else this.#average(second, two.length, two);
      this.#correlate(one, two);
      lags.push(this.#refine(reference, outputs[first]!, this.#peak(this.#re, one, energy)));
      if (second === undefined) continue;
      lags.push(this.#refine(reference, second, this.#peak(this.#im, two, energy)));
    }
    return lags;
  }

  /** Leaves the correlations of the reference with both, times a constant, in `re` and `im`, by lag. */
  #correlate(one: Float64Array, two: Float64Array): void {
    const fft = this.#fft;
    const re = this.#re;
    const im = this.#im;
    const referenceRe = this.#referenceRe;
    const referenceIm = this.#referenceIm;
    re.fill(0);
    im.fill(0);
    re.set(one);
    im.set(two);
    fft.forward(re, im);
    for (let k = 0; k < re.length; k++) {
      const a = referenceRe[k]!;
      const b = -referenceIm[k]!;
      const c = re[k]!;
      const d = im[k]!;
      re[k] = a * c - b * d;
      im[k] = a * d + b * c;
    }
    fft.inverse(re, im);
  }

  /** The coarse lag at which the normalised correlation is largest; −1 where there is nothing but silence. */
  #peak(correlation: Float64Array, output: Float64Array, energy: number): number {
    const coarseWindow = this.#coarseWindow;
    const coarseLags = this.#coarseLags;
    const floor = SILENCE * coarseWindow;
    let outputEnergy = energyOf(output, 0, coarseWindow);
    let best = -1;
    let bestSquare = 0;
    for (let lag = 0; lag <= coarseLags; lag++) {
      const value = correlation[lag]!;
      if (value > 0 && outputEnergy > floor) {
        const square = (value * value) / outputEnergy;
        if (square > bestSquare) {
          bestSquare = square;
          best = lag;
        }
      }
      const leaving = output[lag]!;
      const coming = output[lag + coarseWindow] ?? 0;
      outputEnergy += coming * coming - leaving * leaving;
    }
    return energy > 0 ? best : -1;
  }

  /** The best lag at the full rate around a coarse one. */
  #refine(reference: Float32Array, output: Float32Array, coarse: number): Lag {
    if (coarse < 0) return { frames: -1, fraction: 0, correlation: 0 };
    const { windowFrames, decimation } = this;
    const middle = coarse * decimation;
    const from = Math.max(0, middle - decimation);
    let outputEnergy = energyOf(output, from, windowFrames);
    let frames = from;
    let best = 0;
    let before = 0;
    let after = 0;
    let previous = 0;
    for (let lag = from; lag <= middle + decimation; lag++) {
      let product = 0;
      for (let i = 0; i < windowFrames; i++) product += reference[i]! * output[lag + i]!;
      const value = outputEnergy > 0 ? product / Math.sqrt(outputEnergy) : 0;
      if (value > best) {
        best = value;
        frames = lag;
        before = previous;
        after = 0;
      } else if (lag === frames + 1) after = value;
      previous = value;
      const leaving = output[lag]!;
      const coming = output[lag + windowFrames]!;
      outputEnergy += coming * coming - leaving * leaving;
    }
    const correlation = best / Math.sqrt(energyOf(reference, 0, windowFrames));
    // The top of the parabola through three neighbours. There is no parabola at the edges.
    const bend = before - 2 * best + after;
    const inside = before > 0 && after > 0 && bend < 0;
    return { frames, fraction: inside ? (before - after) / (2 * bend) : 0, correlation };
  }

  /** Means of `decimation` frames each. */
  #average(samples: Float32Array, count: number, target: Float64Array): void {
    const { decimation } = this;
    for (let i = 0, from = 0; i < count; i++) {
      let sum = 0;
      const end = from + decimation;
      for (; from < end; from++) sum += samples[from]!;
      target[i] = sum / decimation;
    }
  }
}

function energyOf(samples: Float32Array | Float64Array, from: number, frames: number): number {
  let sum = 0;
  for (let i = from; i < from + frames; i++) sum += samples[i]! * samples[i]!;
  return sum;
}
