import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { numberIn } from '../arguments.ts';
import {
  DELAY,
  DelayHistogram,
  ELAPSED,
  HISTOGRAM_MS,
  PROVISIONAL,
  SHARE,
} from './delay-histogram.ts';
import {
  DelaySwings,
  LATENESS as SWING_LATENESS,
  NOW as SWING_NOW,
  SPREAD as SWING_SPREAD,
} from './delay-swings.ts';
import {
  DriftEstimator,
  NOW as DRIFT_NOW,
  OFFSET,
  USUAL_MAX_SKEW,
} from '../dsp/drift-estimator.ts';
import type { ArrivalListener } from './jitter-buffer.ts';
import { LATENESS as RECENT_LATENESS, NOW as RECENT_NOW, RecentLeast } from './recent-least.ts';

/** Options of a {@link DelayTarget}. */
export interface DelayTargetOptions {
  /** Sample rate of the wire in Hz, in which frames are counted. */
  readonly sampleRate: number;
  /**
   * The cost of delay, in percent of concealed audio per 100 ms: at 2, a delay shorter by 100 ms is worth 2 % more concealed audio.
   * Small for music and archives, large for conversation. 0.01 to 100. @default 0.5
   */
  readonly latencyCost?: number;
  /** Minimum of the target delay, in ms after the fastest packet. 0 to 10000. @default 0 */
  readonly minDelayMs?: number;
  /** Maximum of the target delay, in ms. `minDelayMs` to 10000. @default 2000 */
  readonly maxDelayMs?: number;
  /** The target delay in ms until enough packets have arrived. @default 40 */
  readonly startDelayMs?: number;
  /** How long before it is heard a packet must have arrived, in ms: the lead of the player. @default 5 */
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

/** Time constants of the two memories: the near one follows the network, the far one keeps its rare spikes. */
const NEAR_MS = 8000;
const FAR_MS = 30_000;
/** Packets that arrive closer together than this share of their spacing were delayed together: one event, not several. */
const BUNCHED = 0.5;
/** Their weight in the near memory, which would otherwise mistake one stall for the current state of the network. */
const NEAR_BUNCHED = 0.1;
/** The target does not follow an event that delayed packets for longer than this, in ms, unless it is the second in a minute. */
const LONG_MS = 250;
const EVENT_MS = 60_000;
/** A change of the median by this much, in ms, is not random. */
const ROUTE_MS = 15;
/** When the scale turns out to have been wrong, past delays fade as after this many time constants. */
const DOUBTED = 2;
/** Audio of a sender too slow for the resampler to follow is stretched by whole periods of a voice, which takes this much more delay. */
const PERIOD_MS = 12;
/** A change of the clocks' difference by more than this is new information. */
const SKEW_CHANGE = 1000e-6;
/** A larger change means a device whose clock is off by some percent: until it was known, the scale moved by tens of ms every second. */
const DEVICE_SKEW_CHANGE = 2 * USUAL_MAX_SKEW;
/** Past delays then fade as after this many time constants: less remains than `DelayHistogram.floor` considers. */
const FORGOTTEN = 7;
/** Interval at which the target is recomputed; a late packet triggers it immediately. */
const UPDATE_MS = 100;
/** Number of arrivals needed before they say anything. */
const ENOUGH = 25;

/**
 * If all packets are later than before by more than the usual spread, or all are earlier, they may take another path. The spread is
 * assumed to be at least this, in ms.
 */
const LEAST_STEP_MS = 20;
/** A new path is accepted once it has lasted: the larger the step, the sooner. A path longer by 100 ms takes this long, in ms. */
const CONFIRM_MS = 2000;
const CONFIRM_STEP_MS = 100;
const LEAST_CONFIRM_MS = 200;
/** A shorter path is accepted once all packets have taken it for this long, in ms. */
const CONFIRM_SHORTER_MS = 1000;
const CONFIRM_PACKETS = 5;
/** If only some packets are earlier, but for this long, in ms, they belong to the path, like those of a sender's bursts. */
const MIXED_MS = 5000;
/** … and without a break of this much, in ms. */
const MIXED_BREAK_MS = 1000;
/**
 * At this distance above the origin, in ms, the base nearly exceeds the range of the memories: once packets arrive there again, the
 * origin follows.
 */
const FAR_BASE_MS = HISTOGRAM_MS / 2;
/** A packet that is faster than the base by no more than this, in ms, still took the old path. */
const BACK_STEP_MS = 3 * LEAST_STEP_MS;
/** A packet that ends a silence of this length, in ms, is judged on its own. Its own duration does not count as silence. */
const SILENCE_MS = 200;
const LONGEST_PACKET_MS = 120;
/** A late packet that no silence preceded is ignored for this long, in ms: copies of lost packets are late as well. */
const LIFT_AFTER_MS = 60;
/** A step of this size, in ms, would be mistaken for clock drift while the clocks' difference is unknown. */
const NO_DRIFT_MS = 200;
/** Window for the fastest recent packet, in ms. */
const RECENT_MS = 3000;
/** If packets arrive together, and earlier by this than any within the time below, in ms, the receiver's clock has stood still. */
const STOPPED_MS = 200;
const STOPPED_MEMORY_MS = 60_000;
/** A packet further ahead in the stream than this, in ms, has overtaken others, or others were lost. */
const LEAP_MS = 500;

/** Slots of the numbers that change. */
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
/** How long the last long event delayed packets, when it ended, and how long the current one has. */
const EVENT = 12;
const EVENT_AT = 13;
const PRESENT = 14;
/** Lateness of the newest packet, relative to the origin. */
const LATENESS = 15;
/** Lateness of the fastest packets on the current path, and the distance of the median above it, with a minimum. */
const BASE = 16;
const SPREAD = 17;
/** Since when all packets exceed that spread, −1 if they do not; the smallest lateness among them, and the target before. */
const LATE_AT = 18;
const LATE_LEAST = 19;
const LATE_TARGET = 20;
/** Since when all packets are faster than the base, and the lateness of the fastest. */
const EARLY_AT = 21;
const EARLY_LEAST = 22;
/** Number of packets since then. */
const RUN_PACKETS = 23;
/** The clocks' difference at the last packet. */
const SKEW = 24;
/** Since when some packets have been faster than the base, when the last of them arrived, and the lateness of the fastest. */
const FASTER_SINCE = 25;
const FASTER_AT = 26;
const FASTEST = 27;
/** See `liftMs`. */
const LIFT = 28;
/** Number of packets since the last one faster than the base. */
const BACK_PACKETS = 29;
/** Total time that the receiver's clock has stood still, in ms. */
const STOPPED = 30;
/** Smallest offset before the packets that are now arriving together. */
const LEAST_BEFORE = 31;
/** Lateness of the fastest packet since the clock stood still. */
const STOOD_LEAST = 32;
/** `STOPPED` as of the last packet that arrived together with others. */
const STOOD_FOR = 33;
const SLOTS = 34;

/**
 * Decides how long packets should wait. It observes when each packet first arrived, in whatever copy, and chooses the delay beyond
 * which waiting costs more than the audio that it saves: the minimum of `delay + concealed share × price`, where the price is
 * 10000 ms / `latencyCost`. Lost packets cost the same at any delay, and so do not change it; redundant copies do, because they arrive
 * one or more packets later.
 *
 * A delay here is the time from a packet's capture to its playback, on the receiver's clock, minus an origin close to that of the
 * fastest packet: {@link dueMs} combines both.
 */
export class DelayTarget implements ArrivalListener {
  /** Estimates the ratio of the two clocks from the same arrivals. */
  readonly drift: DriftEstimator;
  readonly #msPerFrame: number;
  readonly #price: number;
  readonly #leadMs: number;
  readonly #near: DelayHistogram = new DelayHistogram(NEAR_MS);
  readonly #far: DelayHistogram = new DelayHistogram(FAR_MS);
  readonly #recent: RecentLeast = new RecentLeast(RECENT_MS);
  readonly #lastMinute: RecentLeast = new RecentLeast(STOPPED_MEMORY_MS);
  readonly #swings: DelaySwings;
  readonly #state: Float64Array = new Float64Array(SLOTS);
  #arrivals = 0;
  /** The number of arrivals at which the current path is known for certain, after the clocks' difference turned out to be different. */
  #learnUntil = 0;
  /** Whether a long silence preceded the newest packet. */
  #silent = false;
  /**
   * Whether packets that arrive together can show that the clock stood still, how many of them were earlier than any before, and
   * whether they have shown it.
   */
  #canFall = false;
  #earlyTogether = 0;
  #stood = false;
  /** Since the clock last stood still: number of packets used to correct its time, and whether more are needed. */
  #aligned = 0;
  #aligns = false;

