/** A range of frames. */
export interface FrameRange {
  readonly frame: number;
  readonly frames: number;
}

/** A set of frames, stored as ranges that do not touch. Appending takes the same time however many ranges there are. */
export class FrameSet {
  /** Where each range begins and ends, in order. */
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  #frames = 0;

  /** Number of frames in the set. */
  get frames(): number {
    return this.#frames;
  }

  /** The frame after the last one; 0 if the set is empty. */
  get end(): number {
    return this.#to.at(-1) ?? 0;
  }

  /** Adds frames. @returns the ranges of them that are new, in order */
  add(frame: number, frames: number): FrameRange[] {
    const end = frame + frames;
    if (frames <= 0) return [];
    // The first range that begins after `frame`. The range before it may contain `frame`.
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

  /** Returns the end of the range that contains `frame`, or `frame` itself if it is not in the set. */
  contiguousEnd(frame: number): number {
    const at = this.#before(frame);
    return at > 0 && this.#to[at - 1]! >= frame ? this.#to[at - 1]! : frame;
  }

  /** Returns the missing ranges between `frame` and `end`, in order. */
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

  /** Returns the number of ranges that begin at or before `frame`. */
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
