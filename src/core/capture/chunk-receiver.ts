import type { CaptureCommand, CaptureDelivery, MessagePortLike } from '../messages.ts';
import { RingBuffer } from '../dsp/ring-buffer.ts';
import type { PayloadFormat } from '../format/formats.ts';
import type { ChunkQueue } from './chunk-queue.ts';
import type { ChunkSlot } from './chunk-sinks.ts';
import { Chunk } from './chunk.ts';
import type { ChunkOptions } from './chunk.ts';
import { ringSlots } from './chunk-sinks.ts';

/** Puts a delivery that came through a port into the queue, and returns the buffer at once. */
export function receiveDelivery<Format extends PayloadFormat>(
  delivery: CaptureDelivery,
  port: MessagePortLike,
  options: ChunkOptions<Format>,
  queue: ChunkQueue<Format>,
): void {
  if (delivery.type === 'end') {
    queue.end(delivery.captured);
    return;
  }
  queue.push(new Chunk(options, delivery));
  const { header, bytes } = delivery;
  const answer: CaptureCommand = { type: 'recycle', header, bytes };
  port.postMessage(answer, [header.buffer as ArrayBuffer]);
}

/** Options of a ring's reader. */
export interface RingReaderOptions<Format extends PayloadFormat> {
  readonly memory: SharedArrayBuffer;
  readonly chunks: ChunkOptions<Format>;
  readonly queue: ChunkQueue<Format>;
  /** Resolves after `milliseconds`. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** Moves chunks from a ring to a queue, until the ring is closed or `stop` is called. One reader per ring. */
export class RingReader<Format extends PayloadFormat = PayloadFormat> {
  readonly #ring: RingBuffer;
  readonly #slots: readonly ChunkSlot[];
  readonly #chunks: ChunkOptions<Format>;
  readonly #queue: ChunkQueue<Format>;
  #stopped = false;

  constructor({ memory, chunks, queue, sleep }: RingReaderOptions<Format>) {
    this.#ring = new RingBuffer(memory);
    this.#slots = ringSlots(this.#ring);
    this.#chunks = chunks;
    this.#queue = queue;
    void this.#run(sleep);
  }

  /**
   * Takes all available chunks at once. A message that the writer posts after a chunk may arrive before this reader wakes: call
   * this first, so that the chunks that the message refers to are in the queue.
   */
  take(): void {
    if (this.#stopped) return;
    const ring = this.#ring;
    // Read before the slots, so that all slots written before the close are found.
    const closed = ring.closed;
    for (let slot = ring.readable(); slot >= 0; slot = ring.readable()) {
      this.#queue.push(new Chunk(this.#chunks, this.#slots[slot]!));
      ring.release();
    }
    if (!closed) return;
    this.#stopped = true;
    this.#queue.end(ring.note[0]);
  }

  /** Leaves the ring to another reader: this one does not touch it any more. */
  stop(): void {
    this.#stopped = true;
    this.#ring.nudge();
  }

  async #run(sleep: RingReaderOptions<Format>['sleep']): Promise<void> {
    while (!this.#stopped) {
      const seen = this.#ring.signal;
      this.take();
      if (!this.#stopped) await this.#ring.wait(seen, sleep);
    }
  }
}
