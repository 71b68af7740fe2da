import { sequenceDifference, timestampDifference } from './unwrapper.ts';

/*
 * The same stream, restarted (RFC 3550 A.1). Everything that follows a stream of packets asks here whether a packet continues it,
 * is a stray, or shows that the sender began to count again: the decoder of RTP, reception statistics and loss reports, and the
 * receiver's jitter buffer. A.1 looks at sequence numbers only. Here the timestamps count too: packets of one run lie on a line, on
 * which sequence numbers and timestamps rise together. That tells a long outage from a restart, and a late packet from a new run.
 */

/** A.1: so many packets may be missing. More only where the timestamps say exactly the same. */
const MAX_DROPOUT = 3000;
/** A.1: so far back a packet may be a duplicate. Further back only where it came among the last few. */
export const MAX_MISORDER = 100;
/** So few packets ahead or behind, the timestamp has jumped rather than the stream restarted. Also the reach of a confirmation. */
const FEW = 32;
/** After a silence, packets that were held up may overtake each other by so many: then the timestamp may be off the line by the silence. */
const MAX_OVERTAKEN = 256;
/** More than this cannot be told from going back: half of the sequence numbers. */
const MAX_AHEAD = 2 ** 15 - 1;
/** Packets of which it is remembered whether they came. A power of two above MAX_DROPOUT. */
const REMEMBERED = 4096;
/** Packets whose numbers and timestamps are remembered: those that came last, however late. Twice MAX_MISORDER, for copies, and more. */
const RECENT = 256;
/** So many packets in a row that came before, and nothing else, are a sender that restarted shortly after it had started. */
const REPEATS = 5;
/** So many packets in a row of the run before are leftovers of a slower path; more are the old numbers, used again. */
const LEFTOVERS = 8;
/** So long a run, in packets, others of the run before may still be under way. */
const YOUNG = 256;
/** How far a timestamp may be off the line, and by which factor where packets may have changed their duration. */
const LINE_SECONDS = 1;
const LINE_FACTOR = 2.5;
/** The longest step of a timestamp that a silence explains. A longer one, or one backwards, is a jump. */
const LEAP_SECONDS = 60;
/** The longest step from one packet to the next that tells how long packets are. */
const MAX_USUAL_SECONDS = 1;

/** It is a packet of the stream: the next, a later one, a late one or a duplicate. */
export const CONTINUES = 0;
/** It is no packet of the stream, as far as is known. */
export const STRAY = 1;
/** Likewise; but if another one follows it, both are the beginning of a new run. */
export const CANDIDATE = 2;
/** It confirms that the sender restarted. Nothing is taken note of until `reopen`. */
export const RESTARTS = 3;

/** What a packet is to a stream. */
export type Continuity = typeof CONTINUES | typeof STRAY | typeof CANDIDATE | typeof RESTARTS;

