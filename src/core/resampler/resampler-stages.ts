/** Plans a resampler's stages. Their filters come from {@link ResamplerFilters}. */
import { greatestCommonDivisor } from './resampler-plan.ts';
import type {
  DoubleStage,
  HalveStage,
  InterpolatedStage,
  PolyphaseStage,
  ResamplerQuality,
  ResamplerStage,
} from './resampler-plan.ts';
import type { ImageFilter } from './image-filter.ts';
import { RESAMPLER_SPECIFICATIONS } from './resampler-specification.ts';
import type { Band } from './resampler-specification.ts';

/** A short filter's impulse response in continuous time, and how many input frames it spans. */
export type ShortFilter = Pick<ImageFilter, 'kernel' | 'span'>;

/** One side of a symmetric filter of odd length and unit gain at 0 Hz, by the parity of the distance from its centre. */
export interface FilterSides {
  readonly odd: Float64Array;
  readonly even: Float64Array;
}

/** A source of filters: a table, which does not have all of them, or the design. */
export interface ResamplerFilters {
  /** A filter for twice the lower rate: half-band, or with `strict` one whose stopband starts at the Nyquist frequency. */
  sharp(band: Band): FilterSides | undefined;
  /** A mild half-band filter that passes up to `edge`, in cycles per frame of the higher rate. */
  guard(edge: number, band: Band): FilterSides | undefined;
  /** A sharp filter at twice `rate` (Hz) whose band lies anywhere below it. */
  lowPass(rate: number, band: Band): FilterSides | undefined;
  /** A filter for input at `inputRate` that passes the band and stops its images around the multiples of `sharpRate` (Hz). */
  short(inputRate: number, sharpRate: number, band: Band): ShortFilter | undefined;
}

/** A polyphase bank with more coefficients than this would not fit the caches, and is interpolated instead. */
const MAX_STORED_COEFFICIENTS = 1 << 13;
/** Enough phases to keep the error of the cubics between them below −150 dB. */
const INTERPOLATED_PHASES = 128;

/**
 * Plans the stages from `inputRate` to `outputRate` (Hz); undefined if `filters` lacks one of their filters.
 *
 * One sharp filter works at twice the lower rate, where every second tap of a half-band filter is zero. Next to it, a short
 * polyphase filter handles the odd ratio, and mild half-band filters the remaining powers of two.
 */
export function planStages(
  inputRate: number,
  outputRate: number,
  band: Band,
  filters: ResamplerFilters,
): readonly ResamplerStage[] | undefined {
  if (inputRate === outputRate) return [];
  const stages =
    outputRate < inputRate
      ? planDown(inputRate, outputRate, band, filters)
      : planUp(inputRate, outputRate, band, filters);
  return complete(stages);
}

function planDown(
  inputRate: number,
  outputRate: number,
  band: Band,
  filters: ResamplerFilters,
): (ResamplerStage | undefined)[] {
  const stages: (ResamplerStage | undefined)[] = [];
  const sharpRate = 2 * outputRate;
  // Halves of odd rates are exact: they are dyadic fractions.
  let rate = inputRate;
  for (; rate / 2 >= sharpRate; rate /= 2) stages.push(guardHalving(rate, band, filters));
  // The short filter may pass whatever the sharp filter will stop.
  if (rate !== sharpRate) stages.push(ratioStage(rate, sharpRate, sharpRate, band, filters));
  stages.push(halving(filters.sharp(band), band));
  return stages;
}

function planUp(
  inputRate: number,
  outputRate: number,
  band: Band,
  filters: ResamplerFilters,
): (ResamplerStage | undefined)[] {
  const sharpRate = 2 * inputRate;
  const doublings: (ResamplerStage | undefined)[] = [];
  let rate = outputRate;
  for (; rate / 2 >= sharpRate; rate /= 2) {
    doublings.unshift(doubling(filters.guard(band.stopHz / rate, band), band));
  }
  const stages = [doubling(filters.sharp(band), band)] as (ResamplerStage | undefined)[];
  if (rate !== sharpRate) stages.push(ratioStage(sharpRate, rate, sharpRate, band, filters));
  return [...stages, ...doublings];
}

/** Plans the stages and the bank of a resampler with a variable ratio; undefined as for {@link planStages}. */
export function planFreeStages(
  inputRate: number,
  outputRate: number,
  band: Band,
  filters: ResamplerFilters,
): { stages: readonly ResamplerStage[]; latencyFrames: number; bank: Bank } | undefined {
  const made: (ResamplerStage | undefined)[] = [];
  let rate = inputRate;
  for (; rate / 2 >= 2 * outputRate; rate /= 2) made.push(guardHalving(rate, band, filters));
  const sharp = rate > outputRate ? filters.lowPass(rate, band) : filters.sharp(band);
  made.push(doubling(sharp, band));
  const stages = complete(made);
  const short = filters.short(2 * rate, 2 * rate, band);
  if (stages === undefined || short === undefined) return undefined;
  const bank = interpolatedBank(short, band);
  const bankFrames = ((bank.taps / 2) * inputRate) / (2 * rate);
  return { stages, latencyFrames: lookAheadFrames(stages) + Math.ceil(bankFrames), bank };
}

