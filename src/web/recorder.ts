import { checkContext } from '../core/option-names.ts';
import type { Chunk } from '../core/capture/chunk.ts';
import type { PayloadFormat } from '../core/codec/payload-format.ts';
import type { SampleFormat } from '../core/dsp/sample-format.ts';
import { MicwireError } from '../core/errors.ts';
import { Capture } from './capture.ts';
import { connectSource, disconnectSource, openSource } from './capture-source.ts';
import type { CaptureSource, OpenSource } from './capture-source.ts';
import { Meter } from './meter.ts';
import { BackupSink } from './recording-backup.ts';
import { OggFile, WavFile } from './recording-file.ts';
import type { RecordedFormat, RecordingFile } from './recording-file.ts';
import { BlobSink, StreamSink } from './recording-sink.ts';
import type { RecordingSink } from './recording-sink.ts';
import { recorderCapture } from './recorder-options.ts';
import type { RecorderContainer, RecorderOptions } from './recorder-options.ts';
import { TypedEventTarget } from './typed-event-target.ts';

/** `'failed'`: the file could not be written; `stop()` says why. */
export type RecorderState = 'recording' | 'paused' | 'stopped' | 'failed';

/** What a {@link Recorder} dispatches. */
export interface RecorderEventMap {
  /** `recorder.state` has changed. */
  readonly statechange: Event;
  /** A failure, in `detail`. The recording has ended where the state is `'failed'`. */
  readonly error: CustomEvent<MicwireError>;
}

/**
 * Records a track or a node to a file, as Opus or samples.
 *
 * @example
 * const recorder = await Recorder.create(context, stream, { container: 'ogg', bitrate: 32000 });
 * …
 * const file = await recorder.stop();
 * link.href = URL.createObjectURL(file);
 */
export class Recorder extends TypedEventTarget<RecorderEventMap> {
  readonly container: RecorderContainer;
  /** What captures: its `node`, `stats` and `state` are of interest. Leave its chunks alone. */
  readonly capture: Capture<PayloadFormat>;
  readonly #file: RecordingFile;
  readonly #meter: Meter<'peak' | 'rms'>;
  readonly #meterSource: OpenSource;
  readonly #reading: ReturnType<Meter<'peak' | 'rms'>['createReading']>;
  /** Resolves with the file when everything is written. */
  readonly #result: Promise<Blob | undefined>;
  #state: RecorderState = 'recording';
  /** In the file. */
  #frames = 0;
  /** Whether nothing more will be written. */
  #done = false;
  /** Who waits for that is told of every chunk. */
  #onWritten: (() => void) | undefined;

  /**
   * Loads what is needed and begins to record.
   * @throws as `Capture.create`; TypeError for options that do not fit the container
   */
  static async create(
    context: BaseAudioContext,
    source: CaptureSource,
    options: RecorderOptions,
  ): Promise<Recorder> {
    checkContext('Recorder.create', context);
    const captureOptions = recorderCapture(options, context.sampleRate);
    // Before the capture: from then on there is something to lose.
    const meter = await Meter.create(context, { channels: options.channels ?? 1 });
    const bunny = options.container === 'webm' ? await options.mediabunny!() : undefined;
    // One node for both: of two on one track WebKitGTK 2.50 leaves one repeating its first quantum, now and then (two of six runs).
    const opened = openSource(context, source);
    const capture = (await Capture.create(
      context,
      opened.node,
      captureOptions as never,
    )) as Capture<PayloadFormat>;
    try {
      const file = await openFile(capture, options, bunny);
      return new Recorder(options.container, capture, file, meter, opened);
    } catch (error) {
      meter.close();
      await capture.close();
      throw error;
    }
  }

  private constructor(
    container: RecorderContainer,
    capture: Capture<PayloadFormat>,
    file: RecordingFile,
    meter: Meter<'peak' | 'rms'>,
    meterSource: OpenSource,
  ) {
    super();
    this.container = container;
    this.capture = capture;
    this.#file = file;
    this.#meter = meter;
    this.#meterSource = meterSource;
    this.#reading = meter.createReading();
    connectSource(meterSource, meter.node);
    capture.addEventListener('error', (event) => {
      this.dispatchEvent(new CustomEvent('error', { detail: event.detail }));
    });
    this.#result = this.#run();
    // stop() tells it; a recording that nobody stops is no unhandled rejection.
    this.#result.catch(() => {});
  }

