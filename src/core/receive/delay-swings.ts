/** The level of the delay is that of the fastest packet in a window of this length, in ms. */
const WINDOW_MS = 200;
/** A rise of the level by more than this, in ms, after a fall by as much, is a swing. */
const SWING_MS = 100;
/** Two swings within this time, in ms, mean that the path swings. */
const TOGETHER_MS = 60_000;
/** Number of windows in which a climb is detected. */
const CLIMB_WINDOWS = 8;
/**
 * A climb has at least this many rises in a row, and exceeds the usual spread, which is limited to the following bounds in ms; less
 * is jitter.
 */
const CLIMB_RISES = 3;
const LEAST_CLIMB_MS = 40;
const MOST_CLIMB_MS = 80;
/** If the level has stayed within the smallest climb for this time, in ms, the path does not swing now. */
const STEADY_MS = 5000;
/** The largest step between two windows must stay below this share of a climb. */
const STEP_SHARE = 0.6;
/** Expect the level to rise by this many times the climb so far: more audio than is available, so that playback slows down meanwhile. */
const CLIMBS_ON = 3;
/** How long a level is held, in ms, at a `latencyCost` of 1. */
const HOLD_MS = 6000;
/** Number of parts of the holding time. */
const PARTS = 16;

const WINDOW_END = 0;
const LEAST = 1;
/** The lowest level since the last rise, or the highest since the last fall. */
const EXTREME = 2;
/** When the level last rose, and the time before that. */
const ROSE_AT = 3;
const ROSE_BEFORE = 4;
const PART_END = 5;
const HELD = 6;
/** The level to expect while the level climbs. */
const AHEAD = 7;
/** The level of the last complete window. */
const LEVEL = 8;
/** The level that recent levels are close to, and since when. */
const STEADY = 9;
const STEADY_SINCE = 10;
const SLOTS = 11;

/** Slots of {@link DelaySwings.input}. */
export const NOW = 0;
export const LATENESS = 1;
export const SPREAD = 2;

/**
 * Detects a swinging delay: a queue before a slow link fills and drains repeatedly, as in cellular networks. Then the highest
 * recent level is held, because it will recur.
 *
 * How long holding it pays off follows from the cost of delay. Releasing 100 ms too early costs 100 ms of concealment, less what
 * slower playback covers; holding them for a second costs `latencyCost` percent of a second. Without time-scaling, both costs are
 * equal after `10 s / latencyCost` (the ski rental problem); with it, sooner.
 *
 * It also detects a climbing level, as while a queue fills: then the buffered audio is played slower at once, before it runs out.
 */
export class DelaySwings {
  /** Input of {@link observe}: when a packet arrived, its delay, and the usual spread of the delays, in ms. */
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

  /** The level to be prepared for, as a delay in ms; −Infinity while the delay does not swing. */
  get heldMs(): number {
    return this.#state[HELD]!;
  }

  /** The level to be prepared for during a climb, as a delay in ms; −Infinity if there is no climb. */
  get aheadMs(): number {
    return this.#state[AHEAD]!;
  }

  /** Whether the delay swings. */
  get swings(): boolean {
    return this.#state[HELD]! > -Infinity;
  }

  /** Whether the level has been constant for a long time, even if it swung before. */
  get steady(): boolean {
    return this.input[NOW]! - this.#state[STEADY_SINCE]! >= STEADY_MS;
  }

  /** Takes an arrival. */
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

  /** Increases all delays by `ms`, because the scale moved. */
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

  /** Restores the initial state. */
  reset(): void {
    this.#levels.fill(-Infinity);
    this.#recent.fill(Infinity);
    this.#state.fill(-Infinity);
    this.#state[LEAST] = Infinity;
    this.#state[EXTREME] = Infinity;
    this.#state[STEADY_SINCE] = Infinity;
    this.#rising = false;
  }

  /** Processes a complete window. */
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

  /** Detects a climb: a queue that fills raises the level in every window, whereas a single step is not a climb. */
  #climb(): void {
    const recent = this.#recent;
    const state = this.#state;
    const level = state[LEVEL]!;
    recent[this.#window] = level;
    let least = level;
    let steepest = 0;
    let rises = 0;
    for (; rises < CLIMB_WINDOWS - 1; rises++) {
      // From the newest to the oldest, as long as the level rose.
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
