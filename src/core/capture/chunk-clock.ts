const NANOSECONDS = 1_000_000_000;

/**
 * Says how many frames each chunk has. Chunk k covers frames ⌊k·r⌋ … ⌊(k+1)·r⌋ with r = rate · duration, so that where r
 * is no whole number chunks of two lengths alternate. Counted in integers: exact however long it runs.
 */
export class ChunkClock {
  /** ⌊r⌋, and the rest of it in units of 10⁻⁹ frames. */
  readonly #frames: number;
  readonly #rest: number;
  /** What of the frames so far is not whole yet, in the same units. */
  #carry = 0;

  /**
   * @param sampleRate Hz, an integer
   * @param chunkMs milliseconds, taken to the nanosecond; at most 10 s. With the rate at least one frame
   */
  constructor(sampleRate: number, chunkMs: number) {
    // At most 768000 · 10¹⁰, which is below 2⁵³.
    const product = sampleRate * Math.round(chunkMs * 1e6);
    this.#frames = Math.floor(product / NANOSECONDS);
    this.#rest = product % NANOSECONDS;
  }

  /** Frames of the longest chunk. */
  get maxFrames(): number {
    return this.#rest === 0 ? this.#frames : this.#frames + 1;
  }

  /** Frames of the next chunk. */
  next(): number {
    const carry = this.#carry + this.#rest;
    if (carry < NANOSECONDS) {
      this.#carry = carry;
      return this.#frames;
    }
    this.#carry = carry - NANOSECONDS;
    return this.#frames + 1;
  }

  /** Restarts at chunk 0, after a pause or a gap. */
  reset(): void {
    this.#carry = 0;
  }
}
