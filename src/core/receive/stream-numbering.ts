import {
  CONTINUES,
  DURATION,
  MAX_MISORDER,
  RESTARTS,
  StreamContinuity,
  SEQUENCE as JUDGED_SEQUENCE,
  TIMESTAMP as JUDGED_TIMESTAMP,
} from '../rtp/stream-continuity.ts';

/** A timestamp off by more than this, which neither sequence numbers nor the time of arrival explain, has jumped. */
const JUMP_SECONDS = 1;
/**
 * If sequence numbers and timestamps leap together by this much more than the time since the previous packet, those packets were
 * not lost in the network.
 */
const LEAP_SECONDS = 4;

/** Slots of the numbers that change, which an array keeps unboxed; the caller sets the first three. */
export const SEQUENCE = 0;
export const FRAME = 1;
export const NOW = 2;
const AHEAD = 3;
const HIGH_SEQUENCE = 4;
const HIGH_FRAME = 5;
const HIGH_ARRIVAL = 6;
const FIRST_SEQUENCE = 7;
/** Offsets from the sender's numbers to ours. */
const SEQUENCE_OFFSET = 8;
const FRAME_OFFSET = 9;
const RECEIVED = 10;
/** Expected packets outside the current numbering: those before a reset, and those taken for duplicates before a restart. */
const EXTRA_EXPECTED = 11;
/** Usual transit time of a packet in frames, relative to the zero of both clocks. */
const TRANSIT = 12;
/** The first packet after the last jump, and the offset from the sender's frames to ours before it. */
const JUMPED_AT = 13;
const OLD_FRAME_OFFSET = 14;
const SLOTS = 15;

/** How much of each packet's deviation the usual transit time follows. */
const TRANSIT_SHARE = 1 / 16;

/**
 * Maps a sender's numbers to one continuous scale: if the sender restarts (according to {@link StreamContinuity}), or its
 * timestamps jump, the scale continues without a step. Counts how many packets must have been sent.
 */
export class StreamNumbering {
  /**
   * Input of {@link accept} and {@link locate}: a packet's number, its first frame and its arrival in ms. In an array, because the
   * number arguments of a call would be allocated unless it is inlined.
   */
  readonly input: Float64Array = new Float64Array(SLOTS);
  readonly #state: Float64Array = this.input;
  readonly #continuity: StreamContinuity;
  readonly #framesPerMs: number;
  readonly #jumpFrames: number;
  readonly #leapFrames: number;
  #opened = false;
  #usualFrames = 0;
  /** Number of times that the scale was joined. */
  restarts = 0;
  /** Whether the last packet is the first one after a join. */
  joins = false;

  constructor(sampleRate: number) {
    this.#continuity = new StreamContinuity(sampleRate, false);
    this.#framesPerMs = sampleRate / 1000;
    this.#jumpFrames = JUMP_SECONDS * sampleRate;
    this.#leapFrames = LEAP_SECONDS * sampleRate;
  }

  /** Whether any packet has arrived. */
  get opened(): boolean {
    return this.#opened;
  }

  /** Number of the last packet, on our scale. */
  get sequence(): number {
    return this.#state[SEQUENCE]!;
  }

  get frame(): number {
    return this.#state[FRAME]!;
  }

  get nowMs(): number {
    return this.#state[NOW]!;
  }

  /** How far it was ahead of the previous newest: 1 is the next packet, less is reordered or a duplicate. */
  get ahead(): number {
    return this.#state[AHEAD]!;
  }

  /** Number of the newest packet. */
  get highSequence(): number {
    return this.#state[HIGH_SEQUENCE]!;
  }

  get highFrame(): number {
    return this.#state[HIGH_FRAME]!;
  }

  /** Number of the oldest packet. */
  get firstSequence(): number {
    return this.#state[FIRST_SEQUENCE]!;
  }

  /** Number of frames in the newest packet. */
  get usualFrames(): number {
    return this.#usualFrames;
  }

