import { ChunkQueue } from '../core/capture/chunk-queue.ts';
import type { CaptureStats, ReaderAccount } from '../core/capture/chunk-queue.ts';
import { RingReader, receiveDelivery } from '../core/capture/chunk-receiver.ts';
import { HEADER_BYTES } from '../core/capture/chunk.ts';
import { poolSlot } from '../core/capture/chunk-sinks.ts';
import { allocateRing } from '../core/dsp/ring-buffer.ts';
import { MicwireError } from '../core/errors.ts';
import type { PayloadFormat, SampleFormat } from '../core/format/formats.ts';
import type {
  CaptureCommand,
  CaptureCount,
  CaptureEvent,
  CaptureProcessorOptions,
  MessagePortLike,
  ProcessorName,
} from '../core/messages.ts';
import type { CaptureBackend, CaptureListener } from './capture-backend.ts';
import type { SourceFeed } from './capture-source.ts';
import type { CaptureSettings } from './capture-options.ts';
import { canShareMemory } from './context-life.ts';
import { handOver } from './hand-over.ts';
import { ANSWER_MS, Patience, sleep } from './patience.ts';
import { resamplerBetween } from './resampler-design.ts';
import { READER_WORDS, WorkerWatch } from './worker-watch.ts';

/**
 * How long `end()` waits for the final report in an `OfflineAudioContext`, in ms. Its rendering thread stays alive, but may have to
 * render many other contexts first.
 */
const OFFLINE_END_MS = 30_000;

/** Outcome of a wait: the event arrived, the capture ended, or neither happened in time. */
type Answer = 'answered' | 'ended' | 'late';

/** The capture processor as seen from the page: its node, its messages, and the queue of what it has sent. */
export class CaptureNode<
  Format extends PayloadFormat = SampleFormat,