  constructor(options: DelayTargetOptions) {
    checkOptions('DelayTarget', options, NAMES);
    this.#msPerFrame = 1000 / options.sampleRate;
    const latencyCost = numberIn('latencyCost', options.latencyCost ?? 0.5, 0.01, 100);
    this.#price = 10_000 / latencyCost;
    this.#swings = new DelaySwings(latencyCost);
    const min = numberIn('minDelayMs', options.minDelayMs ?? 0, 0, 10_000);
    this.#state[MIN] = min;
    this.#state[MAX] = numberIn('maxDelayMs', options.maxDelayMs ?? 2000, min, 10_000);
    this.#leadMs = numberIn('leadMs', options.leadMs ?? 5, 0, 1000);
    this.#state[FREE_TARGET] = numberIn('startDelayMs', options.startDelayMs ?? 40, 0, 10_000);
    this.drift = new DriftEstimator();
    this.#forgetPath();
    this.#limit();
  }

  /** The target delay, in ms after the fastest packets. */
  get targetMs(): number {
    return this.#state[TARGET]!;
  }

  /** The target delay without limits, in ms. */
  get freeTargetMs(): number {
    return this.#state[FREE_TARGET]!;
  }

  get minDelayMs(): number {
    return this.#state[MIN]!;
  }

