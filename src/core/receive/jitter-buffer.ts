import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from '../arguments.ts';
import { PacketSlots } from './packet-slots.ts';
import { COUNT, ReceiveCounters } from './receive-report.ts';
import { FRAME, NOW, SEQUENCE, StreamNumbering } from './stream-numbering.ts';

/** The outcome of inserting a packet into a {@link JitterBuffer}. */
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
  /** It carries no audio, as padding does not: its number is accounted for, and there is nothing to play. */
  | 'empty'
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
  /** The sender began to count again, or its timestamps jumped: what is told of next may lie a little off the scale. */
  restarted(): void;
}

/** Options of a {@link JitterBuffer}. */
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
const NAMES = {
  sampleRate: 1,
  capacityPackets: 1,
  maxPayloadBytes: 1,
  counters: 1,
  listener: 1,
} satisfies OptionNames<JitterBufferOptions>;

/** The slots of changing numbers, which an array keeps unboxed. */
const NEXT_SEQUENCE = 0;
const PLAY_FRAME = 1;
const SLOTS = 2;

/**
 * Holds packets from their arrival until they are played: orders them, finds the one at the playhead, and counts late,
 * lost, duplicate and reordered packets. It has no clock and decides nothing: {@link ReceiveDecision} does.
 *
 * Frames are numbered on one continuous scale of the buffer's own. It starts with the first packet's `frame`, and
 * continues without a step where the sender restarts or its timestamps jump.
 *
 * Nothing allocates after construction, and the work of a call is bounded: payloads are copied into slots of fixed
 * size.
 */
export class JitterBuffer {
  readonly sampleRate: number;
  readonly capacityPackets: number;
  readonly maxPayloadBytes: number;
  readonly counters: ReceiveCounters;
  readonly #listener: ArrivalListener | undefined;
  readonly #state: Float64Array = new Float64Array(SLOTS);
  readonly #numbering: StreamNumbering;
  readonly #slots: PacketSlots;
  /** The last number whose packet was there, by any copy; −1 before. */
  readonly #seen: Float64Array;
  /** 1 where that packet carried no audio. */
  readonly #empty: Uint8Array;
  readonly #mask: number;
  /** Something of the stream has been played, or passed over. */
  #played = false;
  /** Whether the packet at hand is the first after the scale was joined. */
  #joins = false;

