import { joinBytes, utf8Bytes } from './bytes.ts';

/**
 * EBML elements (RFC 8794): an identifier, a size, and so many bytes. Everything is big-endian. Identifiers carry their own
 * length marker, so they are written as they are; sizes take 8 bytes where they must have room to change, else what they need.
 */

/** Eight bytes that say "to the end of what contains it" (RFC 8794 §6.2). */
const UNKNOWN_SIZE: readonly number[] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

const VOID = 0xec;

/** An element of other elements, or of bytes. */
export function ebml(id: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return joinBytes([unsigned(id), sizeOf(length), ...parts]);
}

/** Only the beginning of an element: its content follows in pieces. @param size in bytes; undefined is "unknown" */
export function ebmlOpen(id: number, size: number | undefined): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(UNKNOWN_SIZE);
  if (size !== undefined) {
    new DataView(bytes.buffer).setBigUint64(0, BigInt(size) | (1n << 56n));
  }
  return joinBytes([unsigned(id), bytes]);
}

/** An unsigned integer. @param bytes its length, where it must not depend on the value */
export function ebmlUint(id: number, value: number, bytes = 0): Uint8Array<ArrayBuffer> {
  const shortest = unsigned(value);
  const padded = new Uint8Array(Math.max(shortest.length, bytes));
  padded.set(shortest, padded.length - shortest.length);
  return ebml(id, padded);
}

/** A signed integer, of 8 bytes. */
export function ebmlInt(id: number, value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value));
  return ebml(id, bytes);
}

/** A binary64 number. */
export function ebmlFloat(id: number, value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return ebml(id, bytes);
}

export function ebmlText(id: number, text: string): Uint8Array<ArrayBuffer> {
  return ebml(id, utf8Bytes(text));
}

/** Keeps room for something that comes later. @param length in all, 2 to 128 bytes */
export function ebmlVoid(length: number): Uint8Array<ArrayBuffer> {
  return ebml(VOID, new Uint8Array(length - 2));
}

/** The fewest bytes that hold it, at least one. */
function unsigned(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest > 0 || bytes.length === 0; rest = Math.floor(rest / 256)) {
    bytes.unshift(rest % 256);
  }
  return Uint8Array.from(bytes);
}

/** RFC 8794 §4: as many leading zeros as there are further bytes; all ones is reserved for "unknown". */
function sizeOf(length: number): Uint8Array {
  let bytes = 1;
  while (length >= 2 ** (7 * bytes) - 1) bytes++;
  return unsigned(length + 2 ** (7 * bytes));
}
