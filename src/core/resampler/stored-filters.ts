import { bytesOfText } from '../dsp/byte-text.ts';
import { imageFilter } from './image-filter.ts';
import { RESAMPLER_SPECIFICATIONS } from './resampler-specification.ts';
import type { Band } from './resampler-specification.ts';
import type { FilterSides, ResamplerFilters } from './resampler-stages.ts';

/**
 * Filters designed at build time, by their keys: see scripts/build-resampler-filters.mjs. Numbers are little-endian, in double
 * precision for qualities that compute in it, otherwise in single precision, and stored as text (dsp/byte-text.ts).
 */
export interface FilterTable {
  /** One side of each filter: the taps at odd distances of a half-band filter, or all from the centre on for a strict band. */
  readonly sharp: Readonly<Record<string, string>>;
  readonly guard: Readonly<Record<string, string>>;
  /** The span, then the weights of the image filter's basis. */
  readonly short: Readonly<Record<string, string>>;
}

export function storedFilters({ sharp, guard, short }: FilterTable): ResamplerFilters {
  return {
    sharp(band) {
      const taps = numbers(sharp[sharpFilterKey(band)], band);
      return taps && (band.strict ? byParity(taps) : halfBand(taps));
    },
    guard(edge, band) {
      const taps = numbers(guard[guardFilterKey(edge, band)], band);
      return taps && halfBand(taps);
    },
    lowPass: () => undefined,
    short(inputRate, sharpRate, band) {
      const values = numbers(short[shortFilterKey(inputRate, sharpRate, band)], band);
      return values && imageFilter(values.subarray(1), values[0]!);
    },
  };
}

export function sharpFilterKey({ quality, strict }: Band): string {
  return strict ? `${quality} strict` : quality;
}

export function guardFilterKey(edge: number, { quality }: Band): string {
  return `${quality} ${edge.toFixed(7)}`;
}

/** Returns the key of a short filter: ratios that round to the same seven decimals share it. */
export function shortFilterKey(inputRate: number, sharpRate: number, band: Band): string {
  return `${sharpFilterKey(band)} ${(sharpRate / inputRate).toFixed(7)}`;
}

function halfBand(odd: Float64Array): FilterSides {
  return { odd, even: Float64Array.of(0.5) };
}

function byParity(side: Float64Array): FilterSides {
  return {
    odd: side.filter((_, distance) => distance % 2 === 1),
    even: side.filter((_, distance) => distance % 2 === 0),
  };
}

function numbers(text: string | undefined, band: Band): Float64Array | undefined {
  if (text === undefined) return undefined;
  const { buffer } = bytesOfText(text);
  return RESAMPLER_SPECIFICATIONS[band.quality].singlePrecision
    ? Float64Array.from(new Float32Array(buffer))
    : new Float64Array(buffer);
}
