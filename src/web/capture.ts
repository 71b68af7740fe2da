import { RingReader, receiveDelivery } from '../core/capture/chunk-receiver.ts';
import { ChunkQueue } from '../core/capture/chunk-queue.ts';
import type { CaptureStats } from '../core/capture/chunk-queue.ts';
import type { Chunk, ChunkEncoding } from '../core/capture/chunk.ts';
import { HEADER_BYTES, longestPayload } from '../core/capture/chunk.ts';
import { allocateRing } from '../core/dsp/ring-buffer.ts';
import { planResampler } from '../core/dsp/resampler-planner.ts';
import type { SampleFormat } from '../core/dsp/sample-format.ts';
import { MicwireError } from '../core/errors.ts';
import type { CaptureCommand, CaptureEvent, CaptureProcessorOptions } from '../core/messages.ts';
import { captureSettings } from './capture-options.ts';
import type { CaptureOptions, CaptureSettings } from './capture-options.ts';
import { connectSource, openSource } from './capture-source.ts';
import type { CaptureSource, OpenSource } from './capture-source.ts';
import { SourceWatch, resumeSuspended } from './capture-state.ts';
import type { CaptureState } from './capture-state.ts';
import { handOver } from './capture-handover.ts';
import { Watchdog } from './watchdog.ts';
import { loadWorklet } from './worklet-loader.ts';

/** How long `close()` waits for the audio thread's last word. It has none to say where the context does not run. */
const CLOSE_MS = 1000;

/** What a {@link Capture} dispatches. */
export interface CaptureEventMap {
  /** A chunk, in `detail`. Adding a listener makes the events the capture's one reader. */
  readonly chunk: CustomEvent<Chunk>;
  /** `capture.state` has changed. */
  readonly statechange: Event;
  /** A failure, in `detail`: `'stalled'` may pass; after `'processor-error'` the capture is closed. */
  readonly error: CustomEvent<MicwireError>;
}

/**
 * Captures a track or a node as exactly timed chunks of samples.
 *
 * Chunks are read in one way at a time: `for await (const chunk of capture)`, `capture.readable`, `'chunk'` events or
 * `capture.pipeToWorker(worker)`. Until then they wait, for as long as `bufferDuration`.
 *
 * @example
 * const capture = await Capture.create(context, stream, { sampleRate: 16000 });
 * for await (const chunk of capture) socket.send(chunk.bytes);
 */
export class Capture extends EventTarget implements AsyncIterable<Chunk> {
  /** The processor's node. The source is connected to it, and it to the destination, silently. */
  readonly node: AudioWorkletNode;
  /** Frames a second on the wire, Hz. */
  readonly sampleRate: number;
  readonly channels: number;
  readonly format: SampleFormat;
  readonly encoding: ChunkEncoding;
  /** Milliseconds. */
  readonly chunkDuration: number;
  /** The resampler's look-ahead in frames of the context: by so much chunks leave later. Their times are free of it. */
  readonly latencyFrames: number;
  readonly #source: OpenSource;
  readonly #queue: ChunkQueue;
  readonly #ring: SharedArrayBuffer | null;
  readonly #ringReader: RingReader | null;
  readonly #watch: SourceWatch;
  readonly #watchdog: Watchdog;
  readonly #settings: CaptureSettings;
  #state: CaptureState;
  /** Set once by `close()` or an error; an ended track only ends. */
  #closed = false;
  #paused = false;
  #readable: ReadableStream<Chunk> | undefined;
  #dispatching = false;
  /** Called at the next event of a type, then forgotten. */
  readonly #awaited = new Map<CaptureEvent['type'], (() => void)[]>();
  #ending: Promise<void> | undefined;
  /** The processor's own count at the end, when chunks went elsewhere. */
  #final: CaptureStats | undefined;
  #piped = false;

  /**
   * Loads the worklet and begins to capture.
   * @throws TypeError or RangeError for a wrong argument; MicwireError `'no-audio'` when the source has no live audio track,
   * `'worklet-load'` when the worklet cannot be loaded, `'unsupported'` where the engine cannot do it
   */
  static async create(
    context: BaseAudioContext,
    source: CaptureSource,
    options: CaptureOptions = {},
  ): Promise<Capture> {
    captureSettings(options, context.sampleRate);
    await loadWorklet(context, 'capture', { url: options.workletUrl });
    return new Capture(context, source, options);
  }

