/**
 * A signal whose every frame has a number that a few ms of audio tell, at any sample rate: four sines whose phases belong to
 * one time only within 10 s. `f1 − 2·f2 + f3` turns once in 10 s and tells the time to 50 ms, `f2 − 2·f3 + f4` turns ten
 * times a second and tells it to half a ms, and `f1` tells the rest. A second difference does not change with a delay that
 * all tones share only by its own small frequency, so noise at −50 dB is no trouble. Each source has tones of its own.
 */

/** After so many seconds the numbers begin again. */
export const SIGNAL_PERIOD_SECONDS = 10;
/** How many sources can be told apart. */
export const SIGNAL_SOURCES = 7;

const PEAK = 0.15;
/** A window with more unexplained energy holds a jump. A resampler that follows a clock by 1,000 ppm leaves −30 dB. */
const RESIDUAL_DB = -26;

/** Tones of a source, Hz: whole multiples of 1 / SIGNAL_PERIOD_SECONDS. */
export function tonesOf(source: number): readonly [number, number, number, number] {
  const shift = source * 55;
  return [1000 + shift, 1400 + shift, 1800.1 + shift, 2210.2 + shift];
}

/** One period of the signal of a source. */
export function numberedSignal(source: number, sampleRate: number): Float32Array<ArrayBuffer> {
  const samples = new Float32Array(Math.round(SIGNAL_PERIOD_SECONDS * sampleRate));
  for (const tone of tonesOf(source)) {
    for (let n = 0; n < samples.length; n++) {
      samples[n] =
        samples[n]! + PEAK * Math.cos((2 * Math.PI * ((tone * n) / sampleRate)) % (2 * Math.PI));
    }
  }
  return samples;
}

/** What a window of audio holds. */
export interface SignalReading {
  /** Whose signal; −1 where it is nobody's. */
  readonly source: number;
  /** Time of the window's first sample in the signal, seconds from 0 to SIGNAL_PERIOD_SECONDS. */
  readonly seconds: number;
  /** Energy that the signal does not explain, relative to the whole, dB. */
  readonly residualDb: number;
}

/** Reads numbers from windows of one length at one sample rate. */
export class NumberedSignalReader {
  readonly windowFrames: number;
  readonly sampleRate: number;
  readonly #bases: readonly ToneBasis[];

  constructor(sampleRate: number, { windowFrames = Math.round(sampleRate / 100) } = {}) {
    this.sampleRate = sampleRate;
    this.windowFrames = windowFrames;
    this.#bases = Array.from(
      { length: SIGNAL_SOURCES },
      (_, source) => new ToneBasis(tonesOf(source), sampleRate, windowFrames),
    );
  }

  read(samples: Float32Array, from = 0): SignalReading {
    let energy = 0;
    for (let n = 0; n < this.windowFrames; n++) energy += samples[from + n]! ** 2;
    let best: SignalReading = { source: -1, seconds: 0, residualDb: 0 };
    if (energy === 0) return best;
    for (const [source, basis] of this.#bases.entries()) {
      const residualDb = 10 * Math.log10(basis.fit(samples, from) / energy + 1e-12);
      if (residualDb < best.residualDb) {
        best = { source, seconds: basis.seconds(), residualDb };
      }
    }
    return best.residualDb < RESIDUAL_DB ? best : { ...best, source: -1 };
  }

  /** The signal that `reading` found, continued (or led back, where `n` is negative) by `n` samples, as the fit has it. */
  predictor(reading: SignalReading, samples: Float32Array, from: number): (n: number) => number {
    const basis = this.#bases[reading.source]!;
    basis.fit(samples, from);
    return basis.continuation();
  }
}

/** A least-squares fit of a source's tones to a window. */
class ToneBasis {
  readonly #tones: readonly number[];
  readonly #sampleRate: number;
  readonly #frames: number;
  /** Cosine and sine of each tone, one row after the other. */
  readonly #rows: Float64Array;
  /** Inverse of the rows' products with each other. */
  readonly #inverse: Float64Array;
  readonly #products: Float64Array;
  readonly #weights: Float64Array;

