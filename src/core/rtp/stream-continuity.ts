import { sequenceDifference, timestampDifference } from './unwrapper.ts';

/*
 * Detects a restarted stream (RFC 3550 A.1). Everything that follows a stream of packets asks here whether a packet continues it,
 * is a stray, or shows that the sender restarted its numbers: the RTP decoder, reception statistics, loss reports and the
 * receiver's jitter buffer. A.1 looks at sequence numbers only. Here timestamps count too: the packets of one run lie on a line,
 * along which sequence numbers and timestamps rise together. That distinguishes a long outage from a restart, and a late packet
 * from a new run.
 */

/** A.1: maximum number of missing packets. More only if the timestamp matches exactly. */
const MAX_DROPOUT = 3000;
/** A.1: how far back a packet may be a duplicate. Further back only if it was among the last few to arrive. */
export const MAX_MISORDER = 100;
/** Within this many packets, a timestamp off the line is a jump rather than a restart. Also how far a confirmation may be away. */
const FEW = 32;
/** After a silence, delayed packets may overtake each other by this many; their timestamps may then be off the line by the silence. */
const MAX_OVERTAKEN = 256;
/** More cannot be told from a step back: half of the sequence numbers. */
const MAX_AHEAD = 2 ** 15 - 1;
/** Number of packets whose arrival is remembered. A power of two above MAX_DROPOUT. */
const REMEMBERED = 4096;
/**
 * Number of most recent arrivals whose numbers and timestamps are remembered, however late they were. More than twice MAX_MISORDER,
 * to leave room for copies.
 */
const RECENT = 256;
/** This many repeated packets in a row, and nothing else, mean that the sender restarted shortly after it had started. */
const REPEATS = 5;
/** Up to this many packets in a row of the previous run are leftovers of a slower path; more are its numbers, used again. */
const LEFTOVERS = 8;
/** While a run is shorter than this, in packets, others of the previous run may still arrive. */
const YOUNG = 256;
/** How far a timestamp may be off the line, and by which factor if packets may have changed their duration. */
const LINE_SECONDS = 1;
const LINE_FACTOR = 2.5;
/** The longest step of a timestamp that a silence explains. A longer or backward step is a jump. */
const LEAP_SECONDS = 60;
/** The longest step between two packets that shows the duration of a packet. */
const MAX_USUAL_SECONDS = 1;

/** The packet belongs to the stream: it is the next, a later or a late one, or a duplicate. */
export const CONTINUES = 0;
/** The packet does not belong to the stream, as far as is known. */
export const STRAY = 1;
/** Likewise, but if another one follows it, both begin a new run. */
export const CANDIDATE = 2;
/** The packet confirms that the sender restarted. The state does not change until `reopen`. */
export const RESTARTS = 3;

/** How a packet relates to a stream. */
export type Continuity = typeof CONTINUES | typeof STRAY | typeof CANDIDATE | typeof RESTARTS;

/** Slots of the numbers that change, which an array keeps unboxed; the caller sets the first three. */
export const SEQUENCE = 0;
export const TIMESTAMP = 1;
/** Duration of the packet's audio in units of the timestamp; −1 if unknown. */
export const DURATION = 2;
const AHEAD = 3;
const STEP = 4;
const HIGH_SEQUENCE = 5;
const HIGH_TIMESTAMP = 6;
/** Duration of the newest packet, and the usual duration. */
const LAST = 7;
const USUAL = 8;
const CANDIDATE_SEQUENCE = 9;
const CANDIDATE_TIMESTAMP = 10;
const OLD_SEQUENCE = 11;
const OLD_TIMESTAMP = 12;
const OLD_USUAL = 13;
const REPEATED_SEQUENCE = 14;
/** The newest packet with audio; packets without audio may be newer. */
const AUDIO_SEQUENCE = 15;
/** Number of packets from the first one that arrived to the newest, inclusive. */
const SPAN = 16;
const SLOTS = 17;

