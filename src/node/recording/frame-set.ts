/** A stretch of frames. */
export interface FrameRange {
  readonly frame: number;
  readonly frames: number;
}

/** A set of frames: what has come, in stretches that do not touch. To add behind the others costs the same, however many there are. */
export class FrameSet {
  /** Where each stretch begins and ends, in order. */
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  #frames = 0;

  /** Frames in the set. */
  get frames(): number {
    return this.#frames;
  }

  /** The frame after the last one; 0 when there is none. */
  get end(): number {
    return this.#to.at(-1) ?? 0;
  }

  /** Adds frames. @returns the stretches of them that are new, in order */
  add(frame: number, frames: number): FrameRange[] {
    const end = frame + frames;
    if (frames <= 0) return [];
    // The first stretch that begins behind `frame`. The one before may reach into it.
    const at = this.#before(frame);
    let next = frame;
    const isJoined = at > 0 && this.#to[at - 1]! >= frame;
    if (isJoined) next = Math.max(next, this.#to[at - 1]!);
    const added: FrameRange[] = [];
    let last = at;
    let joinedEnd = Math.max(end, isJoined ? this.#to[at - 1]! : end);
    for (; last < this.#from.length && this.#from[last]! <= end; last++) {
      if (this.#from[last]! > next) added.push({ frame: next, frames: this.#from[last]! - next });
      next = Math.max(next, this.#to[last]!);
      joinedEnd = Math.max(joinedEnd, this.#to[last]!);
    }
    if (next < end) added.push({ frame: next, frames: end - next });
    if (isJoined) {
      this.#to[at - 1] = joinedEnd;
      this.#remove(at, last);
    } else {
      this.#from.splice(at, last - at, frame);
      this.#to.splice(at, last - at, joinedEnd);
    }
    for (const range of added) this.#frames += range.frames;
    return added;
  }

  /** The end of the stretch that `frame` is in, or `frame` itself when it is not in the set. */
  contiguousEnd(frame: number): number {
    const at = this.#before(frame);
    return at > 0 && this.#to[at - 1]! >= frame ? this.#to[at - 1]! : frame;
  }

  /** What is missing between `frame` and `end`, in order. */
  gaps(frame: number, end: number): FrameRange[] {
    const gaps: FrameRange[] = [];
    let next = frame;
    for (let i = 0; i < this.#from.length && this.#from[i]! < end; i++) {
      if (this.#from[i]! > next) gaps.push({ frame: next, frames: this.#from[i]! - next });
      next = Math.max(next, this.#to[i]!);
    }
    if (next < end) gaps.push({ frame: next, frames: end - next });
    return gaps;
  }

  *[Symbol.iterator](): Generator<FrameRange, void> {
    for (const [i, frame] of this.#from.entries()) {
      yield { frame, frames: this.#to[i]! - frame };
    }
  }

  /** How many stretches begin at `frame` or before. */
  #before(frame: number): number {
    let low = 0;
    let high = this.#from.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#from[middle]! <= frame) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #remove(from: number, to: number): void {
    if (to === from) return;
    this.#from.splice(from, to - from);
    this.#to.splice(from, to - from);
  }
}
