import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { describe, oneOf } from '../core/arguments.ts';
import type { OpusOptions } from '../core/codec/opus-options.ts';
import type { SampleFormat } from '../core/dsp/sample-format.ts';
import { captureSettings } from './capture-options.ts';
import type { CaptureOptions } from './capture-options.ts';
import { opusCaptureSettings } from './opus-capture-options.ts';
import type { OpusCaptureOptions, OpusRoute } from './opus-capture-options.ts';
import type { WorkerUrl } from './opus-worker-loader.ts';
import type { Mediabunny } from './webm-file.ts';
import type { WorkletUrl } from './worklet-loader.ts';

/** What a recording lies in: Opus in Ogg or WebM, samples in WAV. */
export type RecorderContainer = 'ogg' | 'webm' | 'wav';

/** Every {@link RecorderContainer}, for menus and checks. */
export const RECORDER_CONTAINERS: readonly RecorderContainer[] = ['ogg', 'webm', 'wav'];

/** How a recording is made. */
export interface RecorderOptions extends OpusOptions {
  readonly container: RecorderContainer;
  /** @default 48000 for Opus, the context's rate for WAV */
  readonly sampleRate?: number;
  /** @default 1 */
  readonly channels?: number;
  /** Of WAV. @default 's16' */
  readonly format?: SampleFormat;
  /** Where Opus is encoded. @default 'auto' */
  readonly encodeIn?: OpusRoute;
  /** Names and values to be stored in an Ogg file: `{ TITLE: 'Interview' }`. */
  readonly tags?: Readonly<Record<string, string>>;
  /**
   * Where the file goes as it grows, in place of a Blob at the end: `await fileHandle.createWritable()`, or any stream of bytes.
   * It is closed at the end. A browser shows a file of the file system only when it has been closed: see `backup`.
   */
  readonly stream?: WritableStream;
  /**
   * A name under which everything is also stored as it is recorded, so that a crash costs at most the last second:
   * `unfinishedRecordings()` finds it again. Deleted when the recording is complete. For Ogg and WAV.
   */
  readonly backup?: string;
  /** WebM needs the package mediabunny, which you install: `mediabunny: () => import('mediabunny')`. */
  readonly mediabunny?: () => Promise<Mediabunny> | Mediabunny;
  /** Your own copy of a worklet's file: see `loadWorklet`. */
  readonly workletUrl?: WorkletUrl;
  /** Your own copy of `libopus.wasm`: see `loadOpusModule`. */
  readonly opusUrl?: string | URL;
  /** Your own copy of `worker/opus.js`. */
  readonly workerUrl?: WorkerUrl;
}
const NAMES: OptionNames<RecorderOptions> = {
  container: 1,
  sampleRate: 1,
  channels: 1,
  format: 1,
  encodeIn: 1,
  tags: 1,
  stream: 1,
  backup: 1,
  mediabunny: 1,
  workletUrl: 1,
  opusUrl: 1,
  workerUrl: 1,
  bitrate: 1,
  complexity: 1,
  application: 1,
  frameDuration: 1,
  fec: 1,
  expectedLoss: 1,
  dtx: 1,
  bitrateMode: 1,
  signal: 1,
};

/** Milliseconds of samples that come at once: few messages, and little to lose. */
const WAV_CHUNK_MS = 100;

/** What a `Recorder` captures. @throws TypeError or RangeError for an option that is none or out of range */
export function recorderCapture(
  options: RecorderOptions,
  contextRate: number,
): CaptureOptions | OpusCaptureOptions {
  checkOptions('Recorder', options, NAMES);
  const container = oneOf('container', options.container, RECORDER_CONTAINERS);
  const { stream, mediabunny, backup } = options;
  if (stream !== undefined && typeof stream.getWriter !== 'function') {
    throw new TypeError(`stream must be a WritableStream, got ${describe(stream)}.`);
  }
  if (container === 'webm') {
    if (typeof mediabunny !== 'function') {
      throw new TypeError(
        "container 'webm' needs the package mediabunny: npm install mediabunny, and pass mediabunny: () => import('mediabunny').",
      );
    }
    if (backup !== undefined) {
      throw new TypeError(
        "backup is for 'ogg' and 'wav': a WebM file that is cut off has no index.",
      );
    }
  }
  const { sampleRate, channels, workletUrl } = options;
  const common = {
    ...(sampleRate === undefined ? {} : { sampleRate }),
    ...(channels === undefined ? {} : { channels }),
    ...(workletUrl === undefined ? {} : { workletUrl }),
  };
  if (container === 'wav') {
    const { format = 's16' } = options;
    const capture: CaptureOptions = { ...common, format, chunkDuration: WAV_CHUNK_MS };
    captureSettings(capture, contextRate);
    return capture;
  }
  if (options.format !== undefined) {
    throw new TypeError(`format is for WAV; '${container}' holds Opus.`);
  }
  const capture: OpusCaptureOptions = { ...opusOptionsOf(options), ...common, format: 'opus' };
  opusCaptureSettings(capture);
  return capture;
}

function opusOptionsOf(options: RecorderOptions): Partial<OpusCaptureOptions> {
  const { bitrate, complexity, application, frameDuration, fec, expectedLoss, dtx } = options;
  const { bitrateMode, signal, encodeIn, opusUrl, workerUrl } = options;
  return {
    bitrate,
    complexity,
    application,
    frameDuration,
    fec,
    expectedLoss,
    dtx,
    bitrateMode,
    signal,
    opusUrl,
    workerUrl,
    ...(encodeIn === undefined ? {} : { encodeIn }),
  };
}
