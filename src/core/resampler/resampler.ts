import { checkObject, checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { planResampler } from './resampler-planner.ts';
import type { ResamplerPlanOptions } from './usual-planner.ts';
import { createOn } from './resampler-stream.ts';
import type { ResamplerExecution } from './resampler-plan.ts';
import type { StreamResampler } from './resampler-stream.ts';
import { sharedKernel } from './shared-resamplers.ts';

/** Options of a {@link Resampler}. */
export interface ResamplerOptions extends ResamplerPlanOptions {
  /** Number of channels, 1 to 32. @default 1 */
  readonly channels?: number;
}
const NAMES = {
  inputRate: 1,
  outputRate: 1,
  quality: 1,
  strict: 1,
  execution: 1,
  channels: 1,
} satisfies OptionNames<ResamplerOptions>;

/**
 * Converts a stream between two fixed rates, any integers from 3000 to 768000 Hz: rational, so it never drifts; linear phase;
 * delay-compensated. The output is bit for bit the same however the input is split into blocks. Sixteen resamplers with the same
 * options share one WebAssembly memory, so that a server can have hundreds.
 *
 * The constructor designs filters (milliseconds, cached). For the audio thread, make the plan on another thread with
 * {@link planResampler} and call {@link createResampler} on the audio thread.
 */
export class Resampler implements StreamResampler {
  readonly latencyFrames: number;
  readonly flushFramesMax: number;
  readonly execution: ResamplerExecution;
  readonly #stream: StreamResampler;

  constructor(options: ResamplerOptions) {
    checkOptions('Resampler', options, NAMES);
    const { channels = 1, ...plan } = options;
    this.#stream = createOn(sharedKernel, planResampler(plan), channels);
    this.latencyFrames = this.#stream.latencyFrames;
    this.flushFramesMax = this.#stream.flushFramesMax;
    this.execution = this.#stream.execution;
  }

  outputFramesMax(inputFrames: number): number {
    return this.#stream.outputFramesMax(inputFrames);
  }

  process(
    input: readonly Float32Array[],
    output: readonly Float32Array[],
    frames?: number,
  ): number {
    return this.#stream.process(input, output, frames);
  }

  flush(output: readonly Float32Array[]): number {
    return this.#stream.flush(output);
  }

  reset(): void {
    this.#stream.reset();
  }

  close(): void {
    this.#stream.close();
  }
}

/**
 * Converts whole signals in one call: n frames become round(n · to / from). Allocates the result.
 * @param channels planar, of equal length; not modified
 */
export function resample(
  channels: readonly Float32Array[],
  from: number,
  to: number,
  options: Omit<ResamplerPlanOptions, 'inputRate' | 'outputRate'> = {},
): Float32Array[] {
  checkObject('channels must be an array of Float32Arrays', channels, 'length');
  checkOptions('resample', options, NAMES);
  if (channels.length === 0) return [];
  const resampler = new Resampler({
    ...options,
    inputRate: from,
    outputRate: to,
    channels: channels.length,
  });
  const frames = channels[0]!.length;
  const size = resampler.outputFramesMax(frames) + resampler.flushFramesMax;
  const output = channels.map(() => new Float32Array(size));
  const written = resampler.process(channels, output, frames);
  const tail = output.map((channel) => channel.subarray(written));
  const total = written + resampler.flush(tail);
  resampler.close();
  return output.map((channel) => channel.slice(0, total));
}
