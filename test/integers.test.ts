import { describe, expect, it } from 'vitest';
import {
  integerBytes,
  readInteger,
  tryReadInteger,
  writeInteger,
} from '../src/core/framing/integers.ts';

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
      expect(tryReadInteger(bytesOf(hex), 0)).toEqual({ value, end: hex.length / 2 });
      if (value === Infinity) {
        expect(() => readInteger(bytesOf(hex), 0)).toThrow(
          expect.objectContaining({ name: 'PacketError', reason: 'bad-field' }),
        );
        continue;
      }
      expect(readInteger(bytesOf(hex), 0)).toBe(value);
      const written = new Uint8Array(integerBytes(value));
      expect(writeInteger(value, written, 0)).toBe(written.length);
      expect(Buffer.from(written).toString('hex')).toBe(hex);
    }
    expect(tryReadInteger(bytesOf('4025'), 0)).toEqual({ value: 37, end: 2 });
  });

  it('round trip at every length, and at its limits', () => {
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
      const end = writeInteger(value, bytes, 1);
      expect(tryReadInteger(bytes, 1)).toEqual({ value, end });
      const cut = bytes.subarray(0, end - 1);
      expect(tryReadInteger(cut, 1)).toBeNull();
      expect(() => readInteger(cut, 1)).toThrow(
        expect.objectContaining({ name: 'PacketError', reason: 'truncated' }),
      );
    }
  });
});
