import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn, oneOf, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from '../arguments.ts';
import type { ResamplerPlan, ResamplerQuality, ResamplerStage } from './resampler-plan.ts';
import {
  bandFor,
  guardDoubling,
  guardHalving,
  lookAheadFrames,
  ratioStage,
  sharpDoubling,
  sharpHalving,
} from './resampler-stage-design.ts';
import type { Band } from './resampler-stage-design.ts';
import { decodeBase64 } from '../base64/base64.ts';
import { compileWasm } from '../dsp/wasm-instance.ts';
import { RESAMPLER_WASM } from './resampler-wasm-bytes.ts';

/** What a resampler is to do. */
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
  /**
   * What computes: a WebAssembly SIMD kernel, or plain TypeScript. They agree to −130 dB. `'auto'` takes WebAssembly where the
   * engine and the page's Content Security Policy allow it; `'wasm'` fails where they do not.
   * @default 'auto'
   */
  readonly execution?: 'auto' | 'wasm' | 'typescript';
}
const NAMES = {
  inputRate: 1,
  outputRate: 1,
  quality: 1,
  strict: 1,
  execution: 1,
} satisfies OptionNames<ResamplerPlanOptions>;

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
  checkOptions('planResampler', options, NAMES);
  const inputRate = integerIn('inputRate', options.inputRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
  const outputRate = integerIn('outputRate', options.outputRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
  const quality = oneOf('quality', options.quality ?? 'hq', ['voice', 'hq', 'vhq']);
  const strict = options.strict ?? false;
  const execution = oneOf('execution', options.execution ?? 'auto', ['auto', 'wasm', 'typescript']);
  const key = `${inputRate}:${outputRate}:${quality}:${strict}:${execution}`;
  let plan = cache.get(key);
  if (plan === undefined) {
    const band = bandFor(Math.min(inputRate, outputRate), quality, strict);
    const stages = planStages(inputRate, outputRate, band);
    const latencyFrames = lookAheadFrames(stages);
    const wasm = execution === 'typescript' ? undefined : resamplerModule();
    const requireWasm = execution === 'wasm';
    plan = {
      inputRate,
      outputRate,
      quality,
      strict,
      stages,
      latencyFrames,
      wasm,
      requireWasm,
    };
    cache.set(key, plan);
  }
  return plan;
}

function planStages(inputRate: number, outputRate: number, band: Band): readonly ResamplerStage[] {
  if (inputRate === outputRate) return [];
  return outputRate < inputRate
    ? planDown(inputRate, outputRate, band)
    : planUp(inputRate, outputRate, band);
}

function planDown(inputRate: number, outputRate: number, band: Band): ResamplerStage[] {
  const stages: ResamplerStage[] = [];
  const sharpRate = 2 * outputRate;
  // Halves of odd rates are rates too: exact, since they are dyadic fractions.
  let rate = inputRate;
  for (; rate / 2 >= sharpRate; rate /= 2) stages.push(guardHalving(rate, band));
  // What the sharp filter will stop, the short one may let through.
  if (rate !== sharpRate) stages.push(ratioStage(rate, sharpRate, sharpRate, band));
  stages.push(sharpHalving(band));
  return stages;
}

function planUp(inputRate: number, outputRate: number, band: Band): ResamplerStage[] {
  const sharpRate = 2 * inputRate;
  const doublings: ResamplerStage[] = [];
  let rate = outputRate;
  for (; rate / 2 >= sharpRate; rate /= 2) doublings.unshift(guardDoubling(rate / 2, band));
  const stages: ResamplerStage[] = [sharpDoubling(band)];
  if (rate !== sharpRate) stages.push(ratioStage(sharpRate, rate, sharpRate, band));
  return [...stages, ...doublings];
}

let module: object | undefined;

/** The compiled kernel, or its bytes where compiling failed here: elsewhere it may not. Kept out of worklet bundles. */
export function resamplerModule(): object {
  if (module === undefined) {
    const bytes = decodeBase64(RESAMPLER_WASM);
    module = compileWasm(bytes) ?? bytes;
  }
  return module;
}
