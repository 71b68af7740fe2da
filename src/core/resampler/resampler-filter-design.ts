/** The filters that the resampler's stages need, from its specification. Milliseconds each: never on the audio thread. */

import { besselI0 } from '../dsp/windows.ts';
import type { ResamplerQuality } from './resampler-plan.ts';
import { designImageFilter, imageFilter } from './image-filter-design.ts';
import type { ImageFilter, ImageFilterSpecification } from './image-filter-design.ts';
import { designRemez } from './remez-filter-design.ts';
import { decodeBase64 } from '../base64/base64.ts';
import { SHARP_FILTERS, SHORT_FILTERS } from './resampler-filter-table.ts';

/** What the filters of a quality are designed to. */
export interface ResamplerSpecification {
  /** Stopband attenuation of the sharp filter, dB. */
  readonly attenuationDb: number;
  /** End of the passband as a part of the lower Nyquist frequency; the stopband starts as far beyond it. */
  readonly pass: number;
  /** The same when the stopband must start at the Nyquist frequency itself. */
  readonly strictPass: number;
  /** Largest passband deviation of the strict filter, dB. (The half-band filter's is its attenuation: next to nothing.) */
  readonly strictRippleDb: number;
  /** Largest passband deviation of the short filter between rates, dB. */
  readonly shortRippleDb: number;
  /** Whether coefficients are rounded to single precision, so that every execution computes with the same ones. */
  readonly singlePrecision: boolean;
}

export const RESAMPLER_SPECIFICATIONS: Readonly<Record<ResamplerQuality, ResamplerSpecification>> =
  {
    voice: {
      attenuationDb: 102,
      pass: 0.9,
      strictPass: 0.9,
      strictRippleDb: 0.01,
      shortRippleDb: 0.003,
      singlePrecision: true,
    },
    hq: {
      attenuationDb: 121,
      pass: 0.905,
      strictPass: 0.905,
      strictRippleDb: 0.005,
      shortRippleDb: 0.002,
      singlePrecision: true,
    },
    vhq: {
      attenuationDb: 146,
      pass: 0.944,
      strictPass: 0.95,
      strictRippleDb: 0.0005,
      shortRippleDb: 0.0002,
      singlePrecision: false,
    },
  };

/** Pairs of taps of sharp filters come in this multiple: then each quarter of them fills whole turns of an unrolled loop. */
const SHARP_MULTIPLE = 4;

/** A short filter's impulse response in continuous time, and how many input frames it spans. */
export type ShortFilter = Pick<ImageFilter, 'kernel' | 'span'>;

const sharpFilters = new Map<string, Float64Array>();

/**
 * The sharp filter of a quality, for twice the lower rate: a half-band filter, or with `strict` one whose stopband starts at
 * the Nyquist frequency. Odd length, unit gain at 0 Hz. From the table made at build time, or designed and cached.
 */
export function sharpFilter(quality: ResamplerQuality, strict: boolean): Float64Array {
  const key = `${quality}:${strict}`;
  let taps = sharpFilters.get(key);
  if (taps === undefined) {
    taps = storedSharpFilter(quality, strict) ?? designSharpFilter(quality, strict);
    sharpFilters.set(key, taps);
  }
  return taps;
}

export function designSharpFilter(quality: ResamplerQuality, strict: boolean): Float64Array {
  const specification = RESAMPLER_SPECIFICATIONS[quality];
  return strict
    ? designLowPass(
        specification.strictPass / 4,
        0.25,
        specification.attenuationDb,
        specification.strictRippleDb,
      )
    : designHalfBand(specification.pass / 4, specification.attenuationDb, SHARP_MULTIPLE);
}

/**
 * A half-band filter: unit gain up to `pass` (cycles per sample at the higher rate, below 0.25), stopband from 0.5 − `pass`.
 * Every even distance from the centre but 0 has a zero tap. Designed by the trick of P. P. Vaidyanathan and T. Q. Nguyen
 * (IEEE Trans. CAS-34, 1987): the odd distances are a full-band filter at half the rate.
 */
