import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from '../arguments.ts';
import { PacketSlots } from './packet-slots.ts';
import { COUNT, ReceiveCounters } from './receive-report.ts';
import { FRAME, NOW, SEQUENCE, StreamNumbering } from './stream-numbering.ts';

/** The outcome of inserting a packet into a {@link JitterBuffer}. */
export type InsertOutcome =
  /** The packet is held until it is played. */
  | 'stored'
  /** A copy from inside another packet filled a hole. */
  | 'recovered'
  /** The packet is already in the buffer, or has been played. */
  | 'duplicate'
  /** The packet arrived after its turn. */
  | 'late'
  /** The packet's number is far from all others: it counts as a stray until the next one confirms it. */
  | 'stray'
  /** The packet carries no audio, only padding for example: its number is accounted for, and there is nothing to play. */
  | 'empty'
  /** The packet is longer than a slot, or holds no frames. */
  | 'unusable';

/**
 * Value of `copy` for `insert`: the payload is that of the next packet, whose FEC (Opus: LBRR) describes this one. It is decoded by
 * `recover`, and anything else that arrives for this packet replaces it.
 */
export const FEC_COPY = 255;

/** Is notified of the first arrival of every packet, in whatever copy. {@link DelayTarget} implements it. */
export interface ArrivalListener {
  /**
   * @param frame number of the packet's first frame on the buffer's own, continuous scale
   * @param copy 0 for the packet itself, otherwise the number of the copy
   * @param late whether it arrived too late to be played
   */
  arrived(frame: number, nowMs: number, copy: number, late: boolean): void;
  /** Called when `count` packets are lost. */
  missed(count: number): void;
  /** Called when the sender restarted, or its timestamps jumped: later frame numbers may be slightly off the scale. */
  restarted(): void;
}

/** Options of a {@link JitterBuffer}. */
export interface JitterBufferOptions {
  /** Sample rate of the wire in Hz, in which `frame` and `frames` are counted. */
  readonly sampleRate: number;
  /** Capacity in packets, a power of two from 32 to 4096. At 20 ms the default holds 5 s. @default 256 */
  readonly capacityPackets?: number;
  /** Maximum payload in bytes: every packet has a slot of this size. @default 4096 */
  readonly maxPayloadBytes?: number;
  /** The counters to use. @default its own */
  readonly counters?: ReceiveCounters;
  /** Is notified of arrivals. @default no listener */
  readonly listener?: ArrivalListener;
}
const NAMES = {
  sampleRate: 1,
  capacityPackets: 1,
  maxPayloadBytes: 1,
  counters: 1,
  listener: 1,
} satisfies OptionNames<JitterBufferOptions>;

/** Slots of the numbers that change, which an array keeps unboxed. */
const NEXT_SEQUENCE = 0;
const PLAY_FRAME = 1;
const SLOTS = 2;

