/*
 * Arithmetic with numbers that wrap: sequence numbers (16 bits) and timestamps (32 bits) of RTP. All of
 * it is here. One number lies before another when the way to it is shorter forwards than backwards (RFC 1982).
 */

const SEQUENCES = 2 ** 16;
const TIMESTAMPS = 2 ** 32;

/** How far `to` lies behind `from`, −2¹⁵..2¹⁵−1. */
export function sequenceDifference(from: number, to: number): number {
  return ((to - from) << 16) >> 16;
}

/** How far `to` lies behind `from`, −2³¹..2³¹−1. */
export function timestampDifference(from: number, to: number): number {
  return (to - from) | 0;
}

/**
 * Extends sequence numbers that wrap: 65535, 0 gives 65535, 65536. The first keeps its value; of the others each is
 * taken to lie within 2¹⁵ of the highest. Allocates in its constructor only.
 */
export class SequenceUnwrapper {
  /** The highest so far; NaN before the first. In an array, since V8 allocates each new value of a field that holds a double. */
  readonly #highest = Float64Array.of(Number.NaN);

  /**
   * Takes the next one that arrives.
   * @param sequenceNumber 0..65535
   * @returns its number in full. Negative where it lies before the first, which was close to 0.
   */
  unwrap(sequenceNumber: number): number {
    const full = this.peek(sequenceNumber);
    if (!(full <= this.#highest[0]!)) this.#highest[0] = full;
    return full;
  }

  /** What `unwrap` would give, without taking it. */
  peek(sequenceNumber: number): number {
    const highest = this.#highest[0]!;
    if (Number.isNaN(highest)) return sequenceNumber;
    return highest + sequenceDifference(modulo(highest, SEQUENCES), sequenceNumber);
  }

  /** The highest so far; NaN before the first. */
  get highest(): number {
    return this.#highest[0]!;
  }

  /** As new. */
  reset(): void {
    this.#highest[0] = Number.NaN;
  }
}

/** The same for timestamps of 32 bits: each is taken to lie within 2³¹ of the highest. Allocates in its constructor only. */
export class TimestampUnwrapper {
  /** As above. */
  readonly #highest = Float64Array.of(Number.NaN);

  /**
   * Takes the next one that arrives.
   * @param timestamp 0..2³²−1
   * @returns it in full. Negative where it lies before the first, which was close to 0.
   */
  unwrap(timestamp: number): number {
    const full = this.peek(timestamp);
    if (!(full <= this.#highest[0]!)) this.#highest[0] = full;
    return full;
  }

  /** What `unwrap` would give, without taking it. */
  peek(timestamp: number): number {
    const highest = this.#highest[0]!;
    if (Number.isNaN(highest)) return timestamp;
    return highest + timestampDifference(modulo(highest, TIMESTAMPS), timestamp);
  }

  /** The highest so far; NaN before the first. */
  get highest(): number {
    return this.#highest[0]!;
  }

  /** As new. */
  reset(): void {
    this.#highest[0] = Number.NaN;
  }
}

function modulo(value: number, size: number): number {
  return value - size * Math.floor(value / size);
}
