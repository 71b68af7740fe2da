import { checkContext } from '../core/option-names.ts';
import type { PayloadFormat } from '../core/format/formats.ts';
import type { RecordingOptions } from '../core/container/recording-muxer.ts';
import { MicwireError, errorCode, errorText } from '../core/errors.ts';
import type { MeterReading } from '../core/metering/meter-table.ts';
import { checkSignal } from './abort.ts';
import { Capture } from './capture.ts';
import { makeInOpenContext, whileOpen } from './context-life.ts';
import { connectSource, disconnectSource, openSource } from './capture-source.ts';
import type { CaptureSource, LivingSource, OpenSource } from './capture-source.ts';
import { Meter } from './meter.ts';
import type { CaptureOptions } from './capture-options.ts';
import type { OpusCaptureOptions } from './opus-capture-options.ts';
import { RecorderBackup } from './recorder-backup.ts';
import type { RecorderBackupState } from './recorder-backup.ts';
import { RecordingFile, BlobSink, StreamSink } from './recording-file.ts';
import { recorderCapture } from './recorder-options.ts';
import type { RecorderContainer, RecorderOptions } from './recorder-options.ts';
import { sleep } from './patience.ts';
import { TypedEventTarget } from './typed-event-target.ts';

/**
 * How long a recording waits for its backup before it starts capturing, in ms. If the backup takes longer, captured chunks wait for
 * it.
 */
const BACKUP_HEAD_START_MS = 1000;

/**
 * State of a recorder. `'stopped'`: `stop()` returns the file; `'failed'`: the file could not be written, and `stop()` rejects with
 * the reason; `'closed'`: closed by `close()`.
 */
export type RecorderState = 'recording' | 'paused' | 'stopped' | 'failed' | 'closed';

/** Events of a {@link Recorder}. */
export interface RecorderEventMap {
  /** `recorder.state` has changed. */
  readonly statechange: Event;
  /**
   * A failure, in `detail`. In the state `'failed'` there is no file. If a backup (code `'backup'`) or the meter fails, the
   * recording continues; if the capture fails, the file is completed.
   */
  readonly error: CustomEvent<MicwireError>;
}

/**
 * Records a track, a node or a `Microphone` to a file, as Opus or PCM.
 *
 * @example
 * const recorder = await Recorder.create(context, stream, { container: 'ogg', bitrate: 32000 });
 * …
 * const file = await recorder.stop();
 * link.href = URL.createObjectURL(file);
 */
export class Recorder extends TypedEventTarget<RecorderEventMap> {
  readonly container: RecorderContainer;
  /** The capture behind the file. Read its `node`, `stats` and `state`, and leave its chunks alone. */
  readonly capture: Capture<PayloadFormat>;
  readonly #file: RecordingFile;
  readonly #backup: RecorderBackup | undefined;
  /** The level meter; undefined if it could not be created, because a recording works without it. */
  readonly #meter: Meter<'peak' | 'rms'> | undefined;
  readonly #reading: MeterReading<'peak' | 'rms'> | undefined;
  #meterSource: OpenSource;
  readonly #options: RecorderOptions;
  /** Resolves with the file when everything is written. */
  readonly #result: Promise<Blob | undefined>;
  #state: RecorderState = 'recording';
  #captureError: MicwireError | undefined;
  #closing: Promise<void> | undefined;
  /** Frames in the file. */
  #frames = 0;
  /** True when no more audio will be written. */
  #done = false;
  /** Callbacks for each written chunk. */
  readonly #onWritten = new Set<() => void>();
  /** The pause in progress, or the last one. */
  #pausing: Promise<void> | undefined;