export function designHalfBand(pass: number, attenuationDb: number, multiple = 2): Float64Array {
  const largest = 2 * 10 ** (-attenuationDb / 20);
  for (let side = multiple; side <= 512; side += multiple) {
    if (side > 8 && estimatedHalfBandDb(2 * side, pass) < attenuationDb - 12) continue;
    const { taps: odd, deviation } = designRemez(2 * side, [{ from: 0, to: 2 * pass, desired: 1 }]);
    if (deviation > largest) continue;
    const taps = new Float64Array(4 * side - 1);
    for (let i = 0; i < odd.length; i++) taps[2 * i] = odd[i]! / 2;
    taps[2 * side - 1] = 0.5;
    return taps;
  }
  throw new RangeError(`No half-band filter passes ${pass} with ${attenuationDb} dB.`);
}

/** Kaiser's estimate of the length of a minimax filter, solved for the attenuation. */
function estimatedHalfBandDb(oddTaps: number, pass: number): number {
  return 13 + 14.6 * (0.5 - 2 * pass) * (2 * oddTaps - 2);
}

/**
 * A filter of odd length that passes up to `pass` and stops from `stop` on (cycles per sample), with unit gain up to the
 * ripple. Its length is 16m − 1: then the taps at odd distances, and those at even ones, come in quarters of even length.
 */
export function designLowPass(
  pass: number,
  stop: number,
  attenuationDb: number,
  rippleDb: number,
): Float64Array {
  const passDeviation = 10 ** (rippleDb / 20) - 1;
  const stopDeviation = 10 ** (-attenuationDb / 20);
  const estimate =
    (-10 * Math.log10(passDeviation * stopDeviation) - 13) / (14.6 * (stop - pass)) + 1;
  const step = 4 * SHARP_MULTIPLE;
  for (let taps = step * Math.max(1, Math.ceil(estimate / step - 1)) - 1; ; taps += step) {
    const design = designRemez(taps, [
      { from: 0, to: pass, desired: 1 },
      { from: stop, to: 0.5, desired: 0, weight: passDeviation / stopDeviation },
    ]);
    if (design.deviation <= passDeviation) return design.taps;
  }
}

/**
 * The short filter beside the sharp one: it passes the band and stops its images around the multiples of `rate`. A Kaiser
 * window does where least squares find nothing short.
 */
export function designShortFilter(specification: ImageFilterSpecification): ShortFilter {
  const design = designImageFilter(specification);
  if (design !== undefined) return design;
  const { pass, rate, halfWidth, attenuationDb } = specification;
  const kaiser = { pass, stop: rate - halfWidth, attenuationDb };
  const span = 2 * Math.ceil(kaiserSpan(kaiser) / 2);
  return { span, kernel: kaiserKernel(kaiser, span) };
}

/** The filter sampled at `up` phases: row p weighs the inputs for an output that stands p / `up` after one of them. */
export function sampleBank({ kernel, span }: ShortFilter, up: number): Float64Array {
  const coefficients = new Float64Array(up * span);
  for (let phase = 0; phase < up; phase++) {
    for (let i = 0; i < span; i++) {
      coefficients[phase * span + i] = kernel(i - span / 2 + 1 - phase / up);
    }
  }
  return coefficients;
}

/**
 * The filter for any phase: `phases` rows of cubics in the distance from the stored phase, Lagrange's through the phases −1,
 * 0, 1 and 2. Per row, `span` constants, then as many linear, square and cubic terms.
 */
export function interpolateBank({ kernel, span }: ShortFilter, phases: number): Float64Array {
  const coefficients = new Float64Array(phases * span * 4);
  for (let phase = 0; phase < phases; phase++) {
    for (let i = 0; i < span; i++) {
      const at = (offset: number): number => kernel(i - span / 2 + 1 - (phase + offset) / phases);
      const before = at(-1);
      const here = at(0);
      const after = at(1);
      const beyond = at(2);
      const row = phase * span * 4 + i;
      coefficients[row] = here;
      coefficients[row + span] = after - before / 3 - here / 2 - beyond / 6;
      coefficients[row + 2 * span] = (before + after) / 2 - here;
      coefficients[row + 3 * span] = (beyond - before) / 6 + (here - after) / 2;
    }
  }
  return coefficients;
}

