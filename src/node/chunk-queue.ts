import { Fifo } from '../core/session/fifo.ts';
import type { StreamChunk } from './accepted-stream.ts';

/** The chunks that wait for a reader, and their total size. */
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

  /** Adds a chunk. @param bytes the audio; it is copied */
  push(frame: number, frames: number, bytes: Uint8Array, missing: number): void {
    // A small Buffer is part of a shared pool that other code writes to.
    const own = new Uint8Array(bytes.length);
    own.set(bytes);
    this.#chunks.push({ frame, frames, bytes: own, missing });
    this.#frames += frames;
    this.#bytes += bytes.length;
  }

  /** Removes and returns the oldest chunk. */
  shift(): StreamChunk | undefined {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#frames -= chunk.frames;
      this.#bytes -= chunk.bytes.length;
    }
    return chunk;
  }

  /** Removes all chunks. @returns the number of frames that waited */
  clear(): number {
    const frames = this.#frames;
    this.#chunks.clear();
    this.#frames = 0;
    this.#bytes = 0;
    return frames;
  }
}