  constructor(tones: readonly number[], sampleRate: number, frames: number) {
    this.#tones = tones;
    this.#sampleRate = sampleRate;
    this.#frames = frames;
    const size = 2 * tones.length;
    this.#rows = new Float64Array(size * frames);
    for (const [index, tone] of tones.entries()) {
      for (let n = 0; n < frames; n++) {
        const phase = (2 * Math.PI * tone * n) / sampleRate;
        this.#rows[2 * index * frames + n] = Math.cos(phase);
        this.#rows[(2 * index + 1) * frames + n] = Math.sin(phase);
      }
    }
    const normal = new Float64Array(size * size);
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        let sum = 0;
        for (let n = 0; n < frames; n++) {
          sum += this.#rows[row * frames + n]! * this.#rows[column * frames + n]!;
        }
        normal[row * size + column] = sum;
      }
    }
    this.#inverse = invert(normal, size);
    this.#products = new Float64Array(size);
    this.#weights = new Float64Array(size);
  }

  /** Fits the tones to a window. @returns the energy that they leave */
  fit(samples: Float32Array, from: number): number {
    const size = this.#weights.length;
    let energy = 0;
    for (let n = 0; n < this.#frames; n++) energy += samples[from + n]! ** 2;
    for (let row = 0; row < size; row++) {
      let sum = 0;
      for (let n = 0; n < this.#frames; n++) {
        sum += this.#rows[row * this.#frames + n]! * samples[from + n]!;
      }
      this.#products[row] = sum;
    }
    let explained = 0;
    for (let row = 0; row < size; row++) {
      let sum = 0;
      for (let column = 0; column < size; column++) {
        sum += this.#inverse[row * size + column]! * this.#products[column]!;
      }
      this.#weights[row] = sum;
      explained += sum * this.#products[row]!;
    }
    return Math.max(0, energy - explained);
  }

  /** Time in the signal of the first sample of the window that was fitted last. */
  seconds(): number {
    const [p1, p2, p3, p4] = [0, 1, 2, 3].map((index) => this.#turns(index)) as [
      number,
      number,
      number,
      number,
    ];
    const [f1, f2, f3, f4] = this.#tones as [number, number, number, number];
    const slow = f1 - 2 * f2 + f3;
    const fast = f2 - 2 * f3 + f4;
    let seconds = fraction(p1 - 2 * p2 + p3) / slow;
    seconds = nearest(seconds, fraction(p2 - 2 * p3 + p4), fast);
    seconds = nearest(seconds, p1, f1);
    return ((seconds % SIGNAL_PERIOD_SECONDS) + SIGNAL_PERIOD_SECONDS) % SIGNAL_PERIOD_SECONDS;
  }

  /** The fitted tones at any sample, counted from the window's first. */
  continuation(): (n: number) => number {
    const weights = this.#weights.slice();
    const omegas = this.#tones.map((tone) => (2 * Math.PI * tone) / this.#sampleRate);
    return (n) => {
      let sum = 0;
      for (const [index, omega] of omegas.entries()) {
        sum +=
          weights[2 * index]! * Math.cos(omega * n) + weights[2 * index + 1]! * Math.sin(omega * n);
      }
      return sum;
    };
  }

  /** Phase of a tone at the window's first sample, as a fraction of a turn. */
  #turns(index: number): number {
    return fraction(
      Math.atan2(-this.#weights[2 * index + 1]!, this.#weights[2 * index]!) / (2 * Math.PI),
    );
  }
}

function fraction(value: number): number {
  return value - Math.floor(value);
}

/** The time nearest to `seconds` at which a tone of `frequency` has the phase `turns`. */
function nearest(seconds: number, turns: number, frequency: number): number {
  return (Math.round(seconds * frequency - turns) + turns) / frequency;
}

/** Inverse of a symmetric positive definite matrix, by Gauss and Jordan with pivots. */
function invert(matrix: Float64Array, size: number): Float64Array {
  const left = matrix.slice();
  const right = new Float64Array(size * size);
  for (let i = 0; i < size; i++) right[i * size + i] = 1;
  for (let column = 0; column < size; column++) {
    const pivot = left[column * size + column]!;
    for (let k = 0; k < size; k++) {
      left[column * size + k] = left[column * size + k]! / pivot;
      right[column * size + k] = right[column * size + k]! / pivot;
    }
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const factor = left[row * size + column]!;
      for (let k = 0; k < size; k++) {
        left[row * size + k] = left[row * size + k]! - factor * left[column * size + k]!;
        right[row * size + k] = right[row * size + k]! - factor * right[column * size + k]!;
      }
    }
  }
  return right;
}
