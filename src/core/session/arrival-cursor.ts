import { bytesPerFrame } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';

/** Audio that is new to its receiver. */
export interface Arrival {
  /** First frame. */
  readonly frame: number;
  readonly frames: number;
  /** Interleaved samples, or one packet. A view of the bytes that arrived. */
  readonly bytes: Uint8Array;
  /** Frames between the previous audio and this that will never arrive. */
  readonly missing: number;
}

/**
 * Finds new audio in audio that is numbered by frame and may arrive repeatedly. Earlier audio is cut off; a codec's packet cannot
 * be cut, and counts as new only if its first frame is new.
 */
export class ArrivalCursor {
  readonly #frameBytes: number;
  #next: number;
  #duplicates = 0;

  /** @param next the first new frame */
  constructor(stream: StreamFormat, next: number) {
    this.#frameBytes = bytesPerFrame(stream);
    this.#next = next;
  }

  /** The next new frame. */
  get next(): number {
    return this.#next;
  }

  /** Number of frames that arrived again. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** Examines audio that has arrived. @returns null if no part of it is new */
  look(frame: number, frames: number, bytes: Uint8Array): Arrival | null {
    const known = Math.max(0, Math.min(frames, this.#next - frame));
    this.#duplicates += known;
    if (known === frames || (known > 0 && this.#frameBytes === 0)) return null;
    return {
      frame: frame + known,
      frames: frames - known,
      bytes: known === 0 ? bytes : bytes.subarray(known * this.#frameBytes),
      missing: frame + known - this.#next,
    };
  }

  /** Advances to `frame`: the examined audio was accepted, or earlier audio will not arrive any more. */
  advance(frame: number): void {
    if (frame > this.#next) this.#next = frame;
  }
}