/**
 * Decides for each packet of a stream whether it continues it or the sender has restarted. Allocates in its constructor only; the
 * work for a packet is bounded.
 */
export class StreamContinuity {
  /** Set sequence, timestamp and duration of a packet here, then call {@link judge}. */
  readonly input: Float64Array = new Float64Array(SLOTS);
  readonly #state: Float64Array = this.input;
  readonly #clockRate: number;
  readonly #wraps: boolean;
  readonly #mostRepeats: number;
  /** One bit for each of the last packets: whether it arrived. For this run, and for the previous one. */
  #came = new Int32Array(REMEMBERED >> 5);
  #oldCame = new Int32Array(REMEMBERED >> 5);
  /** Sequence numbers and timestamps of the most recent arrivals, in a ring: a duplicate has the numbers of its original. */
  readonly #sequences = new Float64Array(RECENT).fill(-1);
  readonly #timestamps = new Float64Array(RECENT);
  #next = 0;
  #opened = false;
  #hasOld = false;
  #hasCandidate = false;
  /** Number of repeated packets in a row, and of packets in a row that belong to the previous run. */
  #repeats = 0;
  #leftovers = 0;
  /** Packets that fit this run but were assigned to the previous one. */
  #overtaken = 0;
  #jumped = false;
  #leads = true;

  /**
   * @param clockRate units of the timestamp per second
   * @param wraps whether sequence numbers have 16 bits and timestamps 32; otherwise both are unwrapped
   * @param repeatsRestart whether five repeated packets in a row are a restart; otherwise they are duplicates, as in A.1
   */
  constructor(clockRate: number, wraps: boolean, repeatsRestart = true) {
    this.#clockRate = clockRate;
    this.#wraps = wraps;
    this.#mostRepeats = repeatsRestart ? REPEATS : Number.POSITIVE_INFINITY;
  }

  /** Whether any packet has arrived. */
  get opened(): boolean {
    return this.#opened;
  }

  /** How far the accepted packet is ahead of the previous newest: 1 is the next packet, less is a late packet or a duplicate. */
  get ahead(): number {
    return this.#state[AHEAD]!;
  }

  /**
   * Distance from the start of the previous newest audio to the start of this packet's audio, in units of the timestamp: from the
   * timestamps or, if they jumped, estimated from the sequence numbers.
   */
  get step(): number {
    return this.#state[STEP]!;
  }

  /** Whether its audio is the newest. A packet without audio may have overtaken it. */
  get leads(): boolean {
    return this.#leads;
  }

  /** Whether its timestamp jumped while its sequence number continued. */
  get jumped(): boolean {
    return this.#jumped;
  }

  /** Whether there is a candidate that the next packet may confirm, or has just confirmed. */
  get hasCandidate(): boolean {
    return this.#hasCandidate;
  }

  /** After `RESTARTS`: number of packets of the new run that arrived before this one and were taken for duplicates. */
  get repeats(): number {
    return this.#hasCandidate ? 0 : this.#repeats - 1;
  }

  /** The candidate's sequence number. */
  get candidateSequence(): number {
    return this.#state[CANDIDATE_SEQUENCE]!;
  }

  /** The candidate's timestamp. */
  get candidateTimestamp(): number {
    return this.#state[CANDIDATE_TIMESTAMP]!;
  }