  /** Expected minus received packets (RFC 3550 A.3). */
  get lost(): number {
    const state = this.#state;
    const present = this.#opened ? state[HIGH_SEQUENCE]! - state[FIRST_SEQUENCE]! + 1 : 0;
    return present + state[EXTRA_EXPECTED]! - state[RECEIVED]!;
  }

  /**
   * Takes a copy from inside another packet.
   * @param stamped whether its frame is the sender's: FEC has only that of the packet after it
   * @returns false if it is not among the latest packets
   */
  locate(stamped: boolean): boolean {
    const state = this.#state;
    this.joins = false;
    state[SEQUENCE] = state[SEQUENCE]! + state[SEQUENCE_OFFSET]!;
    if (stamped) this.#findJump();
    this.#place();
    const back = state[HIGH_SEQUENCE]! - state[SEQUENCE]!;
    return this.#opened && back >= 0 && back <= MAX_MISORDER;
  }

  /** Starts another stream; the packet counts remain. */
  reset(): void {
    const state = this.#state;
    const received = state[RECEIVED]!;
    const expected = this.lost + received;
    state.fill(0);
    state[RECEIVED] = received;
    state[EXTRA_EXPECTED] = expected;
    this.#continuity.reset();
    this.#opened = false;
    this.#usualFrames = 0;
  }

  /** Takes a packet. @returns false if it does not continue the stream, and nothing confirms it yet */
  accept(frames: number): boolean {
    const state = this.#state;
    const continuity = this.#continuity;
    const given = state[SEQUENCE]!;
    this.joins = false;
    if (!this.#opened) this.#open(frames);
    continuity.input[JUDGED_SEQUENCE] = given;
    continuity.input[JUDGED_TIMESTAMP] = state[FRAME]!;
    continuity.input[DURATION] = frames;
    const verdict = continuity.judge();
    if (verdict === RESTARTS) {
      // These were not duplicates after all.
      state[EXTRA_EXPECTED] = state[EXTRA_EXPECTED]! + continuity.repeats;
      continuity.reopen();
      continuity.judge();
      this.#restart();
    } else if (verdict !== CONTINUES) return false;
    // A packet without audio may have overtaken it.
    const { ahead, leads } = continuity;
    state[RECEIVED] = state[RECEIVED]! + 1;
    if (leads) this.#followJump(ahead > 0 ? ahead : 1, frames);
    state[AHEAD] = ahead;
    state[SEQUENCE] = given + state[SEQUENCE_OFFSET]!;
    if (!leads) this.#findJump();
    this.#place();
    if (ahead > 0) state[HIGH_SEQUENCE] = state[SEQUENCE]!;
    if (leads) {
      state[HIGH_FRAME] = state[FRAME]!;
      state[HIGH_ARRIVAL] = state[NOW]!;
      this.#usualFrames = frames;
      const transit = state[NOW]! * this.#framesPerMs - state[FRAME]!;
      state[TRANSIT] = state[TRANSIT]! + TRANSIT_SHARE * (transit - state[TRANSIT]!);
    }
    if (state[SEQUENCE]! < state[FIRST_SEQUENCE]!) state[FIRST_SEQUENCE] = state[SEQUENCE]!;
    return true;
  }

  /** Takes a packet without audio: its number is accounted for. @returns false if it is a stray */
  acceptWithoutAudio(): boolean {
    const state = this.#state;
    const { input } = this.#continuity;
    input[JUDGED_SEQUENCE] = state[SEQUENCE]!;
    if (!this.#opened || this.#continuity.judge(false) !== CONTINUES) return false;
    const { ahead } = this.#continuity;
    state[RECEIVED] = state[RECEIVED]! + 1;
    state[AHEAD] = ahead;
    state[SEQUENCE] = state[SEQUENCE]! + state[SEQUENCE_OFFSET]!;
    if (ahead > 0) state[HIGH_SEQUENCE] = state[SEQUENCE]!;
    if (state[SEQUENCE]! < state[FIRST_SEQUENCE]!) state[FIRST_SEQUENCE] = state[SEQUENCE]!;
    return true;
  }

  #open(frames: number): void {
    const state = this.#state;
    this.#opened = true;
    this.#usualFrames = frames;
    state[FIRST_SEQUENCE] = state[SEQUENCE]!;
    // Sets the state so that it directly follows the newest, like any other.
    state[HIGH_SEQUENCE] = state[SEQUENCE]! - 1;
    state[HIGH_FRAME] = state[FRAME]! - frames;
    state[HIGH_ARRIVAL] = state[NOW]!;
    state[TRANSIT] = state[NOW]! * this.#framesPerMs - state[FRAME]!;
    state[JUMPED_AT] = -Infinity;
  }

  /** Joins the sender's new numbers to the old ones: this packet is the next, with the usual transit time. */
  #restart(): void {
    const state = this.#state;
    state[SEQUENCE_OFFSET] = state[HIGH_SEQUENCE]! + 1 - state[SEQUENCE]!;
    const usual = Math.round(state[NOW]! * this.#framesPerMs - state[TRANSIT]!);
    const least = state[HIGH_FRAME]! + this.#usualFrames;
    state[FRAME_OFFSET] = (usual > least ? usual : least) - state[FRAME]!;
    // The old numbers have no meaning now.
    state[JUMPED_AT] = -Infinity;
    this.restarts++;
    this.joins = true;
  }

  /** Finds where a jump began: a packet sent after it may have been overtaken by the one that showed it. */
  #findJump(): void {
    const state = this.#state;
    const sequence = state[SEQUENCE]!;
    if (sequence >= state[JUMPED_AT]!) return;
    const back = (state[HIGH_SEQUENCE]! - sequence) * this.#usualFrames;
    const expected = state[HIGH_FRAME]! - back;
    const old = state[FRAME]! + state[OLD_FRAME_OFFSET]!;
    const present = state[FRAME]! + state[FRAME_OFFSET]!;
    if (Math.abs(old - expected) <= Math.abs(present - expected)) return;
    if (2 * Math.abs(present - expected) > this.#usualFrames) return;
    state[JUMPED_AT] = sequence;
    this.joins = true;
  }

  /** Assigns a frame to the packet, by the offset that was valid when it was sent; for an older packet, close to its expected frame. */
  #place(): void {
    const state = this.#state;
    const jumped = state[SEQUENCE]! < state[JUMPED_AT]!;
    const frame = state[FRAME]! + state[jumped ? OLD_FRAME_OFFSET : FRAME_OFFSET]!;
    const behind = state[SEQUENCE]! - state[HIGH_SEQUENCE]!;
    const expected = state[HIGH_FRAME]! + behind * this.#usualFrames;
    // Since the last jump the sender's frames map to ours, however long a silence is in between.
    const isOwn = !jumped && frame <= expected;
    const plausible = behind > 0 || isOwn || Math.abs(frame - expected) <= this.#jumpFrames;
    state[FRAME] = plausible ? frame : expected;
  }

