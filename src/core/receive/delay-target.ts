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
  /** Hz, of the wire: what frames are counted in. */
  readonly sampleRate: number;
  /**
   * What waiting is worth, as percent of concealed audio per 100 ms of delay: at 2, a delay shorter by 100 ms is worth 2 %
   * more concealed audio. Small for music and archives, large for conversation. 0.01 to 100. @default 0.5
   */
  readonly latencyCost?: number;
  /** Minimum of the target delay, in ms after the fastest packet. 0 to 10000. @default 0 */
  readonly minDelayMs?: number;
  /** Maximum of the target delay, ms. `minDelayMs` to 10000. @default 2000 */
  readonly maxDelayMs?: number;
  /** The target until enough packets have arrived. @default 40 */
  readonly startDelayMs?: number;
  /** How long before it is heard a packet must have arrived: the player's own lead. @default 5 */
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
/** As much as after so many time constants is forgotten where the scale turns out to have been off. */
const DOUBTED = 2;
/** A sender that is slower than a resampler follows is stretched by whole periods of a voice, from a delay of this much more. */
const PERIOD_MS = 12;
/** A change of the clocks' difference by more than this was not known of. */
const SKEW_CHANGE = 1000e-6;
/** One by more than this is a device's that is off by percent: every second until it was known moved the scale by tens of ms. */
const DEVICE_SKEW_CHANGE = 2 * USUAL_MAX_SKEW;
/** As much as after so many time constants is forgotten then: what is left is less than `DelayHistogram.floor` looks at. */
const FORGOTTEN = 7;
/** How often the target is computed again; a late packet does so immediately. */
const UPDATE_MS = 100;
/** Fewer arrivals say nothing yet. */
const ENOUGH = 25;

/**
 * Packets that are all later than before by more than the usual spread, or all earlier, may have another path. The spread is
 * taken to be at least this, ms.
 */
const LEAST_STEP_MS = 20;
/** It is one when it has lasted: the farther, the sooner it is believed. A path of 100 ms more takes this long, ms. */
const CONFIRM_MS = 2000;
const CONFIRM_STEP_MS = 100;
const LEAST_CONFIRM_MS = 200;
/** A shorter path has lasted when all packets took it for this long, ms. */
const CONFIRM_SHORTER_MS = 1000;
const CONFIRM_PACKETS = 5;
/** Where only some packets are earlier, but for this long, ms, they belong to the path: a sender's bursts have such. */
const MIXED_MS = 5000;
/** … and without a break of this much, ms. */
const MIXED_BREAK_MS = 1000;
/** So far above the origin the base is nearly out of the memories' reach, ms: once packets come there again, the origin follows. */
const FAR_BASE_MS = HISTOGRAM_MS / 2;
/** What is faster than the base by no more than this, ms, has come the old way all the same. */
const BACK_STEP_MS = 3 * LEAST_STEP_MS;
/** A packet that ends a silence of this length, ms, is judged by itself. Its own duration does not count as silence. */
const SILENCE_MS = 200;
const LONGEST_PACKET_MS = 120;
/** What came without a silence before it is no news for so long, ms: copies of lost packets are late as well. */
const LIFT_AFTER_MS = 60;
/** A step of this size, ms, before the clocks' difference is known would be taken for it. */
const NO_DRIFT_MS = 200;
/** The fastest of late is that of so long, ms. */
const RECENT_MS = 3000;
/** Packets that come at once, and earlier than any of so many ms by so much, show that the receiver's clock has stood still. */
const STOPPED_MS = 200;
const STOPPED_MEMORY_MS = 60_000;
/** A packet that is so much later in the stream than the one before, ms, has overtaken others, or others were lost. */
const LEAP_MS = 500;

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
/** The lateness of the fastest packets of the present path, and how far the middle lies above it, at least. */
const BASE = 16;
const SPREAD = 17;
/** Since when all packets are beyond that spread, −1 while they are not; the least late of them, and the target before. */
const LATE_AT = 18;
const LATE_LEAST = 19;
const LATE_TARGET = 20;
/** Since when all are faster than the base, and the fastest of them. */
const EARLY_AT = 21;
const EARLY_LEAST = 22;
/** Packets since then. */
const RUN_PACKETS = 23;
/** The clocks' difference as it was at the last packet. */
const SKEW = 24;
/** Since when some packets have been faster than the base, when the last of them came, and how late the fastest was. */
const FASTER_SINCE = 25;
const FASTER_AT = 26;
const FASTEST = 27;
/** See `liftMs`. */
const LIFT = 28;
/** Packets since the last that was faster than the base. */
const BACK_PACKETS = 29;
/** For how long the receiver's clock has stood still, ms, in all. */
const STOPPED = 30;
/** The least offset before the packets that come together now. */
const LEAST_BEFORE = 31;
/** How late the fastest packet is since the clock stood. */
const STOOD_LEAST = 32;
/** `STOPPED` as the packet that came together with others had it. */
const STOOD_FOR = 33;
const SLOTS = 34;

