import { integerIn, oneOf } from '../arguments.ts';
import { greatestCommonDivisor } from './resampler-plan.ts';
import type {
  DoubleStage,
  HalveStage,
  InterpolatedStage,
  PolyphaseStage,
  ResamplerPlan,
  ResamplerQuality,
  ResamplerStage,
} from './resampler-plan.ts';
import {
  designHalfBand,
  designInterpolatedBank,
  designPolyphaseBank,
  designSharpFilter,
  toCoefficientPrecision,
} from './resampler-filter-design.ts';
import { RESAMPLER_SPECIFICATIONS } from './resampler-specification.ts';
import { MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from './sample-rate.ts';

export interface ResamplerPlanOptions {
  /** Hz, an integer from 3000 to 768000. */
  readonly inputRate: number;
  /** Hz, an integer from 3000 to 768000. */
  readonly outputRate: number;
  /** @default 'hq' */
  readonly quality?: ResamplerQuality;
  /**
   * `true`: nothing above the lower Nyquist frequency passes. `false`: the band between it and as far beyond as the
   * passband ends before may alias into that same band, which halves the work and the delay.
   * @default false
   */
  readonly strict?: boolean;
}

/** A polyphase bank above this many coefficients (256 KiB) is interpolated instead of stored. */
const MAX_STORED_COEFFICIENTS = 1 << 15;
const INTERPOLATED_PHASES = 128;

const cache = new Map<string, ResamplerPlan>();

/**
 * Chooses the stages and designs their filters: a few milliseconds at the first call for a pair of rates, nothing at
 * later ones. Not for the audio thread.
 *
 * One sharp filter works at twice the lower rate, where a half-band filter has every second tap zero. Next to it a short
 * polyphase filter makes the odd ratio, and mild half-band filters make the remaining powers of two.
 *
 * @throws RangeError for rates that are not integers from 3000 to 768000.
 */
export function planResampler(options: ResamplerPlanOptions): ResamplerPlan {
  const inputRate = integerIn('inputRate', options.inputRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
  const outputRate = integerIn('outputRate', options.outputRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
  const quality = oneOf('quality', options.quality ?? 'hq', ['voice', 'hq', 'vhq']);
  const strict = options.strict ?? false;
  const key = `${inputRate}:${outputRate}:${quality}:${strict}`;
  let plan = cache.get(key);
  if (plan === undefined) {
    const stages = planStages(inputRate, outputRate, quality, strict);
    const latencyFrames = lookAhead(stages);
    plan = { inputRate, outputRate, quality, strict, stages, latencyFrames };
    cache.set(key, plan);
  }
  return plan;
}

function planStages(
  inputRate: number,
  outputRate: number,
  quality: ResamplerQuality,
  strict: boolean,
): readonly ResamplerStage[] {
  if (inputRate === outputRate) return [];
  const edges = bandEdges(Math.min(inputRate, outputRate), quality, strict);
  const build = { ...edges, quality, strict };
  return outputRate < inputRate
    ? planDown(inputRate, outputRate, build)
    : planUp(inputRate, outputRate, build);
}

interface Build {
  readonly quality: ResamplerQuality;
  readonly strict: boolean;
  /** End of the passband, Hz. */
  readonly pass: number;
  /** Start of the stopband, Hz. */
  readonly stop: number;
}

function bandEdges(
  lowerRate: number,
  quality: ResamplerQuality,
  strict: boolean,
): { pass: number; stop: number } {
  const specification = RESAMPLER_SPECIFICATIONS[quality];
  const nyquist = lowerRate / 2;
  const pass = strict ? specification.strictPass : specification.pass;
  return { pass: pass * nyquist, stop: strict ? nyquist : (2 - pass) * nyquist };
}

function planDown(inputRate: number, outputRate: number, build: Build): ResamplerStage[] {
  const stages: ResamplerStage[] = [];
  // Halves of odd rates are rates too: exact, since they are dyadic fractions.
  let rate = inputRate;
  const sharpRate = 2 * outputRate;
  while (rate / 2 >= sharpRate) {
    stages.push(guardHalving(rate, build));
    rate /= 2;
  }
  // What the sharp filter stops, the polyphase filter may let through.
  if (rate !== sharpRate) stages.push(ratioStage(rate, sharpRate, sharpRate - build.stop, build));
  stages.push(sharpStage('halve', build));
  return stages;
}

function planUp(inputRate: number, outputRate: number, build: Build): ResamplerStage[] {
  const sharpRate = 2 * inputRate;
  const stages: ResamplerStage[] = [sharpStage('double', build)];
  const doublings: ResamplerStage[] = [];
  let rate = outputRate;
  while (rate / 2 >= sharpRate) {
    rate /= 2;
    doublings.unshift(guardDoubling(rate, build));
  }
  if (rate !== sharpRate) stages.push(ratioStage(sharpRate, rate, sharpRate - build.stop, build));
  return [...stages, ...doublings];
}

/** Halves `rate`, keeping everything below the stop edge free of aliases. */
function guardHalving(rate: number, build: Build): HalveStage {
  const taps = designHalfBand(build.stop / rate, guardAttenuation(build));
  return { kind: 'halve', ...sides(taps, 1, build.quality) };
}

/** Doubles `rate`, stopping the images of everything below the stop edge. */
function guardDoubling(rate: number, build: Build): DoubleStage {
  const taps = designHalfBand(build.stop / (2 * rate), guardAttenuation(build));
  return { kind: 'double', ...sides(taps, 2, build.quality) };
}

function sharpStage<const Kind extends 'halve' | 'double'>(
  kind: Kind,
  build: Build,
): { kind: Kind; odd: Float64Array; even: Float64Array } {
  const taps = designSharpFilter(build.quality, build.strict);
  return { kind, ...sides(taps, kind === 'double' ? 2 : 1, build.quality) };
}

/** From `inputRate` to `outputRate` with a filter that passes up to the pass edge and stops from `stop` Hz on. */
function ratioStage(
  inputRate: number,
  outputRate: number,
  stop: number,
  build: Build,
): PolyphaseStage | InterpolatedStage {
  const { up, down } = lowestTerms(inputRate, outputRate);
  const specification = {
    pass: build.pass / inputRate,
    stop: stop / inputRate,
    attenuationDb: guardAttenuation(build),
  };
  const bank = designPolyphaseBank(specification, up, MAX_STORED_COEFFICIENTS);
  if (bank !== undefined) {
    const coefficients = toCoefficientPrecision(bank.coefficients, build.quality);
    return { kind: 'polyphase', up, down, taps: bank.taps, coefficients };
  }
  const { taps, coefficients } = designInterpolatedBank(specification, INTERPOLATED_PHASES);
  return {
    kind: 'interpolated',
    up,
    down,
    taps,
    phases: INTERPOLATED_PHASES,
    coefficients: toCoefficientPrecision(coefficients, build.quality),
  };
}

/** outputRate : inputRate as integers. Rates may be dyadic fractions. */
function lowestTerms(inputRate: number, outputRate: number): { up: number; down: number } {
  let scale = 1;
  while (!Number.isInteger(inputRate * scale) || !Number.isInteger(outputRate * scale)) scale *= 2;
  const divisor = greatestCommonDivisor(inputRate * scale, outputRate * scale);
  return { up: (outputRate * scale) / divisor, down: (inputRate * scale) / divisor };
}

/** Stages add up: each guard is a little better than the whole must be. */
function guardAttenuation(build: Build): number {
  return RESAMPLER_SPECIFICATIONS[build.quality].attenuationDb + 4;
}

/** One side of a symmetric filter of odd length, split by the parity of the distance from its centre. */
function sides(
  taps: Float64Array,
  gain: number,
  quality: ResamplerQuality,
): { odd: Float64Array; even: Float64Array } {
  const centre = (taps.length - 1) / 2;
  const odd: number[] = [];
  const even: number[] = [];
  for (let distance = 0; distance <= centre; distance++) {
    (distance % 2 === 0 ? even : odd).push(gain * taps[centre + distance]!);
  }
  while (even.length > 1 && even.at(-1) === 0) even.pop();
  return {
    odd: toCoefficientPrecision(Float64Array.from(odd), quality),
    even: toCoefficientPrecision(Float64Array.from(even), quality),
  };
}

/** Input frames beyond an output frame's instant that must have come in before it goes out. */
function lookAhead(stages: readonly ResamplerStage[]): number {
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
