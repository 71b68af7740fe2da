/** Designs the filters of the resampler's stages. Takes milliseconds per filter: never call it on the audio thread. */

import { besselI0 } from '../dsp/windows.ts';
import type { ResamplerQuality } from './resampler-plan.ts';
import { designImageFilter } from './image-filter-design.ts';
import type { ImageFilterSpecification } from './image-filter-design.ts';
import { designRemez } from './remez-filter-design.ts';
import { guardAttenuation, RESAMPLER_SPECIFICATIONS } from './resampler-specification.ts';
import type { Band } from './resampler-specification.ts';
import type { FilterSides, ResamplerFilters, ShortFilter } from './resampler-stages.ts';
import { RARE_FILTERS } from './rare-filter-table.ts';
import { sharpFilterKey, storedFilters } from './stored-filters.ts';
import { usualFilters } from './usual-filters.ts';

/** Sharp filters have a multiple of this many pairs of taps, so that each quarter fills whole passes of an unrolled loop. */
const SHARP_MULTIPLE = 4;
/** Above 140 dB, Kaiser's estimate of the length falls short by this many dB. */
const WINDOW_MARGIN_DB = 5;

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
 * Designs a half-band filter: unit gain up to `pass` (cycles per sample at the higher rate, below 0.25), stopband from
 * 0.5 − `pass`. Taps at even distances from the centre are zero, except at 0. Uses the trick of P. P. Vaidyanathan and
 * T. Q. Nguyen (IEEE Trans. CAS-34, 1987): the taps at odd distances are a full-band filter at half the rate.
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

/** Kaiser's estimate for the length of a minimax filter, solved for the attenuation. */
function estimatedHalfBandDb(oddTaps: number, pass: number): number {
  return 13 + 14.6 * (0.5 - 2 * pass) * (2 * oddTaps - 2);
}

/**
 * Designs a filter of odd length that passes up to `pass` and stops from `stop` on (cycles per sample), with unit gain up to the
 * ripple. Its length is 16m − 1, so that the taps at odd distances, and those at even ones, split into quarters of even length.
 * If the minimax design needs more taps than double precision has extremes for, uses a Kaiser window with a third more taps.
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
  const bands = [
    { from: 0, to: pass, desired: 1 },
    { from: stop, to: 0.5, desired: 0, weight: passDeviation / stopDeviation },
  ];
  try {
    for (let taps = step * Math.max(1, Math.ceil(estimate / step - 1)) - 1; ; taps += step) {
      const design = designRemez(taps, bands);
      if (design.deviation <= passDeviation) return design.taps;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The window's ripple is as large in both bands.
    const wanted = Math.max(attenuationDb, -20 * Math.log10(passDeviation));
    return windowedLowPass({ pass, stop, attenuationDb: wanted + WINDOW_MARGIN_DB }, step);
  }
}

/** Designs a low-pass filter from the Kaiser window, with a multiple of `step` taps less one. */
function windowedLowPass(specification: KaiserSpecification, step: number): Float64Array {
  const span = step * Math.ceil((kaiserSpan(specification) + 1) / step);
  const kernel = kaiserKernel(specification, span);
  return Float64Array.from({ length: span - 1 }, (_, i) => kernel(i + 1 - span / 2));
}

/**
 * Designs the short filter beside the sharp one: it passes the band and stops its images around the multiples of `rate`. Uses a
 * Kaiser window if least squares find no short filter.
 */
function designShortFilter(specification: ImageFilterSpecification): ShortFilter {
  const design = designImageFilter(specification);
  if (design !== undefined) return design;
  const { pass, rate, halfWidth, attenuationDb } = specification;
  const kaiser = { pass, stop: rate - halfWidth, attenuationDb };
  const span = 2 * Math.ceil(kaiserSpan(kaiser) / 2);
  return { span, kernel: kaiserKernel(kaiser, span) };
}

/** The specification for {@link ResamplerFilters.short}. Depends only on the ratio of the rates. */
export function shortFilterSpecification(
  inputRate: number,
  sharpRate: number,
  band: Band,
): ImageFilterSpecification {
  return {
    pass: band.passHz / inputRate,
    rate: sharpRate / inputRate,
    halfWidth: band.stopHz / inputRate,
    attenuationDb: guardAttenuation(band.quality),
    rippleDb: RESAMPLER_SPECIFICATIONS[band.quality].shortRippleDb,
  };
}

/** Returns one side of a symmetric filter of odd length. */
export function sidesOf(taps: Float64Array): FilterSides {
  const centre = (taps.length - 1) / 2;
  const odd: number[] = [];
  const even: number[] = [];
  for (let distance = 0; distance <= centre; distance++) {
    (distance % 2 === 0 ? even : odd).push(taps[centre + distance]!);
  }
  while (even.length > 1 && even.at(-1) === 0) even.pop();
  return { odd: Float64Array.from(odd), even: Float64Array.from(even) };
}

/** Filters from tables made at build time, or designed on demand in milliseconds, some in a second. Sharp ones are cached. */
export const designedFilters: ResamplerFilters = {
  sharp(band) {
    const key = sharpFilterKey(band);
    let sides = sharpFilters.get(key);
    if (sides === undefined) {
      sides =
        usualFilters.sharp(band) ??
        rareFilters.sharp(band) ??
        sidesOf(designSharpFilter(band.quality, band.strict));
      sharpFilters.set(key, sides);
    }
    return sides;
  },
  guard(edge, band) {
    return (
      usualFilters.guard(edge, band) ??
      sidesOf(designHalfBand(edge, guardAttenuation(band.quality)))
    );
  },
  lowPass(rate, band) {
    const { attenuationDb, strictRippleDb } = RESAMPLER_SPECIFICATIONS[band.quality];
    const [pass, stop] = [band.passHz / (2 * rate), band.stopHz / (2 * rate)];
    return sidesOf(designLowPass(pass, stop, attenuationDb, strictRippleDb));
  },
  short(inputRate, sharpRate, band) {
    return (
      usualFilters.short(inputRate, sharpRate, band) ??
      rareFilters.short(inputRate, sharpRate, band) ??
      designShortFilter(shortFilterSpecification(inputRate, sharpRate, band))
    );
  },
};

const rareFilters = storedFilters(RARE_FILTERS);
const sharpFilters = new Map<string, FilterSides>();

/*
 * Low-pass kernels from the Kaiser window, as functions of continuous time, for filters whose prototype has thousands of
 * taps. J. F. Kaiser, "Nonrecursive Digital Filter Design Using the I₀-sinh Window Function" (IEEE ISCAS 1974).
 */

/** Frequencies are in cycles per input frame. */
interface KaiserSpecification {
  /** End of the passband. */
  readonly pass: number;
  /** Start of the stopband. */
  readonly stop: number;
  /** The attenuation and, equally, the passband accuracy to reach, in dB. */
  readonly attenuationDb: number;
}

/** Returns how many frames the kernel must span (Kaiser's estimate, for window lengths in continuous time). */
export function kaiserSpan(specification: KaiserSpecification): number {
  const { pass, stop, attenuationDb } = specification;
  return (attenuationDb - 7.95) / (14.36 * (stop - pass));
}

/** Returns the impulse response h(t), t in input frames, zero outside ±span/2, with ∫h = 1 up to the ripple. */
export function kaiserKernel(
  specification: KaiserSpecification,
  span: number,
): (t: number) => number {
  const { pass, stop } = specification;
  const cutoff = (pass + stop) / 2;
  // The span may be rounded up: spend the excess on attenuation.
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
