import { ClockLine, NOW, OFFSET } from './clock-line.ts';

/** A block cannot be this much faster than the fastest, ms: the context's clock stood still for a while. */
const FASTER_MS = 30;
/** By how much the delay may change per ms: less than two cents of pitch. It falls only by what exceeds this, ms. */
const RISE = 1e-3;
const FALL = 2e-4;
const SLACK_MS = 5;

/** The slots of changing numbers. */
const DELAY = 0;
const FOLLOWED_AT = 1;
const NEEDED = 2;
const URGENT = 3;
const CHANGE = 4;
const SLOTS = 5;

/**
 * The clock of the sources' timestamps, as the context's clock shows it, and the delay with which all sources of this
 * timeline are heard: one for all, so that they stay together.
 */
export class ContextTimeline {
  /** How often the delay has jumped: sources move with it at once. */
  jumps = 0;
  readonly #line = new ClockLine();
  readonly #state: Float64Array = new Float64Array(SLOTS);

  constructor() {
    this.#state[DELAY] = NaN;
  }

  /** Whether a block has arrived. */
  get begun(): boolean {
    return this.#line.begun;
  }

  /** Timestamps' ms per ms of the context. */
  get ratio(): number {
    return 1 - this.#line.skew;
  }

  /** The same, for what is heard: while the delay changes, it is less or more. */
  get speed(): number {
    return 1 - this.#line.skew - this.#state[CHANGE]!;
  }

  /** The delay of all sources, in ms after the fastest arrival. */
  get delayMs(): number {
    return this.#state[DELAY]!;
  }

  /**
   * A block arrived.
   * @param nowMs on the context's clock
   * @param timestampMs of its end
   * @returns how much later it arrived than the fastest, ms
   */
  observe(nowMs: number, timestampMs: number): number {
    const line = this.#line;
    const offset = nowMs - timestampMs;
    if (line.begun && offset < line.offsetAt(nowMs) - FASTER_MS) line.restart();
    line.input[NOW] = nowMs;
    line.input[OFFSET] = offset;
    line.observe();
    return offset - line.offsetAt(nowMs);
  }

  /**
   * A source needs this delay, in ms after the fastest arrival: to be said before each {@link follow}.
   * @param urgent whether its blocks keep coming too late
   */
  need(delayMs: number, urgent: boolean): void {
    const state = this.#state;
    if (delayMs > state[NEEDED]!) state[NEEDED] = delayMs;
    if (urgent && delayMs > state[URGENT]!) state[URGENT] = delayMs;
  }

  /** Moves the delay to what the sources need: gently, unless it is urgent. Once per render quantum. */
  follow(nowMs: number): void {
    const state = this.#state;
    const elapsed = nowMs - state[FOLLOWED_AT]!;
    const needed = state[NEEDED]!;
    const urgent = state[URGENT]!;
    const delay = state[DELAY]!;
    state[FOLLOWED_AT] = nowMs;
    state[NEEDED] = 0;
    state[URGENT] = 0;
    state[CHANGE] = 0;
    if (needed === 0) return;
    // The delay is not a number at first.
    if (!(urgent <= delay)) {
      state[DELAY] = urgent > 0 ? urgent : needed;
      this.jumps++;
      return;
    }
    const lacking = needed - delay;
    if (lacking > 0) state[CHANGE] = lacking < RISE * elapsed ? lacking / elapsed : RISE;
    else if (lacking < -SLACK_MS) state[CHANGE] = -FALL;
    state[DELAY] = delay + state[CHANGE]! * elapsed;
  }

  /** The timestamp of the end of a block that arrives now and was the fastest, ms. Only once {@link begun}. */
  timestampAt(nowMs: number): number {
    return nowMs - this.#line.offsetAt(nowMs);
  }

  /** The timestamp that is heard at `nowMs`, ms. */
  heardAt(nowMs: number): number {
    return nowMs - this.#line.offsetAt(nowMs) - this.#state[DELAY]!;
  }
}