  /**
   * Judges the packet whose numbers are in {@link input}.
   * @param hasAudio a packet without audio (padding, events) is judged by its sequence number, and also by its timestamp only if it
   *   is far ahead; it never causes a restart
   */
  judge(hasAudio = true): Continuity {
    if (!this.#opened) this.#open();
    const state = this.#state;
    const ahead = this.#sequencesFrom(HIGH_SEQUENCE);
    const step = this.#unitsFrom(HIGH_TIMESTAMP);
    state[AHEAD] = ahead;
    state[STEP] = step;
    if (!hasAudio) {
      const isStray = ahead > FEW ? !this.#isAhead(ahead, step) : ahead < -MAX_MISORDER;
      // A block of packets that overtake each other leaves gaps further back: this packet may fill one.
      if (isStray && (ahead > 0 || !this.#isMissing(ahead))) return STRAY;
      this.#advance(false);
      return CONTINUES;
    }
    if (!this.#continues() || (ahead > FEW && this.#isYoung && this.#continuesOldRun())) {
      return this.#judgeStray();
    }
    if (ahead <= 0 && this.#isRepeat()) {
      this.#hasCandidate = false;
      return RESTARTS;
    }
    this.#mendStep();
    this.#advance(true);
    return CONTINUES;
  }

  /** After `RESTARTS`: starts a new run with the packet whose numbers are in {@link input} now. `judge` it next. */
  reopen(): void {
    const state = this.#state;
    const old = this.#oldCame;
    this.#oldCame = this.#came;
    this.#came = old;
    this.#hasOld = true;
    state[OLD_SEQUENCE] = state[HIGH_SEQUENCE]!;
    state[OLD_TIMESTAMP] = state[HIGH_TIMESTAMP]!;
    state[OLD_USUAL] = state[USUAL]!;
    this.#open();
  }

  /** Restores the initial state. */
  reset(): void {
    this.#opened = false;
    this.#hasOld = false;
    this.#hasCandidate = false;
  }

  /** Sets the state so that the packet directly follows the newest, like any other. */
  #open(): void {
    const state = this.#state;
    this.#opened = true;
    this.#came.fill(0);
    this.#hasCandidate = false;
    this.#leftovers = 0;
    this.#overtaken = 0;
    this.#repeats = 0;
    state[SPAN] = 0;
    state[HIGH_SEQUENCE] = state[SEQUENCE]! - 1;
    state[AUDIO_SEQUENCE] = state[HIGH_SEQUENCE]!;
    const duration = state[DURATION]! > 0 ? state[DURATION]! : 0;
    state[HIGH_TIMESTAMP] = state[TIMESTAMP]! - duration;
    state[LAST] = duration;
    state[USUAL] = duration;
  }

  #continues(): boolean {
    const state = this.#state;
    const ahead = state[AHEAD]!;
    const step = state[STEP]!;
    if (ahead > 0) return ahead <= FEW || this.#isAhead(ahead, step);
    // Too far before the first arrival to be a late packet: the sender's numbers went back.
    if (ahead < -MAX_DROPOUT || 1 - ahead - state[SPAN]! > FEW) return false;
    if (bitOf(this.#came, state[SEQUENCE]!)) return this.#isDuplicate();
    return ahead >= -FEW || this.#isOnAudioLine(step, LINE_FACTOR) || this.#isNearRecent();
  }

  /** Whether the packet lies on a line with a recent arrival of nearly the same number: the sender was silent after both. */
  #isNearRecent(): boolean {
    const state = this.#state;
    for (let place = 0; place < RECENT; place++) {
      const sequence = this.#sequences[place]!;
      if (sequence < 0) continue;
      const on = this.#sequencesBetween(sequence, state[SEQUENCE]!);
      if (on > FEW || on < -FEW) continue;
      const step = this.#unitsBetween(this.#timestamps[place]!, state[TIMESTAMP]!);
      if (this.#isOnLine(on, step, state[USUAL]!, LINE_FACTOR)) return true;
    }
    return false;
  }

  /**
   * Whether a recent arrival had the same numbers. Far behind the newest, only the last few arrivals count: a copy arrives soon
   * after its original, even if a packet has overtaken both, whereas a sender that restarts repeats numbers from long ago.
   */
  #isDuplicate(): boolean {
    const state = this.#state;
    const most = state[AHEAD]! >= -MAX_MISORDER ? RECENT : FEW;
    for (let back = 1; back <= most; back++) {
      const place = (this.#next - back + RECENT) % RECENT;
      const isSame = this.#sequences[place] === state[SEQUENCE];
      if (isSame && this.#timestamps[place] === state[TIMESTAMP]) return true;
    }
    return false;
  }

  /** Whether a packet of this run that lies this far behind has not arrived. */
  #isMissing(ahead: number): boolean {
    const state = this.#state;
    if (ahead < -MAX_DROPOUT || -ahead >= state[SPAN]!) return false;
    return !bitOf(this.#came, state[SEQUENCE]!);
  }

  /** Whether a packet that is more than a few packets ahead lies on the line of the stream. */
  #isAhead(ahead: number, step: number): boolean {
    if (ahead > MAX_AHEAD) return false;
    // In a silence, timestamps rise and sequence numbers do not.
    if (ahead <= MAX_OVERTAKEN && this.#isAfterSilence(step)) return true;
    return this.#isOnAudioLine(step, ahead <= MAX_DROPOUT ? LINE_FACTOR : 1);
  }

  /** Whether a silence explains how far a packet's timestamp is ahead of the line. */
  #isAfterSilence(step: number): boolean {
    const on = this.#sequencesFrom(AUDIO_SEQUENCE);
    return step >= on * this.#state[USUAL]! && step <= LEAP_SECONDS * this.#clockRate;
  }

  /** Whether a packet lies on the line from the newest packet with audio. Packets without audio are not on it. */
  #isOnAudioLine(step: number, factor: number): boolean {
    const on = this.#sequencesFrom(AUDIO_SEQUENCE);
    return this.#isOnLine(on, step, this.#state[USUAL]!, factor);
  }

  /** Whether a step of `on` packets takes about `step` units; both are negative for steps back. */
  #isOnLine(on: number, step: number, usual: number, factor: number): boolean {
    const slack = LINE_SECONDS * this.#clockRate;
    const expected = (on < 0 ? -on : on) * usual;
    const forward = on < 0 ? -step : step;
    return forward >= expected / factor - slack && forward <= expected * factor + slack;
  }

  /** Whether a repeated packet is one of so many in a row that the sender must have restarted. */
  #isRepeat(): boolean {
    const state = this.#state;
    if (!bitOf(this.#came, state[SEQUENCE]!)) {
      this.#repeats = 0;
      return false;
    }
    // A restart repeats numbers from the run's beginning, far behind unless the run is short. Other repeats are a burst that
    // arrived twice.
    const isNear = state[AHEAD]! >= -FEW;
    const isFromBeginning = state[SPAN]! + state[AHEAD]! <= 2 * FEW;
    if (!isFromBeginning || (isNear && state[SPAN]! > 2 * FEW)) {
      this.#repeats = 0;
      return false;
    }
    const on = this.#sequencesFrom(REPEATED_SEQUENCE);
    // Far behind, packets may have overtaken each other; nearby, such a step may be a copy, which neither counts nor breaks the row.
    if (isNear && this.#repeats > 0 && on < 0) return false;
    const isNext = on > 0 || (on < 0 && on >= -FEW);
    this.#repeats = this.#repeats > 0 && isNext && on <= FEW ? this.#repeats + 1 : 1;
    state[REPEATED_SEQUENCE] = state[SEQUENCE]!;
    return this.#repeats >= this.#mostRepeats;
  }

  #judgeStray(): Continuity {
    if (this.#isLeftover()) return STRAY;
    const state = this.#state;
    if (this.#hasCandidate) {
      const on = this.#sequencesFrom(CANDIDATE_SEQUENCE);
      if (on === 0) return STRAY;
      const step = this.#unitsFrom(CANDIDATE_TIMESTAMP);
      const isNear =
        on <= FEW && on >= -FEW && this.#isOnLine(on, step, state[USUAL]!, LINE_FACTOR);
      if (on === 1 || isNear) return RESTARTS;
    }
    this.#hasCandidate = true;
    state[CANDIDATE_SEQUENCE] = state[SEQUENCE]!;
    state[CANDIDATE_TIMESTAMP] = state[TIMESTAMP]!;
    return CANDIDATE;
  }

  /** Whether packets of the previous run may still arrive. */
  get #isYoung(): boolean {
    return this.#hasOld && this.#state[SPAN]! <= YOUNG;
  }

  /**
   * Whether a packet that fits the current run belongs to the previous one instead. Both runs may lie on one line, for example if a
   * sender begins at 0 each time: then the packet belongs to the nearer run, up to a few packets. More show that both runs are one.
   */
  #continuesOldRun(): boolean {
    if (!this.#isOfOldRun()) return false;
    const on = this.#sequencesFrom(OLD_SEQUENCE);
    return (on < 0 ? -on : on) < this.#state[AHEAD]! && ++this.#overtaken <= LEFTOVERS;
  }

  /** Whether a packet lies on the line of the previous run. */
  #isOfOldRun(): boolean {
    const state = this.#state;
    const on = this.#sequencesFrom(OLD_SEQUENCE);
    if (on > MAX_DROPOUT || on < -MAX_DROPOUT) return false;
    return this.#isOnLine(on, this.#unitsFrom(OLD_TIMESTAMP), state[OLD_USUAL]!, 1);
  }

