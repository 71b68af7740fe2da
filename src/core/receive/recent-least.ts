/** Slots of the numbers that change; the caller sets the first two. */
export const NOW = 0;
export const LATENESS = 1;
const WINDOW_END = 2;
const PRESENT = 3;
/** Minimum of the previous window. */
const PAST = 4;
const SLOTS = 5;

/** Tracks the lateness of the fastest packet over the last one to two windows. */
export class RecentLeast {
  /**
   * Input of {@link add}: when a packet arrived, and its lateness, in ms. In an array, because the number arguments of a call would
   * be allocated unless it is inlined.
   */
  readonly input: Float64Array = new Float64Array(SLOTS);
  readonly #state: Float64Array = this.input;

  readonly #windowMs: number;

  /** @param windowMs length of the window in ms */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
    this.reset();
  }

  /** Lateness of the fastest packet in ms; −Infinity until a whole window is known. */
  get value(): number {
    return this.#state[PAST]! === Infinity ? -Infinity : this.least;
  }

  /** Lateness of the fastest packet so far in ms; −Infinity before the first. */
  get least(): number {
    const past = this.#state[PAST]!;
    const present = this.#state[PRESENT]!;
    const least = past < present ? past : present;
    return least === Infinity ? -Infinity : least;
  }

  /** Takes an arrival. */
  add(): void {
    const state = this.#state;
    const now = state[NOW]!;
    const late = state[LATENESS]!;
    if (now < state[WINDOW_END]!) {
      if (late < state[PRESENT]!) state[PRESENT] = late;
      return;
    }
    // After a silence nothing is known about the previous window.
    state[PAST] = now < state[WINDOW_END]! + this.#windowMs ? state[PRESENT]! : Infinity;
    state[PRESENT] = late;
    state[WINDOW_END] = now + this.#windowMs;
  }

  /** Increases all values by `ms`, because the scale moved. */
  shift(ms: number): void {
    const state = this.#state;
    state[PRESENT] = state[PRESENT]! + ms;
    state[PAST] = state[PAST]! + ms;
  }

  /** Restores the initial state. */
  reset(): void {
    this.#state.fill(Infinity);
    this.#state[WINDOW_END] = -Infinity;
  }
}
