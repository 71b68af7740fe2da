/** The level of the delay is what the fastest packet of so long took, ms. */
const WINDOW_MS = 200;
/** A level that rises by more than this, ms, after it fell by as much, is a swing. */
const SWING_MS = 100;
/** Two swings within this time, ms, make a path that swings. */
const TOGETHER_MS = 60_000;
/** A climb is looked at over so many windows. */
const CLIMB_WINDOWS = 8;
/** Fewer rises in a row are jitter, or less in all than the usual spread; which is taken to lie within these bounds, ms. */
const CLIMB_RISES = 3;
const LEAST_CLIMB_MS = 40;
const MOST_CLIMB_MS = 80;
/** A level that has kept within the least climb for so long, ms, is the path's: it does not swing now. */
const STEADY_MS = 5000;
/** No step from one window to the next is more than this share of a climb. */
const STEP_SHARE = 0.6;
/** The level to be ready for is so many times as much again: more than is available, so that audio is stretched meanwhile. */
const CLIMBS_ON = 3;
/** How long a level is held, ms, at a `latencyCost` of 1. */
const HOLD_MS = 6000;
/** Parts of the time that a level is held for. */
const PARTS = 16;

const WINDOW_END = 0;
const LEAST = 1;
/** The lowest level since the last rise, or the highest since the last fall. */
const EXTREME = 2;
/** When the level rose last, and before that. */
const ROSE_AT = 3;
const ROSE_BEFORE = 4;
const PART_END = 5;
const HELD = 6;
/** What the level has climbed by, and what it may climb to. */
const AHEAD = 7;
/** The level of the window that is over. */
const LEVEL = 8;
/** The level that those of late are near, and since when. */
const STEADY = 9;
const STEADY_SINCE = 10;
const SLOTS = 11;

/** Places in {@link DelaySwings.input}. */
export const NOW = 0;
export const LATENESS = 1;
export const SPREAD = 2;

/**
 * Watches whether the delay swings: a queue before a slow link fills up and drains, again and again, as those of cellular
 * networks do. Then the highest level of late is held, as it will come again.
 *
 * How long it pays to hold it follows from what delay costs. To release 100 ms too early costs 100 ms of concealment, less what
 * playing longer covers; to hold them for a second costs `latencyCost` percent of a second. Without stretching both are the
 * same after `10 s / latencyCost` (ski rental); with it, sooner.
 *
 * And it notices when the level climbs, as it does while a queue fills up: then what is there is played longer at once, before it
 * runs out.
 */
export class DelaySwings {
  /** What {@link observe} takes: when a packet came, how late it was, and how far delays usually spread, in ms. */
  readonly input: Float64Array = new Float64Array(3);
  readonly #partMs: number;
  readonly #levels: Float64Array = new Float64Array(PARTS);
  /** The levels of the last windows. */
  readonly #recent: Float64Array = new Float64Array(CLIMB_WINDOWS);
  readonly #state: Float64Array = new Float64Array(SLOTS);
  #window = 0;
  #part = 0;
  #rising = false;

  /** @param latencyCost as in `DelayTarget` */
  constructor(latencyCost: number) {
    this.#partMs = HOLD_MS / latencyCost / PARTS;
    this.reset();
  }

  /** The level to be ready for, ms late; −Infinity while the delay does not swing. */
  get heldMs(): number {
    return this.#state[HELD]!;
  }

  /** The level to be ready for while it climbs, ms late; −Infinity while it does not. */
  get aheadMs(): number {
    return this.#state[AHEAD]!;
  }

  /** Whether the delay swings. */
  get swings(): boolean {
    return this.#state[HELD]! > -Infinity;
  }

  /** Whether the level has stayed where it is for long, though it may have swung before. */
  get steady(): boolean {
    return this.input[NOW]! - this.#state[STEADY_SINCE]! >= STEADY_MS;
  }

  /** A packet came. */
  observe(): void {
    const state = this.#state;
    const now = this.input[NOW]!;
    const late = this.input[LATENESS]!;
    if (now >= state[WINDOW_END]!) {
      if (state[LEAST]! < Infinity) this.#note();
      state[WINDOW_END] = now + WINDOW_MS;
      state[LEAST] = late;
    } else if (late < state[LEAST]!) {
      state[LEAST] = late;
    }
  }