  get maxDelayMs(): number {
    return this.#state[MAX]!;
  }

  /** Sets new limits, which apply immediately. @throws RangeError unless 0 ≤ min ≤ max ≤ 10000 */
  setLimits(minDelayMs: number, maxDelayMs: number): void {
    this.#state[MIN] = numberIn('minDelayMs', minDelayMs, 0, 10_000);
    this.#state[MAX] = numberIn('maxDelayMs', maxDelayMs, minDelayMs, 10_000);
    this.#limit();
    this.#lift();
  }

  /** Whether the delay swings because queues fill and drain: delayed packets then arrive soon. */
  get swings(): boolean {
    return this.#swings.swings;
  }

  /** Returns when a frame would be heard if it waited for `targetMs`, in ms on the receiver's clock. */
  dueMs(frame: number): number {
    const state = this.#state;
    const offset = state[ORIGIN]! + state[FLOOR]! - state[STOPPED]!;
    return frame * this.#msPerFrame + offset + state[TARGET]!;
  }

  /** Returns when a frame that took the fastest path arrived, in ms on the receiver's clock. */
  earliestMs(frame: number): number {
    const state = this.#state;
    return frame * this.#msPerFrame + state[ORIGIN]! + state[FLOOR]! - state[STOPPED]!;
  }

  /**
   * By how much all recent packets have been later than {@link dueMs} expects, in ms: the path may have become longer. Audio that
   * arrives then is not a backlog, and playing it faster would cause an underrun. Usually 0; soon either `dueMs` includes it, or
   * the packets delayed by a stall have caught up.
   */
  get liftMs(): number {
    return this.#state[LIFT]!;
  }

  arrived(frame: number, nowMs: number, copy: number, late: boolean): void {
    this.#state[FRAME] = frame;
    this.#state[NOW] = nowMs;
    this.#arrive(copy, late);
    this.#lift();
  }

  missed(count: number): void {
    this.#near.miss(count);
    this.#far.miss(count);
  }

