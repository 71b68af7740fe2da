import { integerIn } from '../arguments.ts';
import { MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from '../dsp/sample-rate.ts';
import { COUNT, ReceiveCounters } from './receive-counters.ts';

/** What became of a packet that was put into a {@link JitterBuffer}. */
export type InsertOutcome =
  /** It is held until it is played. */
  | 'stored'
  /** A copy from inside another packet filled a hole. */
  | 'recovered'
  /** It was there, or had been played, already. */
  | 'duplicate'
  /** Its time had passed. */
  | 'late'
  /** Its number is far from all others: held for a stray until the next one confirms it. */
  | 'stray'
  /** It is longer than a slot, or holds no frames. */
  | 'unusable';

/**
 * As `copy` of `insert`: the payload is that of the packet behind, which tells of this one in its FEC (Opus: LBRR). It is
 * decoded by `recover`, and anything else that comes for this packet takes its place.
 */
export const FEC_COPY = 255;

/** Is told of every packet's first arrival, by whatever copy: a {@link DelayTarget} is one. */
export interface ArrivalListener {
  /**
   * @param frame number of the packet's first frame on the buffer's own, continuous scale
   * @param copy 0 for the packet itself, else which copy
   * @param late it came too late to be played
   */
  arrived(frame: number, nowMs: number, copy: number, late: boolean): void;
  /** `count` packets never came. */
  missed(count: number): void;
}

export interface JitterBufferOptions {
  /** Hz, of the wire: what `frame` and `frames` count. */
  readonly sampleRate: number;
  /** Packets that fit, a power of two from 32 to 4096. At 20 ms the default holds 5 s. @default 256 */
  readonly capacityPackets?: number;
  /** Longest payload that fits, in bytes: a slot of this size is made for every packet. @default 4096 */
  readonly maxPayloadBytes?: number;
  /** Where to count. @default counters of its own */
  readonly counters?: ReceiveCounters;
  /** Is told of arrivals. @default nobody */
  readonly listener?: ArrivalListener;
}

/** RFC 3550 A.1: a leap this far ahead, or this far back, is a sender that began anew, once a second packet confirms it. */
const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;
/** A timestamp off by more than this, which neither sequence numbers nor the time of arrival explain, has jumped. */
const JUMP_SECONDS = 1;

/** The slots of {@link JitterBuffer}'s changing numbers, which an array keeps unboxed. */
const HIGH_SEQUENCE = 0;
const HIGH_FRAME = 1;
const HIGH_ARRIVAL = 2;
const NEXT_SEQUENCE = 3;
const PLAY_FRAME = 4;
/** From the sender's numbers to ours. */
const SEQUENCE_OFFSET = 5;
const FRAME_OFFSET = 6;
const FIRST_SEQUENCE = 7;
/** What would confirm a stray packet (RFC 3550 A.1: bad_seq). */
const CONFIRMING = 8;
/** Arguments of the call that is being served. */
const SEQUENCE = 9;
const FRAME = 10;
const NOW = 11;
/** Packets expected outside of the present numbering. */
const EXTRA_EXPECTED = 12;
const PLAIN_RECEIVED = 13;
const STATE_SLOTS = 14;

/**
 * Holds packets from their arrival until they are played: puts them in order, finds the one at the playhead, and counts what
 * was late, lost, doubled or reordered. It keeps no time of its own and decides nothing: {@link PlayoutDecision} does.
 *
 * Frames are numbered on one continuous scale of the buffer's own. It begins with the first packet's `frame`, and goes on
 * without a step where the sender begins to count anew or its timestamps jump.
 *
 * Nothing allocates after construction, and the work of a call is bounded: payloads are copied into slots of fixed size.
 */
export class JitterBuffer {
  readonly sampleRate: number;
  readonly capacityPackets: number;
  readonly maxPayloadBytes: number;
  readonly counters: ReceiveCounters;
  /** The payloads of all slots: see {@link offsetOf} and {@link bytesOf}. Read only. */
  readonly payloads: Uint8Array;
  readonly #listener: ArrivalListener | undefined;
  readonly #state: Float64Array = new Float64Array(STATE_SLOTS);
  readonly #sequences: Float64Array;
  readonly #starts: Float64Array;
  readonly #arrivals: Float64Array;
  readonly #lengths: Int32Array;
  readonly #bytes: Int32Array;
  readonly #copies: Uint8Array;
  /** The last number whose packet was there, by any copy; −1 before. */
  readonly #seen: Float64Array;
  /** One bit a slot: it holds a packet. */
  readonly #held: Int32Array;
  readonly #mask: number;
  readonly #jumpFrames: number;
  #count = 0;
  /** Frames of the packet with the highest number: how long a missing one is taken to be. */
  #usualFrames = 0;
  #opened = false;
  #played = false;

  constructor(options: JitterBufferOptions) {
    this.sampleRate = integerIn('sampleRate', options.sampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
    const capacity = integerIn('capacityPackets', options.capacityPackets ?? 256, 32, 4096);
    if ((capacity & (capacity - 1)) !== 0) {
      throw new RangeError(`capacityPackets must be a power of two, got ${capacity}.`);
    }
    const bytes = integerIn('maxPayloadBytes', options.maxPayloadBytes ?? 4096, 1, 2 ** 20);
    this.capacityPackets = capacity;
    this.maxPayloadBytes = bytes;
    this.counters = options.counters ?? new ReceiveCounters();
    this.payloads = new Uint8Array(capacity * bytes);
    this.#listener = options.listener;
    this.#sequences = new Float64Array(capacity);
    this.#starts = new Float64Array(capacity);
    this.#arrivals = new Float64Array(capacity);
    this.#lengths = new Int32Array(capacity);
    this.#bytes = new Int32Array(capacity);
    this.#copies = new Uint8Array(capacity);
    this.#seen = new Float64Array(capacity).fill(-1);
    this.#held = new Int32Array(capacity >> 5);
    this.#mask = capacity - 1;
    this.#jumpFrames = JUMP_SECONDS * this.sampleRate;
  }

  /** Packets held. */
  get count(): number {
    return this.#count;
  }

  /** Whether any packet ever came. */
  get opened(): boolean {
    return this.#opened;
  }

  /** Number of the frame that is played next. */
  get playFrame(): number {
    return this.#state[PLAY_FRAME]!;
  }

  /** Number of the packet that is played next. */
  get nextSequence(): number {
    return this.#state[NEXT_SEQUENCE]!;
  }

  /** Frames from the playhead to the end of the newest packet; those that are missing between count. 0 when none is held. */
  get levelFrames(): number {
    if (this.#count === 0) return 0;
    return this.#state[HIGH_FRAME]! + this.#usualFrames - this.#state[PLAY_FRAME]!;
  }

  /** Frames of the newest packet: how long a missing one is taken to be. 0 before the first. */
  get usualFrames(): number {
    return this.#usualFrames;
  }

  /** Expected less received (RFC 3550 A.3), redundant copies not counted. */
  get packetsLost(): number {
    const state = this.#state;
    if (!this.#opened) return 0;
    const expected = state[HIGH_SEQUENCE]! - state[FIRST_SEQUENCE]! + 1 + state[EXTRA_EXPECTED]!;
    return expected - state[PLAIN_RECEIVED]!;
  }

  /**
   * Puts a packet in. Put a packet in before the copies of others that came inside of it.
   * @param sequence the packet's number, unwrapped
   * @param frame number of its first frame, unwrapped
   * @param frames frames that it holds
   * @param payload copied; yours again on return
   * @param nowMs time of arrival on the clock of playing
   * @param copy 0 for the packet itself, 1 and up for redundant copies, {@link FEC_COPY} for FEC: they fill a hole, or take
   *   the place of a higher one, or are dropped
   */
  insert(
    sequence: number,
    frame: number,
    frames: number,
    payload: Uint8Array,
    nowMs: number,
    copy = 0,
  ): InsertOutcome {
    const state = this.#state;
    state[SEQUENCE] = sequence;
    state[FRAME] = frame;
    state[NOW] = nowMs;
    this.counters.add(COUNT.bytesReceived, payload.length);
    if (copy > 0) return this.#insertCopy(frames, payload, copy);
    state[PLAIN_RECEIVED] = state[PLAIN_RECEIVED]! + 1;
    this.counters.add(COUNT.packetsReceived, 1);
    const outcome = this.#insertPacket(frames, payload);
    if (outcome !== 'stored') this.counters.add(COUNT.packetsDiscarded, 1);
    this.counters.values[COUNT.packetsLost] = this.packetsLost;
    return outcome;
  }

  /** The first packet held at or behind the playhead, as the number of its slot; −1 when none is. */
  next(): number {
    while (this.#count > 0) {
      const slot = this.#firstFrom(this.#state[NEXT_SEQUENCE]! & this.#mask);
      if (this.#starts[slot]! + this.#lengths[slot]! > this.#state[PLAY_FRAME]!) return slot;
      // Its place was filled with something else meanwhile.
      this.#state[NEXT_SEQUENCE] = this.#sequences[slot]! + 1;
      this.#discard(slot);
    }
    return -1;
  }

  /** Frames from the playhead to the packet's first: 0 when it is next, negative when some of it has been covered. */
  gapBefore(slot: number): number {
    return this.#starts[slot]! - this.#state[PLAY_FRAME]!;
  }

  /** The packet's number. */
  sequenceOf(slot: number): number {
    return this.#sequences[slot]!;
  }

  /** Number of its first frame. */
  frameOf(slot: number): number {
    return this.#starts[slot]!;
  }

  /** Frames that it holds. */
  framesOf(slot: number): number {
    return this.#lengths[slot]!;
  }

  /** Where its payload begins in {@link payloads}. */
  offsetOf(slot: number): number {
    return slot * this.maxPayloadBytes;
  }

  /** Bytes of its payload. */
  bytesOf(slot: number): number {
    return this.#bytes[slot]!;
  }

  /** 0 for the packet itself, {@link FEC_COPY} for FEC in another's payload, else which copy. */
  copyOf(slot: number): number {
    return this.#copies[slot]!;
  }

  /**
   * Takes the packet out: the playhead moves behind it. Its payload stays readable until the next `insert`.
   * @param slot from {@link next}
   * @param atMs when its first frame will be heard
   * @returns how many of its first frames have been covered already and are not to be played
   */
  take(slot: number, atMs: number): number {
    const state = this.#state;
    const start = this.#starts[slot]!;
    const frames = this.#lengths[slot]!;
    const covered = start < state[PLAY_FRAME]! ? state[PLAY_FRAME]! - start : 0;
    state[PLAY_FRAME] = start + frames;
    state[NEXT_SEQUENCE] = this.#sequences[slot]! + 1;
    this.#played = true;
    this.#release(slot);
    const emitted = frames - covered;
    this.counters.add(COUNT.jitterBufferEmittedCount, emitted);
    this.counters.add(COUNT.jitterBufferDelay, (emitted * (atMs - this.#arrivals[slot]!)) / 1000);
    if (this.#copies[slot]! > 0) this.counters.add(COUNT.packetsRecovered, 1);
    return covered;
  }

  /** Moves the playhead over frames that something else was played for. What then lies wholly before it is late. */
  pass(frames: number): void {
    this.#state[PLAY_FRAME] = this.#state[PLAY_FRAME]! + frames;
    this.#played = true;
  }

  /** As new, but for the counters. */
  reset(): void {
    this.#held.fill(0);
    this.#seen.fill(-1);
    this.#count = 0;
    this.#opened = false;
    this.#played = false;
    this.#usualFrames = 0;
    const expected = this.packetsLost + this.#state[PLAIN_RECEIVED]!;
    const received = this.#state[PLAIN_RECEIVED]!;
    this.#state.fill(0);
    this.#state[EXTRA_EXPECTED] = expected;
    this.#state[PLAIN_RECEIVED] = received;
  }

  #insertPacket(frames: number, payload: Uint8Array): InsertOutcome {
    const state = this.#state;
    if (frames <= 0 || payload.length > this.maxPayloadBytes) return 'unusable';
    if (!this.#opened) this.#open(frames);
    let ahead = state[SEQUENCE]! + state[SEQUENCE_OFFSET]! - state[HIGH_SEQUENCE]!;
    if (ahead > MAX_DROPOUT || ahead < -MAX_MISORDER) {
      if (state[SEQUENCE] !== state[CONFIRMING]) {
        state[CONFIRMING] = state[SEQUENCE]! + 1;
        state[EXTRA_EXPECTED] = state[EXTRA_EXPECTED]! + 1;
        return 'stray';
      }
      this.#restart();
      ahead = 1;
    }
    state[CONFIRMING] = -1;
    this.#followJump(ahead, frames);
    if (ahead > 0) this.#raise(ahead, frames);
    else if (ahead < 0) this.counters.add(COUNT.packetsReordered, 1);
    return this.#place(frames, payload, 0);
  }

  #insertCopy(frames: number, payload: Uint8Array, copy: number): InsertOutcome {
    this.counters.add(COUNT.fecPacketsReceived, 1);
    const outcome = this.#placeCopy(frames, payload, copy);
    if (outcome !== 'recovered') this.counters.add(COUNT.fecPacketsDiscarded, 1);
    return outcome;
  }

  #placeCopy(frames: number, payload: Uint8Array, copy: number): InsertOutcome {
    const state = this.#state;
    if (!this.#opened || frames <= 0 || payload.length > this.maxPayloadBytes) return 'unusable';
    const back = state[HIGH_SEQUENCE]! - state[SEQUENCE]! - state[SEQUENCE_OFFSET]!;
    if (back < 0 || back > MAX_MISORDER) return 'stray';
    const outcome = this.#place(frames, payload, copy);
    return outcome === 'stored' ? 'recovered' : outcome;
  }

  #open(frames: number): void {
    const state = this.#state;
    this.#opened = true;
    this.#usualFrames = frames;
    state[FIRST_SEQUENCE] = state[SEQUENCE]!;
    state[NEXT_SEQUENCE] = state[SEQUENCE]!;
    state[PLAY_FRAME] = state[FRAME]!;
    // So that it is the one after the highest, like any other.
    state[HIGH_SEQUENCE] = state[SEQUENCE]! - 1;
    state[HIGH_FRAME] = state[FRAME]! - frames;
    state[HIGH_ARRIVAL] = state[NOW]!;
    state[CONFIRMING] = -1;
  }

  /** Joins the sender's new numbers to the old: this packet is the next one, as long on its way as the last. */
  #restart(): void {
    const state = this.#state;
    state[SEQUENCE_OFFSET] = state[HIGH_SEQUENCE]! + 1 - state[SEQUENCE]!;
    const elapsed = Math.round(((state[NOW]! - state[HIGH_ARRIVAL]!) * this.sampleRate) / 1000);
    const step = elapsed > this.#usualFrames ? elapsed : this.#usualFrames;
    state[FRAME_OFFSET] = state[HIGH_FRAME]! + step - state[FRAME]!;
    this.counters.add(COUNT.restarts, 1);
  }

  /** Where the timestamp jumped while the numbers and the time went on: shifts the scale, so that there is no jump. */
  #followJump(ahead: number, frames: number): void {
    if (ahead <= 0) return;
    const state = this.#state;
    const step = state[FRAME]! + state[FRAME_OFFSET]! - state[HIGH_FRAME]!;
    const byNumber = ahead * (this.#usualFrames > 0 ? this.#usualFrames : frames);
    const byTime = ((state[NOW]! - state[HIGH_ARRIVAL]!) * this.sampleRate) / 1000;
    if (Math.abs(step - byNumber) <= this.#jumpFrames) return;
    if (Math.abs(step - byTime) <= this.#jumpFrames) return;
    state[FRAME_OFFSET] = state[FRAME_OFFSET]! + byNumber - step;
    this.counters.add(COUNT.restarts, 1);
  }

  /** This packet is the newest now: those that have had their time and did not come are lost. */
  #raise(ahead: number, frames: number): void {
    const state = this.#state;
    const capacity = this.#mask + 1;
    const high = state[HIGH_SEQUENCE]! + ahead;
    // The slots that the window moves onto still know of packets one window ago.
    const moved = ahead < capacity ? ahead : capacity;
    let missed = ahead - moved;
    for (let back = moved - 1; back >= 0; back--) {
      const old = high - back - capacity;
      const first = state[FIRST_SEQUENCE]!;
      if (old >= first && this.#seen[old & this.#mask] !== old) missed++;
    }
    if (missed > 0 && this.#listener !== undefined) this.#listener.missed(missed);
    state[HIGH_SEQUENCE] = high;
    state[HIGH_FRAME] = state[FRAME]! + state[FRAME_OFFSET]!;
    state[HIGH_ARRIVAL] = state[NOW]!;
    this.#usualFrames = frames;
    // Too far behind for the window: what is held there can no longer be.
    const floor = high - capacity + 1;
    while (this.#count > 0 && state[NEXT_SEQUENCE]! < floor) {
      const slot = this.#firstFrom(state[NEXT_SEQUENCE]! & this.#mask);
      if (this.#sequences[slot]! >= floor) break;
      state[NEXT_SEQUENCE] = this.#sequences[slot]! + 1;
      this.#discard(slot);
    }
    if (state[NEXT_SEQUENCE]! < floor) state[NEXT_SEQUENCE] = floor;
  }

  #place(frames: number, payload: Uint8Array, copy: number): InsertOutcome {
    const state = this.#state;
    const sequence = state[SEQUENCE]! + state[SEQUENCE_OFFSET]!;
    const start = state[FRAME]! + state[FRAME_OFFSET]!;
    const slot = sequence & this.#mask;
    if (this.#seen[slot]! >= sequence) return this.#again(slot, sequence, frames, payload, copy);
    this.#seen[slot] = sequence;
    const late = this.#isLate(sequence, start, frames);
    const now = state[NOW]!;
    if (this.#listener !== undefined) this.#listener.arrived(start, now, copy, late);
    if (late) {
      if (copy === 0) this.counters.add(COUNT.packetsLate, 1);
      return 'late';
    }
    if (sequence < state[FIRST_SEQUENCE]!) state[FIRST_SEQUENCE] = sequence;
    if (sequence < state[NEXT_SEQUENCE]!) {
      state[NEXT_SEQUENCE] = sequence;
      state[PLAY_FRAME] = start;
    }
    this.#fill(slot, sequence, start, frames, payload, copy);
    this.#held[slot >> 5]! |= 1 << (slot & 31);
    this.#count++;
    return 'stored';
  }

  /** Too late to be played. Before anything was played an older packet moves the start back. */
  #isLate(sequence: number, start: number, frames: number): boolean {
    const state = this.#state;
    if (!this.#played) return state[HIGH_SEQUENCE]! - sequence > this.#mask;
    return sequence < state[NEXT_SEQUENCE]! || start + frames <= state[PLAY_FRAME]!;
  }

  /** A packet that was there before. What is closer to the original takes the place of a copy: it may sound better. */
  #again(
    slot: number,
    sequence: number,
    frames: number,
    payload: Uint8Array,
    copy: number,
  ): InsertOutcome {
    const held =
      this.#sequences[slot] === sequence && (this.#held[slot >> 5]! & (1 << (slot & 31))) !== 0;
    if (held && copy < this.#copies[slot]!) {
      this.counters.add(COUNT.fecPacketsDiscarded, 1);
      const start = this.#starts[slot]!;
      this.#fill(slot, sequence, start, frames, payload, copy);
      return 'stored';
    }
    if (copy === 0) {
      const gone = !held && sequence < this.#state[NEXT_SEQUENCE]!;
      // The copy was played in its stead, or it is older than the window: late rather than doubled.
      const late = gone && (this.#seen[slot]! > sequence || this.#copies[slot]! > 0);
      this.counters.add(late ? COUNT.packetsLate : COUNT.packetsDuplicated, 1);
      return late ? 'late' : 'duplicate';
    }
    return 'duplicate';
  }

  #fill(
    slot: number,
    sequence: number,
    start: number,
    frames: number,
    payload: Uint8Array,
    copy: number,
  ): void {
    this.#sequences[slot] = sequence;
    this.#starts[slot] = start;
    this.#arrivals[slot] = this.#state[NOW]!;
    this.#lengths[slot] = frames;
    this.#bytes[slot] = payload.length;
    this.#copies[slot] = copy;
    this.payloads.set(payload, slot * this.maxPayloadBytes);
  }

  /** The first slot that holds a packet, going round from `from`. One must. */
  #firstFrom(from: number): number {
    const held = this.#held;
    const words = held.length;
    let word = from >> 5;
    let bits = held[word]! & (-1 << (from & 31));
    for (let i = 0; i <= words; i++) {
      if (bits !== 0) return (word << 5) + 31 - Math.clz32(bits & -bits);
      word = word + 1 === words ? 0 : word + 1;
      bits = held[word]!;
    }
    return from;
  }

  #discard(slot: number): void {
    this.#release(slot);
    const index = this.#copies[slot]! > 0 ? COUNT.fecPacketsDiscarded : COUNT.packetsDiscarded;
    this.counters.add(index, 1);
  }

  #release(slot: number): void {
    this.#held[slot >> 5]! &= ~(1 << (slot & 31));
    this.#count--;
  }
}
