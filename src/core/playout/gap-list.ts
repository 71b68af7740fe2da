/** Gaps that may wait at a time; a power of two. */
const MAX_GAPS = 16;
const MASK = MAX_GAPS - 1;

/** Where frames are missing, in order: each gap lies before the frame it is known by. More than 16 at a time are forgotten. */
export class GapList {
  readonly #frames = new Float64Array(MAX_GAPS);
  #first = 0;
  #next = 0;

  /** A gap before `frame`, which is beyond all others. */
  add(frame: number): void {
    if (this.#next - this.#first < MAX_GAPS) this.#frames[this.#next++ & MASK] = frame;
  }

  /** The gap at `frame` is dealt with. */
  pass(): void {
    this.#first++;
  }

  /** Frames from `frame` to the next gap: 0 at one, infinite without one. Gaps before it are forgotten. */
  distance(frame: number): number {
    while (this.#first < this.#next) {
      const frames = this.#frames[this.#first & MASK]! - frame;
      if (frames >= 0) return frames;
      this.#first++;
    }
    return Infinity;
  }

  /** Whether there is a gap at `from` … `to`, `to` not included. */
  within(from: number, to: number): boolean {
    for (let i = this.#first; i < this.#next; i++) {
      const frame = this.#frames[i & MASK]!;
      if (frame >= from && frame < to) return true;
    }
    return false;
  }
}