  /** For a context that has the `capture` worklet already. @throws as `create` does */
  constructor(context: BaseAudioContext, source: CaptureSource, options: CaptureOptions = {}) {
    super();
    const settings = captureSettings(options, context.sampleRate);
    const { format, maxChunks, chunkDuration, dither, quality } = settings;
    this.#settings = settings;
    ({
      sampleRate: this.sampleRate,
      channels: this.channels,
      format: this.format,
      encoding: this.encoding,
    } = format);
    this.chunkDuration = chunkDuration;
    this.#source = openSource(context, source);
    const resampler =
      this.sampleRate === context.sampleRate
        ? null
        : planResampler({
            inputRate: context.sampleRate,
            outputRate: this.sampleRate,
            quality,
          });
    this.latencyFrames = resampler?.latencyFrames ?? 0;
    this.#queue = new ChunkQueue(maxChunks);
    this.#ring = isolated()
      ? allocateRing(maxChunks, HEADER_BYTES + longestPayload(format, chunkDuration))
      : null;
    const processorOptions: CaptureProcessorOptions = {
      format,
      dither,
      chunkDuration,
      slots: maxChunks,
      resampler,
      ring: this.#ring,
    };
    this.node = new AudioWorkletNode(context, 'micwire-capture', {
      numberOfInputs: 1,
      numberOfOutputs: 1,
      outputChannelCount: [1],
      processorOptions,
    });
    this.node.port.onmessage = ({ data }: MessageEvent<CaptureEvent>): void => this.#receive(data);
    this.node.onprocessorerror = (event): void => this.#processorError(event);
    this.#ringReader =
      this.#ring && new RingReader({ memory: this.#ring, format, queue: this.#queue, sleep });
    this.#watch = new SourceWatch(context, this.#source.track, () => this.#update());
    this.#watchdog = new Watchdog({
      ask: () => this.#send({ type: 'ping' }),
      stalled: () => this.#report(new MicwireError('stalled', STALLED)),
    });
    this.#state = this.#watch.state;
    this.#guard();
    connectSource(this.#source, this.node);
    this.node.connect(context.destination);
  }

  /** What the capture is doing; `'statechange'` tells when it does something else. */
  get state(): CaptureState {
    return this.#state;
  }

  /** True between `pause()` and `resume()`. */
  get paused(): boolean {
    return this.#paused;
  }

  /**
   * Frames so far, as this thread has seen them. After `pipeToWorker` the Worker's own `stats` go on, and these tell the
   * processor's final count once the capture has ended.
   */
  get stats(): CaptureStats {
    return this.#final ?? this.#queue.stats;
  }

  /**
   * The chunks as a stream. A slow reader is served from the queue, where the oldest chunks give way.
   * @throws TypeError at the first use, when the capture is being read in another way
   */
  get readable(): ReadableStream<Chunk> {
    if (this.#readable === undefined) {
      const iterator = this.#queue[Symbol.asyncIterator]();
      this.#readable = new ReadableStream<Chunk>(
        {
          async pull(controller) {
            const { done, value } = await iterator.next();
            if (done === true) controller.close();
            else controller.enqueue(value);
          },
          async cancel() {
            await iterator.return!();
          },
        },
        { highWaterMark: 0 },
      );
    }
    return this.#readable;
  }

  /**
   * Reads the chunks until the capture ends. Leaving the loop ends nothing: another may go on.
   * @throws TypeError when the capture is being read already: each chunk goes to one reader
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Chunk> {
    return this.#queue[Symbol.asyncIterator]();
  }

  /**
   * Sends all chunks from the audio thread to a Worker, which takes them with `receiveCapture(event)` from
   * `micwire/worker`; they do not pass through this thread, however busy it is. (In WebKit that needs a cross-origin
   * isolated page.) Chunks that wait here go first. For good: the Worker is the reader from now on.
   * @throws TypeError when the capture is being read already; MicwireError `'closed'` when it has ended
   */
  async pipeToWorker(worker: Worker): Promise<void> {
    if (this.#ending !== undefined) throw new MicwireError('closed', 'The capture has ended.');
    this.#queue[Symbol.asyncIterator]();
    this.#piped = true;
    this.#ringReader?.stop();
    const { format, maxChunks } = this.#settings;
    await handOver(worker, {
      format,
      maxChunks,
      ring: this.#ring,
      queue: this.#queue,
      pipe: async (port) => {
        const piped = this.#next('piped');
        this.node.port.postMessage({ type: 'pipe', port } satisfies CaptureCommand, [port]);
        await piped;
      },
    });
  }

  /**
   * Stops capturing: what was captured leaves, the last chunk being short. Resolves when that is done, which takes a
   * context that runs.
   */
  async pause(): Promise<void> {
    if (this.#ending !== undefined) return this.#ending;
    this.#paused = true;
    const paused = this.#next('paused');
    this.#send({ type: 'pause' });
    return paused;
  }

  /**
   * Goes on after a pause: `frame` goes on without a hole, `contextTime` tells the real time. Also resumes the context if
   * it is suspended, as browsers leave it until a user's gesture: call this in one.
   */
  async resume(): Promise<void> {
    if (this.#ending !== undefined) return;
    this.#paused = false;
    this.#send({ type: 'resume' });
    await resumeSuspended(this.node.context);
  }

  /**
   * Ends the capture: what was captured leaves, reading ends after it, the processor ends, the source is disconnected. The
   * track goes on: it is yours. Resolves when all is done; a second call does nothing.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#update();
    await this.#end();
  }

  override addEventListener<Type extends keyof CaptureEventMap>(
    type: Type,
    listener: ((event: CaptureEventMap[Type]) => void) | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: ((event: never) => void) | EventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    if (type === 'chunk' && !this.#dispatching) {
      this.#dispatching = true;
      void this.#dispatch(this.#queue[Symbol.asyncIterator]());
    }
    super.addEventListener(type, listener as EventListener, options);
  }

  async #dispatch(chunks: AsyncIterable<Chunk>): Promise<void> {
    try {
      for await (const detail of chunks) this.dispatchEvent(new CustomEvent('chunk', { detail }));
    } catch {
      // The error event has told it.
    }
  }

  #receive(event: CaptureEvent): void {
    if (event.type === 'chunk' || event.type === 'end') {
      receiveDelivery(event, this.node.port, this.#settings.format, this.#queue);
      return;
    }
    if (event.type === 'pong') this.#watchdog.answered();
    if (event.type === 'closed' && this.#piped) {
      const { captured, delivered, dropped } = event;
      this.#final = { captured, delivered, queued: 0, dropped };
    }
    for (const done of this.#awaited.get(event.type)?.splice(0) ?? []) done();
  }

  #next(type: CaptureEvent['type']): Promise<void> {
    return new Promise((resolve) => {
      const list = this.#awaited.get(type) ?? [];
      list.push(resolve);
      this.#awaited.set(type, list);
    });
  }

  #update(): void {
    const state = this.#closed ? 'closed' : this.#watch.state;
    if (state === 'ended' || state === 'closed') void this.#end();
    if (state === this.#state || this.#state === 'closed') return;
    this.#state = state;
    this.#guard();
    this.dispatchEvent(new Event('statechange'));
  }

  /** An offline context renders when it likes; it needs no watchdog. */
  #guard(): void {
    const live = !('startRendering' in this.node.context);
    if (live && this.node.context.state === 'running' && this.#ending === undefined) {
      this.#watchdog.start();
    } else this.#watchdog.stop();
  }

  #end(): Promise<void> {
    if (this.#ending === undefined) {
      const closed = this.#next('closed');
      this.#ending = Promise.race([closed, sleep(CLOSE_MS)]).then(() => this.#finish());
      this.#send({ type: 'close' });
    }
    return this.#ending;
  }

  #finish(): void {
    this.#watchdog.stop();
    this.#watch.stop();
    this.#ringReader?.stop();
    this.#queue.end();
    for (const waiting of this.#awaited.values()) for (const done of waiting.splice(0)) done();
    this.#source.node.disconnect(this.node);
    this.node.disconnect();
    this.node.onprocessorerror = null;
    this.node.port.onmessage = null;
    this.node.port.close();
  }

  #processorError(cause: Event): void {
    const error = new MicwireError('processor-error', PROCESSOR_ERROR, { cause });
    this.#queue.fail(error);
    this.#closed = true;
    this.#ending ??= Promise.resolve(this.#finish());
    this.#update();
    this.#report(error);
  }

  #report(error: MicwireError): void {
    this.dispatchEvent(new CustomEvent('error', { detail: error }));
  }

  #send(command: CaptureCommand): void {
    this.node.port.postMessage(command);
  }
}

const STALLED =
  'The context is running, but for a second no audio has reached the capture. The audio device may be gone or taken: close the context and make a new one.';
const PROCESSOR_ERROR =
  'The capture processor failed, and its node is silent for good. Close this capture and make another.';

/** Whether memory can be shared with the audio thread (HTML §8.1.3, `crossOriginIsolated`). */
function isolated(): boolean {
  return globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === 'function';
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