  /** Reduces the weight of past delays: the scale may be off by the jitter of the packet that joined it. */
  restarted(): void {
    this.#doubt(DOUBTED);
  }

  /** Forgets all arrivals, but keeps the limits. */
  reset(): void {
    this.#near.reset();
    this.#far.reset();
    this.drift.reset();
    this.#state[EVENT] = 0;
    this.#state[PRESENT] = 0;
    this.#state[MIDDLE] = 0;
    this.#state[SKEW] = 0;
    this.#arrivals = 0;
    this.#learnUntil = 0;
    this.#forgetPath();
  }

  #arrive(copy: number, late: boolean): void {
    const state = this.#state;
    const now = state[NOW]!;
    let offset = now + state[STOPPED]! - state[FRAME]! * this.#msPerFrame;
    if (this.#arrivals === 0) {
      state[ORIGIN] = offset;
      state[FLOOR] = 0;
      state[LAST] = now;
      state[UPDATED] = now;
    }
    const elapsed = now > state[LAST]! ? now - state[LAST]! : 0;
    state[LAST] = state[LAST]! + elapsed;
    const spacing = (state[FRAME]! - state[LAST_FRAME]!) * this.#msPerFrame;
    state[LAST_FRAME] = state[FRAME]!;
    const bunched = elapsed < BUNCHED * spacing;
    // Packets that were delayed together may have overtaken each other.
    const together = elapsed < BUNCHED * (spacing < 0 ? -spacing : spacing);
    state[LATENESS] = offset - state[ORIGIN]!;
    if (this.#clockStood(together, spacing > LEAP_MS)) return;
    this.#arrivals++;
    const { drift } = this;
    if (this.#aligns) {
      this.#align();
      offset = now + state[STOPPED]! - state[FRAME]! * this.#msPerFrame;
    } else if (copy === 0) {
      drift.input[DRIFT_NOW] = now;
      drift.input[OFFSET] = offset;
      drift.observeInput();
    }
    const change = drift.skew - state[SKEW]!;
    const size = change < 0 ? -change : change;
    if (size > SKEW_CHANGE) this.#doubt(size > DEVICE_SKEW_CHANGE ? FORGOTTEN : DOUBTED);
    if (size > DEVICE_SKEW_CHANGE) this.#learnUntil = this.#arrivals + ENOUGH;
    state[SKEW] = drift.skew;
    state[ORIGIN] = state[ORIGIN]! + drift.skew * elapsed;
    let delay = offset - state[ORIGIN]!;
    if (delay < 0) {
      // Faster than all before: the scale starts with this packet.
      const shift = Math.ceil(-delay);
      this.#shift(shift);
      state[ORIGIN] = state[ORIGIN]! - shift;
      state[FLOOR] = state[FLOOR]! + shift;
      delay += shift;
    }
    state[LATENESS] = delay;
    const isPacket = spacing > 0 && spacing <= LONGEST_PACKET_MS;
    this.#silent = elapsed > (isPacket ? SILENCE_MS + spacing : SILENCE_MS);
    if (this.#silent) {
      state[LATE_AT] = -1;
      state[EARLY_AT] = -1;
    }
    this.#swings.input[SWING_NOW] = now;
    this.#swings.input[SWING_LATENESS] = delay;
    this.#swings.input[SWING_SPREAD] = state[SPREAD]!;
    this.#swings.observe();
    this.#watchPath();
    delay = state[LATENESS]!;
    this.#recent.input[RECENT_NOW] = now;
    this.#recent.input[RECENT_LATENESS] = delay;
    this.#recent.add();
    this.#lastMinute.input[RECENT_NOW] = now;
    this.#lastMinute.input[RECENT_LATENESS] = delay;
    this.#lastMinute.add();
    const near = this.#near;
    const far = this.#far;
    near.input[ELAPSED] = elapsed;
    far.input[ELAPSED] = elapsed;
    near.forget();
    far.forget();
    if (this.#isFirstOfItsSize(together)) {
      this.missed(1);
    } else if (state[EARLY_AT]! < 0) {
      const provisional = state[LATE_AT]! < 0 ? 0 : 1;
      near.input[PROVISIONAL] = provisional;
      far.input[PROVISIONAL] = provisional;
      near.input[DELAY] = delay;
      near.input[SHARE] = bunched ? NEAR_BUNCHED : 1;
      near.add();
      far.input[DELAY] = delay;
      far.add();
    }
    if (this.#arrivals < ENOUGH) {
      state[FLOOR] = near.floor();
      near.findMiddle();
      this.#learnBase();
      return;
    }
    if (late || now - state[UPDATED]! >= UPDATE_MS) this.#update();
  }

