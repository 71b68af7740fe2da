/** Delays that a {@link DelayHistogram} tells apart: one bucket a millisecond; longer ones count as lost. */
export const HISTOGRAM_MS = 1024;

/** Weights grow rather than all buckets shrink; past this they are brought back. */
const HEAVIEST = 1e9;

const TOTAL = 0;
const WEIGHT = 1;
/** Of {@link TOTAL}, what lies in the buckets. */
const SEEN = 2;
/** Since when it remembers, ms. */
const AGE = 3;
/** Time constants that are to fade. */
const FADE = 4;
const SLOTS = 5;

/**
 * So long a memory is young, ms, and lasts for a third of its age. A stream's first packets are held up by what starts beside it, and
 * say little about what follows: after four seconds those of the first weigh 0.4 % of all.
 */
const YOUNG_MS = 4000;
const YOUNG = 1 / 3;

/** Places in {@link DelayHistogram.input}. */
export const ELAPSED = 0;
export const DELAY = 1;
export const SHARE = 2;
export const PROVISIONAL = 3;

/** Provisional delays that can be taken back, at most. */
const MAX_PROVISIONAL = 256;

/** How often each delay was seen, in shares that fade with a time constant. */
export class DelayHistogram {
  /** The delay that half of the packets stay below, ms; as {@link findMiddle} found it last. */
  middle = 0;
  /**
   * What {@link forget} and {@link add} take: the time gone by, how late a packet was, both in ms, as how much of a packet
   * it counts, and whether its delay is provisional (1) or not (0): recorded while the path is in doubt, so that {@link takeBack} can
   * move it. In an array, as the numbers of a call would be allocated wherever it is not inlined.
   */
  readonly input: Float64Array = Float64Array.of(0, 0, 1, 0);
  readonly #buckets: Float64Array = new Float64Array(HISTOGRAM_MS);
  /** The delays since the last that was not provisional, and their weights. */
  readonly #provisionalBuckets: Uint16Array = new Uint16Array(MAX_PROVISIONAL);
  readonly #provisionalWeights: Float64Array = new Float64Array(MAX_PROVISIONAL);
  #provisional = 0;
  readonly #memoryMs: number;
  readonly #state: Float64Array = new Float64Array(SLOTS);

  /** @param memoryMs how long until what was seen counts for a third (1/e) */
  constructor(memoryMs: number) {
    this.#memoryMs = memoryMs;
    this.reset();
  }

  /** Lets what was seen fade, `input[ELAPSED]` having gone by. */
  forget(): void {
    const elapsed = this.input[ELAPSED]!;
    if (elapsed === 0) return;
    const state = this.#state;
    state[AGE] = state[AGE]! + elapsed;
    const age = state[AGE]!;
    state[FADE] = elapsed / (age < YOUNG_MS ? YOUNG * age : this.#memoryMs);
    this.#fade();
  }

  /** Lets what was seen fade as after so many time constants: a whole number. */
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

  /** A packet was `input[DELAY]` late; it counts as `input[SHARE]` of one. */
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

  /** Lets the provisional delays below `limit` ms count as `delay` ms. */
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

  /** `count` packets never came. */
  miss(count: number): void {
    this.#state[TOTAL] = this.#state[TOTAL]! + count * this.#state[WEIGHT]!;
  }

  /** The share of packets whose delay lies within `bucket` … `bucket + 1` ms. */
  share(bucket: number): number {
    return this.#buckets[bucket]! / this.#state[TOTAL]!;
  }

  /** The delay that all but a few of the packets that came exceed, whole ms. */
  floor(): number {
    const limit = 0.001 * this.#state[SEEN]!;
    let sum = 0;
    for (let i = 0; i < HISTOGRAM_MS; i++) {
      sum += this.#buckets[i]!;
      if (sum > limit) return i;
    }
    return 0;
  }

  /** The delay that a share `p` of the packets stays below, of those from `bucket` on; whole ms. */
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

  /** Looks for {@link middle}, of the packets that came. */
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

  /** Moves all delays up by `ms`, or down where it is negative, but not below 0: whole ms. */
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

  /** The path changed: moves the delays from `from` on down by `ms`, over those that are there; not below 0. Whole ms. */
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

  /** As new. */
  reset(): void {
    this.#buckets.fill(0);
    this.#provisional = 0;
    this.#state[TOTAL] = 0;
    this.#state[SEEN] = 0;
    this.#state[WEIGHT] = 1;
    this.#state[AGE] = 0;
    this.middle = 0;
  }

  /** Works {@link SEEN} out again, some having left the buckets: they no longer count at all. */
  #addUp(): void {
    const buckets = this.#buckets;
    const state = this.#state;
    let sum = 0;
    for (let i = 0; i < HISTOGRAM_MS; i++) sum += buckets[i]!;
    state[TOTAL] = state[TOTAL]! + sum - state[SEEN]!;
    state[SEEN] = sum;
  }
}