> implements CaptureBackend<Format> {
  readonly node: AudioWorkletNode;
  readonly queue: ChunkQueue<Format>;
  /** The resampler's look-ahead, in frames of the context. */
  readonly latencyFrames: number;
  readonly #settings: CaptureSettings<Format>;
  readonly #listener: CaptureListener;
  readonly #ring: SharedArrayBuffer | null;
  #ringReader: RingReader<Format> | null;
  /** Callbacks for the next event of each type; each is called once. */
  readonly #awaited = new Map<CaptureEvent['type'], ((answer: Answer) => void)[]>();
  #ending: Promise<void> | undefined;
  #piped = false;
  /** The Worker that reads the capture. */
  #reader: WorkerWatch | null = null;
  /** True while buffers that a reader took with it have not been replaced. */
  #refilling = false;
  #finished = false;
  /** The count that the processor last reported. */
  #count: CaptureCount | undefined;
  /** The final statistics, once the capture has ended. */
  #final: CaptureStats | undefined;

  /**
   * @param feed how the node hears a source that outlives its tracks
   * @param processor another processor with the same protocol as `micwire-capture`, and its additional options
   */
  constructor(
    context: BaseAudioContext,
    settings: CaptureSettings<Format>,
    listener: CaptureListener,
    feed?: SourceFeed,
    processor?: { readonly name: ProcessorName; readonly options: object },
  ) {
    const { stream, encoding, payloadBytes, maxChunks, chunkDurationMs, dither, quality } =
      settings;
    this.#settings = settings;
    this.#listener = listener;
    const resampler = resamplerBetween(context.sampleRate, stream.sampleRate, quality);
    this.latencyFrames = resampler?.latencyFrames ?? 0;
    this.queue = new ChunkQueue(maxChunks);
    this.#ring = canShareMemory() ? allocateRing(maxChunks, HEADER_BYTES + payloadBytes) : null;
    const processorOptions: CaptureProcessorOptions<Format> = {
      stream,
      encoding,
      dither,
      chunkDurationMs,
      payloadBytes,
      slots: maxChunks,
      resampler,
      ring: this.#ring,
      preRollFrames: Math.round(((feed?.preRollMs ?? 0) * context.sampleRate) / 1000),
      holdPauses: feed?.holdPauses ?? false,
      tellsPresence: feed !== undefined,
    };
    this.node = new AudioWorkletNode(context, processor?.name ?? 'micwire-capture', {
      // The second input takes the presence signal of a microphone, which may become the source later.
      numberOfInputs: 2,
      numberOfOutputs: 1,
      outputChannelCount: [1],
      processorOptions: { ...processorOptions, ...processor?.options },
    });
    this.node.port.onmessage = ({ data }: MessageEvent<CaptureEvent>): void => this.#receive(data);
    this.node.onprocessorerror = (cause): void => this.#fail(cause);
    this.#ringReader = this.#ring && this.#readRing(this.#ring);
  }

  /** Frames so far, as this thread has seen them. */
  get stats(): CaptureStats {
    return (this.#piped ? this.#final : undefined) ?? this.queue.stats;
  }

  /** True once `end()` was called or the processor has failed. */
  get ended(): boolean {
    return this.#ending !== undefined;
  }

  /** Asks the next render quantum for an answer. */
  ping(): void {
    this.#send({ type: 'ping' });
  }

  follow(tellsPresence: boolean): void {
    this.#send({ type: 'source', tellsPresence });
  }

  async pause(hold = false): Promise<void> {
    const paused = this.#next('paused');
    this.#send({ type: 'pause', hold });
    if ((await paused) === 'late') throw stalled();
  }

  resume(): void {
    this.#send({ type: 'resume' });
  }

  /**
   * Makes a Worker the reader. The queue must not have another reader.
   * @param patienceMs how long to wait for the audio thread's answer, in ms
   */
  async pipeTo(worker: Worker | MessagePort, patienceMs: number = ANSWER_MS): Promise<void> {
    const reader = new WorkerWatch(worker, READER_WORDS, (read, error) => {
      this.#takeBack(read);
      this.#listener.readerLost(error);
    });
    this.#piped = true;
    let port: MessagePort | null = null;
    if (this.#ring === null) {
      const channel = new MessageChannel();
      port = channel.port2;
      // Chunks that were posted before this arrive here and are queued with the rest: none is lost or out of order.
      const piped = this.#next('piped', patienceMs);
      this.#send({ type: 'pipe', port: channel.port1 }, [channel.port1]);
      const answer = await piped;
      if (answer !== 'answered') {
        reader.end(null);
        if (answer === 'ended') {
          this.#piped = false;
          throw new MicwireError('closed', ENDED);
        }
        // The answer may merely be late.
        this.#readOn(port);
        throw stalled();
      }
    } else this.#ringReader!.stop();
    const { stream, encoding } = this.#settings;
    try {
      handOver(worker, reader, this.queue, { stream, encoding, port, ring: this.#ring });
    } catch (error) {
      this.#readOn(port);
      throw error;
    }
    this.#reader = reader;
  }

  /**
   * Makes the processor send its remaining audio, and ends it. Resolves when the last chunk has arrived, or can no longer arrive:
   * captured audio that has not arrived by then counts as dropped.
   */
  end(): Promise<void> {
    if (this.#ending === undefined) {
      const closed = this.#next('closed');
      this.#send({ type: 'close' });
      this.#ending = closed.then((answer) => {
        if (answer === 'late') this.#estimate();
        this.#finish();
      });
    }
    return this.#ending;
  }

  /** Estimates from the context's time the frames that the processor does not report. */
  #estimate(): void {
    const count = this.#count;
    if (count === undefined) return;
    const { sampleRate, currentTime } = this.node.context;
    const elapsed = count.runs ? Math.max(0, currentTime - count.frame / sampleRate) : 0;
    const captured = count.captured + Math.round(elapsed * this.#settings.stream.sampleRate);
    this.#close(captured, count.delivered);
  }

  /** Fixes the final statistics from the processor's last count. */
  #close(captured: number, delivered: number): void {
    this.#final = {
      capturedFrames: captured,
      deliveredFrames: delivered,
      queuedFrames: 0,
      droppedFrames: captured - delivered,
    };
  }

  #receive(event: CaptureEvent): void {
    if (event.type === 'chunk' || event.type === 'end') {
      receiveDelivery(event, this.node.port, this.#settings, this.queue);
      return;
    }
    // Chunks that were written before this message was posted.
    this.#ringReader?.take();
    if (event.type === 'pong') this.#listener.answered();
    if (event.type === 'piped' && this.#refilling) this.#refill(event.out);
    if (event.type === 'pong' || event.type === 'paused') this.#count = event;
    if (event.type === 'closed') this.#close(event.captured, event.delivered);
    this.#answer(event.type, 'answered');
  }

  /** Waits for an event. A live audio thread posts it immediately, even in a suspended context. */
  #next(type: CaptureEvent['type'], patienceMs: number = ANSWER_MS): Promise<Answer> {
    return new Promise((resolve) => {
      const patience = new Patience();
      const settle = (answer: Answer): void => {
        patience.end();
        resolve(answer);
      };
      const waiting = this.#awaited.get(type);
      if (waiting === undefined) this.#awaited.set(type, [settle]);
      else waiting.push(settle);
      const { context } = this.node;
      const late = (): void => settle('late');
      if (this.#finished) settle('ended');
      else if (type !== 'closed') patience.wait(patienceMs, late);
      else if ('startRendering' in context) patience.wait(OFFLINE_END_MS, late);
      else patience.waitForLastWord(context, late);
    });
  }

  #answer(type: CaptureEvent['type'], answer: Answer): void {
    for (const settle of this.#awaited.get(type)?.splice(0) ?? []) settle(answer);
  }

  /**
   * Resumes reading on this thread when no Worker took the capture. @param port the port that the processor sends chunks to in the
   * meantime
   */
  #readOn(port: MessagePort | null): void {
    this.#piped = false;
    if (port === null) {
      this.#ringReader = this.#readRing(this.#ring!);
      return;
    }
    // Chunks that it sends to the port until then are read here; later ones arrive on the node's port.
    this.#send({ type: 'pipe', port: null });
    port.onmessage = ({ data }: MessageEvent<CaptureEvent>): void => {
      if (data.type !== 'chunk' && data.type !== 'end') return;
      receiveDelivery(data, port as MessagePortLike, this.#settings, this.queue);
    };
  }

  /** Resumes reading on this thread after the Worker is gone. */
  #takeBack(read: ReaderAccount): void {
    this.#reader = null;
    if (this.#finished) return;
    this.#piped = false;
    this.queue.reclaim(read);
    if (this.#ring !== null) {
      this.#ringReader = this.#readRing(this.#ring);
      return;
    }
    this.#refilling = true;
    this.#send({ type: 'pipe', port: null });
  }

  /** Adds as many new buffers to the pool as the Worker took with it. */
  #refill(buffers: number): void {
    this.#refilling = false;
    for (let i = 0; i < buffers; i++) {
      const slot = poolSlot(this.#settings.payloadBytes);
      this.#send({ type: 'recycle', ...slot }, [slot.header.buffer as ArrayBuffer]);
    }
  }

  #fail(cause: Event): void {
    const error = new MicwireError('processor-error', PROCESSOR_ERROR, { cause });
    this.#ringReader?.take();
    this.queue.fail(error);
    this.#ending ??= Promise.resolve();
    this.#finish();
    this.#listener.failed(error);
  }

  #finish(): void {
    this.#finished = true;
    this.#reader?.end(this.#final?.capturedFrames ?? null);
    this.#ringReader?.take();
    this.#ringReader?.stop();
    this.queue.end(this.#piped ? undefined : this.#final?.capturedFrames);
    for (const type of this.#awaited.keys()) this.#answer(type, 'ended');
    this.node.disconnect();
    this.node.onprocessorerror = null;
    this.node.port.onmessage = null;
    this.node.port.close();
  }

  #readRing(memory: SharedArrayBuffer): RingReader<Format> {
    return new RingReader({ memory, chunks: this.#settings, queue: this.queue, sleep });
  }

  #send(command: CaptureCommand, transfer: Transferable[] = []): void {
    this.node.port.postMessage(command, transfer);
  }
}

function stalled(): MicwireError {
  return new MicwireError('stalled', STALLED);
}

const ENDED = 'The capture has ended.';
const STALLED =
  'The audio thread does not answer. The audio device may be gone: close the context and create a new one.';
const PROCESSOR_ERROR =
  'The capture processor failed, and its node is silent for good. Close this capture and make another.';
