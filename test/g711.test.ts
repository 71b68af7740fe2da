import { describe, expect, it } from 'vitest';
import { decodeAlaw, decodeMulaw, encodeAlaw, encodeMulaw } from '../src/core/format/g711.ts';

/**
 * The standard's tables, built from what their head says: segments of 16 equal intervals, listed upwards from zero as
 * [interval size, number of intervals]. Every quantity is in the codec's own units.
 */
const LAWS = [
  {
    name: 'A-law (G.711 tables 1a, 1b)',
    encode: encodeAlaw,
    decode: decodeAlaw,
    /** 16-bit steps per unit: A-law has 13 bits. */
    unit: 8,
    segments: [
      [2, 32],
      [4, 16],
      [8, 16],
      [16, 16],
      [32, 16],
      [64, 16],
      [128, 16],
    ],
    top: 4096,
    /** Interval number (from 0) → byte of a positive sample: 1 and the number, even bits inverted. */
    byte: (interval: number) => (0x80 | interval) ^ 0x55,
    /** Quantized value: the middle of the interval. */
    value: (low: number, high: number) => (low + high) / 2,
  },
  {
    name: 'µ-law (G.711 tables 2a, 2b)',
    encode: encodeMulaw,
    decode: decodeMulaw,
    unit: 4,
    segments: [
      [1, 1],
      [2, 15],
      [4, 16],
      [8, 16],
      [16, 16],
      [32, 16],
      [64, 16],
      [128, 16],
      [256, 16],
    ],
    top: 8159,
    byte: (interval: number) => 0xff ^ interval,
    value: (low: number, high: number) => (low === 0 ? 0 : (low + high) / 2),
  },
] as const;

describe.each(LAWS)('$name', ({ encode, decode, unit, segments, top, byte, value }) => {
  const decisions = [0];
  for (const [size, count] of segments) {
    for (let i = 0; i < count; i++) decisions.push(decisions.at(-1)! + size);
  }

  it('has 128 intervals up to the virtual decision value', () => {
    expect(decisions).toHaveLength(129);
    expect(decisions.at(-1)).toBe(top);
  });

  it('encodes every 16-bit sample to the interval between its decision values', () => {
    let wrong = 0;
    for (let sample = -32768; sample <= 32767; sample++) {
      // A negative sample counts by its one's complement, as in the reference software of G.191.
      const magnitude = (sample < 0 ? -sample - 1 : sample) / unit;
      let interval = decisions.findLastIndex((decision) => decision <= magnitude);
      if (interval > 127) interval = 127;
      const expected = sample < 0 ? byte(interval) ^ 0x80 : byte(interval);
      if (encode(sample) !== expected) wrong++;
    }
    expect(wrong).toBe(0);
  });

  it('decodes every byte to the quantized value of its interval', () => {
    for (let interval = 0; interval < 128; interval++) {
      const quantized = value(decisions[interval]!, decisions[interval + 1]!) * unit;
      expect(decode(byte(interval))).toBe(quantized);
      expect(decode(byte(interval) ^ 0x80)).toBe(0 - quantized);
    }
  });

  it('encodes every byte back that it decodes, except the second zero of µ-law', () => {
    for (let code = 0; code < 256; code++) {
      expect(encode(decode(code))).toBe(code === 0x7f && unit === 4 ? 0xff : code);
    }
  });
});
