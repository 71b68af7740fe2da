import { Fifo } from '../core/session/fifo.ts';
import type { StreamChunk } from './accepted-stream.ts';

/** Chunks that wait for a reader, and how much they are. */
export class ChunkQueue {
  readonly #chunks = new Fifo<StreamChunk>();
  #frames = 0;
  #bytes = 0;

  get length(): number {
    return this.#chunks.length;
  }

  get frames(): number {
    return this.#frames;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a chunk. @param bytes copied */
  push(frame: number, frames: number, bytes: Uint8Array, missing: number): void {
    // A small Buffer is a piece of a pool that others write to.
    const own = new Uint8Array(bytes.length);
    own.set(bytes);
    this.#chunks.push({ frame, frames, bytes: own, missing });
    this.#frames += frames;
    this.#bytes += bytes.length;
  }

  /** Takes out the oldest. */
  shift(): StreamChunk | undefined {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#frames -= chunk.frames;
      this.#bytes -= chunk.bytes.length;
    }
    return chunk;
  }

  /** Forgets all. @returns the frames that waited */
  clear(): number {
    const frames = this.#frames;
    this.#chunks.clear();
    this.#frames = 0;
    this.#bytes = 0;
    return frames;
  }
}
