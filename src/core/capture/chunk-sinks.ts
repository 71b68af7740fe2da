import type { PostingPort } from '../messages.ts';
import { HEADER_BYTES, slotIn } from './chunk.ts';
import { RingBuffer } from '../dsp/ring-buffer.ts';

/** Memory for one chunk on its way between threads: header and payload are in one buffer. */
export interface ChunkSlot {
  /** The fields of `HEADER` in `chunk.ts`. */
  readonly header: Float64Array;
  /** The payload; as long as that of the longest chunk. */
  readonly bytes: Uint8Array;
}

/**
 * Takes the chunks that the audio thread writes: acquire a slot, write it, commit it. One slot at a time. No method waits, and
 * only `end` may allocate.
 */
export interface ChunkSink {
  /** Returns a free slot, or undefined while the reader holds all of them. */
  acquire(): ChunkSlot | undefined;
  /** Sends the slot that was acquired last to the reader. */
  commit(): void;
  /**
   * Tells the reader that no more chunks follow. Not for `process()`: it may allocate.
   * @param captured frames captured in all, delivered or not
   */
  end(captured: number): void;
}

/** The message that carries a chunk: one object per buffer of the pool, posted repeatedly. */
interface Parcel {
  readonly type: 'chunk';
  header: Float64Array;
  bytes: Uint8Array;
}

/**
 * Posts chunks in buffers of a fixed pool. Transfers each buffer to the reader, which returns it in `recycle`. The message
 * objects and the transfer list are created once; a returned buffer takes the place of one that is out.
 */
export class PoolSink implements ChunkSink {
  #port: PostingPort;
  readonly #payloadBytes: number;
  /** Parcels that have a buffer, and their number. */
  readonly #ready: Parcel[];
  #readyCount: number;
  /** Parcels whose buffer is out, and their number. */
  readonly #spent: Parcel[];
  #spentCount = 0;
  /** The parcel that is being written. */
  #open: Parcel;
  readonly #transfer: ArrayBuffer[];

  /**
   * @param port takes the chunks
   * @param slots number of buffers in the pool, at least 1
   * @param payloadBytes bytes of the longest payload
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

  /** How many buffers are out. */
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

  /** Takes a buffer back into the pool. Ignores anything that is not one of its own. */
  recycle(slot: ChunkSlot): void {
    if (this.#spentCount === 0 || slot.bytes.length !== this.#payloadBytes) return;
    const parcel = this.#spent[--this.#spentCount]!;
    parcel.header = slot.header;
    parcel.bytes = slot.bytes;
    this.#ready[this.#readyCount++] = parcel;
  }

  /** Sends later chunks to another port. Buffers that are out may still come back from the old one. */
  redirect(port: PostingPort): void {
    this.#port = port;
  }

  /** Replaces the buffers that are out, whose reader is gone. Allocates. */
  refill(): void {
    while (this.#spentCount > 0) this.recycle(poolSlot(this.#payloadBytes));
  }

  end(captured: number): void {
    this.#port.postMessage({ type: 'end', captured }, []);
  }
}

/** Allocates a buffer of the pool. */
export function poolSlot(payloadBytes: number): ChunkSlot {
  return slotIn(new ArrayBuffer(HEADER_BYTES + payloadBytes), 0, payloadBytes);
}

/** Writes chunks to shared memory. The reader looks there, so no messages are posted. */
export class RingSink implements ChunkSink {
  readonly #ring: RingBuffer;
  readonly #slots: readonly ChunkSlot[];

  /** @param memory from `allocateRing`, with slots of `HEADER_BYTES` plus the longest payload */
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

/** Returns the ring's slots as chunk slots, in order. */
export function ringSlots(ring: RingBuffer): readonly ChunkSlot[] {
  return Array.from({ length: ring.slots }, (_, slot) =>
    slotIn(ring.memory, ring.offsetOf(slot), ring.slotBytes - HEADER_BYTES),
  );
}
