import type { StreamChunk } from '../accepted-stream.ts';

/** Frames of a {@link ChunkOrder}: received = delivered + held + duplicate. */
export interface ChunkOrderStats {
  readonly received: number;
  readonly delivered: number;
  /** Wait for frames before them. */
  readonly held: number;
  /** Were delivered already, or given up. */
  readonly duplicate: number;
  /** Never came: told with the chunk behind. */
  readonly missing: number;
}

/** Chunks behind a hole wait for what is to come into it while they are no more than these. */
const MAX_HELD_BYTES = 2 ** 23;
const MAX_HELD = 4096;

/**
 * Puts chunks in order, each frame once. After a break a client sends again what was not stored, so that a chunk may follow a later
 * one; where its sender says that frames are missing, nothing is waited for. Reads no clock.
 */
export class ChunkOrder {
  readonly #frameBytes: number;
  /** The next frame; null: whatever comes first. */
  #next: number | null;
  /** By their first frame, each ending behind `#next`. */
  readonly #held = new Map<number, StreamChunk>();
  #heldBytes = 0;
  #received = 0;
  #delivered = 0;
  #duplicate = 0;
  #missing = 0;

  /**
   * @param frameBytes bytes of a frame of samples; 0 of packets, which cannot be cut
   * @param from the first frame to be delivered, which a packet may begin before; null: the first one that comes
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

  /** Whether chunks wait for others. */
  get isWaiting(): boolean {
    return this.#held.size > 0;
  }

  /**
   * Takes a chunk.
   * @param chunk `missing`: frames before it that its sender knows to be missing
   * @returns what is due now, in order; its `missing` are the frames between it and the one before
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
      // All at once: to look for each costs more than the order is worth.
      if (this.#heldBytes > MAX_HELD_BYTES || this.#held.size > MAX_HELD) {
        for (const held of this.#inOrder()) this.#deliverHeld(held, due);
      }
    }
    return due;
  }

  /** Waits no more for the frames of the first hole. @returns what is due then */
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

  /** Delivers what waited for the frames before. */
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