/**
 * Decides how long packets should wait. It observes when each packet first arrived, as whatever copy, and chooses the
 * delay beyond which waiting costs more than the audio it saves: the least of `delay + concealed share × price`, the
 * price being 10000 ms / `latencyCost`. Lost packets cost the same at any delay and so do not move it; redundant copies
 * do, as they come a packet or more behind.
 *
 * A delay here is the time from a packet's capture to its playing, on the receiver's clock, less an origin near the
 * fastest packet's: {@link dueMs} puts both together.
 */
export class DelayTarget implements ArrivalListener {
  /** The ratio of the two clocks, from the same arrivals. */
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
  /** How many there will be until the present path is known for certain: after the clocks' difference has turned out to be another. */
  #learnUntil = 0;
  /** Whether nothing had come for long before the packet that just came. */
  #silent = false;
  /**
   * Whether packets that come together can show that the clock stood still, how many of them were earlier than any before, and
   * whether they have shown it.
   */
  #canFall = false;
  #earlyTogether = 0;
  #stood = false;
  /** Since it stood last: how many packets have put it right, and whether more are to do so. */
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
    this.#lift();
  }

  /** Whether the delay swings, by queues that fill up and drain: what is held back then soon comes again. */
  get swings(): boolean {
    return this.#swings.swings;
  }

  /** When a frame would be heard if it waited for `targetMs`, on the receiver's clock, ms. */
  dueMs(frame: number): number {
    const state = this.#state;
    const offset = state[ORIGIN]! + state[FLOOR]! - state[STOPPED]!;
    return frame * this.#msPerFrame + offset + state[TARGET]!;
  }

  /** When a frame that took the fastest way was there, on the receiver's clock, ms. */
  earliestMs(frame: number): number {
    const state = this.#state;
    return frame * this.#msPerFrame + state[ORIGIN]! + state[FLOOR]! - state[STOPPED]!;
  }

  /**
   * By how much more than {@link dueMs} says every packet of late has been late, ms: the path may have become longer. What
   * comes then is no backlog, and playing it faster would only run dry. 0 usually; soon it is in `dueMs`, or the packets that
   * a stall held up have caught up.
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

  /** What was seen before counts less: the scale may be off by the jitter of the packet that joined it. */
  restarted(): void {
    this.#doubt(DOUBTED);
  }

  /** Forgets all arrivals; the limits stay. */
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
    // Of packets that were held up together some may have overtaken each other.
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
      // Faster than all before: the scale begins with it.
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
   * Notices that the receiver's clock stood still, as that of a suspended context does. Packets that arrived one by one meanwhile seem to
   * come at once, each earlier than all before, which no path makes them. By as much as they are earlier the clock has stood.
   * @param together whether the packet came with the one before
   * @param leaps whether it has overtaken others, or others were lost
   * @returns whether it arrived while the clock stood: its delay is unknown
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
    // What has overtaken others took another path, and so did those that come with it.
    if (leaps && !this.#stood) this.#canFall = false;
    if (!together || !this.#canFall || early <= 0) return false;
    // One that is early may have overtaken others.
    if (!this.#stood && (early <= LEAST_STEP_MS || this.#earlyTogether++ === 0)) return false;
    if (early > STOPPED_MS && !this.#stood) {
      this.#stood = true;
      this.#aligns = this.#arrivals >= ENOUGH && !this.#swings.swings;
      this.#aligned = 0;
      state[STOOD_LEAST] = Infinity;
      state[EARLY_AT] = -1;
      // It has fallen by the clock, not by a queue that drained.
      this.#swings.reset();
      // What seemed to be the fastest packet until now came while it stood.
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
   * The clock stood, and for how long is known only to the delay of the last packet that came meanwhile. Those that follow show it: the
   * fastest of them is as late as the fastest of as many usually is.
   */
  #align(): void {
    const state = this.#state;
    if (state[LATENESS]! < state[STOOD_LEAST]!) state[STOOD_LEAST] = state[LATENESS]!;
    this.#aligned++;
    const wanted = this.#near.quantileFrom(0, 1 / (this.#aligned + 1)) - state[STOOD_LEAST]!;
    // By the least that it can have been it is known already.
    const least = state[STOOD_FOR]! - state[STOPPED]!;
    const off = wanted > least ? wanted : least;
    state[STOPPED] = state[STOPPED]! + off;
    state[STOOD_LEAST] = state[STOOD_LEAST]! + off;
    state[LATENESS] = state[LATENESS]! + off;
    if (this.#aligned === ENOUGH) this.#aligns = false;
  }

  /** Whether queues that swing may have been taken for a difference of the clocks by percent: then the scale itself moves. */
  #skewMayBeQueues(): boolean {
    const skew = this.#state[SKEW]!;
    return this.#swings.swings && (skew > USUAL_MAX_SKEW || skew < -USUAL_MAX_SKEW);
  }

  #update(): void {
    const state = this.#state;
    state[UPDATED] = state[NOW]!;
    const near = this.#near;
    near.findMiddle();
    // While the path may be a shorter one, the scale moves down with it, and the longest delays out of the memories.
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
    // Of a path that is shorter by more than the memories reach, they know nothing yet: it is taken to be as jittery as the longer one.
    if (state[EARLY_AT]! >= 0 && state[BASE]! >= HISTOGRAM_MS && !this.#swings.swings) return;
    const periodMs = state[SKEW]! > USUAL_MAX_SKEW ? PERIOD_MS : 0;
    const best = this.#best();
    const { heldMs, aheadMs } = this.#swings;
    const held = (heldMs > aheadMs ? heldMs : aheadMs) + state[SPREAD]!;
    state[FREE_TARGET] = (best > held ? best : held) + this.#leadMs + periodMs - state[FLOOR]!;
    this.#limit();
  }

  /**
   * How late the fastest packets of the present path are, whole ms. The near memory remembers longer than a scale lasts that
   * turned out to have been off, as after a restart; but while the path is in doubt, and where delays swing, what came last may
   * not be the path's fastest.
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

  /** Whether all packets have been later than usual for a moment, or the last one was earlier: it may be another path. */
  #isInDoubt(): boolean {
    const state = this.#state;
    if (state[EARLY_AT]! >= 0) return true;
    // The first packet of a sender's burst is the latest, and says nothing about the path.
    return state[LATE_AT]! >= 0 && state[NOW]! - state[LATE_AT]! >= LIFT_AFTER_MS;
  }

  /** What the present path is like, unless it is in doubt. */
  #learnBase(): void {
    const state = this.#state;
    if (this.#isInDoubt() && this.#arrivals >= this.#learnUntil) return;
    // A few packets that were faster by far may have come another way.
    if (state[FLOOR]! > state[BASE]! - LEAST_STEP_MS) state[BASE] = state[FLOOR]!;
    const spread = this.#near.middle - state[FLOOR]!;
    state[SPREAD] = spread > LEAST_STEP_MS ? spread : LEAST_STEP_MS;
  }

  /** Notices when all packets come later than they used to, or earlier, and takes that for the path when it has lasted. */
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
   * A path that was shorter, but not for long enough to be believed, has left the origin far below: once some packets in a row have
   * come the old way again, it moves back to the base.
   */
  #watchBase(): void {
    const state = this.#state;
    const isFaster = state[LATENESS]! < state[BASE]! - BACK_STEP_MS;
    state[BACK_PACKETS] = isFaster ? 0 : state[BACK_PACKETS]! + 1;
    if (state[BACK_PACKETS]! < CONFIRM_PACKETS || state[BASE]! < FAR_BASE_MS) return;
    this.#moveOrigin();
  }

  /** Whether early packets have come among others for long: then the base is where they are. */
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

  /** The path is longer: the origin moves there, and what was known of its jitter with it. */
  #confirmLonger(): void {
    const state = this.#state;
    const lasted = state[NOW]! - state[LATE_AT]!;
    const step = Math.floor(state[LATE_LEAST]! - this.#usualLeast(0));
    if (step < LEAST_STEP_MS) {
      // It is what packets usually are: no other path.
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
    // What came on the way to this path, in runs that a silence ended, counts as the fastest of it.
    this.#near.takeBack(from, from - step);
    this.#far.takeBack(from, from - step);
    this.#moveFrom(from, step);
  }

  /** The path is shorter: the origin is there already, and what was known of its jitter follows. */
  #confirmShorter(): void {
    const state = this.#state;
    const base = Math.floor(state[BASE]! - LEAST_STEP_MS);
    const step = Math.floor(this.#usualLeast(base) - state[EARLY_LEAST]!);
    state[BASE] = state[EARLY_LEAST]!;
    if (step < LEAST_STEP_MS) state[EARLY_AT] = -1;
    // Nothing that took this path is known yet: all delays are of the longer one.
    else this.#moveFrom(0, step);
    this.#moveOrigin();
  }

  /** Where a few packets that were faster by far have left the origin below the path, beyond the memories' reach, it moves to the base. */
  #moveOrigin(): void {
    const state = this.#state;
    const by = Math.floor(state[BASE]!);
    if (by < HISTOGRAM_MS / 8) return;
    this.#raiseOrigin(by);
    state[FLOOR] = 0;
  }

  /** The origin of all delays moves up: that of the packet at hand is so much less, ms. */
  #raiseOrigin(ms: number): void {
    const state = this.#state;
    this.#shift(-ms);
    state[ORIGIN] = state[ORIGIN]! + ms;
    state[LATENESS] = state[LATENESS]! - ms;
    state[FLOOR] = state[FLOOR]! > ms ? state[FLOOR]! - ms : 0;
  }

  /** How late the fastest is of as many packets as were watched, of those that were later than `from`. */
  #usualLeast(from: number): number {
    return this.#near.quantileFrom(from, 1 / (this.#state[RUN_PACKETS]! + 1));
  }

  /** Brings delays from `from` on nearer by `step`: those that were seen on the path that is the longer one. */
  #moveFrom(from: number, step: number): void {
    const state = this.#state;
    this.#near.fold(from, step);
    this.#far.fold(from, step);
    this.#near.findMiddle();
    state[MIDDLE] = this.#near.middle;
    state[LATE_AT] = -1;
    state[EARLY_AT] = -1;
    state[FASTER_AT] = -Infinity;
    // What held packets up was no stall.
    state[PRESENT] = 0;
    if (step >= NO_DRIFT_MS && !this.drift.known) this.drift.reset();
    if (this.#arrivals >= ENOUGH) this.#update();
    else state[FLOOR] = this.#near.floor();
  }

  /** Lets what was seen count for little, as after so many time constants. */
  #doubt(constants: number): void {
    this.#near.doubt(constants);
    this.#far.doubt(constants);
    this.#recent.reset();
  }

  /** Works `liftMs` out: so much later than now the least late of the packets would be due, at the target as it was. */
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
