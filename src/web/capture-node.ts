import { ChunkQueue } from '../core/capture/chunk-queue.ts';
import type { CaptureStats } from '../core/capture/chunk-queue.ts';
import { RingReader, receiveDelivery } from '../core/capture/chunk-receiver.ts';
import { HEADER_BYTES, longestPayload, slotOf } from '../core/capture/chunk.ts';
import { allocateRing } from '../core/dsp/ring-buffer.ts';
import { MicwireError } from '../core/errors.ts';
import type {
  CaptureCommand,
  CaptureEvent,
  CaptureHandover,
  CaptureProcessorOptions,
  ProcessorName,
} from '../core/messages.ts';
import type { CaptureBackend, CaptureListener } from './capture-backend.ts';
import type { CaptureSettings } from './capture-options.ts';
import { resamplerBetween } from './resampler-design.ts';

/** How long `end()` waits for the audio thread's last word: it says nothing where the context does not run. */
const END_MS = 1000;

/** The capture processor as seen from the page: its node, its messages, and the queue of what it has sent. */
export class CaptureNode implements CaptureBackend {
  readonly node: AudioWorkletNode;
  readonly queue: ChunkQueue;
  /** The resampler's look-ahead, in frames of the context. */
  readonly latencyFrames: number;
  readonly #settings: CaptureSettings;
  readonly #listener: CaptureListener;
  readonly #ring: SharedArrayBuffer | null;
  readonly #ringReader: RingReader | null;
  /** Called at the next event of a type, then forgotten. */
  readonly #awaited = new Map<CaptureEvent['type'], (() => void)[]>();
  #ending: Promise<void> | undefined;
  #piped = false;
  /** The processor's own count at the end, for when its chunks went to a Worker. */
  #final: CaptureStats | undefined;

  /** @param processor another one that obeys as `micwire-capture` does, and the options that it takes besides */
  constructor(
    context: BaseAudioContext,
    settings: CaptureSettings,
    listener: CaptureListener,
    processor?: { readonly name: ProcessorName; readonly options: object },
  ) {
    const { format, maxChunks, chunkDuration, dither, quality } = settings;
    this.#settings = settings;
    this.#listener = listener;
    const resampler = resamplerBetween(context.sampleRate, format.sampleRate, quality);
    this.latencyFrames = resampler?.latencyFrames ?? 0;
    this.queue = new ChunkQueue(maxChunks);
    const slotBytes = HEADER_BYTES + longestPayload(format, chunkDuration);
    this.#ring = isolated() ? allocateRing(maxChunks, slotBytes) : null;
    const processorOptions: CaptureProcessorOptions = {
      format,
      dither,
      chunkDuration,
      slots: maxChunks,
      resampler,
      ring: this.#ring,
    };
    this.node = new AudioWorkletNode(context, processor?.name ?? 'micwire-capture', {
      numberOfInputs: 1,
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
    return this.#final ?? this.queue.stats;
  }

  /** True once `end()` was called or the processor has failed. */
  get ended(): boolean {
    return this.#ending !== undefined;
  }

  /** Asks the next render quantum for an answer. */
  ping(): void {
    this.#send({ type: 'ping' });
  }

  pause(hold = false): Promise<void> {
    const paused = this.#next('paused');
    this.#send({ type: 'pause', hold });
    return paused;
  }

  resume(): void {
    this.#send({ type: 'resume' });
  }

  /**
   * Makes a Worker the reader, by one message with the chunks that wait here and the way to the rest. The queue must be
   * read by nobody.
   */
  async pipeTo(worker: Worker): Promise<void> {
    const transfer: Transferable[] = [];
    this.#piped = true;
    let port: MessagePort | null = null;
    if (this.#ring === null) {
      const channel = new MessageChannel();
      port = channel.port2;
      transfer.push(port);
      // What was posted before comes here, and goes on with what waits: nothing is lost or out of order.
      const piped = this.#next('piped');
      this.#send({ type: 'pipe', port: channel.port1 }, [channel.port1]);
      await piped;
    } else this.#ringReader!.stop();
    const { format, maxChunks } = this.#settings;
    const firstFrame = this.queue.handoverFrame;
    const firstSequence = this.queue.handoverSequence;
    const waiting = this.queue.drain().map(slotOf);
    for (const { header } of waiting) transfer.push(header.buffer as ArrayBuffer);
    const ring = this.#ring;
    const handover: CaptureHandover = {
      type: 'micwire-capture',
      format,
      maxChunks,
      firstFrame,
      firstSequence,
      waiting,
      port,
      ring,
    };
    worker.postMessage(handover, transfer);
  }

  /** Has the processor send what it has, and ends it. Resolves when the last chunk is here, or will never be. */
  end(): Promise<void> {
    if (this.#ending === undefined) {
      const closed = this.#next('closed');
      this.#send({ type: 'close' });
      this.#ending = Promise.race([closed, sleep(END_MS)]).then(() => this.#finish());
    }
    return this.#ending;
  }

  #receive(event: CaptureEvent): void {
    if (event.type === 'chunk' || event.type === 'end') {
      receiveDelivery(event, this.node.port, this.#settings.format, this.queue);
      return;
    }
    // Chunks that were written before this was posted.
    this.#ringReader?.take();
    if (event.type === 'pong') this.#listener.answered();
    if (event.type === 'closed' && this.#piped) {
      const { captured, delivered, dropped } = event;
      this.#final = { captured, delivered, queued: 0, dropped };
    }
    this.#answer(event.type);
  }

  #next(type: CaptureEvent['type']): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#awaited.get(type);
      if (waiting === undefined) this.#awaited.set(type, [resolve]);
      else waiting.push(resolve);
    });
  }

  #answer(type: CaptureEvent['type']): void {
    for (const resolve of this.#awaited.get(type)?.splice(0) ?? []) resolve();
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
    this.#ringReader?.take();
    this.#ringReader?.stop();
    this.queue.end();
    for (const type of this.#awaited.keys()) this.#answer(type);
    this.node.disconnect();
    this.node.onprocessorerror = null;
    this.node.port.onmessage = null;
    this.node.port.close();
  }

  #readRing(memory: SharedArrayBuffer): RingReader {
    return new RingReader({ memory, format: this.#settings.format, queue: this.queue, sleep });
  }

  #send(command: CaptureCommand, transfer: Transferable[] = []): void {
    this.node.port.postMessage(command, transfer);
  }
}

const PROCESSOR_ERROR =
  'The capture processor failed, and its node is silent for good. Close this capture and make another.';

/** Whether memory can be shared with the audio thread (HTML §8.1.3, `crossOriginIsolated`). */
function isolated(): boolean {
  return globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === 'function';
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
