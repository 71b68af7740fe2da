import { bytesPerFrame } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';

/** Audio that is new to its receiver. */
export interface Arrival {
  /** First frame. */
  readonly frame: number;
  readonly frames: number;
  /** Interleaved samples, or one packet. A view of what arrived. */
  readonly bytes: Uint8Array;
  /** Frames between the audio before and this that never come. */
  readonly missing: number;
}

/**
 * Finds what is new in audio that is numbered by frame and may come more than once. What has come before is cut off; a packet
 * of a codec cannot be cut, and is new only when its first frame is.
 */
export class ArrivalCursor {
  readonly #frameBytes: number;
  #next: number;
  #duplicates = 0;

  /** @param next the first frame that is new */
  constructor(stream: StreamFormat, next: number) {
    this.#frameBytes = bytesPerFrame(stream);
    this.#next = next;
  }

  /** The next frame that is new. */
  get next(): number {
    return this.#next;
  }

  /** Frames that came once more. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** Looks at audio that has arrived. @returns null where nothing is new */
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

  /** What was looked at is taken, or what is before `frame` does not come any more. */
  advance(frame: number): void {
    if (frame > this.#next) this.#next = frame;
  }
}