  /** Whether the packet belongs to the previous run and was overtaken by the new one. */
  #isLeftover(): boolean {
    if (!this.#hasOld || !this.#isOfOldRun()) return false;
    const isAgain = this.#sequencesFrom(OLD_SEQUENCE) <= 0;
    if (isAgain && bitOf(this.#oldCame, this.#state[SEQUENCE]!)) return false;
    return ++this.#leftovers <= LEFTOVERS;
  }

  /**
   * If the timestamp jumped, replaces the step by an estimate from the sequence numbers. A late packet is judged like one in time:
   * there may be a silence between it and the newest.
   */
  #mendStep(): void {
    const state = this.#state;
    const ahead = this.#sequencesFrom(AUDIO_SEQUENCE);
    const step = state[STEP]!;
    const expected = ahead === 1 ? state[LAST]! : ahead * state[USUAL]!;
    const leap = LEAP_SECONDS * this.#clockRate;
    this.#leads = ahead > 0;
    const isLeap = this.#leads
      ? step <= 0 || step > expected + leap
      : step > 0 || step < expected - leap;
    this.#jumped = isLeap && step !== expected;
    if (this.#jumped) state[STEP] = expected;
  }

  #advance(hasAudio: boolean): void {
    const state = this.#state;
    const ahead = state[AHEAD]!;
    if (ahead > 0) {
      this.#hasCandidate = false;
      this.#leftovers = 0;
      this.#repeats = 0;
      state[SPAN] = state[SPAN]! + ahead;
      clearBits(this.#came, state[SEQUENCE]!, ahead);
      state[HIGH_SEQUENCE] = state[SEQUENCE]!;
    }
    if (hasAudio && this.#leads) this.#moveTimeline();
    setBit(this.#came, state[SEQUENCE]!);
    this.#sequences[this.#next] = state[SEQUENCE]!;
    this.#timestamps[this.#next] = hasAudio ? state[TIMESTAMP]! : Number.NaN;
    this.#next = (this.#next + 1) % RECENT;
  }

  #moveTimeline(): void {
    const state = this.#state;
    const step = state[STEP]!;
    const ahead = this.#sequencesFrom(AUDIO_SEQUENCE);
    state[AUDIO_SEQUENCE] = state[SEQUENCE]!;
    state[HIGH_TIMESTAMP] = state[TIMESTAMP]!;
    const duration = state[DURATION]!;
    // The last packet before a pause may be short: a single short packet does not change the usual duration.
    if (duration > 0) {
      if (duration >= state[USUAL]! || duration === state[LAST]) state[USUAL] = duration;
    } else if (duration < 0 && ahead === 1 && step > 0) {
      if (step <= MAX_USUAL_SECONDS * this.#clockRate) state[USUAL] = step;
    }
    state[LAST] = duration < 0 ? state[USUAL]! : duration;
  }

  #sequencesFrom(slot: number): number {
    return this.#sequencesBetween(this.#state[slot]!, this.#state[SEQUENCE]!);
  }

  #sequencesBetween(from: number, to: number): number {
    return this.#wraps ? sequenceDifference(from, to) : to - from;
  }

  #unitsFrom(slot: number): number {
    return this.#unitsBetween(this.#state[slot]!, this.#state[TIMESTAMP]!);
  }

  #unitsBetween(from: number, to: number): number {
    return this.#wraps ? timestampDifference(from, to) : to - from;
  }
}

