import type { CaptureCommand, CaptureDelivery, CapturePort } from '../messages.ts';
import { RingBuffer } from '../dsp/ring-buffer.ts';
import type { ChunkQueue } from './chunk-queue.ts';
import { Chunk } from './chunk.ts';
import type { ChunkFormat } from './chunk.ts';
import { ringSlots } from './ring-sink.ts';

/** Takes what came through a port into the queue, and sends the buffer back at once. */
export function receiveDelivery(
  delivery: CaptureDelivery,
  port: CapturePort,
  format: ChunkFormat,
  queue: ChunkQueue,
): void {
  if (delivery.type === 'end') {
    queue.end(delivery.captured);
    return;
  }
  queue.push(new Chunk(format, delivery));
  const { header, bytes } = delivery;
  const answer: CaptureCommand = { type: 'recycle', header, bytes };
  port.postMessage(answer, [header.buffer as ArrayBuffer]);
}

/** How a thread reads a ring. */
export interface RingReaderOptions {
  readonly memory: SharedArrayBuffer;
  readonly format: ChunkFormat;
  readonly queue: ChunkQueue;
  /** Resolves after that many milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** Takes chunks out of a ring into a queue, from now until the ring closes or `stop`. One reader per ring. */
export class RingReader {
  readonly #ring: RingBuffer;
  #stopped = false;

  constructor(options: RingReaderOptions) {
    this.#ring = new RingBuffer(options.memory);
    void this.#run(options);
  }

  /** Leaves the ring to another reader: this one touches it no more. */
  stop(): void {
    this.#stopped = true;
    this.#ring.nudge();
  }

  async #run({ format, queue, sleep }: RingReaderOptions): Promise<void> {
    const ring = this.#ring;
    const slots = ringSlots(ring);
    while (!this.#stopped) {
      const seen = ring.signal;
      // Looked at before the slots: what was written before the close is then found.
      const closed = ring.closed;
      for (let slot = ring.readable(); slot >= 0; slot = ring.readable()) {
        queue.push(new Chunk(format, slots[slot]!));
        ring.release();
      }
      if (closed) {
        queue.end(ring.note[0]);
        return;
      }
      await ring.wait(seen, sleep);
    }
  }
}
