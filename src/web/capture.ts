import { checkContext, checkObject, checkWorker } from '../core/option-names.ts';
import type { CaptureStats } from '../core/capture/chunk-queue.ts';
import type { Chunk, ChunkEncoding } from '../core/capture/chunk.ts';
import type { OpusAdjustment } from '../core/codec/opus-options.ts';
import { isSampleFormat } from '../core/format/formats.ts';
import type { PayloadFormat, SampleFormat } from '../core/format/formats.ts';
import type { SendFraming } from '../core/framing/framing.ts';
import { checkPipe, pipeChunks } from '../core/pipe.ts';
import type { CapturePipeResult, PipeOptions } from '../core/pipe.ts';
import type { Transport } from './transport/transport.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import { MicwireError } from '../core/errors.ts';
import { captureSettings } from './capture-options.ts';
import type { CaptureEventMap, CaptureOptions, CaptureSettings } from './capture-options.ts';
import type { CaptureBackend, CaptureListener, EncodedIn, OpenCapture } from './capture-backend.ts';
import { CaptureNode } from './capture-node.ts';
import { checkSignal } from './abort.ts';
import { makeInOpenContext, whileOpen } from './context-life.ts';
import { resumeSuspended } from './context-resume.ts';
import {
  connectSource,
  disconnectSource,
  openSource,
  replaceSource,
  SourceWatch,
} from './capture-source.ts';
import type { CaptureSource, OpenSource, CaptureState } from './capture-source.ts';
import type { OpusCaptureOptions } from './opus-capture-options.ts';
import { loadResamplerDesign } from './resampler-design.ts';
import { TypedEventTarget } from './typed-event-target.ts';
import { Watchdog } from './patience.ts';
import { CAPTURE_WORKLET } from './capture-worklet.ts';
import { loadWorklet } from './worklet-loader.ts';

/**
 * Captures the audio of a track, a node or a `Microphone` as precisely timed chunks.
 *
 * A capture has a single reader: `capture.pipeTo(transport, framing)`, `for await (const chunk of capture)`, `capture.readable`,
 * `'chunk'` events, or `capture.pipeToWorker(worker)`. Until there is one, chunks are queued, for at most `bufferDurationMs`.
 *
 * @example
 * const capture = await Capture.create(context, stream, { sampleRate: 16000 });
 * for await (const chunk of capture) socket.send(chunk.bytes);
 */