  /**
   * Detects that the receiver's clock stood still, like that of a suspended context. Packets that arrived one by one in that time
   * seem to arrive together, each earlier than all before, which no path causes. The clock stood still for as long as they are
   * early.
   * @param together whether the packet arrived with the previous one
   * @param leaps whether it overtook others, or others were lost
   * @returns whether it arrived while the clock stood still: its delay is unknown
   */
  #clockStood(together: boolean, leaps: boolean): boolean {
    const state = this.#state;
    if (!together) {
      state[LEAST_BEFORE] = this.#lastMinute.least + state[ORIGIN]!;
      this.#earlyTogether = 0;
      this.#stood = false;
    }
    const early = state[LEAST_BEFORE]! - state[LATENESS]! - state[ORIGIN]!;
    if (!together) this.#canFall = early <= LEAST_STEP_MS && !this.#skewMayBeQueues();
    if (early <= 0) this.#earlyTogether = 0;
    // A packet that overtook others took another path, and so did those that arrive with it.
    if (leaps && !this.#stood) this.#canFall = false;
    if (!together || !this.#canFall || early <= 0) return false;
    // A single early packet may have overtaken others.
    if (!this.#stood && (early <= LEAST_STEP_MS || this.#earlyTogether++ === 0)) return false;
    if (early > STOPPED_MS && !this.#stood) {
      this.#stood = true;
      this.#aligns = this.#arrivals >= ENOUGH && !this.#swings.swings;
      this.#aligned = 0;
      state[STOOD_LEAST] = Infinity;
      state[EARLY_AT] = -1;
      // The delay fell because of the clock, not because a queue drained.
      this.#swings.reset();
      // The packet that seemed the fastest so far arrived while the clock stood still.
      const fell = Math.floor(state[LEAST_BEFORE]! - this.#lastMinute.least - state[ORIGIN]!);
      if (fell > 0) this.#raiseOrigin(fell);
    }
    if (this.#stood) {
      state[STOPPED] = state[STOPPED]! + early;
      state[STOOD_FOR] = state[STOPPED]!;
    }
    return true;
  }

  /**
   * Corrects the time for which the clock stood still, which is known only up to the delay of the last packet in that time. The
   * following packets show the rest: the fastest of them should be as late as the fastest of as many usually is.
   */
  #align(): void {
    const state = this.#state;
    if (state[LATENESS]! < state[STOOD_LEAST]!) state[STOOD_LEAST] = state[LATENESS]!;
    this.#aligned++;
    const wanted = this.#near.quantileFrom(0, 1 / (this.#aligned + 1)) - state[STOOD_LEAST]!;
    // The minimum is known already.
    const least = state[STOOD_FOR]! - state[STOPPED]!;
    const off = wanted > least ? wanted : least;
    state[STOPPED] = state[STOPPED]! + off;
    state[STOOD_LEAST] = state[STOOD_LEAST]! + off;
    state[LATENESS] = state[LATENESS]! + off;
    if (this.#aligned === ENOUGH) this.#aligns = false;
  }

  /** Whether swinging queues may have been mistaken for a clock difference of some percent: then the scale itself moves. */
  #skewMayBeQueues(): boolean {
    const skew = this.#state[SKEW]!;
    return this.#swings.swings && (skew > USUAL_MAX_SKEW || skew < -USUAL_MAX_SKEW);
  }

  #update(): void {
    const state = this.#state;
    state[UPDATED] = state[NOW]!;
    const near = this.#near;
    near.findMiddle();
    // While the path may be a shorter one, the scale would move down with it, and drop the longest delays from the memories.
    if (state[EARLY_AT]! < 0) this.#followRoute();
    const floor = this.#presentFloor();
    if (floor > HISTOGRAM_MS / 8 && state[EARLY_AT]! < 0) {
      this.#shift(-floor);
      state[ORIGIN] = state[ORIGIN]! + floor;
      state[FLOOR] = 0;
    } else {
      state[FLOOR] = floor;
    }
    this.#learnBase();
    // If the path is shorter by more than the memories cover, they know nothing about it: assume the jitter of the longer one.
    if (state[EARLY_AT]! >= 0 && state[BASE]! >= HISTOGRAM_MS && !this.#swings.swings) return;
    const periodMs = state[SKEW]! > USUAL_MAX_SKEW ? PERIOD_MS : 0;
    const best = this.#best();
    const { heldMs, aheadMs } = this.#swings;
    const held = (heldMs > aheadMs ? heldMs : aheadMs) + state[SPREAD]!;
    state[FREE_TARGET] = (best > held ? best : held) + this.#leadMs + periodMs - state[FLOOR]!;
    this.#limit();
  }

  /**
   * Returns the lateness of the fastest packets on the current path, in whole ms. The near memory outlasts a scale that turned out
   * to be wrong, as after a restart; but while the path is in doubt, or delays swing, the newest packets may not be the fastest of
   * the path.
   */
  #presentFloor(): number {
    const state = this.#state;
    const remembered = this.#near.floor();
    const recent = Math.floor(this.#recent.value);
    if (recent <= remembered) return remembered;
    const swings = this.#swings.swings && !this.#swings.steady;
    if (!this.#isInDoubt() && !swings) return recent;
    const before = state[FLOOR]!;
    return before > recent ? recent : before > remembered ? before : remembered;
  }

  /** Whether all packets have been late for a moment, or the last one was early: the path may have changed. */
  #isInDoubt(): boolean {
    const state = this.#state;
    if (state[EARLY_AT]! >= 0) return true;
    // The first packet of a sender's burst is the latest, and says nothing about the path.
    return state[LATE_AT]! >= 0 && state[NOW]! - state[LATE_AT]! >= LIFT_AFTER_MS;
  }

  /** Updates the base and the spread of the current path, unless it is in doubt. */
  #learnBase(): void {
    const state = this.#state;
    if (this.#isInDoubt() && this.#arrivals >= this.#learnUntil) return;
    // A few much faster packets may have taken another path.
    if (state[FLOOR]! > state[BASE]! - LEAST_STEP_MS) state[BASE] = state[FLOOR]!;
    const spread = this.#near.middle - state[FLOOR]!;
    state[SPREAD] = spread > LEAST_STEP_MS ? spread : LEAST_STEP_MS;
  }

  /** Detects that all packets arrive later or earlier than before, and accepts that as a new path once it has lasted. */
  #watchPath(): void {
    const state = this.#state;
    this.#watchBase();
    const late = state[LATENESS]!;
    const now = state[NOW]!;
    if (late > state[BASE]! + state[SPREAD]!) {
      state[EARLY_AT] = -1;
      if (state[LATE_AT]! < 0) {
        state[LATE_AT] = this.#silent ? now - LIFT_AFTER_MS : now;
        state[LATE_LEAST] = late;
        state[LATE_TARGET] = state[TARGET]!;
        state[RUN_PACKETS] = 0;
      } else if (late < state[LATE_LEAST]!) {
        state[LATE_LEAST] = late;
      }
      state[RUN_PACKETS] = state[RUN_PACKETS]! + 1;
      if (state[RUN_PACKETS]! >= CONFIRM_PACKETS) this.#confirmLonger();
    } else if (late < state[BASE]! - LEAST_STEP_MS) {
      state[LATE_AT] = -1;
      if (state[EARLY_AT]! < 0) {
        state[EARLY_AT] = now;
        state[EARLY_LEAST] = late;
        state[RUN_PACKETS] = 0;
      } else if (late < state[EARLY_LEAST]!) {
        state[EARLY_LEAST] = late;
      }
      state[RUN_PACKETS] = state[RUN_PACKETS]! + 1;
      if (this.#isMixed()) return;
      const lasted = now - state[EARLY_AT]! >= CONFIRM_SHORTER_MS;
      if (lasted && state[RUN_PACKETS]! >= CONFIRM_PACKETS) this.#confirmShorter();
    } else {
      state[LATE_AT] = -1;
      state[EARLY_AT] = -1;
    }
  }

  /**
   * Moves the origin back to the base once several packets in a row have taken the old path again. A shorter path that did not last
   * long enough to be accepted has left the origin far below.
   */
  #watchBase(): void {
    const state = this.#state;
    const isFaster = state[LATENESS]! < state[BASE]! - BACK_STEP_MS;
    state[BACK_PACKETS] = isFaster ? 0 : state[BACK_PACKETS]! + 1;
    if (state[BACK_PACKETS]! < CONFIRM_PACKETS || state[BASE]! < FAR_BASE_MS) return;
    this.#moveOrigin();
  }

  /** Whether early packets have been mixed with others for long: then the base moves to them. */
  #isMixed(): boolean {
    const state = this.#state;
    const now = state[NOW]!;
    const late = state[LATENESS]!;
    if (now - state[FASTER_AT]! > MIXED_BREAK_MS) {
      state[FASTER_SINCE] = now;
      state[FASTEST] = late;
    } else if (late < state[FASTEST]!) {
      state[FASTEST] = late;
    }
    state[FASTER_AT] = now;
    if (now - state[FASTER_SINCE]! < MIXED_MS) return false;
    state[BASE] = state[FASTEST]!;
    state[EARLY_AT] = -1;
    this.#moveOrigin();
    return true;
  }

