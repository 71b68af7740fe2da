import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { describe, oneOf } from '../core/arguments.ts';
import type { OpusOptions } from '../core/codec/opus-options.ts';
import { checkOggTags } from '../core/container/ogg-opus.ts';
import type { RecorderContainer } from '../core/container/recording-muxer.ts';
import type { SampleFormat } from '../core/format/formats.ts';
import { captureSettings } from './capture-options.ts';
import type { CaptureOptions } from './capture-options.ts';
import { OPUS_NAMES, opusCaptureSettings } from './opus-capture-options.ts';
import type { OpusCaptureOptions, OpusRoute } from './opus-capture-options.ts';
import type { WorkerUrl } from './worker-loader.ts';
import type { WorkletUrl } from './worklet-loader.ts';

export type { RecorderContainer };

/** Every {@link RecorderContainer}, for menus and checks. */
const RECORDER_CONTAINERS: readonly RecorderContainer[] = ['ogg', 'webm', 'wav'];

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
   * Bytes come in order; only a WAV's or a WebM's head is mended at the end, where the stream has `seek`. It is closed at the
   * end, or aborted when there is no file. One that takes no bytes for 10 s ends the recording. A browser shows a file of the
   * file system only when it has been closed: see `backup`.
   */
  readonly stream?: WritableStream;
  /**
   * A name under which everything is also stored as it is recorded, by a Worker that needs nothing of the page, so that a crash
   * costs at most the last second: `unfinishedRecordings()` finds it again. Deleted when the recording is complete. Where it
   * fails an `'error'` event with the code `'backup'` tells it, and the recording continues.
   */
  readonly backup?: string;
  /**
   * Your own copies of the worklets' files. A recorder needs two, the capture's and the meter's, so give a function from the
   * name: a single address is taken for the capture's.
   */
  readonly workletUrl?: WorkletUrl;
  /** Your own copy of `libopus.wasm`: see `loadOpusModule`. */
  readonly opusUrl?: string | URL;
  /** Your own copy of `worker/opus.js`. */
  readonly workerUrl?: WorkerUrl;
  /** Your own copy of `worker/backup.js`. */
  readonly backupWorkerUrl?: WorkerUrl;
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
  backupWorkerUrl: 1,
  workletUrl: 1,
  opusUrl: 1,
  workerUrl: 1,
  ...OPUS_NAMES,
};

/** Milliseconds of samples that come at once: few messages, and little to lose. */
const WAV_CHUNK_MS = 100;

/** What a `Recorder` captures. @throws TypeError or RangeError for a wrong option or out of range */
export function recorderCapture(
  options: RecorderOptions,
  contextRate: number,
): CaptureOptions | OpusCaptureOptions {
  checkOptions('Recorder', options, NAMES);
  const container = oneOf('container', options.container, RECORDER_CONTAINERS);
  const { stream, backup, tags } = options;
  if (stream !== undefined) {
    if (typeof stream?.getWriter !== 'function') {
      throw new TypeError(`stream must be a WritableStream, got ${describe(stream)}.`);
    }
    if (stream.locked) {
      throw new TypeError('stream must not be locked: another writer has it. Release that first.');
    }
  }
  if (backup !== undefined && typeof backup !== 'string') {
    throw new TypeError(`backup must be a name, got ${describe(backup)}.`);
  }
  if (tags !== undefined && container !== 'ogg') {
    throw new TypeError(`tags are for Ogg, got them for '${container}'.`);
  }
  checkOggTags(tags);
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
