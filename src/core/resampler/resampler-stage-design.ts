/** The stages that plans are made of, designed for given rates and a given band. */
import { greatestCommonDivisor } from './resampler-plan.ts';
import type {
  DoubleStage,
  HalveStage,
  InterpolatedStage,
  PolyphaseStage,
  ResamplerQuality,
  ResamplerStage,
} from './resampler-plan.ts';
import type { ImageFilterSpecification } from './image-filter-design.ts';
import {
  designHalfBand,
  designLowPass,
  designShortFilter,
  interpolateBank,
  sampleBank,
  sharpFilter,
  toCoefficientPrecision,
  storedShortFilter,
  RESAMPLER_SPECIFICATIONS,
} from './resampler-filter-design.ts';
import type { ShortFilter } from './resampler-filter-design.ts';

/** What the whole chain passes and stops. */
export interface Band {
  readonly quality: ResamplerQuality;
  readonly strict: boolean;
  /** End of the passband, Hz. */
  readonly passHz: number;
  /** Start of the stopband, Hz. */
  readonly stopHz: number;
}

/** A polyphase bank above this many coefficients is interpolated instead of stored: it would fall out of the caches. */
const MAX_STORED_COEFFICIENTS = 1 << 13;
/** Enough that the cubics between phases err by less than −150 dB. */
const INTERPOLATED_PHASES = 128;
/** Stages add up: each that is not the sharp one is a little better than the whole must be. */
const GUARD_MARGIN_DB = 4;

/** The band of a conversion whose lower rate is `lowerRate` Hz. */
export function bandFor(lowerRate: number, quality: ResamplerQuality, strict: boolean): Band {
  const specification = RESAMPLER_SPECIFICATIONS[quality];
  const nyquist = lowerRate / 2;
  const pass = strict ? specification.strictPass : specification.pass;
  return {
    quality,
    strict,
    passHz: pass * nyquist,
    stopHz: strict ? nyquist : (2 - pass) * nyquist,
  };
}

/** Halves `rate` (Hz), keeping everything below the stop edge free of aliases. */
export function guardHalving(rate: number, band: Band): HalveStage {
  const taps = designHalfBand(band.stopHz / rate, guardAttenuation(band));
  return { kind: 'halve', ...sides(taps, 1, band) };
}

/** Doubles `rate` (Hz), stopping the images of everything below the stop edge. */
export function guardDoubling(rate: number, band: Band): DoubleStage {
  const taps = designHalfBand(band.stopHz / (2 * rate), guardAttenuation(band));
  return { kind: 'double', ...sides(taps, 2, band) };
}

/** Halves twice the lower rate with the sharp filter. */
export function sharpHalving(band: Band): HalveStage {
  return { kind: 'halve', ...sides(sharpFilter(band.quality, band.strict), 1, band) };
}

/** Doubles the lower rate with the sharp filter. */
export function sharpDoubling(band: Band): DoubleStage {
  return { kind: 'double', ...sides(sharpFilter(band.quality, band.strict), 2, band) };
}

/** Doubles `rate` (Hz) with a sharp filter whose band lies anywhere below it. */
export function lowPassDoubling(rate: number, band: Band): DoubleStage {
  const { attenuationDb, strictRippleDb } = RESAMPLER_SPECIFICATIONS[band.quality];
  const taps = designLowPass(
    band.passHz / (2 * rate),
    band.stopHz / (2 * rate),
    attenuationDb,
    strictRippleDb,
  );
  return { kind: 'double', ...sides(taps, 2, band) };
}

/**
 * From `inputRate` to `outputRate` (Hz, integers or dyadic fractions) with a short filter that passes the band and stops its
 * images around the multiples of `sharpRate`, where the sharp filter works.
 */
