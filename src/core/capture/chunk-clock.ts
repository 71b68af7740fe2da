/**
 * Says how many frames each chunk has. Chunk k covers frames ⌊k·r⌋ … ⌊(k+1)·r⌋ with r = rate · duration, so that where r
 * is no whole number chunks of two lengths alternate and nothing adds up: after k chunks the count is exact to a frame.
 */
export class ChunkClock {
  readonly #sampleRate: number;
  readonly #chunkMs: number;
  #chunk = 0;
  #end = 0;

  /**
   * @param sampleRate Hz
   * @param chunkMs milliseconds; with the rate at least one frame
   */
  constructor(sampleRate: number, chunkMs: number) {
    this.#sampleRate = sampleRate;
    this.#chunkMs = chunkMs;
  }

  /** Frames of the next chunk. */
  next(): number {
    const begin = this.#end;
    this.#chunk++;
    this.#end = Math.floor((this.#chunk * this.#sampleRate * this.#chunkMs) / 1000);
    return this.#end - begin;
  }

  /** Begins anew with chunk 0: after a pause or a gap. */
  reset(): void {
    this.#chunk = 0;
    this.#end = 0;
  }
}