/**
 * This many packets in a row from another source mean that the sender restarted under a new SSRC. Shorter rows also occur if two
 * sources send at the same time, and loss and jitter thin out the current one.
 */
const LEAST_SOURCE_PACKETS = 8;
/**
 * Each time that the current source is heard again after another one, a switch takes this many packets more: a few of its packets
 * may be leftovers, many mean that it still sends.
 */
const MORE_SOURCE_PACKETS = 4;
/** The maximum that a switch takes. */
const MOST_SOURCE_PACKETS = 64;

/** Watches for another source (SSRC) that replaces the current one. */
export class SourceProbation {
  #ssrc = -1;
  #sequenceNumber = 0;
  /** Packets in a row from the other source, and from the current one; at most one of them is above 0. */
  #others = 0;
  #own = 0;
  #needed = LEAST_SOURCE_PACKETS;

  /** Takes a packet of another source. @returns whether to switch to that source; then call `reset` */
  heard(ssrc: number, sequenceNumber: number): boolean {
    const on = sequenceDifference(this.#sequenceNumber, sequenceNumber);
    const isSame = this.#others > 0 && ssrc === this.#ssrc;
    this.#own = 0;
    // A copy, or an overtaken packet, neither counts nor breaks the row.
    if (isSame && on <= 0 && on >= -FEW) return false;
    this.#others = isSame && on > 0 && on <= FEW ? this.#others + 1 : 1;
    this.#ssrc = ssrc;
    this.#sequenceNumber = sequenceNumber;
    return this.#others >= this.#needed;
  }

  /** Takes a packet of the current source. */
  heardOwn(): void {
    if (this.#others > 0)
      this.#needed = Math.min(MOST_SOURCE_PACKETS, this.#needed + MORE_SOURCE_PACKETS);
    this.#others = 0;
    if (this.#own < MOST_SOURCE_PACKETS && ++this.#own === MOST_SOURCE_PACKETS) {
      this.#needed = LEAST_SOURCE_PACKETS;
    }
  }

  /** Restores the initial state. */
  reset(): void {
    this.#others = 0;
    this.#own = 0;
    this.#needed = LEAST_SOURCE_PACKETS;
  }
}

/**
 * Returns whether the timestamp jumped between two successive arrivals.
 * @param step difference of the timestamps, in units of the clock
 * @param elapsed time between the arrivals, in the same units
 */
export function timestampJumped(step: number, elapsed: number, clockRate: number): boolean {
  const leap = LEAP_SECONDS * clockRate;
  return step > elapsed + leap || step < -leap;
}

function bitOf(bits: Int32Array, sequence: number): boolean {
  const place = placeOf(sequence);
  return (bits[place >> 5]! & (1 << (place & 31))) !== 0;
}

function setBit(bits: Int32Array, sequence: number): void {
  const place = placeOf(sequence);
  bits[place >> 5]! |= 1 << (place & 31);
}

/** Clears the last `count` bits up to `sequence`. */
function clearBits(bits: Int32Array, sequence: number, count: number): void {
  if (count >= REMEMBERED) {
    bits.fill(0);
    return;
  }
  for (let back = 0; back < count; back++) {
    const place = placeOf(sequence - back);
    bits[place >> 5]! &= ~(1 << (place & 31));
  }
}

/** Returns the place in the ring; also for negative numbers, and numbers above 2³¹. */
function placeOf(sequence: number): number {
  return (sequence % REMEMBERED) & (REMEMBERED - 1);
}
