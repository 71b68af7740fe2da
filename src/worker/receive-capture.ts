import { RingReader, receiveDelivery } from '../core/capture/chunk-receiver.ts';
import { ChunkQueue } from '../core/capture/chunk-queue.ts';
import type { CaptureStats } from '../core/capture/chunk-queue.ts';
import { Chunk } from '../core/capture/chunk.ts';
import type { ChunkEncoding, ChunkFormat } from '../core/capture/chunk.ts';
import type { SampleFormat } from '../core/dsp/sample-format.ts';
import type { CaptureDelivery, CaptureHandover } from '../core/messages.ts';

/** A capture as it arrives in a Worker. Reading ends when the capture does. */
export class ReceivedCapture implements AsyncIterable<Chunk>, ChunkFormat {
  readonly sampleRate: number;
  readonly channels: number;
  readonly format: SampleFormat;
  readonly encoding: ChunkEncoding;
  readonly #queue: ChunkQueue;

  /** @internal */
  constructor(handover: CaptureHandover) {
    const { format, maxChunks, firstFrame, firstSequence, waiting, port, ring } = handover;
    this.sampleRate = format.sampleRate;
    this.channels = format.channels;
    this.format = format.format;
    this.encoding = format.encoding;
    const queue = new ChunkQueue(maxChunks, firstFrame, firstSequence);
    this.#queue = queue;
    for (const slot of waiting) queue.push(new Chunk(format, slot));
    if (ring !== null) new RingReader({ memory: ring, format, queue, sleep });
    port?.addEventListener('message', ({ data }) => {
      const delivery = data as CaptureDelivery;
      receiveDelivery(delivery, port, format, queue);
      if (delivery.type === 'end') port.close();
    });
    port?.start();
  }

  /** Frames since the capture was handed over, those that waited included, as this thread has seen them. */
  get stats(): CaptureStats {
    return this.#queue.stats;
  }

  /**
   * Reads the chunks until the capture ends. While nobody reads they wait, and the oldest give way.
   * @throws TypeError when it is being read already
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Chunk> {
    return this.#queue[Symbol.asyncIterator]();
  }
}

/**
 * Takes a capture that a page has sent with `capture.pipeToWorker(worker)`.
 *
 * @example
 * onmessage = async (event) => {
 *   const capture = receiveCapture(event);
 *   if (capture) for await (const chunk of capture) socket.send(chunk.bytes);
 * };
 *
 * @param event any `message` event of the Worker
 * @returns undefined for a message that is about something else
 */
export function receiveCapture(event: { readonly data: unknown }): ReceivedCapture | undefined {
  const { data } = event;
  if (typeof data !== 'object' || data === null) return undefined;
  const handover = data as Partial<CaptureHandover>;
  if (handover.type !== 'micwire-capture') return undefined;
  return new ReceivedCapture(handover as CaptureHandover);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
