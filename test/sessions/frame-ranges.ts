/** A run of frames of one kind. */
export interface FrameRange<Kind> {
  readonly from: number;
  readonly to: number;
  readonly kind: Kind;
}

/** Runs of frames in order, each of a kind: neighbours of the same kind are one. */
export class FrameRanges<Kind> {
  readonly #ranges: FrameRange<Kind>[] = [];

  /** The frame after the last one. */
  get end(): number {
    return this.#ranges.at(-1)?.to ?? 0;
  }

  /** Adds frames behind the others. */
  add(from: number, to: number, kind: Kind): void {
    if (to <= from) return;
    const last = this.#ranges.at(-1);
    if (last !== undefined && last.to === from && last.kind === kind) {
      this.#ranges[this.#ranges.length - 1] = { from: last.from, to, kind };
    } else this.#ranges.push({ from, to, kind });
  }

  /** Forgets what is from `frame` on. */
  cut(frame: number): void {
    for (let last = this.#ranges.at(-1); last !== undefined && last.to > frame;) {
      this.#ranges.pop();
      if (last.from < frame) this.#ranges.push({ ...last, to: frame });
      last = this.#ranges.at(-1);
    }
  }

  /** The run that a frame is in. */
  at(frame: number): FrameRange<Kind> | undefined {
    const ranges = this.#ranges;
    let low = 0;
    let high = ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const range = ranges[middle]!;
      if (frame < range.from) high = middle - 1;
      else if (frame >= range.to) low = middle + 1;
      else return range;
    }
    return undefined;
  }

  hasBetween(from: number, to: number): boolean {
    return this.#ranges.some((range) => range.from < to && range.to > from);
  }

  [Symbol.iterator](): Iterator<FrameRange<Kind>> {
    return this.#ranges[Symbol.iterator]();
  }
}
