/** Range of a {@link DelayHistogram} in ms: one bucket per millisecond; longer delays count as lost. */
export const HISTOGRAM_MS = 1024;

/** Instead of shrinking all buckets, new weights grow; beyond this value all are scaled back. */
const HEAVIEST = 1e9;

const TOTAL = 0;
const WEIGHT = 1;
/** The part of {@link TOTAL} that lies in the buckets. */
const SEEN = 2;
/** Age of the memory in ms. */
const AGE = 3;
/** Number of time constants still to fade. */
const FADE = 4;
const SLOTS = 5;

/**
 * Below this age in ms a memory is young, and its time constant is a third of its age. The first packets of a stream are delayed by
 * whatever else starts at the same time, and say little about later ones: after four seconds, those of the first second have 0.4 %
 * of the weight.
 */
const YOUNG_MS = 4000;
const YOUNG = 1 / 3;

/** Slots of {@link DelayHistogram.input}. */
export const ELAPSED = 0;
export const DELAY = 1;
export const SHARE = 2;
export const PROVISIONAL = 3;

/** Maximum number of provisional delays that can be taken back. */
const MAX_PROVISIONAL = 256;

/** Distribution of the delays, with weights that fade with a time constant. */
export class DelayHistogram {
  /** The median delay in ms, as last found by {@link findMiddle}. */
  middle = 0;
  /**
   * Input of {@link forget} and {@link add}: the elapsed time and the packet's delay, both in ms, the packet's weight, and whether
   * its delay is provisional (1) or not (0): recorded while the path is in doubt, so that {@link takeBack} can move it. In an
   * array, because the number arguments of a call would be allocated unless it is inlined.
   */
  readonly input: Float64Array = Float64Array.of(0, 0, 1, 0);
  readonly #buckets: Float64Array = new Float64Array(HISTOGRAM_MS);
  /** The delays since the last one that was not provisional, and their weights. */
  readonly #provisionalBuckets: Uint16Array = new Uint16Array(MAX_PROVISIONAL);
  readonly #provisionalWeights: Float64Array = new Float64Array(MAX_PROVISIONAL);
  #provisional = 0;
  readonly #memoryMs: number;
  readonly #state: Float64Array = new Float64Array(SLOTS);

  /** @param memoryMs time after which the weight of a delay has fallen to 1/e */
  constructor(memoryMs: number) {
    this.#memoryMs = memoryMs;
    this.reset();
  }

  /** Fades the weights for a time of `input[ELAPSED]`. */
  forget(): void {
    const elapsed = this.input[ELAPSED]!;
    if (elapsed === 0) return;
    const state = this.#state;
    state[AGE] = state[AGE]! + elapsed;
    const age = state[AGE]!;
    state[FADE] = elapsed / (age < YOUNG_MS ? YOUNG * age : this.#memoryMs);
    this.#fade();
  }

  /** Fades the weights as after this many time constants, an integer. */
  doubt(constants: number): void {
    this.#state[FADE] = constants;
    this.#fade();
  }

  #fade(): void {
    const state = this.#state;
    state[WEIGHT] = state[WEIGHT]! * Math.exp(state[FADE]!);
    if (state[WEIGHT]! < HEAVIEST) return;
    this.#provisional = 0;
    const scale = 1 / state[WEIGHT]!;
    const buckets = this.#buckets;
    for (let i = 0; i < HISTOGRAM_MS; i++) buckets[i] = buckets[i]! * scale;
    state[TOTAL] = state[TOTAL]! * scale;
    state[SEEN] = state[SEEN]! * scale;
    state[WEIGHT] = 1;
  }

  /** Adds the delay `input[DELAY]` with the weight `input[SHARE]`. */
  add(): void {
    const state = this.#state;
    const weight = state[WEIGHT]! * this.input[SHARE]!;
    const delay = this.input[DELAY]!;
    state[TOTAL] = state[TOTAL]! + weight;
    if (delay >= HISTOGRAM_MS) return;
    const bucket = delay < 0 ? 0 : Math.floor(delay);
    this.#buckets[bucket] = this.#buckets[bucket]! + weight;
    state[SEEN] = state[SEEN]! + weight;
    if (this.input[PROVISIONAL] === 0) {
      this.#provisional = 0;
    } else if (this.#provisional < MAX_PROVISIONAL) {
      this.#provisionalBuckets[this.#provisional] = bucket;
      this.#provisionalWeights[this.#provisional++] = weight;
    }
  }