/** The slots of changing numbers, which an array keeps unboxed; the first three are the caller's to set. */
export const SEQUENCE = 0;
export const TIMESTAMP = 1;
/** Of the packet's audio, in units of the timestamp; −1 where it is not known. */
export const DURATION = 2;
const AHEAD = 3;
const STEP = 4;
const HIGH_SEQUENCE = 5;
const HIGH_TIMESTAMP = 6;
/** Duration of the newest packet, and what packets usually have. */
const LAST = 7;
const USUAL = 8;
const CANDIDATE_SEQUENCE = 9;
const CANDIDATE_TIMESTAMP = 10;
const OLD_SEQUENCE = 11;
const OLD_TIMESTAMP = 12;
const OLD_USUAL = 13;
const REPEATED_SEQUENCE = 14;
/** The newest packet with audio: others may be newer. */
const AUDIO_SEQUENCE = 15;
/** Packets from the first that came to the newest, both counted. */
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
  /** One bit for each of the last packets: it came. Of this run, and of the one before. */
  #came = new Int32Array(REMEMBERED >> 5);
  #oldCame = new Int32Array(REMEMBERED >> 5);
  /** Sequence numbers and timestamps of the packets that came last, in a ring: a duplicate has those of its original. */
  readonly #sequences = new Float64Array(RECENT).fill(-1);
  readonly #timestamps = new Float64Array(RECENT);
  #next = 0;
  #opened = false;
  #hasOld = false;
  #hasCandidate = false;
  /** Packets in a row that had come before, and that belong to the run before. */
  #repeats = 0;
  #leftovers = 0;
  /** Packets of this run that were given to the run before. */
  #overtaken = 0;
  #jumped = false;
  #leads = true;

  /**
   * @param clockRate units of the timestamp in a second
   * @param wraps sequence numbers have 16 bits and timestamps 32; else both are counted in full
   * @param repeatsRestart whether five packets in a row that came before are a restart; else they are duplicates, as A.1 has it
   */
  constructor(clockRate: number, wraps: boolean, repeatsRestart = true) {
    this.#clockRate = clockRate;
    this.#wraps = wraps;
    this.#mostRepeats = repeatsRestart ? REPEATS : Number.POSITIVE_INFINITY;
  }

  /** Whether any packet ever came. */
  get opened(): boolean {
    return this.#opened;
  }

  /** How far the packet that continues is ahead of the newest before it: 1 is next, less is late or a duplicate. */
  get ahead(): number {
    return this.#state[AHEAD]!;
  }

  /**
   * How far its audio lies behind the beginning of the newest audio before it, in units of the timestamp. That of the
   * timestamps; or, where they have jumped, what the sequence numbers make likely.
   */
  get step(): number {
    return this.#state[STEP]!;
  }

  /** Whether its audio is the newest. A packet without audio may have overtaken it. */
  get leads(): boolean {
    return this.#leads;
  }

  /** Whether its timestamp has jumped, while its sequence number continues. */
  get jumped(): boolean {
    return this.#jumped;
  }

  /** Whether there is a packet that the next one may confirm, or just has. */
  get hasCandidate(): boolean {
    return this.#hasCandidate;
  }

  /** After `RESTARTS`: packets of the new run that came before this one and were taken for duplicates. */
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
   * @param hasAudio without audio (padding, events) a packet is judged by its sequence number, and only further ahead also by its
   *   timestamp; it restarts nothing
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
      // A block of packets that overtake each other leaves places further back: one of those is its own.
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

  /** After `RESTARTS`: a new run begins with the packet whose numbers are in {@link input} now. `judge` it next. */
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

  /** As new. */
  reset(): void {
    this.#opened = false;
    this.#hasOld = false;
    this.#hasCandidate = false;
  }

  /** So that the packet is the one after the newest, like any other. */
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
    // Well before the first that came it is no late one: the sender's numbers went back.
    if (ahead < -MAX_DROPOUT || 1 - ahead - state[SPAN]! > FEW) return false;
    if (bitOf(this.#came, state[SEQUENCE]!)) return this.#isDuplicate();
    return ahead >= -FEW || this.#isOnAudioLine(step, LINE_FACTOR) || this.#isNearRecent();
  }

  /** Whether it lies on a line with one of the packets that came last and has nearly its number: the sender was silent after both. */
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
   * Whether one of the packets that came last had the same numbers. Of those far behind only a few count: a copy comes soon after
   * its original, though a packet has overtaken both, and a sender that restarts repeats what came long ago.
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

  /** Whether a packet of this run so far behind has not come. */
  #isMissing(ahead: number): boolean {
    const state = this.#state;
    if (ahead < -MAX_DROPOUT || -ahead >= state[SPAN]!) return false;
    return !bitOf(this.#came, state[SEQUENCE]!);
  }

  /** Whether a packet that is more than a few ahead lies on the line of the stream. */
  #isAhead(ahead: number, step: number): boolean {
    if (ahead > MAX_AHEAD) return false;
    // Timestamps rise in a silence, and sequence numbers do not.
    if (ahead <= MAX_OVERTAKEN && this.#isAfterSilence(step)) return true;
    return this.#isOnAudioLine(step, ahead <= MAX_DROPOUT ? LINE_FACTOR : 1);
  }

  /** Whether a packet is so much newer than the line says as a silence explains. */
  #isAfterSilence(step: number): boolean {
    const on = this.#sequencesFrom(AUDIO_SEQUENCE);
    return step >= on * this.#state[USUAL]! && step <= LEAP_SECONDS * this.#clockRate;
  }

  /** Whether a packet lies on the line from the newest one with audio. Those without have no place on it. */
  #isOnAudioLine(step: number, factor: number): boolean {
    const on = this.#sequencesFrom(AUDIO_SEQUENCE);
    return this.#isOnLine(on, step, this.#state[USUAL]!, factor);
  }

  /** Whether `on` packets take about `step`; both are negative for packets back. */
  #isOnLine(on: number, step: number, usual: number, factor: number): boolean {
    const slack = LINE_SECONDS * this.#clockRate;
    const expected = (on < 0 ? -on : on) * usual;
    const forward = on < 0 ? -step : step;
    return forward >= expected / factor - slack && forward <= expected * factor + slack;
  }

  /** A packet that came before: whether it is one of so many in a row that the sender must have restarted. */
  #isRepeat(): boolean {
    const state = this.#state;
    if (!bitOf(this.#came, state[SEQUENCE]!)) {
      this.#repeats = 0;
      return false;
    }
    // Numbers used again are those of the run's beginning: far behind, unless it is short. Others are a burst that came twice.
    const isNear = state[AHEAD]! >= -FEW;
    const isFromBeginning = state[SPAN]! + state[AHEAD]! <= 2 * FEW;
    if (!isFromBeginning || (isNear && state[SPAN]! > 2 * FEW)) {
      this.#repeats = 0;
      return false;
    }
    const on = this.#sequencesFrom(REPEATED_SEQUENCE);
    // Those far behind may have overtaken each other; others in that order may be copies: they neither count nor break the row.
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

  /** Whether packets of the run before may still be under way. */
  get #isYoung(): boolean {
    return this.#hasOld && this.#state[SPAN]! <= YOUNG;
  }

  /**
   * Whether a packet that would continue the present run is rather one of the run before. Both may lie on one line, as where a
   * sender begins at 0 each time: then it is the nearer one's, and of those there are only a few. More show that both are one.
   */
  #continuesOldRun(): boolean {
    if (!this.#isOfOldRun()) return false;
    const on = this.#sequencesFrom(OLD_SEQUENCE);
    return (on < 0 ? -on : on) < this.#state[AHEAD]! && ++this.#overtaken <= LEFTOVERS;
  }

  /** Whether a packet lies on the line of the run before. */
  #isOfOldRun(): boolean {
    const state = this.#state;
    const on = this.#sequencesFrom(OLD_SEQUENCE);
    if (on > MAX_DROPOUT || on < -MAX_DROPOUT) return false;
    return this.#isOnLine(on, this.#unitsFrom(OLD_TIMESTAMP), state[OLD_USUAL]!, 1);
  }

  /** A packet of the run before that was overtaken by the new one. */
  #isLeftover(): boolean {
    if (!this.#hasOld || !this.#isOfOldRun()) return false;
    const isAgain = this.#sequencesFrom(OLD_SEQUENCE) <= 0;
    if (isAgain && bitOf(this.#oldCame, this.#state[SEQUENCE]!)) return false;
    return ++this.#leftovers <= LEFTOVERS;
  }

  /**
   * Where the timestamp jumped, the step that the sequence numbers make likely takes its place. A late packet is judged like one
   * that came in time: a silence may lie between it and the newest.
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
    // The last packet before a pause may be short: that of one alone is not usual.
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
 * So many packets in a row of another source are a sender that restarted as another one. Fewer also come in a row where two sources
 * send at the same time, and loss and jitter thin out the one that is heard.
 */
const LEAST_SOURCE_PACKETS = 8;
/**
 * It takes so many more each time that the source itself is heard again after another one: a few of its packets may be left over, many
 * are a source that still sends.
 */
const MORE_SOURCE_PACKETS = 4;
/** The most that it takes. */
const MOST_SOURCE_PACKETS = 64;

/** Watches for another source (SSRC) in the place of the one that is heard. */
export class SourceProbation {
  #ssrc = -1;
  #sequenceNumber = 0;
  /** Packets in a row of the other source, and of the source itself; at most one is above 0. */
  #others = 0;
  #own = 0;
  #needed = LEAST_SOURCE_PACKETS;

  /** A packet of another source came. @returns whether to follow that source; then `reset` */
  heard(ssrc: number, sequenceNumber: number): boolean {
    const on = sequenceDifference(this.#sequenceNumber, sequenceNumber);
    const isSame = this.#others > 0 && ssrc === this.#ssrc;
    this.#own = 0;
    // A copy, or a packet that was overtaken, neither counts nor breaks the row.
    if (isSame && on <= 0 && on >= -FEW) return false;
    this.#others = isSame && on > 0 && on <= FEW ? this.#others + 1 : 1;
    this.#ssrc = ssrc;
    this.#sequenceNumber = sequenceNumber;
    return this.#others >= this.#needed;
  }

  /** A packet of the source itself came. */
  heardOwn(): void {
    if (this.#others > 0)
      this.#needed = Math.min(MOST_SOURCE_PACKETS, this.#needed + MORE_SOURCE_PACKETS);
    this.#others = 0;
    if (this.#own < MOST_SOURCE_PACKETS && ++this.#own === MOST_SOURCE_PACKETS) {
      this.#needed = LEAST_SOURCE_PACKETS;
    }
  }

  /** As new. */
  reset(): void {
    this.#others = 0;
    this.#own = 0;
    this.#needed = LEAST_SOURCE_PACKETS;
  }
}

/**
 * Whether a timestamp jumped, from one packet to the next that came.
 * @param step from the one timestamp to the other, in units of the clock
 * @param elapsed from the one arrival to the other, likewise
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

/** Works for negative numbers, and for those above 2³¹. */
function placeOf(sequence: number): number {
  return (sequence % REMEMBERED) & (REMEMBERED - 1);
}
