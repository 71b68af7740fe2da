/*
 * Arithmetic with numbers that wrap: sequence numbers (16 bits) and timestamps (32 bits) of RTP. It has no other home. A number
 * precedes another if the forward distance to it is the shorter one (RFC 1982).
 */

const SEQUENCES = 2 ** 16;
const TIMESTAMPS = 2 ** 32;

/** Returns the distance from `from` to `to`, −2¹⁵..2¹⁵−1. */
export function sequenceDifference(from: number, to: number): number {
  return ((to - from) << 16) >> 16;
}

/** Returns the distance from `from` to `to`, −2³¹..2³¹−1. */
export function timestampDifference(from: number, to: number): number {
  return (to - from) | 0;
}

/**
 * Unwraps sequence numbers: 65535, 0 becomes 65535, 65536. The first keeps its value; each later one is assumed to lie within 2¹⁵
 * of the highest. Allocates only in its constructor.
 */
export class SequenceUnwrapper {
  /** The highest so far; NaN before the first. In an array, because V8 allocates each new value of a field that holds a double. */
  readonly #highest = Float64Array.of(Number.NaN);

  /**
   * Takes the next sequence number in the order of arrival.
   * @param sequenceNumber 0..65535
   * @returns the unwrapped number; negative if it precedes a first number close to 0
   */
  unwrap(sequenceNumber: number): number {
    const full = this.peek(sequenceNumber);
    if (!(full <= this.#highest[0]!)) this.#highest[0] = full;
    return full;
  }

  /** Returns what `unwrap` would return, without taking the number. */
  peek(sequenceNumber: number): number {
    const highest = this.#highest[0]!;
    if (Number.isNaN(highest)) return sequenceNumber;
    return highest + sequenceDifference(modulo(highest, SEQUENCES), sequenceNumber);
  }

  /** The highest unwrapped number so far; NaN before the first. */
  get highest(): number {
    return this.#highest[0]!;
  }

  /** Restores the initial state. */
  reset(): void {
    this.#highest[0] = Number.NaN;
  }
}

/** Unwraps timestamps of 32 bits: each is assumed to lie within 2³¹ of the highest. Allocates only in its constructor. */
export class TimestampUnwrapper {
  /** The highest so far; NaN before the first. */
  readonly #highest = Float64Array.of(Number.NaN);

  /**
   * Takes the next timestamp in the order of arrival.
   * @param timestamp 0..2³²−1
   * @returns the unwrapped timestamp; negative if it precedes a first timestamp close to 0
   */
  unwrap(timestamp: number): number {
    const full = this.peek(timestamp);
    if (!(full <= this.#highest[0]!)) this.#highest[0] = full;
    return full;
  }

  /** Returns what `unwrap` would return, without taking the timestamp. */
  peek(timestamp: number): number {
    const highest = this.#highest[0]!;
    if (Number.isNaN(highest)) return timestamp;
    return highest + timestampDifference(modulo(highest, TIMESTAMPS), timestamp);
  }

  /** The highest unwrapped timestamp so far; NaN before the first. */
  get highest(): number {
    return this.#highest[0]!;
  }

  /** Restores the initial state. */
  reset(): void {
    this.#highest[0] = Number.NaN;
  }
}

function modulo(value: number, size: number): number {
  return value - size * Math.floor(value / size);
}
