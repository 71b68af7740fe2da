/** Maximum number of streams that are remembered. */
const MAX_STREAMS = 10_000;

/** Remembers where the last ten thousand finished streams end, to recognize audio that arrives again. */
export class StreamEnds {
  readonly #ends = new Map<string, number>();

  /** Returns the frame after the last one of a stream; 0 if it is not known to be over. */
  of(id: string): number {
    return this.#ends.get(id) ?? 0;
  }

  /** Whether a stream is known to be over. */
  has(id: string): boolean {
    return this.#ends.has(id);
  }

  add(id: string, end: number): void {
    this.#ends.delete(id);
    this.#ends.set(id, end);
    if (this.#ends.size <= MAX_STREAMS) return;
    for (const oldest of this.#ends.keys()) {
      this.#ends.delete(oldest);
      return;
    }
  }
}