  /** The scale moves: all delays are so much more, ms. */
  shift(ms: number): void {
    const state = this.#state;
    const levels = this.#levels;
    for (let i = 0; i < PARTS; i++) levels[i] = levels[i]! + ms;
    const recent = this.#recent;
    for (let i = 0; i < CLIMB_WINDOWS; i++) recent[i] = recent[i]! + ms;
    state[AHEAD] = state[AHEAD]! + ms;
    state[LEAST] = state[LEAST]! + ms;
    state[EXTREME] = state[EXTREME]! + ms;
    state[HELD] = state[HELD]! + ms;
    state[STEADY] = state[STEADY]! + ms;
  }

  /** As new. */
  reset(): void {
    this.#levels.fill(-Infinity);
    this.#recent.fill(Infinity);
    this.#state.fill(-Infinity);
    this.#state[LEAST] = Infinity;
    this.#state[EXTREME] = Infinity;
    this.#state[STEADY_SINCE] = Infinity;
    this.#rising = false;
  }

  /** A window is over. */
  #note(): void {
    const state = this.#state;
    const levels = this.#levels;
    const now = this.input[NOW]!;
    const level = state[LEAST]!;
    if (now >= state[PART_END]! + PARTS * this.#partMs) {
      levels.fill(-Infinity);
      state[PART_END] = now + this.#partMs;
    }
    while (now >= state[PART_END]!) {
      this.#part = (this.#part + 1) % PARTS;
      levels[this.#part] = -Infinity;
      state[PART_END] = state[PART_END]! + this.#partMs;
    }
    if (level > levels[this.#part]!) levels[this.#part] = level;
    state[LEVEL] = level;
    const off = level - state[STEADY]!;
    if (!(off < LEAST_CLIMB_MS && off > -LEAST_CLIMB_MS)) {
      state[STEADY] = level;
      state[STEADY_SINCE] = now;
    }
    this.#follow();
    this.#climb();
    if (now - state[ROSE_BEFORE]! > TOGETHER_MS) {
      state[HELD] = -Infinity;
      return;
    }
    let held = -Infinity;
    for (let i = 0; i < PARTS; i++) if (levels[i]! > held) held = levels[i]!;
    state[HELD] = held;
  }

  /** A queue that fills up makes every window's level higher than the one before; a step is no climb. */
  #climb(): void {
    const recent = this.#recent;
    const state = this.#state;
    const level = state[LEVEL]!;
    recent[this.#window] = level;
    let least = level;
    let steepest = 0;
    let rises = 0;
    for (; rises < CLIMB_WINDOWS - 1; rises++) {
      // From the newest to the oldest, as long as it rose.
      const at = (this.#window - rises + CLIMB_WINDOWS) % CLIMB_WINDOWS;
      const before = recent[(at - 1 + CLIMB_WINDOWS) % CLIMB_WINDOWS]!;
      if (before > recent[at]!) break;
      least = before;
      const step = recent[at]! - before;
      if (step > steepest) steepest = step;
    }
    this.#window = (this.#window + 1) % CLIMB_WINDOWS;
    const climbed = level - least;
    const spread = this.input[SPREAD]!;
    const jitter = spread < LEAST_CLIMB_MS ? LEAST_CLIMB_MS : spread;
    const enough = climbed > (jitter < MOST_CLIMB_MS ? jitter : MOST_CLIMB_MS);
    const climbs = enough && rises >= CLIMB_RISES && steepest < STEP_SHARE * climbed;
    state[AHEAD] = climbs ? level + CLIMBS_ON * climbed : -Infinity;
  }

  #follow(): void {
    const state = this.#state;
    const level = state[LEVEL]!;
    const extreme = state[EXTREME]!;
    if (this.#rising) {
      if (level > extreme) state[EXTREME] = level;
      if (level >= extreme - SWING_MS) return;
      this.#rising = false;
      state[EXTREME] = level;
    } else {
      if (level < extreme) state[EXTREME] = level;
      if (level <= extreme + SWING_MS) return;
      this.#rising = true;
      state[EXTREME] = level;
      state[ROSE_BEFORE] = state[ROSE_AT]!;
      state[ROSE_AT] = this.input[NOW]!;
    }
  }
}
