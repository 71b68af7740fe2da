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
