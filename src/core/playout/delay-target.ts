import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { numberIn } from '../arguments.ts';
import { DELAY, DelayHistogram, ELAPSED, HISTOGRAM_MS, SHARE } from './delay-histogram.ts';
import { DriftEstimator, NOW as DRIFT_NOW, OFFSET } from './drift-estimator.ts';
import type { ArrivalListener } from './jitter-buffer.ts';

/** What a {@link DelayTarget} weighs, and its bounds. */
export interface DelayTargetOptions {
  /** Hz, of the wire: what frames are counted in. */
  readonly sampleRate: number;
  /**
   * What waiting is worth, as per cent of concealed sound per 100 ms of delay: at 2, a delay shorter by 100 ms is worth 2 %
   * more concealed sound. Small for music and archives, large for conversation. 0.01 to 100. @default 0.5
   */
  readonly latencyCost?: number;
  /** The target is never less, ms beyond the fastest packet. 0 to 10000. @default 0 */
  readonly minDelayMs?: number;
  /** Nor more. `minDelayMs` to 10000. @default 1000 */
  readonly maxDelayMs?: number;
  /** The target until arrivals have told enough. @default 40 */
  readonly startDelayMs?: number;
  /** How long before it is heard a packet must be there: the player's own lead. @default 5 */
  readonly leadMs?: number;
}
const NAMES = {
  sampleRate: 1,
  latencyCost: 1,
  minDelayMs: 1,
  maxDelayMs: 1,
  startDelayMs: 1,
  leadMs: 1,
} satisfies OptionNames<DelayTargetOptions>;

/** How long the two memories last: the near one follows the network, the far one keeps its rare spikes. */
const NEAR_MS = 8000;
const FAR_MS = 30_000;
/** Packets that come closer together than this share of their length were held up together: one event, not many. */
const BUNCHED = 0.5;
/** What they count for in the near memory, which would else take one stall for the way things are now. */
const NEAR_BUNCHED = 0.1;
/** An event that held packets up for longer, ms, is not waited for the next time unless it was the second in a minute. */
const LONG_MS = 250;
const EVENT_MS = 60_000;
/** A change of the middle by this much, ms, is no chance. */
const ROUTE_MS = 15;
/** The target is worked out anew this often, and at once after a late packet. */
const UPDATE_MS = 100;
/** Fewer arrivals tell nothing yet. */
const ENOUGH = 25;

/** The slots of changing numbers. */
const ORIGIN = 0;
const LAST = 1;
const TARGET = 2;
const FREE_TARGET = 3;
const UPDATED = 4;
const FRAME = 5;
const NOW = 6;
const FLOOR = 7;
const MIN = 8;
const MAX = 9;
const LAST_FRAME = 10;
const MIDDLE = 11;
/** How long the last long event held packets up, when it ended, and how long the present one has. */
const EVENT = 12;
const EVENT_AT = 13;
const PRESENT = 14;
/** How late the packet that just came is, from the origin. */
const LATENESS = 15;
const SLOTS = 16;

/**
 * How long packets should wait. It watches when each packet was first there, by whatever copy of it, and takes the delay at
 * which waiting longer would cost more than the sound it saves: the least of `delay + concealed share × price`, the price
 * being 10000 ms / `latencyCost`. Lost packets cost the same at any delay and so do not move it; redundant copies do, as
 * they come a packet or more behind.
 *
 * A delay here is the time from a packet's capture to its playing, on the receiver's clock, less an origin near the fastest
 * packet's: {@link dueMs} puts both together.
 */
export class DelayTarget implements ArrivalListener {
  /** The ratio of the two clocks, from the same arrivals. */
  readonly drift: DriftEstimator;
  readonly #msPerFrame: number;
  readonly #price: number;
  readonly #leadMs: number;
  readonly #near: DelayHistogram = new DelayHistogram(NEAR_MS);
  readonly #far: DelayHistogram = new DelayHistogram(FAR_MS);
  readonly #state: Float64Array = new Float64Array(SLOTS);
  #arrivals = 0;