  /**
   * If the timestamp jumped while sequence numbers and time continued, or fell below that of the previous packet, shifts the scale
   * so that there is no jump.
   */
  #followJump(ahead: number, frames: number): void {
    const state = this.#state;
    const step = state[FRAME]! + state[FRAME_OFFSET]! - state[HIGH_FRAME]!;
    const byNumber = ahead * (this.#usualFrames > 0 ? this.#usualFrames : frames);
    const byTime = Math.round((state[NOW]! - state[HIGH_ARRIVAL]!) * this.#framesPerMs);
    const forward = 2 * step >= this.#usualFrames;
    const isSoon = step - byTime > this.#leapFrames;
    if (forward && !isSoon && Math.abs(step - byNumber) <= this.#jumpFrames) return;
    if (forward && Math.abs(step - byTime) <= this.#jumpFrames) return;
    state[OLD_FRAME_OFFSET] = state[FRAME_OFFSET]!;
    state[JUMPED_AT] = state[HIGH_SEQUENCE]! + ahead;
    const usual = isSoon && byNumber > byTime ? Math.max(this.#usualFrames, byTime) : byNumber;
    state[FRAME_OFFSET] = state[FRAME_OFFSET]! + usual - step;
    this.restarts++;
    this.joins = true;
  }
}
