import { checkObject, checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { numberIn } from '../arguments.ts';
import type { DelayTarget } from './delay-target.ts';
import type { JitterBuffer } from './jitter-buffer.ts';
import { COUNT } from './receive-report.ts';

/** The next action of a player: see {@link ReceiveDecision.decide}. */
export type PlayoutAction =
  /** Playout has not started: output silence for `frames`. */
  | 'wait'
  /** Take `slot`, decode it (its FEC if `buffer.copyOf(slot)` says so) and play it unchanged. */
  | 'play'
  /** Like `play`, but leave out up to `scaleFrames` frames. */
  | 'accelerate'
  /** Like `play`, but add up to `scaleFrames` frames. */
  | 'decelerate'
  /**
   * Conceal `frames`. If a packet is given up (`lost`), the playhead moves over them; otherwise no packet is available, the
   * playhead does not move, and the audio gets longer.
   */
  | 'conceal'
  /** `frames` were skipped: take `slot`, and cross-fade into it. */
  | 'skip';

/** Options of a {@link ReceiveDecision}. */
export interface ReceiveDecisionOptions {
  /** The buffer with the packets to play. */
  readonly buffer: JitterBuffer;
  /** Target delay of the packets. */
  readonly target: DelayTarget;
  /** Maximum share that time-scaling removes from any stretch, 0 to 0.5. @default 0.25 */
  readonly maxAcceleration?: number;
  /** Maximum share that time-scaling adds, 0 to 0.5. @default 0.25 */
  readonly maxDeceleration?: number;
  /** Delay that exceeds the target by more than this is skipped, in ms. @default 1000 */
  readonly skipAboveMs?: number;
  /** Audio concealed per step while the buffer is empty, ms: how soon the next packet is heard. @default 5 */
  readonly concealStepMs?: number;
}
const NAMES = {
  buffer: 1,
  target: 1,
  maxAcceleration: 1,
  maxDeceleration: 1,
  skipAboveMs: 1,
  concealStepMs: 1,
} satisfies OptionNames<ReceiveDecisionOptions>;

/** How far the resampler may change the speed to keep the target: 1.5 ‰ is inaudible. */
const MAX_SPEED_TRIM = 1500e-6;
/** How far the resampler follows the sender's clock; time-scaling, which keeps the pitch, does the rest. */
const MAX_SPEED_DRIFT = 1500e-6;

/** Time-scaling starts at this distance above the target, and below it. */
const ABOVE_MS = 8;
const BELOW_MS = 5;
/** Maximum allowance that time-scaling saves up: a period of a low voice. */
const MOST_CREDIT_SECONDS = 0.015;
/**
 * Once the buffer has been empty until concealed audio faded out, or the sender was silent as long, waiting for the target costs
 * nothing, and starting earlier would only cause another underrun. If packets were lost but others are there, waiting would cost
 * the audio of those.
 */
const MUTED_SECONDS = 0.1;
/** After this time without anything to play, the stream is considered paused. */
const PAUSED_SECONDS = 1;
/** If delays swing, a backlog is normal: time-scaling removes up to this many times as much before a skip. */
const SWING_SKIPS = 4;
/** Distance from the target at which the trim reaches its maximum. */
const TRIM_MS = 10;

const NOW = 0;
const HEARD = 1;
const CREDIT = 2;
/** Frames concealed while the playhead stood still, less those that turned out to be lost. */
const STOOD = 3;
const SURPLUS = 4;
const SPEED = 5;
/** The frame that {@link SURPLUS} refers to. */
const MEASURED = 6;
/** Frames of the sender's silence before the next packet: nothing is missing in them. */
const SILENCE = 7;
const SLOTS = 8;

/**
 * Decides what to play next to keep the target delay. The player asks when it has no decoded audio left, carries out the decision,
 * and reports how much time-scaling removed or added. Allocates nothing, and its work is bounded.
 */
export class ReceiveDecision {
  readonly buffer: JitterBuffer;
  readonly target: DelayTarget;
  readonly maxAcceleration: number;
  readonly maxDeceleration: number;
  /** The slot of the last decision's packet; −1 without one. */
  slot = -1;
  /** Number of frames to conceal, to wait, or that were skipped. */
  frames = 0;
  /** Maximum number of frames to leave out or add. */
  scaleFrames = 0;
  /** With 'conceal': whether the packet is given up. */
  lost = false;
  readonly #skipAboveMs: number;
  readonly #stepFrames: number;
  readonly #framesPerMs: number;
  readonly #mostCredit: number;
  readonly #mutedFrames: number;
  readonly #pausedFrames: number;
  readonly #state: Float64Array = new Float64Array(SLOTS);
  #started = false;
  #concealing = false;

  constructor(options: ReceiveDecisionOptions) {
    checkOptions('ReceiveDecision', options, NAMES);
    checkObject('buffer must be a JitterBuffer', options.buffer);
    checkObject('target must be a DelayTarget', options.target);
    const { buffer, target } = options;
    this.buffer = buffer;
    this.target = target;
    this.maxAcceleration = numberIn('maxAcceleration', options.maxAcceleration ?? 0.25, 0, 0.5);
    this.maxDeceleration = numberIn('maxDeceleration', options.maxDeceleration ?? 0.25, 0, 0.5);
    this.#skipAboveMs = numberIn('skipAboveMs', options.skipAboveMs ?? 1000, 0, Infinity);
    const stepMs = numberIn('concealStepMs', options.concealStepMs ?? 5, 1, 100);
    this.#framesPerMs = buffer.sampleRate / 1000;
    this.#stepFrames = Math.round(stepMs * this.#framesPerMs);
    this.#mostCredit = MOST_CREDIT_SECONDS * buffer.sampleRate;
    this.#mutedFrames = MUTED_SECONDS * buffer.sampleRate;
    this.#pausedFrames = PAUSED_SECONDS * buffer.sampleRate;
    this.#state[SPEED] = 1;
  }

  /** Whether playout has started, and not paused for lack of packets. */
  get started(): boolean {
    return this.#started;
  }

  /** How much later than the target the next frame would be heard, in ms, at the last decision; negative if earlier. */
  get surplusMs(): number {
    return this.#state[SURPLUS]!;
  }

  /** Speed for the resampler: the ratio of the clocks, and up to 1.5 ‰ towards the target. */
  get speed(): number {
    return this.#state[SPEED]!;
  }

  /**
   * Decides what to play next.
   * @param nowMs time on the clock of arrivals @param aheadMs decoded audio that has not been heard yet: the delay until this
   *   decision is heard
   */
  decide(nowMs: number, aheadMs: number): PlayoutAction {
    // Short enough to be inlined: the numbers of a real call would be allocated.
    this.#state[NOW] = nowMs;
    this.#state[HEARD] = nowMs + aheadMs;
    return this.#decideNow();
  }

  #decideNow(): PlayoutAction {
    const action = this.#decide();
    if (action !== 'conceal') {
      this.#concealing = false;
    } else if (!this.#concealing) {
      this.#concealing = true;
      this.buffer.counters.add(COUNT.concealmentEvents, 1);
    }
    return action;
  }

  /**
   * Takes the packet of the last decision out of the buffer.
   * @returns how many of its first frames must not be played
   */
  take(): number {
    const { buffer, target } = this;
    const covered = buffer.take(this.slot, this.#state[HEARD]!);
    const seconds = (buffer.framesOf(this.slot) - covered) / 1000;
    buffer.counters.add(COUNT.jitterBufferTargetDelay, seconds * target.targetMs);
    buffer.counters.add(COUNT.jitterBufferMinimumDelay, seconds * target.freeTargetMs);
    return covered;
  }

  /** Reports how many frames time-scaling removed; negative if it added frames. */
  scaled(removedFrames: number): void {
    const counters = this.buffer.counters;
    const state = this.#state;
    if (removedFrames > 0) {
      counters.add(COUNT.removedSamplesForAcceleration, removedFrames);
      state[CREDIT] = state[CREDIT]! - removedFrames;
    } else {
      counters.add(COUNT.insertedSamplesForDeceleration, -removedFrames);
      state[CREDIT] = state[CREDIT]! + removedFrames;
    }
  }

  /** Waits for the target again, as at the start. */
  reset(): void {
    this.#started = false;
    this.#concealing = false;
    this.#state.fill(0);
    this.#state[SPEED] = 1;
  }

  #decide(): PlayoutAction {
    const state = this.#state;
    const buffer = this.buffer;
    this.scaleFrames = 0;
    this.lost = false;
    this.slot = buffer.next();
    if (this.slot < 0) {
      this.frames = this.#stepFrames;
      if (state[STOOD]! > this.#pausedFrames) this.#started = false;
      return this.#started ? this.#stand() : 'wait';
    }
    if (!this.#started) {
      state[MEASURED] = buffer.frameOf(this.slot);
      this.#measure();
      if (state[SURPLUS]! < 0) {
        this.frames = this.#stepFrames;
        return 'wait';
      }
      this.#start();
    }
    state[MEASURED] = buffer.playFrame;
    this.#measure();
    let gap = buffer.gapBefore(this.slot);
    if (gap > state[SILENCE]! && buffer.sequenceOf(this.slot) === buffer.nextSequence) {
      state[SILENCE] = gap;
    }
    if (gap > 0) gap = this.#useStood(gap);
    const skipAboveMs = this.target.swings ? SWING_SKIPS * this.#skipAboveMs : this.#skipAboveMs;
    let skipped = state[SURPLUS]! > skipAboveMs ? this.#skip() : 0;
    if (skipped > 0) gap = buffer.gapBefore(this.slot);
    if (gap > 0 && state[SURPLUS]! > ABOVE_MS) {
      const left = this.#skipGap(gap);
      skipped += gap - left;
      gap = left;
    }
    if (gap > 0) {
      const usual = buffer.usualFrames;
      this.frames = gap < usual ? gap : usual;
      this.lost = true;
      buffer.pass(this.frames);
      this.#count(this.frames);
      return 'conceal';
    }
    const waited = state[STOOD]! > state[SILENCE]! ? state[STOOD]! : state[SILENCE]!;
    const muted = waited > this.#mutedFrames && !this.target.swings;
    if (muted && state[SURPLUS]! < -BELOW_MS) return this.#stand();
    state[STOOD] = 0;
    state[SILENCE] = 0;
    this.frames = skipped;
    if (skipped > 0) return 'skip';
    return this.#scale();
  }

  /** Starts, or continues after a pause, at the first packet. */
  #start(): void {
    const gap = this.buffer.gapBefore(this.slot);
    if (gap > 0) this.buffer.pass(gap);
    this.#state[STOOD] = 0;
    this.#state[SILENCE] = 0;
    this.#started = true;
  }

  /** The buffer is empty, or holds too little to continue: conceals a little without moving the playhead. */
  #stand(): PlayoutAction {
    const frames = this.#stepFrames;
    this.frames = frames;
    this.#state[STOOD] = this.#state[STOOD]! + frames;
    this.#count(frames);
    return 'conceal';
  }

  /** Concealed frames have already covered part of the gap. @returns the rest of it */
  #useStood(gap: number): number {
    const stood = this.#state[STOOD]!;
    const used = stood < gap ? stood : gap;
    this.#state[STOOD] = stood - used;
    if (used > 0) {
      this.buffer.pass(used);
      // The apparent delay was the gap.
      this.#state[MEASURED] = this.buffer.playFrame;
      this.#measure();
    }
    return gap - used;
  }

  /** If the next packet is overdue, the missing audio is left out instead of concealed. @returns the rest of the gap */
  #skipGap(gap: number): number {
    const overdue = Math.floor(this.#state[SURPLUS]! * this.#framesPerMs);
    const skipped = overdue < gap ? overdue : gap;
    this.buffer.pass(skipped);
    this.buffer.counters.add(COUNT.skippedSamples, skipped);
    this.#state[MEASURED] = this.buffer.playFrame;
    this.#measure();
    return gap - skipped;
  }

  #measure(): void {
    const state = this.#state;
    let surplus = state[HEARD]! - this.target.dueMs(state[MEASURED]!);
    const lift = this.target.liftMs;
    if (lift > 0) {
      // Before playout starts, and once concealment has faded, waiting costs nothing; otherwise it must not cause more concealment.
      if (!this.#started || state[STOOD]! > this.#mutedFrames) surplus -= lift;
      else if (surplus > 0) surplus = surplus > lift ? surplus - lift : 0;
    }
    state[SURPLUS] = surplus;
    const trim = (surplus / TRIM_MS) * MAX_SPEED_TRIM;
    const limited =
      trim > MAX_SPEED_TRIM ? MAX_SPEED_TRIM : trim < -MAX_SPEED_TRIM ? -MAX_SPEED_TRIM : trim;
    const drift = this.target.drift.ratio - 1;
    const followed =
      drift > MAX_SPEED_DRIFT
        ? MAX_SPEED_DRIFT
        : drift < -MAX_SPEED_DRIFT
          ? -MAX_SPEED_DRIFT
          : drift;
    state[SPEED] = 1 + followed + limited;
  }

  /** Moves the playhead forward to the target. @returns the number of frames left out */
  #skip(): number {
    const wanted = Math.floor(this.#state[SURPLUS]! * this.#framesPerMs);
    // Always keeps the newest packet: a join needs that much.
    const most = this.buffer.levelFrames - this.buffer.usualFrames;
    const frames = wanted < most ? wanted : most;
    if (frames <= 0) return 0;
    const before = this.buffer.playFrame;
    this.buffer.pass(frames);
    this.slot = this.buffer.next();
    this.#state[STOOD] = 0;
    const skipped = this.buffer.playFrame - before;
    this.buffer.counters.add(COUNT.skippedSamples, skipped);
    this.#state[MEASURED] = this.buffer.playFrame;
    this.#measure();
    return skipped;
  }

  #scale(): PlayoutAction {
    const state = this.#state;
    const surplus = state[SURPLUS]!;
    if (surplus > ABOVE_MS) {
      this.#allow(true);
      return this.scaleFrames > 0 ? 'accelerate' : 'play';
    }
    if (surplus < -BELOW_MS) {
      this.#allow(false);
      return this.scaleFrames > 0 ? 'decelerate' : 'play';
    }
    state[CREDIT] = 0;
    return 'play';
  }

  /**
   * Computes how far the packet's length may change towards the target. All audio earns an allowance in proportion to its length;
   * time-scaling cuts whole periods, and so saves up for one.
   */
  #allow(shorter: boolean): void {
    const state = this.#state;
    const share = shorter ? this.maxAcceleration : this.maxDeceleration;
    const credit = state[CREDIT]! + share * this.buffer.framesOf(this.slot);
    state[CREDIT] = credit < this.#mostCredit ? credit : this.#mostCredit;
    const surplus = state[SURPLUS]! * this.#framesPerMs;
    const wanted = shorter ? surplus : -surplus;
    this.scaleFrames = Math.floor(wanted < state[CREDIT]! ? wanted : state[CREDIT]!);
  }

  #count(frames: number): void {
    this.buffer.counters.add(COUNT.concealedSamples, frames);
  }
}
