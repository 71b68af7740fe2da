import { Fifo } from '../core/session/fifo.ts';
import type { Packet } from '../core/framing/packet.ts';

/** Number of sequence numbers that are remembered as delivered or not: more than a decoder looks back. */
const REMEMBERED = 4096;
/** Maximum number of waiting packets. */
const MAX_WAITING = 512;

/** Counts of a {@link ReorderWindow}, in packets. */
export interface ReorderCounts {
  /** Packets that arrived out of order and were put in order. */
  readonly reordered: number;
  /** Packets that arrived after their place was abandoned. */
  readonly late: number;
  /** Packets that arrived again. */
  readonly duplicates: number;
  /** Packets that were abandoned. */
  readonly lost: number;
  /** Packets that were replaced by a redundant copy. */
  readonly recovered: number;
}

/**
 * Puts packets in the order of their sequence numbers: a packet that overtook others waits for them, for a limited time. Has no
 * clock: each call passes the time.
 */
export class ReorderWindow {
  readonly #windowMs: number;
  readonly #maxBytes: number;
  /** Waiting packets, by number. */
  readonly #waiting = new Map<number, Packet>();
  /** Numbers in the order of arrival, with their arrival times. Delivered ones are skipped. */
  readonly #arrivals = new Fifo<{ readonly sequence: number; readonly atMs: number }>();
  /** 1 for each recent number that was delivered, at its index modulo the length. */
  readonly #given = new Uint8Array(REMEMBERED);
  /** The next number to deliver; −1 before the first. */
  #next = -1;
  #highest = -1;
  #waitingBytes = 0;
  #waitingFrames = 0;
  #reordered = 0;
  #late = 0;
  #duplicates = 0;
  #lost = 0;
  #recovered = 0;

  /**
   * @param windowMs how long a packet waits for earlier ones, in ms
   * @param maxBytes maximum size of waiting payloads; above it, packets no longer wait
   */
  constructor(windowMs: number, maxBytes: number) {
    this.#windowMs = windowMs;
    this.#maxBytes = maxBytes;
  }

  get counts(): ReorderCounts {
    return {
      reordered: this.#reordered,
      late: this.#late,
      duplicates: this.#duplicates,
      lost: this.#lost,
      recovered: this.#recovered,
    };
  }

  /** Number of frames in the waiting packets. */
  get waitingFrames(): number {
    return this.#waitingFrames;
  }

  /** When `next` will return a packet even if no other packet arrives; null while no packet waits. */
  get dueMs(): number | null {
    const oldest = this.#oldestMs();
    return oldest === null ? null : oldest + this.#windowMs;
  }

  /**
   * Takes a packet as it arrives. Its payload is kept and must not change.
   * @returns whether its audio is new
   */
  take(packet: Packet, nowMs: number): boolean {
    const { sequence } = packet;
    const isCopy = packet.redundant === true;
    if (sequence < this.#next) {
      if (isCopy) return false;
      const isKnown =
        this.#next - sequence <= REMEMBERED && this.#given[sequence % REMEMBERED] === 1;
      if (isKnown) this.#duplicates++;
      else this.#late++;
      return false;
    }
    const other = this.#waiting.get(sequence);
    if (other !== undefined) {
      if (isCopy) return false;
      if (other.redundant !== true) {
        this.#duplicates++;
        return false;
      }
      // The packet itself arrived after its copy: it was not lost.
      this.#recovered--;
      this.#put(packet, other);
      return false;
    }
    if (isCopy) this.#recovered++;
    else if (sequence < this.#highest) this.#reordered++;
    this.#highest = Math.max(this.#highest, sequence);
    this.#put(packet);
    this.#arrivals.push({ sequence, atMs: nowMs });
    return true;
  }

  /** Returns the next packet in order; null while the window waits for it. `sequence` may jump: the packets in between are lost. */
  next(nowMs: number): Packet | null {
    const following = this.#next >= 0 ? this.#waiting.get(this.#next) : undefined;
    if (following !== undefined) return this.#give(following);
    const oldest = this.#oldestMs();
    if (oldest === null) return null;
    const isFull = this.#waiting.size > MAX_WAITING || this.#waitingBytes > this.#maxBytes;
    if (nowMs < oldest + this.#windowMs && !isFull) return null;
    return this.#giveLowest();
  }

  /** Returns the next packet without waiting for earlier ones; null when no packet waits. */
  flush(): Packet | null {
    return this.#waiting.size === 0 ? null : this.#giveLowest();
  }

  #giveLowest(): Packet {
    let lowest = Infinity;
    for (const sequence of this.#waiting.keys()) lowest = Math.min(lowest, sequence);
    return this.#give(this.#waiting.get(lowest)!);
  }

  #give(packet: Packet): Packet {
    const { sequence } = packet;
    this.#waiting.delete(sequence);
    this.#waitingBytes -= packet.payload.length;
    this.#waitingFrames -= packet.frames;
    const lost = this.#next < 0 ? 0 : sequence - this.#next;
    this.#lost += lost;
    for (let back = 1; back <= Math.min(lost, REMEMBERED); back++) {
      this.#given[(sequence - back) % REMEMBERED] = 0;
    }
    this.#given[sequence % REMEMBERED] = 1;
    this.#next = sequence + 1;
    return packet;
  }

  #put(packet: Packet, other?: Packet): void {
    this.#waiting.set(packet.sequence, packet);
    this.#waitingBytes += packet.payload.length - (other?.payload.length ?? 0);
    this.#waitingFrames += packet.frames - (other?.frames ?? 0);
  }

  /** Returns when the oldest waiting packet arrived. */
  #oldestMs(): number | null {
    for (let first = this.#arrivals.at(0); first !== undefined; first = this.#arrivals.at(0)) {
      if (this.#waiting.has(first.sequence)) return first.atMs;
      this.#arrivals.shift();
    }
    return null;
  }
}
