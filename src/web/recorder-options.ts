import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { describe, oneOf } from '../core/arguments.ts';
import type { OpusOptions } from '../core/codec/opus-options.ts';
import { checkOggTags } from '../core/container/ogg-opus.ts';
import type { RecorderContainer } from '../core/container/recording-muxer.ts';
import type { SampleFormat } from '../core/format/formats.ts';
import type { AbortOptions } from './abort.ts';
import { captureSettings } from './capture-options.ts';
import type { CaptureOptions } from './capture-options.ts';
import { OPUS_NAMES, opusCaptureSettings } from './opus-capture-options.ts';
import type { OpusCaptureOptions, OpusRoute } from './opus-capture-options.ts';
import type { WorkerUrl } from './worker-loader.ts';
import type { WorkletUrl } from './worklet-loader.ts';

export type { RecorderContainer };

/** Every {@link RecorderContainer}, for menus and checks. */
const RECORDER_CONTAINERS: readonly RecorderContainer[] = ['ogg', 'webm', 'wav'];

/** Options of a recording. */
export interface RecorderOptions extends OpusOptions, AbortOptions {
  readonly container: RecorderContainer;
  /** Sample rate of the recording in Hz. @default 48000 for Opus, the context's rate for WAV */
  readonly sampleRate?: number;
  /** Number of channels. @default 1 */
  readonly channels?: number;
  /** Sample format of WAV. @default 's16' */
  readonly format?: SampleFormat;
  /** Where Opus is encoded. @default 'auto' */
  readonly encodeIn?: OpusRoute;
  /** Tags to store in an Ogg file, for example `{ TITLE: 'Interview' }`. */
  readonly tags?: Readonly<Record<string, string>>;
  /**
   * Receives the file as it grows, instead of a Blob at the end: `await fileHandle.createWritable()`, or any stream of bytes. Bytes
   * arrive in order; only the header of WAV and WebM is rewritten at the end, if the stream has `seek`. The stream is closed at the
   * end, or aborted if there is no file. A stream that accepts no bytes for 10 s ends the recording. A file in the file system
   * becomes visible only when it is closed: see `backup`.
   */
  readonly stream?: WritableStream;
  /**
   * A name under which the recording is also stored as it grows, by a Worker that does not depend on the page, so that a crash
   * costs at most the last second: `unfinishedRecordings()` finds it again. The backup is deleted when the recording is complete.
   * If the backup fails, an `'error'` event with the code `'backup'` follows, and the recording continues.
   */
  readonly backup?: string;
  /**
   * Your own copies of the worklet files. A recorder needs two, the capture's and the meter's, so pass a function of the name; a
   * single URL is used for the capture's file.
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
  signal: 1,
  ...OPUS_NAMES,
};

/** Length of a WAV chunk in milliseconds: long enough for few messages, and short enough to lose little. */
const WAV_CHUNK_MS = 100;

/**
 * Returns the options of the capture behind a `Recorder`.
 * @throws TypeError or RangeError for an invalid option or a value out of range
 */
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
      throw new TypeError('stream must not be locked: release its other writer first.');
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
    const capture: CaptureOptions = { ...common, format, chunkDurationMs: WAV_CHUNK_MS };
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
  const { bitrate, complexity, application, packetDurationMs, fec, expectedLossPercent, dtx } =
    options;
  const { bitrateMode, signalType, encodeIn, opusUrl, workerUrl } = options;
  return {
    bitrate,
    complexity,
    application,
    packetDurationMs,
    fec,
    expectedLossPercent,
    dtx,
    bitrateMode,
    signalType,
    opusUrl,
    workerUrl,
    ...(encodeIn === undefined ? {} : { encodeIn }),
  };
}