  /** Changes the provisional delays below `limit` ms to `delay` ms. */
  takeBack(limit: number, delay: number): void {
    const buckets = this.#buckets;
    for (let i = 0; i < this.#provisional; i++) {
      const bucket = this.#provisionalBuckets[i]!;
      const weight = this.#provisionalWeights[i]!;
      if (bucket >= limit) continue;
      buckets[bucket] = buckets[bucket]! - weight;
      buckets[delay] = buckets[delay]! + weight;
    }
    this.#provisional = 0;
  }

  /** Adds `count` lost packets. */
  miss(count: number): void {
    this.#state[TOTAL] = this.#state[TOTAL]! + count * this.#state[WEIGHT]!;
  }

  /** Returns the share of packets with a delay within `bucket` … `bucket + 1` ms. */
  share(bucket: number): number {
    return this.#buckets[bucket]! / this.#state[TOTAL]!;
  }

  /** Returns the delay that nearly all received packets exceed, in whole ms. */
  floor(): number {
    const limit = 0.001 * this.#state[SEEN]!;
    let sum = 0;
    for (let i = 0; i < HISTOGRAM_MS; i++) {
      sum += this.#buckets[i]!;
      if (sum > limit) return i;
    }
    return 0;
  }

  /** Returns the quantile `p` of the delays from `bucket` on, in whole ms. */
  quantileFrom(bucket: number, p: number): number {
    const buckets = this.#buckets;
    let sum = 0;
    for (let i = bucket; i < HISTOGRAM_MS; i++) sum += buckets[i]!;
    const limit = p * sum;
    sum = 0;
    for (let i = bucket; i < HISTOGRAM_MS; i++) {
      sum += buckets[i]!;
      if (sum > limit) return i;
    }
    return bucket;
  }

  /** Finds {@link middle}, the median of the received packets. */
  findMiddle(): void {
    const half = 0.5 * this.#state[SEEN]!;
    let sum = 0;
    for (let i = 0; i < HISTOGRAM_MS; i++) {
      sum += this.#buckets[i]!;
      if (sum >= half) {
        this.middle = i;
        return;
      }
    }
  }

  /** Increases all delays by `ms`, in whole ms; negative values decrease them, to no less than 0. */
  shift(ms: number): void {
    this.#provisional = 0;
    const buckets = this.#buckets;
    if (ms > 0) {
      const by = ms < HISTOGRAM_MS ? ms : HISTOGRAM_MS;
      buckets.copyWithin(by, 0);
      buckets.fill(0, 0, by);
    } else if (ms < 0) {
      const by = -ms < HISTOGRAM_MS ? -ms : HISTOGRAM_MS;
      let below = 0;
      for (let i = 0; i < by; i++) below += buckets[i]!;
      buckets.copyWithin(0, by);
      buckets.fill(0, HISTOGRAM_MS - by);
      buckets[0] = buckets[0]! + below;
    }
    this.middle += ms;
    if (this.middle < 0) this.middle = 0;
    this.#addUp();
  }

  /** The path changed: decreases the delays from `from` on by `ms`, and merges them with the existing ones; not below 0. Whole ms. */
  fold(from: number, ms: number): void {
    this.#provisional = 0;
    const buckets = this.#buckets;
    for (let i = from; i < HISTOGRAM_MS; i++) {
      const moved = buckets[i]!;
      buckets[i] = 0;
      const to = i > ms ? i - ms : 0;
      buckets[to] = buckets[to]! + moved;
    }
  }

  /** Restores the initial state. */
  reset(): void {
    this.#buckets.fill(0);
    this.#provisional = 0;
    this.#state[TOTAL] = 0;
    this.#state[SEEN] = 0;
    this.#state[WEIGHT] = 1;
    this.#state[AGE] = 0;
    this.middle = 0;
  }

  /** Recomputes {@link SEEN} after some delays left the buckets: these no longer count at all. */
  #addUp(): void {
    const buckets = this.#buckets;
    const state = this.#state;
    let sum = 0;
    for (let i = 0; i < HISTOGRAM_MS; i++) sum += buckets[i]!;
    state[TOTAL] = state[TOTAL]! + sum - state[SEEN]!;
    state[SEEN] = sum;
  }
}