  /**
   * Loads the worklets and starts recording.
   * @throws as `Capture.create`; TypeError for options that do not suit the container
   */
  static async create(
    context: BaseAudioContext,
    source: CaptureSource,
    options: RecorderOptions,
  ): Promise<Recorder> {
    checkContext('Recorder.create', context);
    const captureOptions = recorderCapture(options, context.sampleRate);
    const { signal } = options;
    const opening = { context, signal };
    checkSignal(signal);
    // One node for all: with two nodes on one track, WebKitGTK 2.50 sometimes leaves one of them repeating its first quantum (in
    // two of six runs).
    const opened = openSource(context, source);
    const captured = recordedSource(opened, options);
    // Before the capture starts, because from then on audio could be lost; but a backup that hangs must not delay a recording.
    const backing = openBackup(context, captured, captureOptions, options);
    const meters = openMeter(context, options);
    let capture: Capture<PayloadFormat> | undefined;
    try {
      await whileOpen(
        opening,
        Promise.all([meters, Promise.race([backing, sleep(BACKUP_HEAD_START_MS)])]),
      );
      capture = (await Capture.create(context, captured, {
        ...captureOptions,
        signal,
      } as never)) as Capture<PayloadFormat>;
      const made = capture;
      const [meter, backup] = await whileOpen(opening, Promise.all([meters, backing]));
      return makeInOpenContext(opening, () => new Recorder(options, made, meter, opened, backup));
    } catch (error) {
      opened.release();
      void meters.then((meter) => (meter instanceof Meter ? meter.close() : undefined));
      void backing.then((backup) => backup?.end(true));
      await capture?.close();
      throw error;
    }
  }

