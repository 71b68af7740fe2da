/** Plans the usual conversions, whose filters are stored. Small: no design code. */
import { booleanOf, integerIn, oneOf, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from '../arguments.ts';
import { bytesOfText } from '../dsp/byte-text.ts';
import { compileWasm } from '../dsp/wasm-instance.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { ResamplerPlan, ResamplerQuality } from './resampler-plan.ts';
import { bandFor } from './resampler-specification.ts';
import { lookAheadFrames, planStages } from './resampler-stages.ts';
import type { ResamplerFilters } from './resampler-stages.ts';
import { RESAMPLER_WASM } from './resampler-wasm-bytes.ts';
import { usualFilters } from './usual-filters.ts';

/** Options of a resampler's plan. */
export interface ResamplerPlanOptions {
  /** Hz, an integer from 3000 to 768000. */
  readonly inputRate: number;
  /** Hz, an integer from 3000 to 768000. */
  readonly outputRate: number;
  /** Attenuation of 100, 120 or 140 dB. @default 'hq' */
  readonly quality?: ResamplerQuality;
  /**
   * `true`: nothing above the lower Nyquist frequency passes. `false`: frequencies may alias within a band around that
   * frequency, which starts at the end of the passband and reaches equally far above. That halves the work and the delay.
   * @default false
   */
  readonly strict?: boolean;
  /**
   * Runs as a WebAssembly SIMD kernel, or in plain TypeScript. They agree to −130 dB. `'auto'` uses WebAssembly if the engine and
   * the page's Content Security Policy allow it; `'wasm'` fails if they do not.
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

/** Options of a plan, checked and complete. */
export type ResamplerTask = Required<ResamplerPlanOptions>;

/** @param where names the function in errors */
export function resamplerTask(where: string, options: ResamplerPlanOptions): ResamplerTask {
  checkOptions(where, options, NAMES);
  return {
    inputRate: integerIn('inputRate', options.inputRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE),
    outputRate: integerIn('outputRate', options.outputRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE),
    quality: oneOf('quality', options.quality ?? 'hq', ['voice', 'hq', 'vhq']),
    strict: booleanOf('strict', options.strict ?? false),
    execution: oneOf('execution', options.execution ?? 'auto', ['auto', 'wasm', 'typescript']),
  };
}

/** Most plans in the cache: on a server, clients choose the rates. */
const MAX_PLANS = 64;
const cache = new Map<string, ResamplerPlan>();

/**
 * Makes the plan of a task, or returns it from the cache; undefined if `filters` lacks one of its filters.
 * @param wasm the kernel for the task's quality
 */
export function makePlan(
  task: ResamplerTask,
  filters: ResamplerFilters,
  wasm: () => object,
): ResamplerPlan | undefined {
  const { inputRate, outputRate, quality, strict, execution } = task;
  const key = Object.values(task).join();
  let plan = cache.get(key);
  if (plan === undefined) {
    const band = bandFor(Math.min(inputRate, outputRate), quality, strict);
    const stages = planStages(inputRate, outputRate, band, filters);
    if (stages === undefined) return undefined;
    plan = {
      inputRate,
      outputRate,
      quality,
      strict,
      stages,
      latencyFrames: lookAheadFrames(stages),
      wasm: execution === 'typescript' ? undefined : wasm(),
      requireWasm: execution === 'wasm',
    };
    if (cache.size === MAX_PLANS) cache.delete(cache.keys().next().value!);
    cache.set(key, plan);
  }
  return plan;
}

/** Returns the plan of a usual conversion; undefined for others, which {@link planResampler} designs. */
export function planUsual(task: ResamplerTask): ResamplerPlan | undefined {
  return task.quality === 'vhq' ? undefined : makePlan(task, usualFilters, singleModule);
}

let module: object | undefined;

/** Returns the kernel in single precision. Kept out of worklet bundles. */
export function singleModule(): object {
  return (module ??= moduleOf(RESAMPLER_WASM));
}

/** Compiles a kernel. If that fails here, returns its bytes: it may succeed elsewhere. */
export function moduleOf(text: string): object {
  const bytes = bytesOfText(text);
  return compileWasm(bytes) ?? bytes;
}
