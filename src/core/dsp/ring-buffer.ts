/**
 * A ring of equal slots in shared memory: one thread writes, one other thread reads. Neither ever blocks the other; a reader
 * with nothing to do may sleep on {@link RingBuffer.signal}.
 */

/** Words of the control block. */
const SLOTS = 0;
const SLOT_BYTES = 1;
/** Slots written and read so far, modulo twice the number of slots: equal means empty, `slots` apart means full. */
const WRITTEN = 2;
const READ = 3;
/** 1 once the writer has closed. */
const CLOSED = 4;
/** Changes with every event that a reader may wait for: a slot is written, the ring is closed, the reader is nudged. */
const SIGNAL = 5;
const CONTROL_WORDS = 16;
const NOTE_NUMBERS = 4;
const HEAD_BYTES =
  CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT + NOTE_NUMBERS * Float64Array.BYTES_PER_ELEMENT;

/** One side's view of a ring. Threads share only the memory, from {@link allocateRing}; each creates its own `RingBuffer`. */
export class RingBuffer {
  readonly memory: ArrayBufferLike;
  /** Number of slots. All of them can be full. */
  readonly slots: number;
  /** Bytes of a slot: a multiple of 8. */
  readonly slotBytes: number;
  /** Numbers that the writer leaves for the reader before it closes. */
  readonly note: Float64Array;
  readonly #control: Int32Array;

  /** @param memory from `allocateRing`, or laid out by `layOutRing` */
  constructor(memory: ArrayBufferLike) {
    this.memory = memory;
    this.#control = new Int32Array(memory, 0, CONTROL_WORDS);
    this.note = new Float64Array(memory, this.#control.byteLength, NOTE_NUMBERS);
    this.slots = this.#control[SLOTS]!;
    this.slotBytes = this.#control[SLOT_BYTES]!;
  }

  /** Returns where a slot begins in the memory, in bytes: a multiple of 8. @param slot 0 … `slots` − 1 */
  offsetOf(slot: number): number {
    return HEAD_BYTES + slot * this.slotBytes;
  }

  /** Writer: returns the slot to write next, or −1 while the ring is full. */
  writable(): number {
    const written = Atomics.load(this.#control, WRITTEN);
    if (this.#count(written, Atomics.load(this.#control, READ)) === this.slots) return -1;
    return written % this.slots;
  }

  /** Writer: passes the slot from `writable` to the reader, and wakes it. */
  commit(): void {
    const control = this.#control;
    Atomics.store(control, WRITTEN, (Atomics.load(control, WRITTEN) + 1) % (2 * this.slots));
    this.#wake();
  }

  /** Writer: closes the ring. The reader reads `note` only after this. */
  close(): void {
    Atomics.store(this.#control, CLOSED, 1);
    this.#wake();
  }

  /** Reader: returns the oldest slot that is written and not released, or −1 while the ring is empty. */
  readable(): number {
    const read = Atomics.load(this.#control, READ);
    return Atomics.load(this.#control, WRITTEN) === read ? -1 : read % this.slots;
  }

  /** Reader: gives the slot from `readable` back to the writer. */
  release(): void {
    const control = this.#control;
    Atomics.store(control, READ, (Atomics.load(control, READ) + 1) % (2 * this.slots));
  }

  /** Either: whether the writer has closed the ring. Slots written before that can still be read. */
  get closed(): boolean {
    return Atomics.load(this.#control, CLOSED) === 1;
  }

  /** Reader: get this before you look for slots, and pass it to `wait` if there were no slots. */
  get signal(): number {
    return Atomics.load(this.#control, SIGNAL);
  }

  /**
   * Reader: resolves once the signal is no longer `seen`, or up to 10 ms later if the engine lacks `Atomics.waitAsync`. Does not
   * block the thread.
   * @param sleep resolves after `milliseconds`
   */
  async wait(seen: number, sleep: (milliseconds: number) => Promise<void>): Promise<void> {
    const { waitAsync } = Atomics as AsyncAtomics;
    if (waitAsync !== undefined) {
      await waitAsync.call(Atomics, this.#control, SIGNAL, seen).value;
      return;
    }
    while (this.signal === seen) await sleep(POLL_MS);
  }

  /** Any thread: wakes a waiting reader although nothing was written, so that it checks whether it should continue. */
  nudge(): void {
    this.#wake();
  }

  #wake(): void {
    Atomics.add(this.#control, SIGNAL, 1);
    Atomics.notify(this.#control, SIGNAL);
  }

  #count(written: number, read: number): number {
    const ahead = written - read;
    return ahead < 0 ? ahead + 2 * this.slots : ahead;
  }
}

/** How long a reader sleeps if `Atomics.waitAsync` is missing: half of the shortest usual chunk. */
const POLL_MS = 10;

/** ECMAScript 2024, which the compiler's es2023 library lacks. */
interface AsyncAtomics {
  readonly waitAsync?: (
    array: Int32Array,
    index: number,
    value: number,
  ) => { readonly value: PromiseLike<string> | string };
}

/**
 * Allocates memory for a ring. Needs `SharedArrayBuffer`, and so cross-origin isolation in a page.
 * @param slots at least 1
 * @param slotBytes rounded up to a multiple of 8
 */
export function allocateRing(slots: number, slotBytes: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(ringBytes(slots, slotBytes));
  layOutRing(memory, slots, slotBytes);
  return memory;
}

/** Returns how many bytes a ring takes. */
export function ringBytes(slots: number, slotBytes: number): number {
  return HEAD_BYTES + slots * alignedBytes(slotBytes);
}

/** Lays out a ring in `ringBytes` zero bytes of memory. Within one thread, the memory need not be shared. */
export function layOutRing(memory: ArrayBufferLike, slots: number, slotBytes: number): void {
  const control = new Int32Array(memory, 0, CONTROL_WORDS);
  control[SLOTS] = slots;
  control[SLOT_BYTES] = alignedBytes(slotBytes);
}

function alignedBytes(slotBytes: number): number {
  return Math.ceil(slotBytes / 8) * 8;
}