function complete(
  stages: readonly (ResamplerStage | undefined)[],
): readonly ResamplerStage[] | undefined {
  return stages.includes(undefined) ? undefined : (stages as readonly ResamplerStage[]);
}

/** Plans a stage that halves `rate` (Hz) and keeps everything below the stop edge free of aliases. */
function guardHalving(rate: number, band: Band, filters: ResamplerFilters): HalveStage | undefined {
  return halving(filters.guard(band.stopHz / rate, band), band);
}

function halving(sides: FilterSides | undefined, band: Band): HalveStage | undefined {
  return sides && { kind: 'halve', ...withGain(sides, 1, band) };
}

function doubling(sides: FilterSides | undefined, band: Band): DoubleStage | undefined {
  return sides && { kind: 'double', ...withGain(sides, 2, band) };
}

/**
 * Plans a stage from `inputRate` to `outputRate` (Hz, integers or dyadic fractions) with a short filter that passes the band and
 * stops its images around the multiples of `sharpRate`, where the sharp filter works.
 */
function ratioStage(
  inputRate: number,
  outputRate: number,
  sharpRate: number,
  band: Band,
  filters: ResamplerFilters,
): PolyphaseStage | InterpolatedStage | undefined {
  const { up, down } = lowestTerms(inputRate, outputRate);
  const filter = filters.short(inputRate, sharpRate, band);
  if (filter === undefined) return undefined;
  if (up * filter.span > MAX_STORED_COEFFICIENTS) {
    return { kind: 'interpolated', up, down, ...interpolatedBank(filter, band) };
  }
  const coefficients = toCoefficientPrecision(sampleBank(filter, up), band.quality);
  return { kind: 'polyphase', up, down, taps: filter.span, coefficients };
}

/** A short filter for any instant between inputs: see {@link InterpolatedStage}. */
type Bank = Pick<InterpolatedStage, 'taps' | 'phases' | 'coefficients'>;

function interpolatedBank(filter: ShortFilter, band: Band): Bank {
  const bank = interpolateBank(filter, INTERPOLATED_PHASES);
  return {
    taps: filter.span,
    phases: INTERPOLATED_PHASES,
    coefficients: toCoefficientPrecision(bank, band.quality),
  };
}

/** Samples the filter at `up` phases: row p weighs the inputs for an output that is p / `up` after one of them. */
function sampleBank({ kernel, span }: ShortFilter, up: number): Float64Array {
  const coefficients = new Float64Array(up * span);
  for (let phase = 0; phase < up; phase++) {
    for (let i = 0; i < span; i++) {
      coefficients[phase * span + i] = kernel(i - span / 2 + 1 - phase / up);
    }
  }
  return coefficients;
}

/**
 * Tabulates the filter for any phase: `phases` rows of cubics in the distance from the stored phase, Lagrange's through the
 * phases −1, 0, 1 and 2. Each row has `span` constants, then as many linear, square and cubic terms.
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

/** Returns how many input frames after an output frame's instant are needed to produce that frame. */
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

/** Reduces outputRate : inputRate to integers. */
function lowestTerms(inputRate: number, outputRate: number): { up: number; down: number } {
  let scale = 1;
  while (!Number.isInteger(inputRate * scale) || !Number.isInteger(outputRate * scale)) scale *= 2;
  const divisor = greatestCommonDivisor(inputRate * scale, outputRate * scale);
  return { up: (outputRate * scale) / divisor, down: (inputRate * scale) / divisor };
}

function withGain({ odd, even }: FilterSides, gain: number, band: Band): FilterSides {
  const scaled = (taps: Float64Array): Float64Array =>
    toCoefficientPrecision(
      taps.map((tap) => gain * tap),
      band.quality,
    );
  return { odd: scaled(odd), even: scaled(even) };
}

/** Rounds in place to single precision if the quality says so. */
function toCoefficientPrecision(
  coefficients: Float64Array,
  quality: ResamplerQuality,
): Float64Array {
  if (RESAMPLER_SPECIFICATIONS[quality].singlePrecision) {
    for (let i = 0; i < coefficients.length; i++) coefficients[i] = Math.fround(coefficients[i]!);
  }
  return coefficients;
}
