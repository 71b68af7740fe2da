import type { PostingPort } from '../messages.ts';
import { HEADER_BYTES, slotIn } from './chunk.ts';
import { RingBuffer } from '../dsp/ring-buffer.ts';

/** A place for one chunk on its way between threads: header and payload lie in one buffer. */
export interface ChunkSlot {
  /** The fields of `HEADER` in `chunk.ts`. */
  readonly header: Float64Array;
  /** The payload; as long as the longest chunk. */
  readonly bytes: Uint8Array;
}

/**
 * Where the audio thread writes chunks: acquire a slot, write it, commit it. One slot at a time. No method allocates or
 * waits.
 */
export interface ChunkSink {
  /** A free slot, or undefined while the reader holds all of them. */
  acquire(): ChunkSlot | undefined;
  /** Sends the slot that was acquired last to the reader. */
  commit(): void;
  /**
   * Tells the reader that nothing more comes. Not for `process()`: this may allocate.
   * @param captured frames captured in all, delivered or not
   */
  end(captured: number): void;
}

/** The message that carries a chunk: one object for each buffer of the pool, posted again and again. */
interface Parcel {
  readonly type: 'chunk';
  header: Float64Array;
  bytes: Uint8Array;
}

/**
 * Posts chunks in buffers of a fixed pool. A buffer is transferred to the reader, who sends it back by `recycle`. The
 * message objects and the transfer list are made once; a buffer that comes back takes the place of one that is out.
 */
export class PoolSink implements ChunkSink {
  #port: PostingPort;
  readonly #payloadBytes: number;
  /** Parcels that have a buffer, and how many. */
  readonly #ready: Parcel[];
  #readyCount: number;
  /** Parcels whose buffer is out, and how many. */
  readonly #spent: Parcel[];
  #spentCount = 0;
  /** The parcel that is being written. */
  #open: Parcel;
  readonly #transfer: ArrayBuffer[];

  /**
   * @param port where chunks go
   * @param slots buffers in the pool, at least 1
   * @param payloadBytes the longest payload
   */
  constructor(port: PostingPort, slots: number, payloadBytes: number) {
    this.#port = port;
    this.#payloadBytes = payloadBytes;
    this.#ready = Array.from({ length: slots }, () => ({
      type: 'chunk',
      ...poolSlot(payloadBytes),
    }));
    this.#readyCount = slots;
    this.#spent = this.#ready.slice();
    this.#open = this.#ready[0]!;
    this.#transfer = [this.#open.header.buffer as ArrayBuffer];
  }

  /** Buffers that are out. */
  get out(): number {
    return this.#spentCount;
  }

  acquire(): ChunkSlot | undefined {
    if (this.#readyCount === 0) return undefined;
    this.#open = this.#ready[--this.#readyCount]!;
    return this.#open;
  }

  commit(): void {
    const parcel = this.#open;
    this.#transfer[0] = parcel.header.buffer as ArrayBuffer;
    this.#port.postMessage(parcel, this.#transfer);
    this.#spent[this.#spentCount++] = parcel;
  }

  /** Takes a buffer back into the pool. Anything that is not one of its own is passed over. */
  recycle(slot: ChunkSlot): void {
    if (this.#spentCount === 0 || slot.bytes.length !== this.#payloadBytes) return;
    const parcel = this.#spent[--this.#spentCount]!;
    parcel.header = slot.header;
    parcel.bytes = slot.bytes;
    this.#ready[this.#readyCount++] = parcel;
  }

  /** Sends what follows to another port. Buffers that are out may still come back from the old one. */
  redirect(port: PostingPort): void {
    this.#port = port;
  }

  /** Makes new buffers for those that are out: their reader is gone. Allocates. */
  refill(): void {
    while (this.#spentCount > 0) this.recycle(poolSlot(this.#payloadBytes));
  }

  end(captured: number): void {
    this.#port.postMessage({ type: 'end', captured }, []);
  }
}

/** A buffer of the pool. */
export function poolSlot(payloadBytes: number): ChunkSlot {
  return slotIn(new ArrayBuffer(HEADER_BYTES + payloadBytes), 0, payloadBytes);
}

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
