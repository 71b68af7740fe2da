import { ClockLine, NOW, OFFSET } from './clock-line.ts';

/** A timestamp this far from the expected one is a jump, in ms, in blocks, and in jumps that were taken back. */
const JUMP_MS = 6;
const JUMP_BLOCKS = 0.6;
const JUMP_JITTERS = 1.5;
/** Losses are of whole blocks: a jump this near to so many, in blocks, is so many. */
const NEAR_BLOCKS = 0.35;
/** A jump is taken back if it is so within this time, ms: then timestamps are that uneven, for so long. */
const TAKEN_BACK_MS = 2000;
const UNEVEN_MS = 60_000;
/** After more than this, ms, it is another stretch of the source. */
const RESTART_MS = 1000;

/** Result of {@link SourceClock.advance} where another stretch begins. */
export const RESTARTED: number = Infinity;

/** The slots of changing numbers. */
const NEXT = 0;
const JUMP = 1;
const JUMP_AT = 2;
const JITTER = 3;
const SLOTS = 4;

/**
 * Numbers the frames of a source by its timestamps, which jump where blocks were lost, and follows its clock: which
 * timestamp belongs to which frame.
 */
export class SourceClock {
  readonly #line = new ClockLine();
  readonly #state: Float64Array = new Float64Array(SLOTS);
  readonly #msPerFrame: number;

  /** @param sampleRate the nominal one, Hz */
  constructor(sampleRate: number) {
    this.#msPerFrame = 1000 / sampleRate;
  }

  /** Number of the frame after the last block. */
  get nextFrame(): number {
    return this.#state[NEXT]!;
  }

  /** Frames' nominal ms per ms of the timestamps: above 1 where the source's clock is fast. */
  get ratio(): number {
    return 1 - this.#line.skew;
  }

  /**
   * A block came.
   * @param timestampMs of its first frame
   * @returns how many frames are missing before it; negative where its frames take the numbers of earlier ones; or
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
    line.input[NOW] = timestampMs;
    line.input[OFFSET] = timestampMs - state[NEXT]! * this.#msPerFrame;
    line.observe();
    state[NEXT] = state[NEXT]! + frames;
    return jump;
  }

  /** The nominal time of the frame that has this timestamp, ms since frame 0. */
  timeAt(timestampMs: number): number {
    return timestampMs - this.#line.offsetAt(timestampMs);
  }

  /** The timestamp after the last block, ms; steadier than the block's own. `nearMs`: about that. */
  endAt(nearMs: number): number {
    return this.#state[NEXT]! * this.#msPerFrame + this.#line.offsetAt(nearMs);
  }

  #jumpFrames(timestampMs: number, frames: number): number {
    const state = this.#state;
    const block = frames * this.#msPerFrame;
    const jump = timestampMs - this.endAt(timestampMs);
    const size = Math.abs(jump);
    const quiet = timestampMs - state[JUMP_AT]!;
    if (quiet > UNEVEN_MS) state[JITTER] = 0;
    const least = Math.max(JUMP_MS, JUMP_BLOCKS * block, JUMP_JITTERS * state[JITTER]!);
    if (size < least) return 0;
    const before = state[JUMP]!;
    state[JUMP_AT] = timestampMs;
    state[JUMP] = jump;
    if (size > RESTART_MS) return RESTARTED;
    if (quiet < TAKEN_BACK_MS && before * jump < 0) state[JITTER] = Math.max(state[JITTER]!, size);
    const blocks = Math.round(jump / block);
    if (Math.abs(jump - blocks * block) < NEAR_BLOCKS * block) return blocks * frames;
    return Math.round(jump / this.#msPerFrame);
  }
}
