/** How late something was, in ms. */
export interface LatenessReport {
  /** How many times it was measured. */
  readonly count: number;
  /** Half of the times it was no later; 0 when there are none. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Classes of the histogram: the first up to FIRST_MS, each 5 % wider than the one before. */
const FIRST_MS = 0.01;
const GROWTH = 1.05;
/** Up to 10 s. */
const CLASSES = Math.ceil(Math.log(10_000 / FIRST_MS) / Math.log(GROWTH)) + 2;

/** A histogram of lateness with classes 5 % wide: it takes the same memory however long it counts. */
export class Lateness {
  readonly #counts = new Uint32Array(CLASSES);
  #count = 0;
  #maxMs = 0;

  /** @param ms below 0 counts as 0 */
  add(ms: number): void {
    const late = Math.max(0, ms);
    const index = late <= FIRST_MS ? 0 : Math.ceil(Math.log(late / FIRST_MS) / Math.log(GROWTH));
    const at = Math.min(CLASSES - 1, index);
    this.#counts[at] = this.#counts[at]! + 1;
    this.#count++;
    this.#maxMs = Math.max(this.#maxMs, late);
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#maxMs = 0;
  }

  report(): LatenessReport {
    const count = this.#count;
    const maxMs = this.#maxMs;
    return { count, p50Ms: this.#quantile(0.5), p99Ms: this.#quantile(0.99), maxMs };
  }

  /** The upper edge of the class that holds the quantile, and no more than was seen. */
  #quantile(share: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.ceil(share * this.#count);
    let seen = 0;
    for (let index = 0; index < CLASSES; index++) {
      seen += this.#counts[index]!;
      if (seen >= rank) return Math.min(this.#maxMs, FIRST_MS * GROWTH ** index);
    }
    return this.#maxMs;
  }
}
