import { Fft } from '../../src/core/dsp/fft.ts';

/*
 * The short-time objective intelligibility measure: C. H. Taal, R. C. Hendriks, R. Heusdens, J. Jensen, "An Algorithm for
 * Intelligibility Prediction of Time–Frequency Weighted Noisy Speech", IEEE TASLP 19 (7), 2011. Names are the paper's.
 */

/** The rate of the signals, Hz. */
export const STOI_RATE = 10_000;
/** Samples of a frame, and from one to the next. */
const FRAME = 256;
const HOP = FRAME / 2;
const FFT_SIZE = 512;
/** One-third-octave bands, and the centre of the first, Hz. */
const BANDS = 15;
const LOWEST_CENTRE_HZ = 150;
/** Frames of a region that is compared: 384 ms. */
const N = 30;
/** The lower bound of a region's signal-to-distortion ratio, β, in dB. */
const BETA_DB = -15;
/** By how much a frame of the reference may be weaker than the strongest and still count, in dB. */
const DYNAMIC_RANGE_DB = 40;

/** An output so much weaker than the reference is silent, and the rounding of the transform: −180 dB. */
const SILENCE = 1e-18;

/** A Hann window without the zeros at its ends. */
const WINDOW = Float64Array.from(
  { length: FRAME },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 1)) / (FRAME + 1)),
);
/** The bins of each band: from the first, below the second. */
const BAND_BINS = Array.from({ length: BANDS }, (_, band) => {
  const edge = (sixths: number): number =>
    Math.round((LOWEST_CENTRE_HZ * 2 ** (sixths / 6) * FFT_SIZE) / STOI_RATE);
  return [edge(2 * band - 1), edge(2 * band + 1)] as const;
});

/**
 * How much of some speech is understood: about 0 to 1. Allocates.
 * @param reference the original speech, at 10 kHz
 * @param output what became of it, aligned in time; as long as the reference
 * @returns null where the reference has less than 0.4 s of audio
 */
export function stoi(reference: Float32Array, output: Float32Array): number | null {
  const kept = soundingFrames(reference);
  // The last frame of the joined audio has no end in the original, and is left out.
  const frames = kept.length - 1;
  if (frames < N) return null;
  const x = bandsOf(reference, output, kept, frames);
  let sum = 0;
  for (let band = 0; band < BANDS; band++) {
    for (let m = 0; m + N <= frames; m++) {
      sum += regionCorrelation(x.reference, x.output, band * frames + m);
    }
  }
  return sum / (BANDS * (frames - N + 1));
}

/** Where the frames begin that are not silent. */
function soundingFrames(reference: Float32Array): number[] {
  const energies: number[] = [];
  for (let start = 0; start < reference.length - FRAME; start += HOP) {
    let energy = 0;
    for (let i = 0; i < FRAME; i++) energy += (reference[start + i]! * WINDOW[i]!) ** 2;
    energies.push(energy);
  }
  const least = energies.reduce((a, b) => Math.max(a, b), 0) * 10 ** (-DYNAMIC_RANGE_DB / 10);
  return energies.flatMap((energy, frame) => (energy > least ? [frame * HOP] : []));
}

/** The amplitude in each band and frame, X_j(m) and Y_j(m): a band's frames in a row. */
function bandsOf(
  reference: Float32Array,
  output: Float32Array,
  kept: readonly number[],
  frames: number,
): { readonly reference: Float64Array; readonly output: Float64Array } {
  const x = joined(reference, kept);
  const y = joined(output, kept);
  const fft = new Fft(FFT_SIZE);
  const re = new Float64Array(FFT_SIZE);
  const im = new Float64Array(FFT_SIZE);
  const xBands = new Float64Array(BANDS * frames);
  const yBands = new Float64Array(BANDS * frames);
  for (let frame = 0; frame < frames; frame++) {
    const start = frame * HOP;
    for (let i = 0; i < FRAME; i++) {
      re[i] = x[start + i]! * WINDOW[i]!;
      im[i] = y[start + i]! * WINDOW[i]!;
    }
    re.fill(0, FRAME);
    im.fill(0, FRAME);
    // Two real signals in one transform: X = (Z(k) + Z*(−k)) / 2, Y = (Z(k) − Z*(−k)) / 2i.
    fft.forward(re, im);
    for (let band = 0; band < BANDS; band++) {
      const [first, end] = BAND_BINS[band]!;
      let xEnergy = 0;
      let yEnergy = 0;
      for (let k = first; k < end; k++) {
        const a = re[k]! + re[FFT_SIZE - k]!;
        const b = im[k]! - im[FFT_SIZE - k]!;
        const c = im[k]! + im[FFT_SIZE - k]!;
        const d = re[FFT_SIZE - k]! - re[k]!;
        xEnergy += a * a + b * b;
        yEnergy += c * c + d * d;
      }
      xBands[band * frames + frame] = Math.sqrt(xEnergy) / 2;
      yBands[band * frames + frame] = Math.sqrt(yEnergy) / 2;
    }
  }
  return { reference: xBands, output: yBands };
}

/** The frames that are kept, windowed and added at half of their length, without the silence between. */
function joined(samples: Float32Array, kept: readonly number[]): Float64Array {
  const target = new Float64Array((kept.length + 1) * HOP);
  for (let frame = 0; frame < kept.length; frame++) {
    const from = kept[frame]!;
    const to = frame * HOP;
    for (let i = 0; i < FRAME; i++)
      target[to + i] = target[to + i]! + samples[from + i]! * WINDOW[i]!;
  }
  return target;
}

/** d_j(m) of the N frames from `at`: the correlation of the reference's envelope with the output's, scaled and clipped. */
function regionCorrelation(x: Float64Array, y: Float64Array, at: number): number {
  const end = at + N;
  let xEnergy = 0;
  let yEnergy = 0;
  let xSum = 0;
  for (let i = at; i < end; i++) {
    xEnergy += x[i]! * x[i]!;
    yEnergy += y[i]! * y[i]!;
    xSum += x[i]!;
  }
  if (yEnergy <= xEnergy * SILENCE) return 0;
  const alpha = Math.sqrt(xEnergy / yEnergy);
  const most = 1 + 10 ** (-BETA_DB / 20);
  let ySum = 0;
  for (let i = at; i < end; i++) ySum += Math.min(alpha * y[i]!, most * x[i]!);
  const xMean = xSum / N;
  const yMean = ySum / N;
  let product = 0;
  let xVariance = 0;
  let yVariance = 0;
  for (let i = at; i < end; i++) {
    const a = x[i]! - xMean;
    const b = Math.min(alpha * y[i]!, most * x[i]!) - yMean;
    product += a * b;
    xVariance += a * a;
    yVariance += b * b;
  }
  const norm = Math.sqrt(xVariance * yVariance);
  return norm > 0 ? product / norm : 0;
}