  constructor(options: DelayTargetOptions) {
    checkOptions('DelayTarget', options, NAMES);
    this.#msPerFrame = 1000 / options.sampleRate;
    this.#price = 10_000 / numberIn('latencyCost', options.latencyCost ?? 0.5, 0.01, 100);
    const min = numberIn('minDelayMs', options.minDelayMs ?? 0, 0, 10_000);
    this.#state[MIN] = min;
    this.#state[MAX] = numberIn('maxDelayMs', options.maxDelayMs ?? 1000, min, 10_000);
    this.#leadMs = numberIn('leadMs', options.leadMs ?? 5, 0, 1000);
    this.#state[FREE_TARGET] = numberIn('startDelayMs', options.startDelayMs ?? 40, 0, 10_000);
    this.drift = new DriftEstimator();
    this.#limit();
  }

  /** The target, ms beyond the fastest packets. */
  get targetMs(): number {
    return this.#state[TARGET]!;
  }

  /** What it would be without limits, ms. */
  get freeTargetMs(): number {
    return this.#state[FREE_TARGET]!;
  }

  get minDelayMs(): number {
    return this.#state[MIN]!;
  }

  get maxDelayMs(): number {
    return this.#state[MAX]!;
  }

  /** New limits, at once. @throws RangeError unless 0 ≤ min ≤ max ≤ 10000 */
  setLimits(minDelayMs: number, maxDelayMs: number): void {
    this.#state[MIN] = numberIn('minDelayMs', minDelayMs, 0, 10_000);
    this.#state[MAX] = numberIn('maxDelayMs', maxDelayMs, minDelayMs, 10_000);
    this.#limit();
  }

  /** When a frame would be heard if it waited for `targetMs`, on the receiver's clock, ms. */
  dueMs(frame: number): number {
    const state = this.#state;
    return frame * this.#msPerFrame + state[ORIGIN]! + state[FLOOR]! + state[TARGET]!;
  }

  /** When a frame that took the fastest way was there, on the receiver's clock, ms. */
  earliestMs(frame: number): number {
    return frame * this.#msPerFrame + this.#state[ORIGIN]! + this.#state[FLOOR]!;
  }

  arrived(frame: number, nowMs: number, copy: number, late: boolean): void {
    this.#state[FRAME] = frame;
    this.#state[NOW] = nowMs;
    this.#arrive(copy, late);
  }

  missed(count: number): void {
    this.#near.miss(count);
    this.#far.miss(count);
  }

  /** Forgets all arrivals; the limits stay. */
  reset(): void {
    this.#near.reset();
    this.#far.reset();
    this.drift.reset();
    this.#state[EVENT] = 0;
    this.#state[PRESENT] = 0;
    this.#state[MIDDLE] = 0;
    this.#arrivals = 0;
  }