  /** Accepts a longer path: moves the origin, and with it the known jitter. */
  #confirmLonger(): void {
    const state = this.#state;
    const lasted = state[NOW]! - state[LATE_AT]!;
    const step = Math.floor(state[LATE_LEAST]! - this.#usualLeast(0));
    if (step < LEAST_STEP_MS) {
      // Within the usual lateness: the path is the same.
      if (lasted >= CONFIRM_MS) state[LATE_AT] = -1;
      return;
    }
    const wait = (CONFIRM_MS * CONFIRM_STEP_MS) / step;
    const limited =
      wait > CONFIRM_MS ? CONFIRM_MS : wait < LEAST_CONFIRM_MS ? LEAST_CONFIRM_MS : wait;
    if (lasted < limited) return;
    state[ORIGIN] = state[ORIGIN]! + step;
    state[LATENESS] = state[LATENESS]! - step;
    state[STOOD_LEAST] = state[STOOD_LEAST]! - step;
    this.#swings.shift(-step);
    this.#lastMinute.shift(-step);
    this.#recent.reset();
    const from = Math.floor(state[LATE_LEAST]!);
    // Packets that took this path earlier, in runs that ended with a silence, count as its fastest.
    this.#near.takeBack(from, from - step);
    this.#far.takeBack(from, from - step);
    this.#moveFrom(from, step);
  }