  /** What the recorder is doing; `'statechange'` tells when it does something else. A track that ends stops it. */
  get state(): RecorderState {
    return this.#state;
  }

  /** MIME type of the file. */
  get type(): string {
    return this.#file.type;
  }

  /** Bytes of the file so far. */
  get size(): number {
    return this.#file.size;
  }

  /** Seconds that are recorded; pauses take none. */
  get duration(): number {
    return this.#frames / this.capture.sampleRate;
  }

  /** The loudest sample of late, over all channels, in dBFS with a slow decay: −Infinity is silence. */
  get level(): number {
    this.#meter.read(this.#reading);
    let level = -Infinity;
    for (const peak of this.#reading.peakDbfs) if (peak > level) level = peak;
    return level;
  }

  /**
   * Stops recording until `resume()`; the time between is not in the file. Resolves when what was captured before is written:
   * `duration` and `size` then stand still.
   */
  async pause(): Promise<void> {
    if (this.#state !== 'recording') return;
    this.#setState('paused');
    await this.capture.pause();
    const { captured } = this.capture.stats;
    while (this.#frames < captured && !this.#done) {
      await new Promise<void>((resolve) => (this.#onWritten = resolve));
    }
  }

  /** Goes on. Call it in a user's gesture where the context may be suspended. */
  async resume(): Promise<void> {
    if (this.#state !== 'paused') return;
    this.#setState('recording');
    await this.capture.resume();
  }

  /**
   * Ends the recording and completes the file. A second call gives the same.
   * @returns the file; undefined where it went to `stream`, which is closed then
   * @throws MicwireError when writing failed
   */
  async stop(): Promise<Blob | undefined> {
    await this.capture.close();
    return this.#result;
  }

  async #run(): Promise<Blob | undefined> {
    const shortFrames = Math.floor((this.capture.sampleRate * this.capture.chunkDuration) / 1000);
    try {
      for await (const chunk of this.capture as AsyncIterable<Chunk<PayloadFormat>>) {
        await this.#file.add(chunk);
        this.#frames = chunk.frame + chunk.frames;
        // A short chunk ends a run: what waits for a page may wait for long.
        if (chunk.frames < shortFrames) await this.#file.flush();
        this.#onWritten?.();
      }
      const file = await this.#file.close();
      this.#setState('stopped');
      return file;
    } catch (cause) {
      const error =
        cause instanceof MicwireError
          ? cause
          : new MicwireError('recording', `The recording could not be written: ${String(cause)}`, {
              cause,
            });
      this.#setState('failed');
      this.dispatchEvent(new CustomEvent('error', { detail: error }));
      void this.capture.close();
      throw error;
    } finally {
      this.#done = true;
      this.#onWritten?.();
      disconnectSource(this.#meterSource, this.#meter.node);
      this.#meter.close();
    }
  }

  #setState(state: RecorderState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.dispatchEvent(new Event('statechange'));
  }
}

async function openFile(
  capture: Capture<PayloadFormat>,
  options: RecorderOptions,
  bunny: Awaited<ReturnType<NonNullable<RecorderOptions['mediabunny']>>> | undefined,
): Promise<RecordingFile> {
  const { sampleRate, channels, preSkip, chunkDuration } = capture;
  const format: RecordedFormat = { sampleRate, channels, preSkip, chunkDuration };
  const { container, stream, backup, tags } = options;
  if (bunny !== undefined) {
    const { WebmFile } = await import('./webm-file.ts');
    return new WebmFile(bunny, format, stream);
  }
  const wav =
    container === 'wav' ? { sampleRate, channels, format: capture.format as SampleFormat } : null;
  let sink: RecordingSink = stream ? new StreamSink(stream) : new BlobSink();
  if (backup !== undefined) {
    const type = wav ? 'audio/wav' : 'audio/ogg; codecs=opus';
    sink = await BackupSink.open(backup, type, wav, sink);
  }
  return wav ? new WavFile(wav, sink) : new OggFile(format, sink, tags);
}
