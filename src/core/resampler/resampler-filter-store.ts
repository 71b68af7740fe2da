/** Filters that were designed at build time: see scripts/build-resampler-filters.mjs. */
import { decodeBase64 } from '../base64/base64.ts';
import { imageFilter } from './image-filter-design.ts';
import type { ImageFilter } from './image-filter-design.ts';
import { SHARP_FILTERS, SHORT_FILTERS } from './resampler-filter-table.ts';
import type { ResamplerQuality } from './resampler-plan.ts';
import { RESAMPLER_SPECIFICATIONS } from './resampler-specification.ts';

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
