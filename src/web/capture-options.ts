import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { numberIn, oneOf } from '../core/arguments.ts';
import { CHUNK_ENCODINGS, longestPayload } from '../core/capture/chunk.ts';
import type { Chunk, ChunkEncoding, ChunkOptions } from '../core/capture/chunk.ts';
import type { PayloadFormat, SampleFormat } from '../core/format/formats.ts';
import type { Dither } from '../core/format/sample-format.ts';
import { checkSampleStream } from '../core/format/check-stream.ts';
import type { ResamplerQuality } from '../core/resampler/resampler-plan.ts';
import type { WorkletUrl } from './worklet-loader.ts';
import type { AbortOptions } from './abort.ts';
import type { MicwireError } from '../core/errors.ts';

/** Options of a capture. */
export interface CaptureOptions extends AbortOptions {
  /**
   * Frames per second of the chunks: any integer from 3000 to 768000 Hz. The context keeps its own rate; the audio is
   * resampled.
   * @default the context's rate
   */
  readonly sampleRate?: number;
  /** Channels of the chunks, 1–32. The input is mixed by Web Audio's speaker rules. @default 1 */
  readonly channels?: number;
  /** @default 's16' */
  readonly format?: SampleFormat;
  /**
   * Milliseconds of a chunk, 1–10000, not necessarily an integer. If this is not a whole number of frames, chunk
   * lengths alternate between two values, so that the rate is exact on average.
   * @default 20
   */
  readonly chunkDurationMs?: number;
  /**
   * `'base64'` encodes on the audio thread, a little in every render quantum. Chunks have `bytes` and `base64` either
   * way. @default 'binary'
   */
  readonly encoding?: ChunkEncoding;
  /** Noise of ±1 step for formats of integers, which removes the distortion of quiet audio. @default 'none' */
  readonly dither?: Dither;
  /**
   * Milliseconds of audio, 100–60000, that may be queued on each side of the thread boundary: on the audio thread while
   * the reading thread is blocked, and in the reader's queue while nobody reads. Older audio is dropped and counted.
   * @default 6000
   */
  readonly bufferDurationMs?: number;
  /** Quality of the resampler: attenuation of 100, 120 or 140 dB. @default 'hq' */
  readonly quality?: ResamplerQuality;
  /** Your own copy of the worklet file: see `loadWorklet`. */
  readonly workletUrl?: WorkletUrl;
}
const NAMES: OptionNames<CaptureOptions> = {
  sampleRate: 1,
  channels: 1,
  format: 1,
  chunkDurationMs: 1,
  encoding: 1,
  dither: 1,
  bufferDurationMs: 1,
  quality: 1,
  workletUrl: 1,
  signal: 1,
};

/** {@link CaptureOptions} checked and filled in. */
export interface CaptureSettings<
  Format extends PayloadFormat = SampleFormat,
> extends ChunkOptions<Format> {
  readonly chunkDurationMs: number;
  /** Bytes of the longest payload, as it crosses the thread. */
  readonly payloadBytes: number;
  readonly dither: Dither;
  readonly quality: ResamplerQuality;
  /** Chunks that fit into `bufferDurationMs`. */
  readonly maxChunks: number;
}

/** @throws TypeError or RangeError for a wrong option */
export function captureSettings(options: CaptureOptions, contextRate: number): CaptureSettings {
  checkOptions('Capture', options, NAMES);
  const { format = 's16', sampleRate = contextRate, channels = 1 } = options;
  const chunkDurationMs = numberIn('chunkDurationMs', options.chunkDurationMs ?? 20, 1, 10_000);
  const bufferDurationMs = numberIn(
    'bufferDurationMs',
    options.bufferDurationMs ?? 6000,
    100,
    60_000,
  );
  const chunks = {
    stream: checkSampleStream({ format, sampleRate, channels }),
    encoding: oneOf('encoding', options.encoding ?? 'binary', CHUNK_ENCODINGS),
  };
  return {
    ...chunks,
    chunkDurationMs,
    payloadBytes: longestPayload(chunks, chunkDurationMs),
    dither: oneOf('dither', options.dither ?? 'none', ['none', 'tpdf']),
    quality: oneOf('quality', options.quality ?? 'hq', ['voice', 'hq', 'vhq']),
    // One more, because one is always being written.
    maxChunks: Math.ceil(bufferDurationMs / chunkDurationMs) + 1,
  };
}

/** Events of a `Capture`. */
export interface CaptureEventMap<Format extends PayloadFormat = SampleFormat> {
  /** A chunk, in `detail`. The first listener makes these events the capture's reader until it ends. */
  readonly chunk: CustomEvent<Chunk<Format>>;
  /** `capture.state` has changed. */
  readonly statechange: Event;
  /**
   * A failure, in `detail`. The capture may recover from `'stalled'`; after `'worker-gone'` of a Worker that read, the
   * page can read again; after `'processor-error'` the capture is closed.
   */
  readonly error: CustomEvent<MicwireError>;
}
