/** Delays that a {@link DelayHistogram} tells apart: one bucket a millisecond; longer ones count as lost. */
export const HISTOGRAM_MS = 1024;

/** Weights grow rather than all buckets shrink; past this they are brought back. */
const HEAVIEST = 1e9;

const TOTAL = 0;
const WEIGHT = 1;
const SLOTS = 2;

/** Places in {@link DelayHistogram.input}. */
export const ELAPSED = 0;
export const DELAY = 1;
export const SHARE = 2;

/** How often each delay was seen, in shares that fade with a time constant. */
export class DelayHistogram {
  /** The delay that half of the packets stay below, ms; as {@link findMiddle} found it last. */
  middle = 0;
  /**
   * What {@link forget} and {@link add} take: the time gone by, how late a packet was, both in ms, and as how much of a packet
   * it counts. In an array, as the numbers of a call would be allocated wherever it is not inlined.
   */
  readonly input: Float64Array = Float64Array.of(0, 0, 1);
  readonly #buckets: Float64Array = new Float64Array(HISTOGRAM_MS);
  readonly #memoryMs: number;
  readonly #state: Float64Array = new Float64Array(SLOTS);

  /** @param memoryMs how long until what was seen counts for a third (1/e) */
  constructor(memoryMs: number) {
    this.#memoryMs = memoryMs;
    this.reset();
  }

  /** Lets what was seen fade, `input[ELAPSED]` having gone by. */
  forget(): void {
    const state = this.#state;
    state[WEIGHT] = state[WEIGHT]! * Math.exp(this.input[ELAPSED]! / this.#memoryMs);
    if (state[WEIGHT]! < HEAVIEST) return;
    const scale = 1 / state[WEIGHT]!;
    const buckets = this.#buckets;
    for (let i = 0; i < HISTOGRAM_MS; i++) buckets[i] = buckets[i]! * scale;
    state[TOTAL] = state[TOTAL]! * scale;
    state[WEIGHT] = 1;
  }

  /** A packet was `input[DELAY]` late; it counts as `input[SHARE]` of one. */
  add(): void {
    const state = this.#state;
    const weight = state[WEIGHT]! * this.input[SHARE]!;
    const delay = this.input[DELAY]!;
    state[TOTAL] = state[TOTAL]! + weight;
    if (delay >= HISTOGRAM_MS) return;
    const bucket = delay < 0 ? 0 : Math.floor(delay);
    this.#buckets[bucket] = this.#buckets[bucket]! + weight;
  }

  /** `count` packets never came. */
  miss(count: number): void {
    this.#state[TOTAL] = this.#state[TOTAL]! + count * this.#state[WEIGHT]!;
  }

  /** The share of packets whose delay lies within `bucket` … `bucket + 1` ms. */
  share(bucket: number): number {
    return this.#buckets[bucket]! / this.#state[TOTAL]!;
  }

  /** The delay that all but a few packets exceed, whole ms. */
  floor(): number {
    const limit = 0.001 * this.#state[TOTAL]!;
    let sum = 0;
    for (let i = 0; i < HISTOGRAM_MS; i++) {
      sum += this.#buckets[i]!;
      if (sum > limit) return i;
    }
    return 0;
  }

  /** Looks for {@link middle}. */
  findMiddle(): void {
    const half = 0.5 * this.#state[TOTAL]!;
    let sum = 0;
    for (let i = 0; i < HISTOGRAM_MS; i++) {
      sum += this.#buckets[i]!;
      if (sum >= half) {
        this.middle = i;
        return;
      }
    }
  }

  /** Moves all delays up by `ms`, or down where it is negative: whole ms. */
  shift(ms: number): void {
    const buckets = this.#buckets;
    if (ms > 0) {
      const by = ms < HISTOGRAM_MS ? ms : HISTOGRAM_MS;
      buckets.copyWithin(by, 0);
      buckets.fill(0, 0, by);
    } else if (ms < 0) {
      const by = -ms < HISTOGRAM_MS ? -ms : HISTOGRAM_MS;
      buckets.copyWithin(0, by);
      buckets.fill(0, HISTOGRAM_MS - by);
    }
    this.middle += ms;
    if (this.middle < 0) this.middle = 0;
  }

  /** As new. */
  reset(): void {
    this.#buckets.fill(0);
    this.#state[TOTAL] = 0;
    this.#state[WEIGHT] = 1;
    this.middle = 0;
  }
}