export class Capture<Format extends PayloadFormat = SampleFormat>
  extends TypedEventTarget<CaptureEventMap<Format>>
  implements AsyncIterable<Chunk<Format>>
{
  /** The processor's node. The source is connected to it, and its silent output to the destination. */
  readonly node: AudioWorkletNode;
  /**
   * The captured stream: only `format`, `sampleRate` and `channels`. `Playout.create`, `Receiver.create` and every framing accept
   * it unchanged.
   */
  readonly stream: StreamFormat<Format>;
  /** Sample rate on the wire, in Hz. */
  readonly sampleRate: number;
  readonly channels: number;
  readonly format: Format;
  readonly encoding: ChunkEncoding;
  /** Length of a chunk, in milliseconds. */
  readonly chunkDurationMs: number;
  /** The resampler's look-ahead in frames of the context. It delays chunks, but is not part of their times. */
  readonly latencyFrames: number;
  /** Delay of the decoded audio relative to the input, in frames at the wire rate: Opus's look-ahead, 0 for PCM. */
  readonly preSkip: number;
  /** Where chunks are produced; for Opus, the route that `encodeIn: 'auto'` has chosen. */
  readonly encodedIn: EncodedIn;
  #source: OpenSource;
  readonly #processor: CaptureBackend<Format>;
  #watch: SourceWatch;
  readonly #watchdog: Watchdog;
  #state: CaptureState;
  /** True after `close()` or an error, but not because a track ended. */
  #closed = false;
  #paused = false;
  #readable: ReadableStream<Chunk<Format>> | undefined;
  #dispatching = false;
  /** Keeps other readers out while a Worker reads. */
  #handedOver: AsyncIterator<Chunk<Format>> | undefined;
  #ending: Promise<void> | undefined;

  /**
   * Loads the worklet and starts capturing.
   * @throws TypeError or RangeError for an invalid argument; MicwireError `'no-audio'` when the source has no live audio track,
   *   `'worklet-load'` or `'codec-load'` when a file cannot be loaded, `'unsupported'` where the engine lacks a required feature,
   *   `'closed'` when the context is closed, before or during the call
   */
  static create(
    context: BaseAudioContext,
    source: CaptureSource,
    options: OpusCaptureOptions,
  ): Promise<Capture<'opus'>>;
  static create(
    context: BaseAudioContext,
    source: CaptureSource,
    options?: CaptureOptions,
  ): Promise<Capture>;
  static async create(
    context: BaseAudioContext,
    source: CaptureSource,
    options: CaptureOptions | OpusCaptureOptions = {},
  ): Promise<Capture | Capture<'opus'>> {
    checkContext('Capture.create', context);
    checkObject('Capture: options must be an object', options);
    const opening = { context, signal: options.signal };
    checkSignal(options.signal);
    if (isEncoded(options)) {
      // Apps that capture PCM never load it.
      const { openOpusCapture } = await whileOpen(opening, import('./opus-capture.ts'));
      const opened = await whileOpen(opening, openOpusCapture(context, options), (late) => {
        late.discard?.();
      });
      try {
        const capture = makeInOpenContext(opening, () => new Capture(context, source, opened));
        await capture.#connect();
        return capture;
      } catch (error) {
        opened.discard?.();
        throw error;
      }
    }
    const settings = captureSettings(options, context.sampleRate);
    await whileOpen(
      opening,
      Promise.all([
        loadWorklet(context, CAPTURE_WORKLET, { url: options.workletUrl }),
        loadResamplerDesign(context.sampleRate, settings.stream.sampleRate, settings.quality),
      ]),
    );
    const capture = makeInOpenContext(
      opening,
      () => new Capture(context, source, pcmCapture(context, settings)),
    );
    await capture.#connect();
    return capture;
  }

  private constructor(
    context: BaseAudioContext,
    source: CaptureSource,
    opened: OpenCapture<Format>,
  ) {
    super();
    const { stream, encoding } = opened;
    this.stream = stream;
    this.sampleRate = stream.sampleRate;
    this.channels = stream.channels;
    this.format = stream.format;
    this.encoding = encoding;
    this.chunkDurationMs = opened.chunkDurationMs;
    this.preSkip = opened.preSkip;
    this.encodedIn = opened.encodedIn;
    this.#source = openSource(context, source);
    try {
      const listener: CaptureListener = {
        answered: () => this.#watchdog.answered(),
        failed: (error) => this.#fail(error),
        readerLost: (error) => {
          void this.#handedOver?.return?.();
          this.#report(error);
        },
      };
      this.#processor = opened.createBackend(listener, this.#source.living?.captureFeed);
    } catch (error) {
      this.#source.release();
      throw error;
    }
    this.node = this.#processor.node;
    this.latencyFrames = this.#processor.latencyFrames;
    this.#watchdog = new Watchdog({
      ask: () => {
        this.#update();
        this.#processor.ping();
      },
      stalled: () => this.#report(new MicwireError('stalled', STALLED)),
    });
    this.#watch = new SourceWatch(context, this.#source, () => this.#update());
    this.#state = this.#watch.state;
    this.#guard();
  }

  /** @throws as `create`, once the processor has ended: repeated attempts leave nothing behind on the audio thread */
  async #connect(): Promise<void> {
    try {
      connectSource(this.#source, this.node);
      this.node.connect(this.node.context.destination);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** State of the capture. Each change fires `'statechange'`. */
  get state(): CaptureState {
    return this.#state;
  }

  /** True between `pause()` and `resume()`. */
  get paused(): boolean {
    return this.#paused;
  }

  /**
   * Frames so far, as this thread has seen them. After `pipeToWorker` the Worker's own `stats` continue, and these become the
   * processor's final count when the capture ends. If the audio thread does not answer at the end, chunks that the Worker has read
   * since the last answer count as dropped here.
   */
  get stats(): CaptureStats {
    return this.#processor.stats;
  }

  /**
   * Milliseconds that encoding Opus has taken, as reported by the Worker within the last quarter of a second of audio. null where
   * encoding cannot be timed: for PCM, on the audio thread, and in the engine's own encoder.
   */
  get encodeMs(): number | null {
    return this.#processor.encodeMs ?? null;
  }

  /**
   * The chunks as a stream. Chunks that its reader has not asked for are queued; when the queue is full, the oldest is dropped.
   * @throws TypeError at the first use, when the capture is being read in another way
   */
  get readable(): ReadableStream<Chunk<Format>> {
    return (this.#readable ??= streamOf(this[Symbol.asyncIterator]()));
  }

  /**
   * Reads the chunks until the capture ends. Leaving the loop does not end the capture: another loop can continue.
   * @throws TypeError when the capture is being read already: each chunk goes to one reader
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Chunk<Format>> {
    return this.#processor.queue[Symbol.asyncIterator]();
  }

  /**
   * Sends every chunk over a transport, one message each, until the capture ends, the transport is closed permanently or `signal`
   * is aborted. While the transport is not open, or is congested, chunks are queued for at most `bufferDurationMs`; then the oldest
   * is dropped and counted. Sending continues when the transport reconnects; its failures are its own `'error'` events.
   * @example
   * capture.pipeTo(transport, binaryFraming);
   * @param framing `binaryFraming`, `base64JsonFraming` or `rtpFraming`; to pass options to the framing,
   *   `{ createEncoder: (stream) => rtpFraming.createEncoder({ ...stream, payloadType: 96 }) }`
   * @returns statistics of what was sent, when the pipe has ended; another reader may then follow
   * @throws TypeError or RangeError for an invalid argument, or a stream that the framing cannot carry; TypeError when the
   *   capture is being read already
   */
  async pipeTo(
    transport: Transport,
    framing: SendFraming,
    options: PipeOptions = {},
  ): Promise<CapturePipeResult> {
    checkPipe('capture.pipeTo', transport, framing, 'createEncoder', options);
    const encoder = framing.createEncoder(this.stream);
    return pipeChunks(this[Symbol.asyncIterator](), encoder, transport, options.signal);
  }

  /**
   * Sends all chunks from the audio thread to a Worker, which receives them with `receiveCapture(event)` from `micwire/worker`.
   * They do not pass through this thread. (In WebKit this requires a cross-origin isolated page.) Queued chunks go first. The
   * Worker remains the reader until the capture ends. If it is terminated, an `'error'` event with `'worker-gone'` follows within
   * two seconds, or within ten if it never took the capture; the chunks it left unread count as dropped, and the capture can be
   * read again.
   * @param worker the Worker, or a port whose other end is in a Worker
   * @throws TypeError for an invalid argument, or when the capture is being read already; MicwireError `'closed'` when it has ended
   *   or ends during the call, `'stalled'` when the audio thread does not answer, `'worker-gone'` when the capture cannot be
   *   posted. The capture can then still be read here
   */
  async pipeToWorker(worker: Worker | MessagePort): Promise<void> {
    checkWorker('capture.pipeToWorker', worker);
    if (this.#processor.ended) throw new MicwireError('closed', 'The capture has ended.');
    const place = this[Symbol.asyncIterator]();
    this.#handedOver = place;
    try {
      await this.#processor.pipeTo(worker);
    } catch (error) {
      await place.return?.();
      throw error;
    }
  }

  /**
   * Pauses the capture. Audio captured so far is delivered; the last chunk may be shorter. Resolves when this is done.
   * @throws MicwireError `'stalled'` when the audio thread does not answer
   */
  async pause(): Promise<void> {
    await this.#pause(false);
  }

  /** Pauses like `pause`, but keeps audio that does not fill a chunk until more follows, for recordings without gaps. @internal */
  async hold(): Promise<void> {
    await this.#pause(true);
  }

  /**
   * Continues after a pause: `frame` continues without a gap, `contextTime` shows the real time. Also resumes a suspended context:
   * call it in a user gesture. Resolves when the context runs, at the latest after a second; `state` shows the result.
   */
  async resume(): Promise<void> {
    if (this.#processor.ended) return;
    this.#paused = false;
    this.#processor.resume();
    await resumeSuspended(this.node.context);
  }

  /**
   * Replaces the source. The old source is disconnected; its track continues. The stream continues too: frame numbers keep
   * following the context's time, and the new source is mixed to the same number of channels. Frames that a `Microphone` has not
   * delivered yet count as dropped; a new track may begin with a few milliseconds of silence while the engine opens it. A capture
   * that was not created with a `Microphone` keeps no pre-roll.
   * @throws TypeError for a value that is not a source; MicwireError `'closed'` when the capture has ended, including when its
   *   track has; `'no-audio'` when there is no live audio track, `'unsupported'` when the engine refuses the source: the old source
   *   is then still captured
   */
  setSource(source: CaptureSource): void {
    if (this.#processor.ended) throw new MicwireError('closed', OVER);
    const opened = replaceSource(this.#source, source, this.node, ({ living }) => {
      this.#processor.follow(living !== null);
    });
    this.#source = opened;
    this.#watch.stop();
    this.#watch = new SourceWatch(this.node.context, opened, () => this.#update());
    this.#update();
  }

  /**
   * Changes the Opus encoder's settings from its next packet on, for example after a report of `AdaptiveRedundancy`:
   * `capture.adjust({ expectedLossPercent })`. After the end it does nothing.
   * @throws TypeError for a capture of PCM, TypeError or RangeError for a value that Opus does not accept; MicwireError
   *   `'unsupported'` where the engine's own encoder is used (`encodedIn` is `'webcodecs'`)
   */
  adjust(this: Capture<'opus'>, changes: OpusAdjustment): void {
    const processor = this.#processor;
    if (processor.adjust === undefined) {
      throw new TypeError(`adjust takes a capture of opus, got one of ${this.format}.`);
    }
    processor.adjust(changes);
  }

  /**
   * Ends the capture. Captured audio is delivered, then reading ends, the processor ends and the source is disconnected. The track
   * belongs to the caller and continues. Resolves when this is done. The call waits up to 6 seconds for a busy audio thread, and
   * one second for an audio thread that no longer renders; captured audio that has not arrived by then counts as dropped. A second
   * call returns the same promise.
   */
  close(): Promise<void> {
    this.#closed = true;
    this.#update();
    return this.#end();
  }

  async #pause(hold: boolean): Promise<void> {
    if (this.#processor.ended) return;
    this.#paused = true;
    await this.#processor.pause(hold);
  }

  /** @internal */
  protected override willListen(type: string): void {
    if (type !== 'chunk' || this.#dispatching) return;
    void this.#dispatch(this[Symbol.asyncIterator]());
    this.#dispatching = true;
  }

  async #dispatch(chunks: AsyncIterable<Chunk<Format>>): Promise<void> {
    try {
      for await (const detail of chunks) this.dispatchEvent(new CustomEvent('chunk', { detail }));
    } catch {
      // The error event has reported it.
    }
  }

  #update(): void {
    const state = this.#closed ? 'closed' : this.#watch.state;
    if (state === 'ended' || state === 'closed') void this.#end();
    if (state === this.#state || this.#state === 'closed') return;
    this.#state = state;
    this.#guard();
    this.dispatchEvent(new Event('statechange'));
  }

  /** Starts the watchdog. An offline context has no watchdog, because it renders at no fixed pace. */
  #guard(): void {
    const { context } = this.node;
    const live = context.state === 'running' && !('startRendering' in context);
    if (live && !this.#processor.ended) this.#watchdog.start();
    else this.#watchdog.stop();
  }

  /** Handles the end of the audio, whatever its cause. */
  #end(): Promise<void> {
    this.#ending ??= this.#processor.end().then(() => disconnectSource(this.#source, this.node));
    this.#watchdog.stop();
    if (this.#closed || this.#watch.state === 'closed') this.#watch.stop();
    return this.#ending;
  }

  #fail(error: MicwireError): void {
    this.#closed = true;
    this.#update();
    this.#report(error);
  }

  #report(error: MicwireError): void {
    this.dispatchEvent(new CustomEvent('error', { detail: error }));
  }
}

/** Returns true if the chunks are produced by a codec. */
function isEncoded(options: CaptureOptions | OpusCaptureOptions): options is OpusCaptureOptions {
  return !isSampleFormat(options.format ?? 's16');
}

function pcmCapture(
  context: BaseAudioContext,
  settings: CaptureSettings,
): OpenCapture<SampleFormat> {
  return {
    ...settings,
    preSkip: 0,
    encodedIn: 'worklet',
    createBackend: (listener, feed) => new CaptureNode(context, settings, listener, feed),
  };
}

const OVER = 'The capture has ended. Create another one.';
const STALLED =
  'The context is running, but for a second no audio has reached the capture. The audio device may be gone or taken: close the context and create a new one.';

/** Creates a stream that takes from an iterator only what its reader asks for. */
function streamOf<T>(chunks: AsyncIterator<T>): ReadableStream<T> {
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
