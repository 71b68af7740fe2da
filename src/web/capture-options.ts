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
   * Sample rate of the chunks, in Hz: any integer from 3000 to 768000. The context keeps its own rate; the audio is resampled.
   * @default the context's rate
   */
  readonly sampleRate?: number;
  /** Number of channels in the chunks, 1–32. The input is mixed by Web Audio's speaker rules. @default 1 */
  readonly channels?: number;
  /** Format of the samples. @default 's16' */
  readonly format?: SampleFormat;
  /**
   * Length of a chunk in milliseconds, 1–10000, not necessarily an integer. If this is not a whole number of frames, chunk lengths
   * alternate between two values, so that the rate is exact on average.
   * @default 20
   */
  readonly chunkDurationMs?: number;
  /**
   * `'base64'` encodes on the audio thread, a little in every render quantum. Chunks have `bytes` and `base64` either
   * way. @default 'binary'
   */
  readonly encoding?: ChunkEncoding;
  /** Adds noise of ±1 step in integer formats, which removes the distortion of quiet audio. @default 'none' */
  readonly dither?: Dither;
  /**
   * How much audio may be queued on each side of the thread boundary, in milliseconds, 100–60000: on the audio thread while the
   * reading thread is blocked, and in the reader's queue while no chunks are read. Older audio is dropped and counted.
   * @default 6000
   */
  readonly bufferDurationMs?: number;
  /** Quality of the resampler: stop-band attenuation of 100, 120 or 140 dB. @default 'hq' */
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

/** {@link CaptureOptions} after validation, with the defaults filled in. */
export interface CaptureSettings<
  Format extends PayloadFormat = SampleFormat,
> extends ChunkOptions<Format> {
  readonly chunkDurationMs: number;
  /** Size of the longest payload that crosses the thread boundary, in bytes. */
  readonly payloadBytes: number;
  readonly dither: Dither;
  readonly quality: ResamplerQuality;
  /** Number of chunks that fit into `bufferDurationMs`. */
  readonly maxChunks: number;
}

/** @throws TypeError or RangeError for an invalid option */
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
    // Plus one, because one chunk is always being written.
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
   * A failure, in `detail`. The capture may recover from `'stalled'`. After `'worker-gone'` for a Worker that was reading, the page
   * can read again. After `'processor-error'` the capture is closed.
   */
  readonly error: CustomEvent<MicwireError>;
}
