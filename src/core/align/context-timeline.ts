import { ClockLine, NOW, OFFSET } from './clock-line.ts';

/** If all blocks are faster than the fastest before by this much, ms, for this long, ms, the context's clock had stopped. */
const FASTER_MS = 30;
const LASTING_MS = 200;
/** How much the delay may rise and fall per ms: less than two cents of pitch. It falls only while it is too long by this, ms. */
const RISE = 1e-3;
const FALL = 2e-4;
const SLACK_MS = 5;

/** Indices of the state. */
const DELAY = 0;
const FOLLOWED_AT = 1;
const NEEDED = 2;
const URGENT = 3;
const CHANGE = 4;
/** Since when all blocks have been faster. */
const FASTER_SINCE = 5;
const SLOTS = 6;

/**
 * Follows the clock of the sources' timestamps by the context's clock, and sets the delay with which all sources of this
 * timeline are heard: the same for all, so that they stay together.
 */
export class ContextTimeline {
  /** How often the delay has jumped: sources move with it at once. */
  jumps = 0;
  readonly #line = new ClockLine();
  readonly #state: Float64Array = new Float64Array(SLOTS);

  readonly #msPerFrame: number;

  /** @param contextRate Hz */
  constructor(contextRate: number) {
    this.#msPerFrame = 1000 / contextRate;
    this.#state[DELAY] = NaN;
    this.#state[FASTER_SINCE] = Infinity;
  }

  /** Whether a block has arrived. */
  get begun(): boolean {
    return this.#line.begun;
  }

  /** ms of the timestamps per ms of the context. */
  get ratio(): number {
    return 1 - this.#line.skew;
  }

  /** The same for the audio that is heard: lower or higher while the delay changes. */
  get speed(): number {
    return 1 - this.#line.skew - this.#state[CHANGE]!;
  }

  /** The delay of all sources, in ms after the fastest arrival. */
  get delayMs(): number {
    return this.#state[DELAY]!;
  }

  /**
   * Takes the arrival of a block.
   * @param nowMs time on the context's clock
   * @param timestampMs timestamp of the block's end
   * @returns by how many ms it arrived later than the fastest
   */
  observe(nowMs: number, timestampMs: number): number {
    const line = this.#line;
    const offset = nowMs - timestampMs;
    const state = this.#state;
    if (line.begun && offset < line.offsetAt(nowMs) - FASTER_MS) {
      // Or the timestamp is wrong: do not trust it yet.
      if (state[FASTER_SINCE]! > nowMs) state[FASTER_SINCE] = nowMs;
      if (nowMs < state[FASTER_SINCE]! + LASTING_MS) return 0;
      line.restart();
    }
    state[FASTER_SINCE] = Infinity;
    line.input[NOW] = nowMs;
    line.input[OFFSET] = offset;
    line.observe();
    return offset - line.offsetAt(nowMs);
  }

  /**
   * Requests the delay that a source needs. Called before each {@link follow}.
   * @param request the delay, in ms after the fastest arrival; and 1 if it is urgent, otherwise 0
   */
  need(request: Float64Array): void {
    const state = this.#state;
    const delayMs = request[0]!;
    const urgent = request[1]! > 0;
    if (delayMs > state[NEEDED]!) state[NEEDED] = delayMs;
    if (urgent && delayMs > state[URGENT]!) state[URGENT] = delayMs;
  }

  /** Moves the delay towards what the sources need: slowly, unless it is urgent. Called once per render quantum, at `frame`. */
  follow(frame: number): void {
    const state = this.#state;
    const nowMs = frame * this.#msPerFrame;
    const elapsed = nowMs - state[FOLLOWED_AT]!;
    const needed = state[NEEDED]!;
    const urgent = state[URGENT]!;
    const delay = state[DELAY]!;
    state[FOLLOWED_AT] = nowMs;
    state[NEEDED] = 0;
    state[URGENT] = 0;
    state[CHANGE] = 0;
    if (needed === 0) return;
    // The delay is NaN at first.
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

  /** Returns the timestamp, ms, at the end of a block that arrives now and is as fast as the fastest. Only once {@link begun}. */
  timestampAt(nowMs: number): number {
    return nowMs - this.#line.offsetAt(nowMs);
  }

  /** Converts a context frame to the timestamp, ms, that is heard at it, in place. */
  hear(times: Float64Array): void {
    times[0] = times[0]! * this.#msPerFrame;
    this.#line.translate(times);
    times[0] = times[0]! - this.#state[DELAY]!;
  }
}