  private constructor(
    options: RecorderOptions,
    capture: Capture<PayloadFormat>,
    meter: Meter<'peak' | 'rms'> | MicwireError,
    meterSource: OpenSource,
    backup: RecorderBackup | undefined,
  ) {
    super();
    const { container, stream } = options;
    this.container = container;
    this.#options = options;
    this.capture = capture;
    const sink = stream ? new StreamSink(stream) : new BlobSink();
    this.#file = new RecordingFile(recordingOf(capture, options), sink);
    this.#backup = backup;
    this.#meterSource = meterSource;
    if (meter instanceof Meter) {
      try {
        connectSource(meterSource, meter.node);
        this.#meter = meter;
        this.#reading = meter.createReading();
        meter.addEventListener('error', ({ detail }) => this.#report(unmetered(detail)));
      } catch (cause) {
        void meter.close();
        this.#reportLater(unmetered(cause));
      }
    } else this.#reportLater(meter);
    backup?.begin(capture, (error) => this.#reportLater(error));
    capture.addEventListener('error', ({ detail }) => {
      this.#captureError = detail;
      this.#report(detail);
    });
    this.#result = this.#run();
    // stop() reports it; a recording that is never stopped must not cause an unhandled rejection.
    this.#result.catch(() => {});
  }

  /**
   * State of the recorder. Each change fires `'statechange'`. A track that ends, or a `Microphone` that closes, stops the recorder.
   */
  get state(): RecorderState {
    return this.#state;
  }

  /** MIME type of the file. */
  get type(): string {
    return this.#file.type;
  }

  /** Size of the file so far, in bytes. */
  get size(): number {
    return this.#file.size;
  }

  /** Recorded time in seconds, without pauses. */
  get durationSeconds(): number {
    return this.#frames / this.capture.sampleRate;
  }

  /** Where the `backup` is written; `'failed'` if it cannot be written, `'off'` without the option `backup`. */
  get backup(): RecorderBackupState {
    return this.#backup?.state ?? 'off';
  }

  /**
   * The loudest recent sample of all channels in dBFS, with a slow decay. −Infinity is silence; NaN means that the
   * meter could not be created, which an `'error'` event has reported.
   */
  get levelDbfs(): number {
    if (this.#meter === undefined || this.#reading === undefined) return NaN;
    this.#meter.read(this.#reading);
    let level = -Infinity;
    for (const peak of this.#reading.peakDbfs) if (peak > level) level = peak;
    return level;
  }

  /**
   * Pauses the recording until `resume()`; the time in between is not part of the file. Resolves when the captured audio is
   * written, except an incomplete Opus packet, which is completed later. From then on `durationSeconds` and `size` do not change. A
   * second call settles with the first.
   * @throws MicwireError `'stalled'` when the audio thread does not answer; the recording is paused even so
   */
  async pause(): Promise<void> {
    if (this.#state === 'recording') {
      this.#setState('paused');
      this.#pausing = this.#pause();
      // A listener may have resumed the recording: the wait is then over.
      this.#pausing.catch(() => {});
    }
    if (this.#state === 'paused') await this.#pausing;
  }

  async #pause(): Promise<void> {
    // A packet padded with silence would be heard at its full length.
    const opus = this.container !== 'wav';
    void this.#backup?.pause();
    await (opus ? this.capture.hold() : this.capture.pause());
    const { capturedFrames: captured } = this.capture.stats;
    while (this.#frames < captured && !this.#done) {
      await new Promise<void>((resolve) => this.#onWritten.add(resolve));
    }
  }

  /** Continues the recording. Call it in a user gesture if the context may be suspended. */
  async resume(): Promise<void> {
    if (this.#state !== 'paused') return;
    this.#setState('recording');
    void this.#backup?.resume();
    await this.capture.resume();
  }

  /**
   * Replaces the recorded source: see `capture.setSource`. The file, its level and its backup switch to the new source.
   * @throws as `capture.setSource`
   */
  setSource(source: CaptureSource): void {
    const opened = openSource(this.capture.node.context, source);
    const captured = recordedSource(opened, this.#options);
    try {
      this.capture.setSource(captured);
    } catch (error) {
      opened.release();
      throw error;
    }
    this.#backup?.setSource(captured);
    if (this.#meter !== undefined) {
      disconnectSource(this.#meterSource, this.#meter.node);
      connectSource(opened, this.#meter.node);
    } else this.#meterSource.release();
    this.#meterSource = opened;
  }

  /**
   * Ends the recording and completes the file. A second call returns the same promise.
   * @returns the file; undefined if it went to `stream`, which is then closed
   * @throws MicwireError `'empty'` when nothing was recorded, `'recording'` when the file could not be written, `'closed'` when the
   *   recorder was closed first
   */
  async stop(): Promise<Blob | undefined> {
    await this.capture.close();
    return this.#result;
  }

  /**
   * Discards the recording and its backup, and ends the capture; a completed file remains. Resolves when everything is
   * released; a second call returns the same promise.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#discard());
  }

  async #discard(): Promise<void> {
    const error = new MicwireError('closed', DISCARDED);
    if (!this.#done) this.#file.abort(error);
    await this.capture.close();
    await this.#result.catch(() => {});
    this.#setState('closed');
  }

  async #run(): Promise<Blob | undefined> {
    try {
      await this.#record();
      if (this.#closing !== undefined) throw new MicwireError('closed', DISCARDED);
      if (this.#frames === 0) throw this.#captureError ?? new MicwireError('empty', EMPTY);
      const file = await this.#file.close();
      await this.#backup?.end(true);
      this.#setState('stopped');
      return file;
    } catch (cause) {
      const discarded = this.#closing !== undefined;
      const error = discarded
        ? new MicwireError('closed', DISCARDED)
        : failureOf(cause, this.#backup?.state);
      if (!discarded) {
        this.#setState('failed');
        if (error !== this.#captureError) this.#report(error);
      }
      this.#file.abort(error);
      void this.capture.close();
      await this.#backup?.end(discarded || this.#frames === 0);
      throw error;
    } finally {
      this.#done = true;
      this.#tellWritten();
      if (this.#meter === undefined) this.#meterSource.release();
      else {
        disconnectSource(this.#meterSource, this.#meter.node);
        void this.#meter.close();
      }
    }
  }

  /** Resolves when the capture has ended, whatever the cause. The audio captured until then forms a file. */
  async #record(): Promise<void> {
    const shortFrames = Math.floor((this.capture.sampleRate * this.capture.chunkDurationMs) / 1000);
    const chunks = this.capture[Symbol.asyncIterator]();
    for (;;) {
      // A failed capture has reported its error.
      const next = await chunks.next().catch(() => undefined);
      if (next === undefined || next.done === true) break;
      const chunk = next.value;
      this.#backup?.add(chunk);
      await this.#file.add(chunk);
      this.#frames = chunk.frame + chunk.frames;
      // A short chunk ends a run, and chunks that wait for an Ogg page to fill could wait for a long time.
      if (chunk.frames < shortFrames) await this.#file.flush();
      this.#tellWritten();
    }
    await this.#backup?.stop();
  }

  #tellWritten(): void {
    for (const tell of this.#onWritten) tell();
    this.#onWritten.clear();
  }

  #report(error: MicwireError): void {
    this.dispatchEvent(new CustomEvent('error', { detail: error }));
  }

  /** Reports an error that occurred in `create` later, when its caller can have added a listener. */
  #reportLater(error: MicwireError): void {
    setTimeout(() => this.#report(error));
  }

  #setState(state: RecorderState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.dispatchEvent(new Event('statechange'));
  }
}

const DISCARDED =
  'The recorder is closed, and its recording was discarded. Take stop() for the file.';
const EMPTY =
  'Nothing was recorded: the context rendered no audio from create() to stop(). Call context.resume() in a click, start the source, and stop later.';

/**
 * Returns the source to record. With push-to-talk, Opus packets are filled across pauses: a packet padded with silence at the end
 * of a phrase would be heard at its full length.
 */
function recordedSource({ node, living }: OpenSource, options: RecorderOptions): CaptureSource {
  if (living === null) return node;
  const captureFeed = { ...living.captureFeed, holdPauses: options.container !== 'wav' };
  const recorded: LivingSource = {
    node,
    captureFeed,
    get state() {
      return living.state;
    },
    addEventListener: (type, listener) => living.addEventListener(type, listener),
    removeEventListener: (type, listener) => living.removeEventListener(type, listener),
  };
  return recorded;
}

/** Opens the level meter. The meter is optional: its failure is reported, and the recording continues without it. */
async function openMeter(
  context: BaseAudioContext,
  { channels = 1, workletUrl }: RecorderOptions,
): Promise<Meter<'peak' | 'rms'> | MicwireError> {
  try {
    // A single URL belongs to the capture.
    const own = typeof workletUrl === 'function' ? { workletUrl } : {};
    return await Meter.create(context, { channels, ...own });
  } catch (cause) {
    return unmetered(cause);
  }
}

function unmetered(cause: unknown): MicwireError {
  const reason = errorText(cause);
  const message = `The recording continues, but its level is not known: ${reason}`;
  return new MicwireError(errorCode(cause), message, { cause });
}

/** Opens the backup; its code is loaded only when it is requested. */
async function openBackup(
  context: BaseAudioContext,
  captured: CaptureSource,
  capture: CaptureOptions | OpusCaptureOptions,
  options: RecorderOptions,
): Promise<RecorderBackup | undefined> {
  const { backup: name, backupWorkerUrl: workerUrl } = options;
  if (name === undefined) return undefined;
  const recording = (made: Capture<PayloadFormat>): RecordingOptions => recordingOf(made, options);
  return RecorderBackup.open({ context, source: captured, capture, name, workerUrl, recording });
}

function recordingOf(
  { stream, preSkip, chunkDurationMs }: Capture<PayloadFormat>,
  { container, tags }: RecorderOptions,
): RecordingOptions {
  return { container, stream, preSkip, chunkDurationMs, tags };
}

/** Returns the error that says why there is no file. */
function failureOf(cause: unknown, backup: RecorderBackupState | undefined): MicwireError {
  if (cause instanceof MicwireError && cause.code !== 'recording') return cause;
  const reason = errorText(cause);
  const kept =
    backup === 'worker' || backup === 'page'
      ? 'Its backup has what was recorded: unfinishedRecordings() gives it.'
      : 'Record without a stream, and stop() gives the file; with a backup, unfinishedRecordings() does.';
  return new MicwireError('recording', `The recording could not be written: ${reason} ${kept}`, {
    cause,
  });
}
