import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { MAX_CHANNELS, integerIn, numberIn, oneOf } from '../core/arguments.ts';
import { checkStream } from '../core/format/check-stream.ts';
import type { PayloadFormat, SampleFormat } from '../core/format/formats.ts';
import { isSampled } from '../core/format/stream-format.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import type { ResamplerQuality } from '../core/resampler/resampler-plan.ts';
import type { BacklogMode } from '../core/playout/backlog-policy.ts';
import type { WorkletUrl } from './worklet-loader.ts';
import type { PlayoutProcessorOptions } from '../core/messages.ts';
import type { AbortOptions } from './abort.ts';
import { resamplerBetween } from './resampler-design.ts';

/** Options of a `Playout`. */
export interface PlayoutOptions extends Partial<StreamFormat>, AbortOptions {
  /** Sample rate of the written audio, in Hz: any integer from 3000 to 768000. */
  readonly sampleRate: number;
  /** Number of channels in the written audio, 1–32, interleaved. @default 1 */
  readonly channels?: number;
  /** Format of the written audio. With `'opus'`, each write is one packet. @default 's16' */
  readonly format?: PayloadFormat;
  /** Opus: number of frames to leave out at the start; pass the capture's `preSkip`. @default 0 */
  readonly preSkip?: number | undefined;
  /** Opus: gain to apply, in dB, −128 to 127.99. @default 0 */
  readonly gainDb?: number | undefined;
  /** Opus: your own copy of `libopus.wasm`, see `loadOpusModule`. */
  readonly opusUrl?: string | URL | undefined;
  /**
   * How long audio waits before it plays, at the start and after an underrun, in ms, 0–10000. A chunk may arrive this late without
   * causing a gap.
   * @default 60
   */
  readonly targetDelayMs?: number;
  /**
   * What happens to audio that waits longer than `targetDelayMs`. `'keep'`, for replies that arrive faster than real time, plays
   * all audio, and starts as soon as `targetDelayMs` is queued. `'catch-up'`, for live streams, removes the excess: up to a second
   * by playing at most 25 % faster at the same pitch, more than that by skipping. Each skip dispatches `'skipped'`.
   * @default 'keep'
   */
  readonly backlog?: BacklogMode;
  /**
   * Maximum length of queued audio, in ms, 100–3600000. `write` accepts no more than that: it returns how many frames it took, and
   * `'skipped'` is dispatched for the rest. Memory is allocated as needed.
   * @default 1800000, half an hour, with `'keep'`; 10000 with `'catch-up'`
   */
  readonly maxBufferMs?: number;
  /** Number of channels of the node's output, 1–32. @default `channels` */
  readonly outputChannels?: number;
  /** Quality of the resampler, used if the context has a different rate. @default 'hq' */
  readonly quality?: ResamplerQuality;
  /** Your own copy of the worklet file: see `loadWorklet`. */
  readonly workletUrl?: WorkletUrl;
}
const NAMES = {
  sampleRate: 1,
  channels: 1,
  format: 1,
  preSkip: 1,
  gainDb: 1,
  opusUrl: 1,
  targetDelayMs: 1,
  backlog: 1,
  maxBufferMs: 1,
  outputChannels: 1,
  quality: 1,
  workletUrl: 1,
  signal: 1,
} satisfies OptionNames<PlayoutOptions>;

/** The validated options, with the defaults filled in. */
export interface PlayoutSettings extends StreamFormat {
  /** The stream that reaches the processor: decoded packets arrive as floats. */
  readonly samples: StreamFormat<SampleFormat>;
  readonly targetDelayMs: number;
  readonly backlog: BacklogMode;
  readonly maxBufferMs: number;
  readonly outputChannels: number;
  readonly quality: ResamplerQuality;
}

const DEFAULT_TARGET_MS = 60;
const DEFAULT_MAX_MS = { 'catch-up': 10_000, keep: 1_800_000 } as const;
/** Shortest buffer, in ms: a shorter one could not hold a single chunk. */
const MIN_BUFFER_MS = 100;
const MAX_BUFFER_MS = 3_600_000;
/** The longest {@link PlayoutOptions.targetDelayMs}, ms. */
const MAX_TARGET_MS = 10_000;

/** @throws TypeError or RangeError when an option is invalid */
export function checkPlayoutOptions(options: PlayoutOptions): PlayoutSettings {
  checkOptions('Playout', options, NAMES);
  const { format = 's16', sampleRate, channels = 1 } = options;
  const stream = checkStream({ format, sampleRate, channels });
  const backlog = oneOf('backlog', options.backlog ?? 'keep', ['keep', 'catch-up']);
  const { maxBufferMs = DEFAULT_MAX_MS[backlog] } = options;
  return {
    ...stream,
    samples: isSampled(stream) ? stream : { ...stream, format: 'f32' },
    targetDelayMs: checkTargetDelay(options.targetDelayMs ?? DEFAULT_TARGET_MS),
    backlog,
    maxBufferMs: numberIn('maxBufferMs', maxBufferMs, MIN_BUFFER_MS, MAX_BUFFER_MS),
    outputChannels: integerIn(
      'outputChannels',
      options.outputChannels ?? channels,
      1,
      MAX_CHANNELS,
    ),
    quality: oneOf('quality', options.quality ?? 'hq', ['voice', 'hq', 'vhq']),
  };
}

/** @throws TypeError or RangeError unless it is 0–10000 */
export function checkTargetDelay(targetDelayMs: unknown): number {
  return numberIn('targetDelayMs', targetDelayMs, 0, MAX_TARGET_MS);
}

/**
 * Creates the processor's node in a context that has loaded its worklet.
 * @param capacityFrames initial capacity of the queue, in wire frames
 * @throws TypeError when the rates differ and the filter design has not been loaded
 */
export function createPlayoutNode(
  context: BaseAudioContext,
  settings: PlayoutSettings,
  capacityFrames: number,
): AudioWorkletNode {
  const { samples, sampleRate, backlog, outputChannels, quality, targetDelayMs } = settings;
  const processorOptions: PlayoutProcessorOptions = {
    ...samples,
    outputChannels,
    resampler: resamplerBetween(sampleRate, context.sampleRate, quality),
    targetFrames: Math.round((targetDelayMs / 1000) * sampleRate),
    backlog,
    capacityFrames,
  };
  return new AudioWorkletNode(context, 'micwire-playout', {
    numberOfInputs: 0,
    numberOfOutputs: 1,
    outputChannelCount: [outputChannels],
    processorOptions,
  });
}
