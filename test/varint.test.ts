import { describe, expect, it } from 'vitest';
import { readVarint, varintLength, writeVarint } from '../src/core/webtransport/varint.ts';

/** RFC 9000 §A.1. */
const VECTORS: readonly (readonly [string, number])[] = [
  // More than a number of JavaScript holds exactly.
  ['c2197c5eff14e88c', Infinity],
  ['9d7f3e7d', 494_878_333],
  ['7bbd', 15_293],
  ['25', 37],
];

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('variable-length integers', () => {
  it('are read and written as RFC 9000 has them', () => {
    for (const [hex, value] of VECTORS) {
      expect(readVarint(bytesOf(hex), 0)).toEqual({ value, end: hex.length / 2 });
      if (value === Infinity) continue;
      const written = new Uint8Array(varintLength(value));
      expect(writeVarint(written, 0, value)).toBe(written.length);
      expect(Buffer.from(written).toString('hex')).toBe(hex);
    }
    expect(readVarint(bytesOf('4025'), 0)).toEqual({ value: 37, end: 2 });
  });

  it('come back at every length, and at its ends', () => {
    for (const value of [
      0,
      63,
      64,
      16_383,
      16_384,
      2 ** 30 - 1,
      2 ** 30,
      Number.MAX_SAFE_INTEGER,
    ]) {
      const bytes = new Uint8Array(10);
      const end = writeVarint(bytes, 1, value);
      expect(readVarint(bytes, 1)).toEqual({ value, end });
      expect(readVarint(bytes.subarray(0, end - 1), 1)).toBeNull();
    }
  });
});