/**
 * Holds packets from their arrival until they are played: puts them in order, finds the next one at the playhead, and counts late,
 * lost, duplicate and reordered packets. It has no clock and makes no decisions: {@link ReceiveDecision} does.
 *
 * Frames are numbered on the buffer's own continuous scale. It starts with the first packet's `frame`, and continues without a step
 * if the sender restarts or its timestamps jump.
 *
 * It allocates only in its constructor, and the work of each call is bounded: payloads are copied into slots of fixed size.
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
  /** The last number whose packet arrived, in any copy; −1 before. */
  readonly #seen: Float64Array;
  /** 1 if that packet carried no audio. */
  readonly #empty: Uint8Array;
  readonly #mask: number;
  /** Whether any part of the stream has been played or passed. */
  #played = false;
  /** Whether the current packet is the first after a join of the scale. */
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

  /** The payloads of all slots, read-only: see {@link offsetOf} and {@link bytesOf}. */
  get payloads(): Uint8Array {
    return this.#slots.payloads;
  }

  /** Number of packets held. */
  get count(): number {
    return this.#slots.count;
  }

  /** Whether any packet has arrived. */
  get opened(): boolean {
    return this.#numbering.opened;
  }

  /** Number of the next frame to play. */
  get playFrame(): number {
    return this.#state[PLAY_FRAME]!;
  }

  /** Number of the next packet to play. */
  get nextSequence(): number {
    return this.#state[NEXT_SEQUENCE]!;
  }

  /** Frames from the playhead to the end of the newest packet, including missing ones. 0 if no packet is held. */
  get levelFrames(): number {
    if (this.#slots.count === 0) return 0;
    const { highFrame, usualFrames } = this.#numbering;
    const level = highFrame + usualFrames - this.#state[PLAY_FRAME]!;
    return level > 0 ? level : 0;
  }

  /** Frames of the newest packet, which is the assumed length of a missing one. 0 before the first packet. */
  get usualFrames(): number {
    return this.#numbering.usualFrames;
  }

  /** Expected minus received packets (RFC 3550 A.3); redundant copies do not count. */
  get packetsLost(): number {
    return this.#numbering.lost;
  }

  /**
   * Inserts a packet. Insert it before the copies that arrived in it.
   * @param sequence the packet's number, unwrapped
   * @param frame number of its first frame, unwrapped
   * @param frames number of frames in it; 0, with an empty payload, for a packet without audio
   * @param payload copied; the caller may reuse it afterwards
   * @param nowMs time of arrival, on the clock of the playout
   * @param copy 0 for the packet itself, 1 and up for redundant copies, {@link FEC_COPY} for FEC: a copy fills a hole, replaces one
   *   with a higher number, or is dropped
   */
  insert(
    sequence: number,
    frame: number,
    frames: number,
    payload: Uint8Array,
    nowMs: number,
    copy = 0,
  ): InsertOutcome {
    // Short enough to be inlined: the numbers of a real call would be allocated.
    const { input } = this.#numbering;
    input[SEQUENCE] = sequence;
    input[FRAME] = frame;
    input[NOW] = nowMs;
    return copy > 0 ? this.#insertCopy(frames, payload, copy) : this.#insertPacket(frames, payload);
  }

  /** Returns the slot of the first packet held at or after the playhead; −1 if there is no packet. */
  next(): number {
    while (this.#slots.count > 0) {
      const slot = this.#slots.firstFrom(this.#state[NEXT_SEQUENCE]! & this.#mask);
      if (this.#slots.starts[slot]! + this.#slots.frames[slot]! > this.#state[PLAY_FRAME]!)
        return slot;
      // Its slot has been reused since.
      this.#state[NEXT_SEQUENCE] = this.#slots.sequences[slot]! + 1;
      this.#discard(slot);
    }
    return -1;
  }

  /** Returns the frames from the playhead to the packet's first frame: 0 if it is next, negative if part of it has been covered. */
  gapBefore(slot: number): number {
    return this.#slots.starts[slot]! - this.#state[PLAY_FRAME]!;
  }

  /** Returns the packet's number. */
  sequenceOf(slot: number): number {
    return this.#slots.sequences[slot]!;
  }

  /** Returns the number of its first frame. */
  frameOf(slot: number): number {
    return this.#slots.starts[slot]!;
  }

  /** Returns the number of frames in it. */
  framesOf(slot: number): number {
    return this.#slots.frames[slot]!;
  }

  /** Returns the offset of its payload in {@link payloads}. */
  offsetOf(slot: number): number {
    return slot * this.maxPayloadBytes;
  }

  /** Returns the size of its payload in bytes. */
  bytesOf(slot: number): number {
    return this.#slots.bytes[slot]!;
  }

  /** Returns 0 for the packet itself, {@link FEC_COPY} for FEC from another payload, otherwise the number of the copy. */
  copyOf(slot: number): number {
    return this.#slots.copies[slot]!;
  }

  /**
   * Returns whether it is the first packet after a join of the scale: its audio need not continue that of the previous packet, even
   * if no frames are missing in between.
   */
  joinsAt(slot: number): boolean {
    return this.#slots.joins[slot] === 1;
  }

  /**
   * Takes the packet out and moves the playhead past it. Its payload stays readable until the next `insert`.
   * @param slot from {@link next}
   * @param atMs when its first frame will be heard
   * @returns how many of its first frames are covered already and must not be played
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

  /** Moves the playhead over frames that were replaced by other audio. Packets that end before it are then late. */
  pass(frames: number): void {
    this.#state[PLAY_FRAME] = this.#state[PLAY_FRAME]! + frames;
    this.#played = true;
  }

  /** Restores the initial state, except for the counters. */
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

  /** Takes a packet without audio: no audio is concealed for its number. */
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
    // FEC describes the previous audio, not the packet with the previous number.
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

  /** Moves the window after a new highest packet: packets that have not arrived in time are lost. */
  #moveWindow(): void {
    const state = this.#state;
    const { highSequence, firstSequence, ahead } = this.#numbering;
    const capacity = this.#mask + 1;
    // The slots that enter the window still refer to packets of one window ago.
    const moved = ahead < capacity ? ahead : capacity;
    let missed = ahead - moved;
    for (let back = moved - 1; back >= 0; back--) {
      const old = highSequence - back - capacity;
      if (old >= firstSequence && this.#seen[old & this.#mask] !== old) missed++;
    }
    if (missed > 0 && this.#listener !== undefined) this.#listener.missed(missed);
    // Packets too far back can no longer be held.
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

  /** Returns whether a packet is too late. Before playout starts, an older packet moves the start back. */
  #isLate(sequence: number, start: number, frames: number): boolean {
    const state = this.#state;
    if (!this.#played) return this.#numbering.highSequence - sequence > this.#mask;
    return sequence < state[NEXT_SEQUENCE]! || start + frames <= state[PLAY_FRAME]!;
  }

  /** Handles a packet that has already arrived. A better copy replaces a worse one. */
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
      // A copy was played instead, or the packet is older than the window: late, not a duplicate.
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
