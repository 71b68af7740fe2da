import { checkObject, checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { numberIn } from '../arguments.ts';
import type { DelayTarget } from './delay-target.ts';
import type { JitterBuffer } from './jitter-buffer.ts';
import { COUNT } from './receive-report.ts';

/** The next action of a player: see {@link ReceiveDecision.decide}. */
export type PlayoutAction =
  /** Nothing is played yet: silence, for `frames`. */
  | 'wait'
  /** Take `slot` out, decode it (FEC where `buffer.copyOf(slot)` says so) and play it as it is. */
  | 'play'
  /** The same, but leave out up to `scaleFrames` of it. */
  | 'accelerate'
  /** The same, but lengthen it by up to `scaleFrames`. */
  | 'decelerate'
  /**
   * Conceal `frames`. Of a packet that is given up (`lost`) the playhead moves over them; otherwise nothing at all is there,
   * the playhead stands and the sound is stretched.
   */
  | 'conceal'
  /** `frames` were skipped: take `slot`, and cross-fade to it. */
  | 'skip';

/** Options of a {@link ReceiveDecision}. */
export interface ReceiveDecisionOptions {
  /** Buffer of the packets to play. */
  readonly buffer: JitterBuffer;
  /** Target delay of the packets. */
  readonly target: DelayTarget;
  /** Maximum share that time-scaling removes from any stretch, 0 to 0.5. @default 0.25 */
  readonly maxAcceleration?: number;
  /** Maximum share that time-scaling adds, 0 to 0.5. @default 0.25 */
  readonly maxDeceleration?: number;
  /** Delay above the target by more than this is skipped, ms. @default 1000 */
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

/** The resampler's share of keeping the target: no ear notices 1.5 ‰. */
const MAX_SPEED_TRIM = 1500e-6;
/** How far it follows the sender's clock; what lies beyond is time-scaling's, which keeps the pitch. */
const MAX_SPEED_DRIFT = 1500e-6;

/** Delay beyond the target that starts time-scaling, and below it. */
const ABOVE_MS = 8;
const BELOW_MS = 5;
/** The most that time-scaling may take from, or add to, the credit it has saved up: a period of a low voice. */
const MOST_CREDIT_SECONDS = 0.015;
/**
 * Once the buffer has been empty until concealed audio faded out, or the sender was silent for as long, waiting for the target costs
 * nothing: playing on at once would only run dry again. Where packets were lost and others are there, it would cost what those hold.
 */
const MUTED_SECONDS = 0.1;
/** With nothing to play for this long the stream is taken to have paused. */
const PAUSED_SECONDS = 1;
/** Where delays swing a backlog is no exception: so many times as much is worked off rather than left out. */
const SWING_SKIPS = 4;
/** The trim reaches its end at this distance from the target. */
const TRIM_MS = 10;

const NOW = 0;
const HEARD = 1;
const CREDIT = 2;
/** Frames concealed while the playhead stood still, less those that turned out to be lost. */
const STOOD = 3;
const SURPLUS = 4;
const SPEED = 5;
/** Which frame {@link SURPLUS} is about. */
const MEASURED = 6;
/** Frames of a silence of the sender's before the next packet: nothing is missing in it. */
const SILENCE = 7;
const SLOTS = 8;

/**
 * Decides what to play next, so that audio keeps to the target delay. The player asks when it has no decoded audio
 * left, carries out the decision, and reports how much time-scaling removed or added. Nothing here allocates, and the
 * work is bounded.
 */
export class ReceiveDecision {
  readonly buffer: JitterBuffer;
  readonly target: DelayTarget;
  readonly maxAcceleration: number;
  readonly maxDeceleration: number;
  /** The packet that the last decision is about; −1 for none. */
  slot = -1;
  /** Frames to conceal, to wait for, or that were skipped. */
  frames = 0;
  /** Most frames to leave out or to add. */
  scaleFrames = 0;
  /** With 'conceal': the packet is given up. */
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

  /** Whether playing has begun, and has not paused for want of packets. */
  get started(): boolean {
    return this.#started;
  }

  /** By how much the next frame would be later than the target, ms, at the last decision; negative if earlier. */
  get surplusMs(): number {
    return this.#state[SURPLUS]!;
  }

  /** How fast a resampler should read what is played: the clocks' ratio, and up to 1.5 ‰ towards the target. */
  get speed(): number {
    return this.#state[SPEED]!;
  }

  /**
   * What to play next.
   * @param nowMs time on the clock of arrivals @param aheadMs decoded audio that has not been heard yet: this decision
   *   is heard that much later
   */
  decide(nowMs: number, aheadMs: number): PlayoutAction {
    // So short that it is inlined: the numbers of a real call would be allocated.
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
   * @returns how many of its first frames are not to be played
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

  /** Begins, or continues after a pause: where the first packet does. */
  #start(): void {
    const gap = this.buffer.gapBefore(this.slot);
    if (gap > 0) this.buffer.pass(gap);
    this.#state[STOOD] = 0;
    this.#state[SILENCE] = 0;
    this.#started = true;
  }

  /** The buffer is empty, or holds too little to continue: conceals a little, without moving the playhead. */
  #stand(): PlayoutAction {
    const frames = this.#stepFrames;
    this.frames = frames;
    this.#state[STOOD] = this.#state[STOOD]! + frames;
    this.#count(frames);
    return 'conceal';
  }

  /** Concealed frames have already covered some of the gap. @returns what is left of it */
  #useStood(gap: number): number {
    const stood = this.#state[STOOD]!;
    const used = stood < gap ? stood : gap;
    this.#state[STOOD] = stood - used;
    if (used > 0) {
      this.buffer.pass(used);
      // What looked like delay was the gap.
      this.#state[MEASURED] = this.buffer.playFrame;
      this.#measure();
    }
    return gap - used;
  }

  /** What is missing need not be concealed where the next packet is overdue: it is left out. @returns what is left of the gap */
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
      // Before anything plays, and once concealment has faded, waiting costs nothing; else it must not cause more of it.
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

  /** Moves the playhead on to the target. @returns frames left out */
  #skip(): number {
    const wanted = Math.floor(this.#state[SURPLUS]! * this.#framesPerMs);
    // The newest packet is always left: a join needs as much.
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
   * How far the packet's length may be changed towards the target. Every stretch of sound earns a share of itself;
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
