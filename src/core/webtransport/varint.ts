/** Largest value that this code reads and writes: QUIC has up to 2⁶² − 1, a number of JavaScript is exact up to here. */
const MAX_VARINT = Number.MAX_SAFE_INTEGER;

/** A variable-length integer (RFC 9000 §16), and where the bytes after it begin. */
export interface Varint {
  readonly value: number;
  readonly end: number;
}

/** Bytes that a value takes: 1, 2, 4 or 8. */
export function varintLength(value: number): 1 | 2 | 4 | 8 {
  if (value < 2 ** 6) return 1;
  if (value < 2 ** 14) return 2;
  return value < 2 ** 30 ? 4 : 8;
}

/** Writes a value in its shortest form. @returns where the bytes after it begin */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  const length = varintLength(value);
  let rest = value;
  for (let i = length - 1; i >= 0; i--) {
    bytes[at + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes[at]! |= Math.log2(length) << 6;
  return at + length;
}

/**
 * Reads a value in any form.
 * @returns null while bytes are missing; a value that a number does not hold exactly as `Infinity`
 */
export function readVarint(bytes: Uint8Array, at: number): Varint | null {
  const first = bytes[at];
  if (first === undefined) return null;
  const end = at + 2 ** (first >> 6);
  if (end > bytes.length) return null;
  let value = first & 0x3f;
  for (let i = at + 1; i < end; i++) value = value * 256 + bytes[i]!;
  return { value: value > MAX_VARINT ? Infinity : value, end };
}
