import { RingBuffer } from '../dsp/ring-buffer.ts';
import type { ChunkSink, ChunkSlot } from './chunk-sink.ts';
import { HEADER_BYTES, slotIn } from './chunk.ts';

/** Writes chunks to shared memory: the reader looks there, and no message is posted. */
export class RingSink implements ChunkSink {
  readonly #ring: RingBuffer;
  readonly #slots: readonly ChunkSlot[];

  /** @param memory from `allocateRing`, with slots of `HEADER_BYTES` and the longest payload */
  constructor(memory: ArrayBufferLike) {
    const ring = new RingBuffer(memory);
    this.#ring = ring;
    this.#slots = ringSlots(ring);
  }

  acquire(): ChunkSlot | undefined {
    const slot = this.#ring.writable();
    return slot < 0 ? undefined : this.#slots[slot];
  }

  commit(): void {
    this.#ring.commit();
  }

  end(captured: number): void {
    this.#ring.note[0] = captured;
    this.#ring.close();
  }
}

/** The ring's slots as chunks, in order. */
export function ringSlots(ring: RingBuffer): readonly ChunkSlot[] {
  return Array.from({ length: ring.slots }, (_, slot) =>
    slotIn(ring.memory, ring.offsetOf(slot), ring.slotBytes - HEADER_BYTES),
  );
}