  #arrive(copy: number, late: boolean): void {
    const state = this.#state;
    const now = state[NOW]!;
    const offset = now - state[FRAME]! * this.#msPerFrame;
    if (this.#arrivals++ === 0) {
      state[ORIGIN] = offset;
      state[FLOOR] = 0;
      state[LAST] = now;
      state[UPDATED] = now;
    }
    const elapsed = now > state[LAST]! ? now - state[LAST]! : 0;
    state[LAST] = state[LAST]! + elapsed;
    const { drift } = this;
    if (copy === 0) {
      drift.input[DRIFT_NOW] = now;
      drift.input[OFFSET] = offset;
      drift.observeInput();
    }
    state[ORIGIN] = state[ORIGIN]! + drift.skew * elapsed;
    let delay = offset - state[ORIGIN]!;
    if (delay < 0) {
      // Faster than all before: the scale begins with it.
      const shift = Math.ceil(-delay);
      this.#shift(shift);
      state[ORIGIN] = state[ORIGIN]! - shift;
      state[FLOOR] = state[FLOOR]! + shift;
      delay += shift;
    }
    state[LATENESS] = delay;
    const near = this.#near;
    const far = this.#far;
    near.input[ELAPSED] = elapsed;
    far.input[ELAPSED] = elapsed;
    near.forget();
    far.forget();
    const spacing = (state[FRAME]! - state[LAST_FRAME]!) * this.#msPerFrame;
    state[LAST_FRAME] = state[FRAME]!;
    const bunched = elapsed < BUNCHED * spacing;
    if (this.#isFirstOfItsSize(bunched)) {
      this.missed(1);
    } else {
      near.input[DELAY] = delay;
      near.input[SHARE] = bunched ? NEAR_BUNCHED : 1;
      near.add();
      far.input[DELAY] = delay;
      far.add();
    }
    if (this.#arrivals < ENOUGH) {
      state[FLOOR] = this.#near.floor();
      return;
    }
    if (late || now - state[UPDATED]! >= UPDATE_MS) this.#update();
  }

  #update(): void {
    const state = this.#state;
    state[UPDATED] = state[NOW]!;
    const near = this.#near;
    near.findMiddle();
    this.#followRoute();
    const floor = near.floor();
    if (floor > HISTOGRAM_MS / 8) {
      this.#shift(-floor);
      state[ORIGIN] = state[ORIGIN]! + floor;
      state[FLOOR] = 0;
    } else {
      state[FLOOR] = floor;
    }
    state[FREE_TARGET] = this.#best() + this.#leadMs - state[FLOOR]!;
    this.#limit();
  }

  /** Whether a packet was held up, alone or in a bunch, for longer than any not long ago: that may never happen again. */
  #isFirstOfItsSize(bunched: boolean): boolean {
    const state = this.#state;
    const excess = state[LATENESS]! - state[FLOOR]!;
    const now = state[NOW]!;
    const first = state[PRESENT] === 0;
    if (excess <= LONG_MS && (first || !bunched)) {
      if (first) return false;
      state[EVENT] = state[PRESENT]!;
      state[EVENT_AT] = now;
      state[PRESENT] = 0;
      return false;
    }
    if (excess > state[PRESENT]!) state[PRESENT] = excess;
    if (state[EVENT]! >= state[PRESENT]! && now - state[EVENT_AT]! < EVENT_MS) return false;
    return first || bunched;
  }

  /** The cheapest delay, ms from the origin. */
  #best(): number {
    const near = this.#near;
    const far = this.#far;
    const price = this.#price;
    let nearTail = 1;
    let farTail = 1;
    let best = Infinity;
    let at = 0;
    for (let t = 0; t < HISTOGRAM_MS; t++) {
      nearTail -= near.share(t);
      farTail -= far.share(t);
      const tail = farTail > nearTail ? farTail : nearTail;
      const cost = t + 1 + price * tail;
      if (cost < best) {
        best = cost;
        at = t + 1;
      }
    }
    return at;
  }

  /**
   * When the middle of the packets has come down, the network has a shorter way: the far memory, which would long be waiting
   * for what came the old way, comes down with it. When it has gone up the far memory learns that soon enough.
   */
  #followRoute(): void {
    const state = this.#state;
    const change = this.#near.middle - state[MIDDLE]!;
    if (change > -ROUTE_MS && change < ROUTE_MS) return;
    if (change < 0) this.#far.shift(change);
    state[MIDDLE] = this.#near.middle;
  }

  /** Moves the origin of all delays. */
  #shift(ms: number): void {
    this.#near.shift(ms);
    this.#far.shift(ms);
    this.#state[MIDDLE] = this.#state[MIDDLE]! + ms;
  }

  #limit(): void {
    const state = this.#state;
    const free = state[FREE_TARGET]!;
    const min = state[MIN]!;
    const max = state[MAX]!;
    state[TARGET] = free < min ? min : free > max ? max : free;
  }
}
