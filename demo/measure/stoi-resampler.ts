import { besselI0 } from '../../src/core/dsp/windows.ts';
import { STOI_RATE } from './stoi.ts';

/** The highest band of STOI ends here, Hz. What folds back when the rate falls must stay above. */
const PASS_HZ = 4300;
const STOP_HZ = STOI_RATE - PASS_HZ;
const ATTENUATION_DB = 60;

/**
 * Resamples audio to the rate of STOI, stretch by stretch: a low-pass of 60 dB (Kaiser window) that is flat up to 4.3 kHz. Allocates in
 * the constructor only.
 */
export class StoiResampler {
  /** Frames that are read before the first and after the last of a stretch. */
  readonly marginFrames: number;
  readonly #sampleRate: number;
  /** Positions of a sample between two frames. */
  readonly #phases: number;
  /** Weights of the frames around a sample, for each phase. */
  readonly #taps: readonly Float64Array[];

  /** @param sampleRate of what is read, Hz; an integer */
  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
    const phases = STOI_RATE / greatestCommonDivisor(sampleRate, STOI_RATE);
    this.#phases = phases;
    // Kaiser's formulas for length and shape (Oppenheim and Schafer, Discrete-Time Signal Processing, 7.6).
    const beta = 0.1102 * (ATTENUATION_DB - 8.7);
    const width = (2 * Math.PI * (STOP_HZ - PASS_HZ)) / sampleRate;
    const half = Math.ceil((ATTENUATION_DB - 8) / (2.285 * width) / 2);
    this.marginFrames = half;
    const cutoff = (PASS_HZ + STOP_HZ) / sampleRate;
    this.#taps = Array.from({ length: phases }, (_, phase) => {
      const taps = new Float64Array(2 * half);
      let sum = 0;
      for (let k = 0; k < taps.length; k++) {
        const x = k - half + 1 - phase / phases;
        const inside = Math.max(0, 1 - (x / half) ** 2);
        const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
        taps[k] = sinc * besselI0(beta * Math.sqrt(inside));
        sum += taps[k]!;
      }
      return taps.map((tap) => tap / sum);
    });
  }

  /** How many samples at 10 kHz correspond to that many frames. */
  samplesOf(frames: number): number {
    return Math.floor((frames * STOI_RATE) / this.#sampleRate);
  }

  /**
   * Fills `target`.
   * @param samples with `marginFrames` before and after the stretch
   */
  read(samples: Float32Array, target: Float32Array): void {
    const phases = this.#phases;
    const step = (this.#sampleRate * phases) / STOI_RATE;
    for (let i = 0; i < target.length; i++) {
      const place = i * step;
      const from = Math.floor(place / phases) + 1;
      const taps = this.#taps[place % phases]!;
      let sum = 0;
      for (let k = 0; k < taps.length; k++) sum += taps[k]! * samples[from + k]!;
      target[i] = sum;
    }
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
