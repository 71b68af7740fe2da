import type { StreamChunk } from '../accepted-stream.ts';

/** Frames of a {@link ChunkOrder}: received = delivered + held + duplicate. */
export interface ChunkOrderStats {
  readonly received: number;
  readonly delivered: number;
  /** Frames that wait for earlier ones. */
  readonly held: number;
  /** Frames that were already delivered, or given up. */
  readonly duplicate: number;
  /** Frames that never arrived: reported with the next chunk. */
  readonly missing: number;
}

/** Limits of the chunks that wait for a gap to be filled. */
const MAX_HELD_BYTES = 2 ** 23;
const MAX_HELD = 4096;

/**
 * Puts chunks in order, each frame once. After a lost connection a client sends unstored audio again, so a chunk may follow a later
 * one. Does not wait for frames that the sender reports as missing. Reads no clock.
 */
export class ChunkOrder {
  readonly #frameBytes: number;
  /** The next frame; null to start with the first chunk that arrives. */
  #next: number | null;
  /** Held chunks by their first frame; each ends after `#next`. */
  readonly #held = new Map<number, StreamChunk>();
  #heldBytes = 0;
  #received = 0;
  #delivered = 0;
  #duplicate = 0;
  #missing = 0;

  /**
   * @param frameBytes bytes per frame of samples; 0 for packets, which cannot be cut
   * @param from the first frame to deliver (a packet may begin before it); null to start with the first chunk that arrives
   */
  constructor(frameBytes: number, from: number | null) {
    this.#frameBytes = frameBytes;
    this.#next = from;
  }

  get stats(): ChunkOrderStats {
    const received = this.#received;
    const delivered = this.#delivered;
    const duplicate = this.#duplicate;
    const held = received - delivered - duplicate;
    return { received, delivered, held, duplicate, missing: this.#missing };
  }

  /** Whether chunks wait for earlier ones. */
  get isWaiting(): boolean {
    return this.#held.size > 0;
  }

  /**
   * Takes a chunk.
   * @param chunk `missing`: number of frames before it that the sender reports as missing
   * @returns the chunks that are due now, in order; `missing` counts the frames between a chunk and the previous one
   */
  push(chunk: StreamChunk): StreamChunk[] {
    this.#received += chunk.frames;
    this.#next ??= chunk.frame;
    const due: StreamChunk[] = [];
    if (chunk.frame - chunk.missing <= this.#next) {
      this.#deliver(chunk, due);
      this.#advance(due);
    } else {
      this.#hold(chunk);
      // All at once: checking after each one costs more than the order is worth.
      if (this.#heldBytes > MAX_HELD_BYTES || this.#held.size > MAX_HELD) {
        for (const held of this.#inOrder()) this.#deliverHeld(held, due);
      }
    }
    return due;
  }

  /** Stops waiting for the frames of the first gap. @returns the chunks that are due then */
  giveUp(): StreamChunk[] {
    const due: StreamChunk[] = [];
    const [first] = this.#inOrder();
    if (first !== undefined) {
      this.#deliverHeld(first, due);
      this.#advance(due);
    }
    return due;
  }

  #hold(chunk: StreamChunk): void {
    const other = this.#held.get(chunk.frame);
    const shorter = other !== undefined && other.frames < chunk.frames ? other : chunk;
    if (other !== undefined) this.#duplicate += shorter.frames;
    if (shorter === chunk && other !== undefined) return;
    if (other !== undefined) this.#release(other);
    this.#held.set(chunk.frame, chunk);
    this.#heldBytes += chunk.bytes.length;
  }

  #release(chunk: StreamChunk): void {
    this.#held.delete(chunk.frame);
    this.#heldBytes -= chunk.bytes.length;
  }

  #inOrder(): StreamChunk[] {
    return [...this.#held.values()].sort((a, b) => a.frame - b.frame);
  }

  #deliverHeld(chunk: StreamChunk, due: StreamChunk[]): void {
    this.#release(chunk);
    this.#deliver(chunk, due);
  }

  /** Delivers chunks that waited for the frames before. */
  #advance(due: StreamChunk[]): void {
    if (!this.isWaiting) return;
    for (const chunk of this.#inOrder()) {
      if (chunk.frame - chunk.missing > this.#next!) return;
      this.#deliverHeld(chunk, due);
    }
  }

  #deliver(chunk: StreamChunk, due: StreamChunk[]): void {
    const next = this.#next!;
    const { frame, frames, bytes } = chunk;
    const end = frame + frames;
    const known = Math.min(frames, Math.max(0, next - frame));
    if (known === frames) {
      this.#duplicate += frames;
      return;
    }
    this.#next = end;
    const missing = Math.max(0, frame - next);
    this.#missing += missing;
    if (known === 0 || this.#frameBytes === 0) {
      this.#delivered += frames;
      due.push({ frame, frames, bytes, missing });
      return;
    }
    this.#duplicate += known;
    this.#delivered += frames - known;
    const rest = bytes.subarray(known * this.#frameBytes);
    due.push({ frame: next, frames: frames - known, bytes: rest, missing });
  }
}
