import { checkObject } from '../core/option-names.ts';
import { RingReader, receiveDelivery } from '../core/capture/chunk-receiver.ts';
import { ChunkQueue } from '../core/capture/chunk-queue.ts';
import type { CaptureStats } from '../core/capture/chunk-queue.ts';
import { Chunk } from '../core/capture/chunk.ts';
import type { ChunkEncoding } from '../core/capture/chunk.ts';
import type { PayloadFormat } from '../core/format/formats.ts';
import type { SendFraming } from '../core/framing/framing.ts';
import { checkPipe, pipeChunks } from '../core/pipe.ts';
import type { CapturePipeResult, PipeOptions, PipeTarget } from '../core/pipe.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import type { CaptureDelivery, CaptureHandover } from '../core/messages.ts';
import { showLife } from './show-life.ts';

/** How long chunks in transit may take after the capture has ended, in ms. */
const REST_MS = 1000;

/** A capture as it arrives in a Worker. Reading ends when the capture does. */
export class ReceivedCapture implements AsyncIterable<Chunk<PayloadFormat>>, StreamFormat {
  /** The captured stream. Framings and receivers accept it unchanged. */
  readonly stream: StreamFormat;
  readonly sampleRate: number;
  readonly channels: number;
  /** Format of the payload; `'opus'` if the page captures packets. */
  readonly format: PayloadFormat;
  readonly encoding: ChunkEncoding;
  readonly #queue: ChunkQueue;

  /** @internal */
  static make(handover: CaptureHandover): ReceivedCapture {
    return new ReceivedCapture(handover);
  }

  private constructor(handover: CaptureHandover) {
    checkObject('handover must be what the page posted', handover, 'stream');
    const { stream, encoding, maxChunks, firstFrame, droppedChunks, waiting, port, ring } =
      handover;
    this.stream = stream;
    this.sampleRate = stream.sampleRate;
    this.channels = stream.channels;
    this.format = stream.format;
    this.encoding = encoding;
    const queue = new ChunkQueue(maxChunks, firstFrame, droppedChunks);
    this.#queue = queue;
    for (const slot of waiting) queue.push(new Chunk(handover, slot));
    const reader = ring && new RingReader({ memory: ring, chunks: handover, queue, sleep });
    port?.addEventListener('message', ({ data }) => {
      const delivery = data as CaptureDelivery;
      receiveDelivery(delivery, port, handover, queue);
      if (delivery.type === 'end') port.close();
    });
    port?.start();
    if (handover.control === undefined) return;
    showLife(handover.control, handover.lock ?? '', {
      read: () => queue.account,
      end: async (captured) => {
        // The audio thread's final report arrives another way, or never if the thread died with its context.
        if (!queue.ended) await sleep(REST_MS);
        reader?.take();
        reader?.stop();
        port?.close();
        queue.end(captured ?? undefined);
      },
    });
  }

  /** Frames since the capture was handed over, including those that were queued then, as this thread has seen them. */
  get stats(): CaptureStats {
    return this.#queue.stats;
  }

  /**
   * Reads the chunks until the capture ends. While they are not read, they are queued; when the queue is full, the oldest are
   * dropped.
   * @throws TypeError if the capture is already being read
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Chunk<PayloadFormat>> {
    return this.#queue[Symbol.asyncIterator]();
  }

  /**
   * Sends every chunk over a transport, one message each, until the capture ends, the transport is closed permanently or `signal`
   * is aborted. While the transport is not open, or is congested, chunks are queued for at most the capture's `bufferDurationMs`;
   * then the oldest is dropped and counted. Sending continues when the transport reconnects; its failures are its own `'error'`
   * events.
   * @example
   * capture.pipeTo(transport, binaryFraming);
   * @param framing `binaryFraming`, `base64JsonFraming` or `rtpFraming`; to pass options to the framing,
   *   `{ createEncoder: (stream) => rtpFraming.createEncoder({ ...stream, payloadType: 96 }) }`
   * @returns statistics of what was sent, when the pipe has ended; another reader may then follow
   * @throws TypeError or RangeError for an invalid argument, or a stream that the framing cannot carry; TypeError if the capture is
   * already being read
   */
  async pipeTo(
    transport: PipeTarget,
    framing: SendFraming,
    options: PipeOptions = {},
  ): Promise<CapturePipeResult> {
    checkPipe('capture.pipeTo', transport, framing, 'createEncoder', options);
    const encoder = framing.createEncoder(this.stream);
    return pipeChunks(this[Symbol.asyncIterator](), encoder, transport, options.signal);
  }
}

/**
 * Takes a capture that a page has sent with `capture.pipeToWorker(worker)`.
 *
 * @example
 * onmessage = (event) => {
 *   receiveCapture(event)?.pipeTo(WebSocketTransport.create('/audio'), binaryFraming);
 * };
 *
 * @param event any `message` event of the Worker
 * @returns the capture; undefined for an unrelated message
 */
export function receiveCapture(event: { readonly data: unknown }): ReceivedCapture | undefined {
  checkObject('receiveCapture: event must be a MessageEvent', event, 'data');
  const { data } = event;
  if (typeof data !== 'object' || data === null) return undefined;
  const handover = data as Partial<CaptureHandover>;
  if (handover.type !== 'micwire-capture') return undefined;
  return ReceivedCapture.make(handover as CaptureHandover);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
