/**
 * An array of numbers that one thread writes and any number of threads read without blocking: a sequence lock. The sequence
 * number is odd while the writer is at work; a reader that finds an odd number, or a different number after its copy than
 * before, tries again. The writer never waits.
 */

const HEADER_BYTES = 8;
/** A copy takes less than a microsecond: if a reader fails this often, its writer died at work. */
const ATTEMPTS = 1000;

/** Allocates shared memory for `count` numbers. Needs a cross-origin isolated page. */
export function allocateSnapshot(count: number): SharedArrayBuffer {
  return new SharedArrayBuffer(snapshotBytes(count));
}

/** Returns how many bytes a snapshot of `count` numbers takes. */
export function snapshotBytes(count: number): number {
  return HEADER_BYTES + count * Float64Array.BYTES_PER_ELEMENT;
}

/** The writing end. One thread only; allocates nothing after construction. */
export class SnapshotWriter {
  readonly #sequence: Int32Array;
  readonly #values: Float64Array;

  /** @param memory `snapshotBytes` long; if it is not shared, nobody reads it */
  constructor(memory: ArrayBufferLike) {
    this.#sequence = new Int32Array(memory, 0, 1);
    this.#values = new Float64Array(memory, HEADER_BYTES);
  }

  /** Publishes the first numbers of `values`, as many as the snapshot holds. */
  publish(values: Float64Array): void {
    const target = this.#values;
    const sequence = this.#sequence;
    const before = Atomics.load(sequence, 0);
    Atomics.store(sequence, 0, (before + 1) | 0);
    for (let i = 0; i < target.length; i++) target[i] = values[i]!;
    Atomics.store(sequence, 0, (before + 2) | 0);
  }
}

/** A reading end. Any thread, any number of them; allocates nothing after construction. */
export class SnapshotReader {
  readonly #sequence: Int32Array<SharedArrayBuffer>;
  readonly #values: Float64Array<SharedArrayBuffer>;
  /** Takes the copy, so that callers never see a torn one. */
  readonly #copy: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#sequence = new Int32Array(memory, 0, 1);
    this.#values = new Float64Array(memory, HEADER_BYTES);
    this.#copy = new Float64Array(this.#values.length);
  }

  /**
   * Copies the latest snapshot into `target`. Returns false and leaves `target` alone if there is no snapshot yet, or the writer
   * died at work.
   */
  read(target: Float64Array): boolean {
    const source = this.#values;
    const copy = this.#copy;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = Atomics.load(this.#sequence, 0);
      if (before === 0) return false;
      if ((before & 1) === 1) continue;
      for (let i = 0; i < copy.length; i++) copy[i] = source[i]!;
      if (Atomics.load(this.#sequence, 0) === before) {
        target.set(copy);
        return true;
      }
    }
    return false;
  }
}
