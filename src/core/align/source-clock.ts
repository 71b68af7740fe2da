import { ClockLine, NOW, OFFSET } from './clock-line.ts';

/**
 * A timestamp is a jump if it is early by more than the larger of these, in ms and in blocks, or late by more than that plus
 * this multiple of the usual lateness.
 */
const JUMP_MS = 6;
const JUMP_BLOCKS = 0.6;
const JUMP_LATENESSES = 2;
/** Timestamps are expected to be this late at first, ms; then as late as in the last one to two windows of this length, ms. */
const FIRST_LATENESS_MS = 10;
const WINDOW_MS = 30_000;
/** If all timestamps are late by more than this, in blocks, for this long, ms, that is a jump too. */
const LASTING_BLOCKS = 0.75;
const LASTING_MS = 400;
/** A jump that is taken back within this time, ms, does not count: the timestamps are just uneven. */
const TAKEN_BACK_MS = 2000;
/** Losses are whole blocks: a jump this close to a whole number of blocks counts as that number. */
const NEAR_BLOCKS = 0.35;
/** A jump of more than this, ms, begins another stretch of the source. */
const RESTART_MS = 1000;

/** Result of {@link SourceClock.advance} if another stretch begins. */
export const RESTARTED: number = Infinity;

/** Indices of the state. */
const NEXT = 0;
/** The last jump, and its time. */
const JUMP = 1;
const JUMP_AT = 2;
/** The most that timestamps were late in this window, and in the previous one. */
const LATEST = 3;
const LATEST_BEFORE = 4;
const WINDOW_END = 5;
/** The least that timestamps were late in the current interval of `LASTING_MS`. */
const LEAST = 6;
const LASTING_END = 7;
/** The last jump, in frames. */
const JUMP_FRAMES = 8;
const SLOTS = 9;

/**
 * Numbers the frames of a source by its timestamps, which jump where blocks were lost, and follows its clock, which relates
 * timestamps to frames.
 */
export class SourceClock {
  readonly #line = new ClockLine();
  readonly #state: Float64Array = new Float64Array(SLOTS);
  readonly #msPerFrame: number;

  /** @param sampleRate the nominal sample rate, Hz */
  constructor(sampleRate: number) {
    this.#msPerFrame = 1000 / sampleRate;
    const state = this.#state;
    state[LATEST_BEFORE] = FIRST_LATENESS_MS;
    state[WINDOW_END] = -Infinity;
    state[LEAST] = Infinity;
    state[LASTING_END] = -Infinity;
    state[JUMP_AT] = -Infinity;
  }

  /** The number of the frame after the last block. */
  get nextFrame(): number {
    return this.#state[NEXT]!;
  }

  /** Nominal ms of the frames per ms of the timestamps: above 1 if the source's clock is fast. */
  get ratio(): number {
    return 1 - this.#line.skew;
  }

  /**
   * Takes a block.
   * @param timestampMs timestamp of its first frame
   * @returns how many frames are missing before it; negative if its frames take the numbers of earlier ones; or
   *   {@link RESTARTED}
   */
  advance(timestampMs: number, frames: number): number {
    const state = this.#state;
    const line = this.#line;
    let jump = line.begun ? this.#jumpFrames(timestampMs, frames) : 0;
    if (jump === RESTARTED) line.restart();
    else state[NEXT] = state[NEXT]! + jump;
    const next = state[NEXT]!;
    if (next < 0) {
      jump -= next;
      state[NEXT] = 0;
    }
    // Timestamps right after a jump do not count yet: it may still be taken back.
    if (!(timestampMs < state[JUMP_AT]! + LASTING_MS) || !line.begun) {
      line.input[NOW] = timestampMs;
      line.input[OFFSET] = timestampMs - state[NEXT]! * this.#msPerFrame;
      line.observe();
    }
    state[NEXT] = state[NEXT]! + frames;
    return jump;
  }

  /** Converts a timestamp, ms, to the nominal time of its frame, ms since frame 0, in place. */
  translate(times: Float64Array): void {
    this.#line.translate(times);
  }

  /** Returns the timestamp after the last block, ms, which is steadier than the block's own. @param nearMs roughly that time */
  endAt(nearMs: number): number {
    return this.#state[NEXT]! * this.#msPerFrame + this.#line.offsetAt(nearMs);
  }

  #jumpFrames(timestampMs: number, frames: number): number {
    const state = this.#state;
    const block = frames * this.#msPerFrame;
    const least = Math.max(JUMP_MS, JUMP_BLOCKS * block);
    const late = timestampMs - this.endAt(timestampMs);
    if (late > RESTART_MS || late < -RESTART_MS) {
      this.#jumped(timestampMs, 0);
      return RESTARTED;
    }
    const latest = Math.max(state[LATEST]!, state[LATEST_BEFORE]!);
    const lasting = this.#lasting(timestampMs, late);
    const isJump = late < -least || late > JUMP_LATENESSES * latest + least;
    const jump = isJump ? late : lasting > LASTING_BLOCKS * block ? lasting : 0;
    this.#open(timestampMs);
    if (jump === 0) {
      if (late > state[LATEST]!) state[LATEST] = late;
      return 0;
    }
    const before = state[JUMP]!;
    const wasFrames = state[JUMP_FRAMES]!;
    const isRecent = timestampMs < state[JUMP_AT]! + TAKEN_BACK_MS;
    this.#jumped(timestampMs, jump);
    if (isRecent && jump < 0 && before > 0 && before + jump < before / 2 + block) {
      state[LATEST] = Math.max(state[LATEST]!, before);
      state[JUMP] = 0;
      return -wasFrames;
    }
    const blocks = Math.round(jump / block);
    const isWhole = Math.abs(jump - blocks * block) < NEAR_BLOCKS * block;
    state[JUMP_FRAMES] = isWhole ? blocks * frames : Math.round(jump / this.#msPerFrame);
    return state[JUMP_FRAMES]!;
  }

  #jumped(timestampMs: number, jump: number): void {
    const state = this.#state;
    state[JUMP] = jump;
    state[JUMP_AT] = timestampMs;
    state[LEAST] = Infinity;
    state[LASTING_END] = timestampMs + LASTING_MS;
  }

  /** @returns if an interval is over now, the least that its timestamps were late, ms; otherwise 0 */
  #lasting(timestampMs: number, late: number): number {
    const state = this.#state;
    if (late < state[LEAST]!) state[LEAST] = late;
    if (timestampMs < state[LASTING_END]!) return 0;
    const isWhole = state[LASTING_END]! > -Infinity;
    const least = state[LEAST]!;
    state[LEAST] = Infinity;
    state[LASTING_END] = timestampMs + LASTING_MS;
    return isWhole ? least : 0;
  }

  /** Opens the next window if this one is over. */
  #open(timestampMs: number): void {
    const state = this.#state;
    if (timestampMs < state[WINDOW_END]!) return;
    // The first window keeps the initial guess.
    if (state[WINDOW_END]! > -Infinity) state[LATEST_BEFORE] = state[LATEST]!;
    state[LATEST] = 0;
    state[WINDOW_END] = timestampMs + WINDOW_MS;
  }
}