  constructor(options: JitterBufferOptions) {
    checkOptions('JitterBuffer', options, NAMES);
    this.sampleRate = integerIn('sampleRate', options.sampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
    const capacity = integerIn('capacityPackets', options.capacityPackets ?? 256, 32, 4096);
    if ((capacity & (capacity - 1)) !== 0) {
      throw new RangeError(`capacityPackets must be a power of two, got ${capacity}.`);
    }
    const bytes = integerIn('maxPayloadBytes', options.maxPayloadBytes ?? 4096, 1, 2 ** 20);
    this.capacityPackets = capacity;
    this.maxPayloadBytes = bytes;
    this.counters = options.counters ?? new ReceiveCounters();
    this.#numbering = new StreamNumbering(this.sampleRate);
    this.#slots = new PacketSlots(capacity, bytes);
    this.#listener = options.listener;
    this.#seen = new Float64Array(capacity).fill(-1);
    this.#empty = new Uint8Array(capacity);
    this.#mask = capacity - 1;
  }

  /** The payloads of all slots: see {@link offsetOf} and {@link bytesOf}. Read only. */
  get payloads(): Uint8Array {
    return this.#slots.payloads;
  }

  /** Packets held. */
  get count(): number {
    return this.#slots.count;
  }

  /** Whether any packet ever came. */
  get opened(): boolean {
    return this.#numbering.opened;
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
    if (this.#slots.count === 0) return 0;
    const { highFrame, usualFrames } = this.#numbering;
    const level = highFrame + usualFrames - this.#state[PLAY_FRAME]!;
    return level > 0 ? level : 0;
  }

  /** Frames of the newest packet: how long a missing one is taken to be. 0 before the first. */
  get usualFrames(): number {
    return this.#numbering.usualFrames;
  }

  /** Expected less received (RFC 3550 A.3), redundant copies not counted. */
  get packetsLost(): number {
    return this.#numbering.lost;
  }

  /**
   * Inserts a packet. Insert it before the copies that arrived in it.
   * @param sequence the packet's number, unwrapped
   * @param frame number of its first frame, unwrapped
   * @param frames frames that it holds; 0, with an empty payload, for a packet that carries no audio
   * @param payload copied; yours again on return
   * @param nowMs time of arrival on the clock of playing
   * @param copy 0 for the packet itself, 1 and up for redundant copies, {@link FEC_COPY} for FEC: they fill a hole, or
   *   take the place of a higher one, or are dropped
   */
  insert(
    sequence: number,
    frame: number,
    frames: number,
    payload: Uint8Array,
    nowMs: number,
    copy = 0,
  ): InsertOutcome {
    // So short that it is inlined: the numbers of a real call would be allocated.
    const { input } = this.#numbering;
    input[SEQUENCE] = sequence;
    input[FRAME] = frame;
    input[NOW] = nowMs;
    return copy > 0 ? this.#insertCopy(frames, payload, copy) : this.#insertPacket(frames, payload);
  }

  /** The first packet held at or behind the playhead, as the number of its slot; −1 when none is. */
  next(): number {
    while (this.#slots.count > 0) {
      const slot = this.#slots.firstFrom(this.#state[NEXT_SEQUENCE]! & this.#mask);
      if (this.#slots.starts[slot]! + this.#slots.frames[slot]! > this.#state[PLAY_FRAME]!)
        return slot;
      // Its place was filled with something else meanwhile.
      this.#state[NEXT_SEQUENCE] = this.#slots.sequences[slot]! + 1;
      this.#discard(slot);
    }
    return -1;
  }

  /** Frames from the playhead to the packet's first: 0 when it is next, negative when some of it has been covered. */
  gapBefore(slot: number): number {
    return this.#slots.starts[slot]! - this.#state[PLAY_FRAME]!;
  }

  /** The packet's number. */
  sequenceOf(slot: number): number {
    return this.#slots.sequences[slot]!;
  }

  /** Number of its first frame. */
  frameOf(slot: number): number {
    return this.#slots.starts[slot]!;
  }

  /** Frames that it holds. */
  framesOf(slot: number): number {
    return this.#slots.frames[slot]!;
  }

  /** Where its payload begins in {@link payloads}. */
  offsetOf(slot: number): number {
    return slot * this.maxPayloadBytes;
  }

  /** Bytes of its payload. */
  bytesOf(slot: number): number {
    return this.#slots.bytes[slot]!;
  }

  /** 0 for the packet itself, {@link FEC_COPY} for FEC in another's payload, else which copy. */
  copyOf(slot: number): number {
    return this.#slots.copies[slot]!;
  }

  /**
   * Whether it is the first behind a place where the scale was joined: its audio need not continue that of the packet before, even
   * where no frames are missing between.
   */
  joinsAt(slot: number): boolean {
    return this.#slots.joins[slot] === 1;
  }

  /**
   * Takes the packet out: the playhead moves behind it. Its payload stays readable until the next `insert`.
   * @param slot from {@link next}
   * @param atMs when its first frame will be heard
   * @returns how many of its first frames have been covered already and are not to be played
   */
  take(slot: number, atMs: number): number {
    const state = this.#state;
    const start = this.#slots.starts[slot]!;
    const frames = this.#slots.frames[slot]!;
    const covered = start < state[PLAY_FRAME]! ? state[PLAY_FRAME]! - start : 0;
    state[PLAY_FRAME] = start + frames;
    state[NEXT_SEQUENCE] = this.#slots.sequences[slot]! + 1;
    this.#played = true;
    this.#slots.release(slot);
    const emitted = frames - covered;
    this.counters.add(COUNT.jitterBufferEmittedCount, emitted);
    this.counters.add(
      COUNT.jitterBufferDelay,
      (emitted * (atMs - this.#slots.arrivals[slot]!)) / 1000,
    );
    if (this.#slots.copies[slot]! > 0) this.counters.add(COUNT.packetsRecovered, 1);
    return covered;
  }

  /** Moves the playhead over frames that something else was played for. What then lies wholly before it is late. */
  pass(frames: number): void {
    this.#state[PLAY_FRAME] = this.#state[PLAY_FRAME]! + frames;
    this.#played = true;
  }

  /** As new, but for the counters. */
  reset(): void {
    this.#numbering.reset();
    this.#slots.clear();
    this.#seen.fill(-1);
    this.#state.fill(0);
    this.#played = false;
  }

  #insertPacket(frames: number, payload: Uint8Array): InsertOutcome {
    const { counters } = this;
    counters.add(COUNT.bytesReceived, payload.length);
    counters.add(COUNT.packetsReceived, 1);
    const outcome = this.#acceptPacket(frames, payload);
    if (outcome !== 'stored' && outcome !== 'empty') counters.add(COUNT.packetsDiscarded, 1);
    counters.values[COUNT.packetsLost] = this.packetsLost;
    counters.values[COUNT.restarts] = this.#numbering.restarts;
    return outcome;
  }

  #acceptPacket(frames: number, payload: Uint8Array): InsertOutcome {
    const numbering = this.#numbering;
    const state = this.#state;
    if (frames === 0 && payload.length === 0) return this.#acceptEmpty();
    if (frames <= 0 || payload.length > this.maxPayloadBytes) return 'unusable';
    if (!numbering.opened) {
      state[NEXT_SEQUENCE] = numbering.sequence;
      state[PLAY_FRAME] = numbering.frame;
    }
    const { restarts } = numbering;
    if (!numbering.accept(frames)) return 'stray';
    this.#joins = numbering.joins;
    if (numbering.restarts !== restarts) this.#listener?.restarted();
    if (numbering.ahead > 0) this.#moveWindow();
    else if (numbering.ahead < 0) this.counters.add(COUNT.packetsReordered, 1);
    return this.#place(frames, payload, 0);
  }

  /** A packet without audio: nothing is to be concealed for its number. */
  #acceptEmpty(): InsertOutcome {
    const numbering = this.#numbering;
    if (!numbering.acceptWithoutAudio()) return 'stray';
    if (numbering.ahead > 0) this.#moveWindow();
    else if (numbering.ahead < 0) this.counters.add(COUNT.packetsReordered, 1);
    const slot = numbering.sequence & this.#mask;
    if (this.#seen[slot]! < numbering.sequence) {
      this.#seen[slot] = numbering.sequence;
      this.#empty[slot] = 1;
    }
    return 'empty';
  }

  #insertCopy(frames: number, payload: Uint8Array, copy: number): InsertOutcome {
    const { counters } = this;
    counters.add(COUNT.bytesReceived, payload.length);
    counters.add(COUNT.fecPacketsReceived, 1);
    const outcome = this.#acceptCopy(frames, payload, copy);
    if (outcome === 'stored') return 'recovered';
    counters.add(COUNT.fecPacketsDiscarded, 1);
    return outcome;
  }

  #acceptCopy(frames: number, payload: Uint8Array, copy: number): InsertOutcome {
    if (frames <= 0 || payload.length > this.maxPayloadBytes) return 'unusable';
    if (!this.#numbering.locate(copy !== FEC_COPY)) return 'stray';
    this.#joins = this.#numbering.joins;
    // FEC is about the audio before, not about the number before.
    if (copy === FEC_COPY) this.#passEmpty();
    return this.#place(frames, payload, copy);
  }

  #passEmpty(): void {
    const { input } = this.#numbering;
    for (let back = 0; back <= this.#mask; back++) {
      const slot = input[SEQUENCE]! & this.#mask;
      if (this.#seen[slot] !== input[SEQUENCE]! || this.#empty[slot] === 0) return;
      input[SEQUENCE] = input[SEQUENCE]! - 1;
    }
  }

  /** A packet is the newest now: those that have had their time and did not come are lost. */
  #moveWindow(): void {
    const state = this.#state;
    const { highSequence, firstSequence, ahead } = this.#numbering;
    const capacity = this.#mask + 1;
    // The slots that the window moves onto still know of packets one window ago.
    const moved = ahead < capacity ? ahead : capacity;
    let missed = ahead - moved;
    for (let back = moved - 1; back >= 0; back--) {
      const old = highSequence - back - capacity;
      if (old >= firstSequence && this.#seen[old & this.#mask] !== old) missed++;
    }
    if (missed > 0 && this.#listener !== undefined) this.#listener.missed(missed);
    // What is too far behind can no longer be held.
    const floor = highSequence - capacity + 1;
    while (this.#slots.count > 0 && state[NEXT_SEQUENCE]! < floor) {
      const slot = this.#slots.firstFrom(state[NEXT_SEQUENCE]! & this.#mask);
      if (this.#slots.sequences[slot]! >= floor) break;
      state[NEXT_SEQUENCE] = this.#slots.sequences[slot]! + 1;
      this.#discard(slot);
    }
    if (state[NEXT_SEQUENCE]! < floor) state[NEXT_SEQUENCE] = floor;
  }

  #place(frames: number, payload: Uint8Array, copy: number): InsertOutcome {
    const state = this.#state;
    const { sequence, frame: start, nowMs: now } = this.#numbering;
    const slot = sequence & this.#mask;
    if (this.#seen[slot]! >= sequence) return this.#again(slot, sequence, frames, payload, copy);
    this.#seen[slot] = sequence;
    this.#empty[slot] = 0;
    const late = this.#isLate(sequence, start, frames);
    if (this.#listener !== undefined) this.#listener.arrived(start, now, copy, late);
    if (late) {
      if (copy === 0) this.counters.add(COUNT.packetsLate, 1);
      return 'late';
    }
    if (sequence < state[NEXT_SEQUENCE]!) {
      state[NEXT_SEQUENCE] = sequence;
      state[PLAY_FRAME] = start;
    }
    this.#slots.sequences[slot] = sequence;
    this.#slots.starts[slot] = start;
    this.#slots.arrivals[slot] = now;
    this.#slots.joins[slot] = this.#joins ? 1 : 0;
    this.#slots.put(slot, frames, payload, copy);
    return 'stored';
  }

  /** Too late to be played. Before anything was played an older packet moves the start back. */
  #isLate(sequence: number, start: number, frames: number): boolean {
    const state = this.#state;
    if (!this.#played) return this.#numbering.highSequence - sequence > this.#mask;
    return sequence < state[NEXT_SEQUENCE]! || start + frames <= state[PLAY_FRAME]!;
  }

  /** A packet that has already arrived. A better copy replaces a worse one. */
  #again(
    slot: number,
    sequence: number,
    frames: number,
    payload: Uint8Array,
    copy: number,
  ): InsertOutcome {
    const held = this.#slots.holds(slot, sequence);
    if (held && this.#joins) this.#slots.joins[slot] = 1;
    if (held && copy < this.#slots.copies[slot]!) {
      this.counters.add(COUNT.fecPacketsDiscarded, 1);
      this.#slots.arrivals[slot] = this.#numbering.nowMs;
      this.#slots.put(slot, frames, payload, copy);
      return 'stored';
    }
    if (copy === 0) {
      const gone = !held && sequence < this.#state[NEXT_SEQUENCE]!;
      // The copy was played in its stead, or it is older than the window: late rather than doubled.
      const late = gone && (this.#seen[slot]! > sequence || this.#slots.copies[slot]! > 0);
      this.counters.add(late ? COUNT.packetsLate : COUNT.packetsDuplicated, 1);
      return late ? 'late' : 'duplicate';
    }
    return 'duplicate';
  }

  #discard(slot: number): void {
    this.#slots.release(slot);
    const index =
      this.#slots.copies[slot]! > 0 ? COUNT.fecPacketsDiscarded : COUNT.packetsDiscarded;
    this.counters.add(index, 1);
  }
}
