/** How late something was, in ms. */
export interface LatenessReport {
  /** How many times it was measured. */
  readonly count: number;
  /** The median; 0 without measurements. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Classes of the histogram: the first up to FIRST_MS, each 5 % wider than the one before. */
const FIRST_MS = 0.01;
const GROWTH = 1.05;
/** Up to 10 s. */
const CLASSES = Math.ceil(Math.log(10_000 / FIRST_MS) / Math.log(GROWTH)) + 2;

/**
 * What `recent()` reports on, in whole seconds: the 5 s that live figures are of, and the time until they are known (2.2 s for the
 * longest lag, up to 1 s until the next reading).
 */
export const RECENT_SECONDS = 9;

/**
 * A histogram of lateness with classes 5 % wide, of everything and of the last seconds: its memory does not grow with time.
 */
export class Lateness {
  readonly #now: () => number;
  readonly #all = new Histogram();
  /** One for each of the last seconds, in a ring; each with the number of its second. */
  readonly #seconds = Array.from({ length: RECENT_SECONDS }, () => ({
    second: -1,
    histogram: new Histogram(),
  }));

  /** @param now the time in ms, by any clock */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param ms below 0 counts as 0 */
  add(ms: number): void {
    const late = Math.max(0, ms);
    const index = late <= FIRST_MS ? 0 : Math.ceil(Math.log(late / FIRST_MS) / Math.log(GROWTH));
    const at = Math.min(CLASSES - 1, index);
    this.#all.add(at, late);
    const second = Math.floor(this.#now() / 1000);
    const slot = this.#seconds[second % RECENT_SECONDS]!;
    if (slot.second !== second) {
      slot.second = second;
      slot.histogram.reset();
    }
    slot.histogram.add(at, late);
  }

  reset(): void {
    this.#all.reset();
    for (const slot of this.#seconds) slot.second = -1;
  }

  /** Since the last reset. */
  report(): LatenessReport {
    return this.#all.report();
  }

  /** Of the last `RECENT_SECONDS` seconds, the one that has begun included. */
  recent(): LatenessReport {
    const oldest = Math.floor(this.#now() / 1000) - RECENT_SECONDS;
    const sum = new Histogram();
    for (const { second, histogram } of this.#seconds) {
      if (second > oldest) sum.merge(histogram);
    }
    return sum.report();
  }
}

class Histogram {
  readonly #counts = new Uint32Array(CLASSES);
  #count = 0;
  #maxMs = 0;

  add(index: number, late: number): void {
    this.#counts[index] = this.#counts[index]! + 1;
    this.#count++;
    this.#maxMs = Math.max(this.#maxMs, late);
  }

  merge(other: Histogram): void {
    for (let index = 0; index < CLASSES; index++) {
      this.#counts[index] = this.#counts[index]! + other.#counts[index]!;
    }
    this.#count += other.#count;
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
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

  /** The upper edge of the class that holds the quantile, and at most the largest value seen. */
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
