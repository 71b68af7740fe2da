/** The slots of changing numbers; the first two are for the caller to set. */
export const NOW = 0;
export const LATENESS = 1;
const WINDOW_END = 2;
const PRESENT = 3;
/** Of the window before. */
const PAST = 4;
const SLOTS = 5;

/** The fastest packets of a window, and of as much as twice that. */
export class RecentLeast {
  /**
   * What {@link add} takes: when a packet came and how late it was, in ms. In an array, as the numbers of a call would be
   * allocated wherever it is not inlined.
   */
  readonly input: Float64Array = new Float64Array(SLOTS);
  readonly #state: Float64Array = this.input;

  readonly #windowMs: number;

  /** @param windowMs length of the window, ms */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
    this.reset();
  }

  /** How late the fastest was, ms; −Infinity until a whole window is known. */
  get value(): number {
    return this.#state[PAST]! === Infinity ? -Infinity : this.least;
  }

  /** How late the fastest has been so far, ms; −Infinity before the first. */
  get least(): number {
    const past = this.#state[PAST]!;
    const present = this.#state[PRESENT]!;
    const least = past < present ? past : present;
    return least === Infinity ? -Infinity : least;
  }

  /** A packet came. */
  add(): void {
    const state = this.#state;
    const now = state[NOW]!;
    const late = state[LATENESS]!;
    if (now < state[WINDOW_END]!) {
      if (late < state[PRESENT]!) state[PRESENT] = late;
      return;
    }
    // After a silence nothing is known of the window before.
    state[PAST] = now < state[WINDOW_END]! + this.#windowMs ? state[PRESENT]! : Infinity;
    state[PRESENT] = late;
    state[WINDOW_END] = now + this.#windowMs;
  }

  /** The scale moves: all packets were so much later, ms. */
  shift(ms: number): void {
    const state = this.#state;
    state[PRESENT] = state[PRESENT]! + ms;
    state[PAST] = state[PAST]! + ms;
  }

  /** As new. */
  reset(): void {
    this.#state.fill(Infinity);
    this.#state[WINDOW_END] = -Infinity;
  }
}