  /** Accepts a shorter path: the origin is there already, and the known jitter follows. */
  #confirmShorter(): void {
    const state = this.#state;
    const base = Math.floor(state[BASE]! - LEAST_STEP_MS);
    const step = Math.floor(this.#usualLeast(base) - state[EARLY_LEAST]!);
    state[BASE] = state[EARLY_LEAST]!;
    if (step < LEAST_STEP_MS) state[EARLY_AT] = -1;
    // No known delay belongs to this path yet: all are of the longer one.
    else this.#moveFrom(0, step);
    this.#moveOrigin();
  }

  /** Moves the origin to the base if a few much faster packets have left it below the path, out of the memories' range. */
  #moveOrigin(): void {
    const state = this.#state;
    const by = Math.floor(state[BASE]!);
    if (by < HISTOGRAM_MS / 8) return;
    this.#raiseOrigin(by);
    state[FLOOR] = 0;
  }

  /** Moves the origin of all delays up by `ms`, which reduces that of the current packet. */
  #raiseOrigin(ms: number): void {
    const state = this.#state;
    this.#shift(-ms);
    state[ORIGIN] = state[ORIGIN]! + ms;
    state[LATENESS] = state[LATENESS]! - ms;
    state[FLOOR] = state[FLOOR]! > ms ? state[FLOOR]! - ms : 0;
  }

  /** Returns the usual lateness of the fastest among as many packets as were watched, counting only packets later than `from`. */
  #usualLeast(from: number): number {
    return this.#near.quantileFrom(from, 1 / (this.#state[RUN_PACKETS]! + 1));
  }

  /** Reduces delays from `from` on by `step`: those observed on the longer path. */
  #moveFrom(from: number, step: number): void {
    const state = this.#state;
    this.#near.fold(from, step);
    this.#far.fold(from, step);
    this.#near.findMiddle();
    state[MIDDLE] = this.#near.middle;
    state[LATE_AT] = -1;
    state[EARLY_AT] = -1;
    state[FASTER_AT] = -Infinity;
    // The packets were not delayed by a stall.
    state[PRESENT] = 0;
    if (step >= NO_DRIFT_MS && !this.drift.known) this.drift.reset();
    if (this.#arrivals >= ENOUGH) this.#update();
    else state[FLOOR] = this.#near.floor();
  }

  /** Reduces the weight of past delays, as after this many time constants. */
  #doubt(constants: number): void {
    this.#near.doubt(constants);
    this.#far.doubt(constants);
    this.#recent.reset();
  }

  /** Computes `liftMs`: how much later the earliest of the late packets would be due at the previous target. */
  #lift(): void {
    const state = this.#state;
    state[LIFT] = 0;
    if (state[LATE_AT]! < 0 || state[NOW]! - state[LATE_AT]! < LIFT_AFTER_MS) return;
    const target = state[LATE_TARGET]!;
    const min = state[MIN]!;
    const max = state[MAX]!;
    const limited = target < min ? min : target > max ? max : target;
    const lift = state[LATE_LEAST]! + limited - state[FLOOR]! - state[TARGET]!;
    if (lift > 0) state[LIFT] = lift;
  }

  #forgetPath(): void {
    this.#swings.reset();
    this.#recent.reset();
    this.#lastMinute.reset();
    this.#canFall = false;
    this.#aligns = false;
    const state = this.#state;
    state[BASE] = 0;
    state[SPREAD] = LEAST_STEP_MS;
    state[FASTER_AT] = -Infinity;
    state[LIFT] = 0;
    state[LATE_AT] = -1;
    state[EARLY_AT] = -1;
  }

  /** Whether a packet was delayed, alone or in a bunch, for longer than any recent one: that may never happen again. */
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

  /** Returns the delay with the lowest cost, in ms from the origin. */
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
   * If the median has fallen, the network has a shorter path: the far memory, which would otherwise wait long for packets of the
   * old path, shifts as well. If it has risen, the far memory learns that soon enough.
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
    this.#swings.shift(ms);
    this.#recent.shift(ms);
    this.#lastMinute.shift(ms);
    const state = this.#state;
    state[MIDDLE] = state[MIDDLE]! + ms;
    state[BASE] = state[BASE]! + ms;
    state[LATE_LEAST] = state[LATE_LEAST]! + ms;
    state[EARLY_LEAST] = state[EARLY_LEAST]! + ms;
    state[FASTEST] = state[FASTEST]! + ms;
    state[STOOD_LEAST] = state[STOOD_LEAST]! + ms;
  }

  #limit(): void {
    const state = this.#state;
    const free = state[FREE_TARGET]!;
    const min = state[MIN]!;
    const max = state[MAX]!;
    state[TARGET] = free < min ? min : free > max ? max : free;
  }
}