/** Rounds in place to single precision where the quality says so. */
export function toCoefficientPrecision(
  coefficients: Float64Array,
  quality: ResamplerQuality,
): Float64Array {
  if (RESAMPLER_SPECIFICATIONS[quality].singlePrecision) {
    for (let i = 0; i < coefficients.length; i++) coefficients[i] = Math.fround(coefficients[i]!);
  }
  return coefficients;
}

/* Filters that were designed at build time: see scripts/build-resampler-filters.mjs. */

/** The sharp filter of a quality, or undefined when none is stored. */
export function storedSharpFilter(
  quality: ResamplerQuality,
  strict: boolean,
): Float64Array | undefined {
  const text = SHARP_FILTERS[`${quality}:${strict}`];
  if (text === undefined) return undefined;
  // Stored from the centre to one end.
  const side = decode(text, quality);
  return Float64Array.of(...side.slice(1).reverse(), ...side);
}

/** The short filter of a quality whose images lie around multiples of `rate`, in cycles per input frame. */
export function storedShortFilter(
  quality: ResamplerQuality,
  strict: boolean,
  rate: number,
): ImageFilter | undefined {
  const stored = SHORT_FILTERS[shortFilterKey(quality, strict, rate)];
  return stored && imageFilter(decode(stored.weights, quality), stored.span);
}

/** Rates of less than a million have ratios that differ in the sixth digit at least. */
export function shortFilterKey(quality: ResamplerQuality, strict: boolean, rate: number): string {
  return `${quality}:${strict}:${rate.toFixed(7)}`;
}

function decode(text: string, quality: ResamplerQuality): Float64Array {
  const bytes = decodeBase64(text);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const single = RESAMPLER_SPECIFICATIONS[quality].singlePrecision;
  const size = single ? 4 : 8;
  return Float64Array.from({ length: bytes.length / size }, (_, i) =>
    single ? view.getFloat32(size * i, true) : view.getFloat64(size * i, true),
  );
}

/*
 * Low-pass kernels from the Kaiser window, as functions of continuous time, for filters whose prototype has thousands of
 * taps. J. F. Kaiser, "Nonrecursive Digital Filter Design Using the I₀-sinh Window Function" (IEEE ISCAS 1974).
 */

/** Frequencies are in cycles per frame of the input. */
interface KaiserSpecification {
  /** End of the passband. */
  readonly pass: number;
  /** Start of the stopband. */
  readonly stop: number;
  /** Wanted attenuation and, equally, passband accuracy, in dB. */
  readonly attenuationDb: number;
}

/** How many frames the kernel must span (Kaiser's estimate, for window lengths in continuous time). */
export function kaiserSpan(specification: KaiserSpecification): number {
  const { pass, stop, attenuationDb } = specification;
  return (attenuationDb - 7.95) / (14.36 * (stop - pass));
}

/** The impulse response h(t), t in input frames, zero outside ±span/2, with ∫h = 1 up to the ripple. */
export function kaiserKernel(
  specification: KaiserSpecification,
  span: number,
): (t: number) => number {
  const { pass, stop } = specification;
  const cutoff = (pass + stop) / 2;
  // The span may be rounded up: spend what that gives on attenuation.
  const attenuationDb = 7.95 + 14.36 * (stop - pass) * span;
  const beta = kaiserBeta(attenuationDb);
  const scale = 1 / besselI0(beta);
  return (t) => {
    const u = (2 * t) / span;
    if (u <= -1 || u >= 1) return 0;
    const x = 2 * Math.PI * cutoff * t;
    const sinc = x === 0 ? 1 : Math.sin(x) / x;
    return 2 * cutoff * sinc * besselI0(beta * Math.sqrt(1 - u * u)) * scale;
  };
}

/** Kaiser's β for an attenuation in dB. */
function kaiserBeta(attenuationDb: number): number {
  if (attenuationDb > 50) return 0.1102 * (attenuationDb - 8.7);
  if (attenuationDb < 21) return 0;
  return 0.5842 * (attenuationDb - 21) ** 0.4 + 0.07886 * (attenuationDb - 21);
}