export function ratioStage(
  inputRate: number,
  outputRate: number,
  sharpRate: number,
  band: Band,
): PolyphaseStage | InterpolatedStage {
  const { up, down } = lowestTerms(inputRate, outputRate);
  const filter = shortFilter(inputRate, sharpRate, band);
  if (up * filter.span > MAX_STORED_COEFFICIENTS) {
    return { kind: 'interpolated', up, down, ...interpolatedBank(filter, band) };
  }
  const coefficients = toCoefficientPrecision(sampleBank(filter, up), band.quality);
  return { kind: 'polyphase', up, down, taps: filter.span, coefficients };
}

/** The filter of {@link ratioStage}: from the table made at build time, or designed. */
export function shortFilter(inputRate: number, sharpRate: number, band: Band): ShortFilter {
  const stored = storedShortFilter(band.quality, band.strict, sharpRate / inputRate);
  return stored ?? designShortFilter(shortFilterSpecification(inputRate, sharpRate, band));
}

/** What the filter of {@link ratioStage} must do. It depends on the ratio of the rates alone. */
export function shortFilterSpecification(
  inputRate: number,
  sharpRate: number,
  band: Band,
): ImageFilterSpecification {
  return {
    pass: band.passHz / inputRate,
    rate: sharpRate / inputRate,
    halfWidth: band.stopHz / inputRate,
    attenuationDb: guardAttenuation(band),
    rippleDb: RESAMPLER_SPECIFICATIONS[band.quality].shortRippleDb,
  };
}

/** The short filter for any instant between inputs. */
export function interpolatedBank(
  filter: ShortFilter,
  band: Band,
): { taps: number; phases: number; coefficients: Float64Array } {
  const bank = interpolateBank(filter, INTERPOLATED_PHASES);
  return {
    taps: filter.span,
    phases: INTERPOLATED_PHASES,
    coefficients: toCoefficientPrecision(bank, band.quality),
  };
}

/** Input frames beyond an output frame's instant that must have come in before it goes out. */
export function lookAheadFrames(stages: readonly ResamplerStage[]): number {
  let frames = 0;
  let outputPerInput = 1;
  for (const stage of stages) {
    if (stage.kind === 'halve' || stage.kind === 'double') {
      const reach = Math.max(2 * stage.odd.length - 1, 2 * stage.even.length - 2);
      frames += (stage.kind === 'halve' ? reach : Math.ceil(reach / 2)) / outputPerInput;
      outputPerInput *= stage.kind === 'halve' ? 0.5 : 2;
    } else {
      frames += stage.taps / 2 / outputPerInput;
      outputPerInput *= stage.up / stage.down;
    }
  }
  return Math.ceil(frames);
}

function guardAttenuation(band: Band): number {
  return RESAMPLER_SPECIFICATIONS[band.quality].attenuationDb + GUARD_MARGIN_DB;
}

/** outputRate : inputRate as integers. */
function lowestTerms(inputRate: number, outputRate: number): { up: number; down: number } {
  let scale = 1;
  while (!Number.isInteger(inputRate * scale) || !Number.isInteger(outputRate * scale)) scale *= 2;
  const divisor = greatestCommonDivisor(inputRate * scale, outputRate * scale);
  return { up: (outputRate * scale) / divisor, down: (inputRate * scale) / divisor };
}

/** One side of a symmetric filter of odd length, split by the parity of the distance from its centre. */
function sides(
  taps: Float64Array,
  gain: number,
  band: Band,
): { odd: Float64Array; even: Float64Array } {
  const centre = (taps.length - 1) / 2;
  const odd: number[] = [];
  const even: number[] = [];
  for (let distance = 0; distance <= centre; distance++) {
    (distance % 2 === 0 ? even : odd).push(gain * taps[centre + distance]!);
  }
  while (even.length > 1 && even.at(-1) === 0) even.pop();
  return {
    odd: toCoefficientPrecision(Float64Array.from(odd), band.quality),
    even: toCoefficientPrecision(Float64Array.from(even), band.quality),
  };
}
