/** The least number of this long, ms, and of as much as twice that. */
const WINDOW_MS = 3000;

/** The slots of changing numbers; the first two are for the caller to set. */
export const NOW = 0;
export const LATENESS = 1;
const WINDOW_END = 2;
const PRESENT = 3;
/** Of the window before. */
const PAST = 4;
const SLOTS = 5;

/** The fastest packets of the last 3 to 6 s. */
export class RecentLeast {
  /**
   * What {@link add} takes: when a packet came and how late it was, in ms. In an array, as the numbers of a call would be
   * allocated wherever it is not inlined.
   */
  readonly input: Float64Array = new Float64Array(SLOTS);
  readonly #state: Float64Array = this.input;

  constructor() {
    this.reset();
  }

  /** How late the fastest was, ms; −Infinity until a whole window is known. */
  get value(): number {
    const state = this.#state;
    const past = state[PAST]!;
    if (past === Infinity) return -Infinity;
    return past < state[PRESENT]! ? past : state[PRESENT]!;
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
    state[PAST] = now < state[WINDOW_END]! + WINDOW_MS ? state[PRESENT]! : Infinity;
    state[PRESENT] = late;
    state[WINDOW_END] = now + WINDOW_MS;
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
