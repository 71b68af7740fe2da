import { PacketError } from '../errors.ts';

/*
 * Variable-length integers of QUIC (RFC 9000 §16), up to the largest integer that a double represents exactly. The two highest bits
 * of the first byte give the length; all numbers are in network byte order.
 *
 *    00   1 byte    6 bits   0 … 63
 *    01   2 bytes  14 bits   0 … 16383
 *    10   4 bytes  30 bits   0 … 1073741823
 *    11   8 bytes  62 bits   0 … 2⁵³ − 1 (messages may hold nothing above)
 */

const LIMIT_1 = 2 ** 6;
const LIMIT_2 = 2 ** 14;
const LIMIT_4 = 2 ** 30;
const TWO_32 = 2 ** 32;
/** Bits of the first byte that belong to the number. */
const FIRST_BITS = 0x3f;

/** An integer that was read, and the offset of the bytes after it. */
export interface IntegerRead {
  readonly value: number;
  readonly end: number;
}

/** Returns the size in bytes of an integer of 0..2⁵³−1. */
export function integerBytes(value: number): 1 | 2 | 4 | 8 {
  return value < LIMIT_1 ? 1 : value < LIMIT_2 ? 2 : value < LIMIT_4 ? 4 : 8;
}

/**
 * Writes an integer of 0..2⁵³−1 in as few bytes as possible.
 * @param target caller-owned; at least `at + integerBytes(value)` bytes
 * @returns the offset of the next byte
 */
export function writeInteger(value: number, target: Uint8Array, at: number): number {
  if (value < LIMIT_1) {
    target[at] = value;
    return at + 1;
  }
  if (value < LIMIT_2) {
    target[at] = 0x40 | (value >> 8);
    target[at + 1] = value;
    return at + 2;
  }
  if (value < LIMIT_4) {
    target[at] = 0x80 | (value >>> 24);
    target[at + 1] = value >>> 16;
    target[at + 2] = value >>> 8;
    target[at + 3] = value;
    return at + 4;
  }
  const high = Math.floor(value / TWO_32);
  const low = value % TWO_32;
  target[at] = 0xc0 | (high >>> 24);
  target[at + 1] = high >>> 16;
  target[at + 2] = high >>> 8;
  target[at + 3] = high;
  target[at + 4] = low >>> 24;
  target[at + 5] = low >>> 16;
  target[at + 6] = low >>> 8;
  target[at + 7] = low;
  return at + 8;
}

/** Returns the size in bytes of the integer that starts at `at`. @throws PacketError when there is no byte */
export function integerBytesAt(source: Uint8Array, at: number): number {
  if (at >= source.length) throw truncated();
  return 1 << (source[at]! >> 6);
}

/**
 * Reads the integer at `at`; the next field is `integerBytesAt` bytes further.
 * @throws PacketError when the integer is truncated, or above 2⁵³−1
 */
export function readInteger(source: Uint8Array, at: number): number {
  const bytes = integerBytesAt(source, at);
  if (at + bytes > source.length) throw truncated();
  const value = valueAt(source, at, at + bytes);
  if (value <= Number.MAX_SAFE_INTEGER) return value;
  throw new PacketError('bad-field', 'an integer must be at most 2^53 - 1.');
}

/**
 * Reads the integer at `at` from the bytes of a stream that may still grow.
 * @returns null if bytes are missing; `Infinity` as the value if it is above 2⁵³−1
 */
export function tryReadInteger(source: Uint8Array, at: number): IntegerRead | null {
  if (at >= source.length) return null;
  const end = at + integerBytesAt(source, at);
  if (end > source.length) return null;
  const value = valueAt(source, at, end);
  return { value: value > Number.MAX_SAFE_INTEGER ? Infinity : value, end };
}

function valueAt(source: Uint8Array, at: number, end: number): number {
  let value = source[at]! & FIRST_BITS;
  for (let i = at + 1; i < end; i++) value = value * 256 + source[i]!;
  return value;
}

function truncated(): PacketError {
  return new PacketError('truncated', 'the message ends within an integer.');
}
