/** Median and 95th percentile of the last measurements. */
export interface Spread {
  readonly median: number;
  readonly p95: number;
  /** How many measurements it is computed from. */
  readonly count: number;
}

/** Keeps the last measurements of something. */
export class RecentValues {
  readonly #values: Float64Array;
  #added = 0;

  constructor(capacity: number) {
    this.#values = new Float64Array(capacity);
  }

  add(value: number): void {
    this.#values[this.#added++ % this.#values.length] = value;
  }

  /** Nearest-rank percentiles; null while nothing was measured. Sorts a copy. */
  spread(): Spread | null {
    const count = Math.min(this.#added, this.#values.length);
    if (count === 0) return null;
    const sorted = this.#values.slice(0, count).sort();
    const rank = (quantile: number) => sorted[Math.ceil(quantile * count) - 1]!;
    return { median: rank(0.5), p95: rank(0.95), count };
  }
}

/** How fast a running total grows, over the last seconds. */
export class RunningRate {
  readonly #spanMs: number;
  readonly #points: { readonly atMs: number; readonly total: number }[] = [];

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  /** Takes the total at a time; call it every so often. @returns growth a second, 0 until there are two points */
  update(atMs: number, total: number): number {
    this.#points.push({ atMs, total });
    while (this.#points.length > 2 && this.#points[0]!.atMs < atMs - this.#spanMs)
      this.#points.shift();
    const first = this.#points[0]!;
    return atMs > first.atMs ? ((total - first.total) * 1000) / (atMs - first.atMs) : 0;
  }
}
