/**
 * The slots of a jitter buffer: packet n is in slot n modulo their number, with its payload copied to a fixed part of one array.
 * Allocates only in its constructor.
 */
export class PacketSlots {
  readonly maxPayloadBytes: number;
  readonly payloads: Uint8Array;
  /** For each slot: the packet's number, its first frame, its arrival in ms, its frames and bytes, and the number of the copy. */
  readonly sequences: Float64Array;
  readonly starts: Float64Array;
  readonly arrivals: Float64Array;
  readonly frames: Int32Array;
  readonly bytes: Int32Array;
  readonly copies: Uint8Array;
  /** 1 if the packet's audio does not continue that of the previous one. */
  readonly joins: Uint8Array;
  /** Number of packets held. */
  count = 0;
  /** One bit per slot: whether it holds a packet. */
  readonly #held: Int32Array;

  /** @param capacity a power of two, 32 or more */
  constructor(capacity: number, maxPayloadBytes: number) {
    this.maxPayloadBytes = maxPayloadBytes;
    this.payloads = new Uint8Array(capacity * maxPayloadBytes);
    this.sequences = new Float64Array(capacity);
    this.starts = new Float64Array(capacity);
    this.arrivals = new Float64Array(capacity);
    this.frames = new Int32Array(capacity);
    this.bytes = new Int32Array(capacity);
    this.copies = new Uint8Array(capacity);
    this.joins = new Uint8Array(capacity);
    this.#held = new Int32Array(capacity >> 5);
  }

  holds(slot: number, sequence: number): boolean {
    const held = (this.#held[slot >> 5]! & (1 << (slot & 31))) !== 0;
    return held && this.sequences[slot] === sequence;
  }

  /** Stores a packet, replacing the previous one. The caller sets `sequences`, `starts` and `arrivals`, which are doubles. */
  put(slot: number, frames: number, payload: Uint8Array, copy: number): void {
    const bit = 1 << (slot & 31);
    if ((this.#held[slot >> 5]! & bit) === 0) this.count++;
    this.#held[slot >> 5]! |= bit;
    this.frames[slot] = frames;
    this.bytes[slot] = payload.length;
    this.copies[slot] = copy;
    this.payloads.set(payload, slot * this.maxPayloadBytes);
  }

  /** Frees a slot. Its content stays readable until the next packet is stored there. */
  release(slot: number): void {
    this.#held[slot >> 5]! &= ~(1 << (slot & 31));
    this.count--;
  }

  /** Returns the first slot that holds a packet, cyclically from `from`. There must be one. */
  firstFrom(from: number): number {
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

  clear(): void {
    this.#held.fill(0);
    this.count = 0;
  }
}
