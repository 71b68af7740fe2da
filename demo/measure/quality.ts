import { Fft, powerOfTwoFrom } from '../../src/core/dsp/fft.ts';

/** Bounds of a frame's SNR in dB, as usual for the segmental one. */
const SNR_MIN_DB = -10;
const SNR_MAX_DB = 35;
const SNR_FRAME_SECONDS = 0.02;
/** What counts as audio in the reference, mean square: −45 dBFS. */
export const SOUND: number = 10 ** (-45 / 10);

/** A hole of 10 ms holds a whole frame, wherever it begins. */
const HOLE_FRAME_SECONDS = 0.005;
/** An output that is weaker than the reference by this much has a hole: 15 dB. */
const HOLE_RATIO: number = 10 ** (-15 / 10);

const SPECTRUM_SECONDS = 0.0213;
const LOWEST_HZ = 100;
const HIGHEST_HZ = 8000;
/** Under the power spectra, relative to a sine at full scale: −80 dB. */
const SPECTRUM_FLOOR = 1e-8;

/** Frames of a window with audio, and the sum of their signal-to-noise ratios. */
export interface SegmentalSnr {
  readonly sumDb: number;
  readonly frames: number;
}

/** The quality of an output against the reference, once the lag has been taken off. Allocates in the constructor only. */
export class Quality {
  readonly #snrFrame: number;
  readonly #holeFrame: number;
  readonly #fft: Fft;
  readonly #hann: Float64Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #firstBin: number;
  readonly #lastBin: number;

  /** @param sampleRate Hz */
  constructor(sampleRate: number) {
    this.#snrFrame = Math.round(SNR_FRAME_SECONDS * sampleRate);
    this.#holeFrame = Math.round(HOLE_FRAME_SECONDS * sampleRate);
    const size = powerOfTwoFrom(SPECTRUM_SECONDS * sampleRate * 0.75);
    this.#fft = new Fft(size);
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
    // Scaled so that a sine at full scale has a power of 1 in its bin.
    this.#hann = Float64Array.from(
      { length: size },
      (_, i) => ((0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size)) * 4) / size,
    );
    this.#firstBin = Math.ceil((LOWEST_HZ * size) / sampleRate);
    this.#lastBin = Math.floor((Math.min(HIGHEST_HZ, sampleRate / 2 - 1) * size) / sampleRate);
  }

  /** Segmental SNR of `frames` frames, of an output whose lag has been removed. */
  segmentalSnr(reference: Float32Array, output: Float32Array, frames: number): SegmentalSnr {
    const snrFrame = this.#snrFrame;
    let sumDb = 0;
    let count = 0;
    for (let start = 0; start + snrFrame <= frames; start += snrFrame) {
      let signal = 0;
      let noise = 0;
      for (let i = start; i < start + snrFrame; i++) {
        const x = reference[i]!;
        const difference = x - output[i]!;
        signal += x * x;
        noise += difference * difference;
      }
      if (signal < SOUND * snrFrame) continue;
      const db = noise > 0 ? 10 * Math.log10(signal / noise) : SNR_MAX_DB;
      sumDb += Math.min(SNR_MAX_DB, Math.max(SNR_MIN_DB, db));
      count++;
    }
    return { sumDb, frames: count };
  }

  /** How much stronger an output is than the reference, in dB, by the energy of `frames` frames; NaN where one is silent. */
  level(reference: Float32Array, output: Float32Array, frames: number): number {
    const ratio = meanSquare(output, frames) / meanSquare(reference, frames);
    return ratio > 0 && ratio < Infinity ? 10 * Math.log10(ratio) : NaN;
  }

  /** Log-spectral distance in dB: the mean over spectra taken at every other of their lengths. */
  logSpectralDistance(reference: Float32Array, output: Float32Array, frames: number): number {
    const fft = this.#fft;
    const re = this.#re;
    const im = this.#im;
    const hann = this.#hann;
    const firstBin = this.#firstBin;
    const lastBin = this.#lastBin;
    const { size } = fft;
    let sum = 0;
    let count = 0;
    for (let start = 0; start + size <= frames; start += 2 * size) {
      for (let i = 0; i < size; i++) {
        re[i] = reference[start + i]! * hann[i]!;
        im[i] = output[start + i]! * hann[i]!;
      }
      // Two real signals in one transform: X = (Z(k) + Z*(−k)) / 2, Y = (Z(k) − Z*(−k)) / 2i.
      fft.forward(re, im);
      let squares = 0;
      for (let k = firstBin; k <= lastBin; k++) {
        const mirror = size - k;
        const a = re[k]! + re[mirror]!;
        const b = im[k]! - im[mirror]!;
        const c = im[k]! + im[mirror]!;
        const d = re[mirror]! - re[k]!;
        const x = (a * a + b * b) / 4 + SPECTRUM_FLOOR;
        const y = (c * c + d * d) / 4 + SPECTRUM_FLOOR;
        const difference = 10 * Math.log10(x / y);
        squares += difference * difference;
      }
      sum += Math.sqrt(squares / (lastBin - firstBin + 1));
      count++;
    }
    return count === 0 ? 0 : sum / count;
  }

  /**
   * Counts where holes begin. The output is compared with the quietest of five neighbouring frames of the reference, so that an edge of the
   * audio that time-scaling has moved by a few ms is not a hole.
   * @param inHole whether the audio before ended in one
   * @returns how many begin, and whether the audio ends in one
   */
  holes(
    reference: Float32Array,
    output: Float32Array,
    frames: number,
    inHole: boolean,
  ): { readonly begun: number; readonly open: boolean } {
    // Frames of almost the same length, so that no audio is left over.
    const count = Math.ceil(frames / this.#holeFrame);
    const length = frames / count;
    const energy = (samples: Float32Array, frame: number): number => {
      if (frame >= count) return Infinity;
      let sum = 0;
      const end = Math.round((frame + 1) * length);
      for (let i = Math.round(frame * length); i < end; i++) sum += samples[i]! * samples[i]!;
      return sum;
    };
    let begun = 0;
    let open = inHole;
    // Of the reference: two frames before, this one, two after.
    let earlier = Infinity;
    let before = Infinity;
    let now = energy(reference, 0);
    let after = energy(reference, 1);
    for (let frame = 0; frame < count; frame++) {
      const later = energy(reference, frame + 2);
      const signal = Math.min(earlier, before, now, after, later);
      earlier = before;
      before = now;
      now = after;
      after = later;
      if (signal < SOUND * length) continue;
      const hole = energy(output, frame) < signal * HOLE_RATIO;
      if (hole && !open) begun++;
      open = hole;
    }
    return { begun, open };
  }
}

/** Mean square of the first `frames` samples. */
export function meanSquare(samples: Float32Array, frames: number): number {
  let sum = 0;
  for (let i = 0; i < frames; i++) sum += samples[i]! * samples[i]!;
  return sum / frames;
}
