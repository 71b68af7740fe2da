/** Integers with an offset in every length that the loops have: rows that `FORMATS` may get. */
import { describe, expect, it, vi } from 'vitest';
import type { SampleFormat } from '../src/core/format/formats.ts';
import { SampleDecoder, SampleEncoder } from '../src/core/format/sample-format.ts';
import { seededRandom } from './helpers/random.ts';

const UNSIGNED = vi.hoisted(() => ({ u8: 1, u16: 2, u24: 3, u32: 4 }) as const);
type Unsigned = keyof typeof UNSIGNED;
const NAMES = Object.keys(UNSIGNED) as Unsigned[];

vi.mock('../src/core/format/formats.ts', async (original) => {
  const module = await original<typeof import('../src/core/format/formats.ts')>();
  const rows = Object.entries(UNSIGNED).map(([name, bytes]) => [
    name,
    { coding: 'unsigned', bytes },
  ]);
  return {
    ...module,
    FORMATS: { ...module.FORMATS, ...Object.fromEntries(rows) },
    SAMPLE_FORMATS: [...module.SAMPLE_FORMATS, 'u16', 'u24', 'u32'],
  };
});

function encode(format: Unsigned, samples: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(samples.length * UNSIGNED[format]);
  const encoder = new SampleEncoder({ format: format as SampleFormat, channels: 1 });
  encoder.encode([Float32Array.from(samples)], 0, samples.length, bytes, 0);
  return bytes;
}

function decode(format: Unsigned, bytes: Uint8Array): Float32Array {
  const samples = new Float32Array(bytes.length / UNSIGNED[format]);
  const decoder = new SampleDecoder({ format: format as SampleFormat, channels: 1 });
  decoder.decode(bytes, 0, samples.length, [samples], 0);
  return samples;
}

describe.each(NAMES)('unsigned samples as %s', (format) => {
  const length = UNSIGNED[format];

  it('have 0 at half of the range, and −1 and +1 at its ends', () => {
    const below = Array.from({ length: length - 1 }, () => 0x00);
    const full = Array.from({ length }, () => 0xff);
    expect([...encode(format, [0])]).toEqual([...below, 0x80]);
    expect([...encode(format, [-1])]).toEqual([...below, 0x00]);
    expect([...encode(format, [1])]).toEqual(full);
    expect([...encode(format, [0.5])]).toEqual([...below, 0xc0]);
    expect(decode(format, Uint8Array.of(...below, 0x80))).toEqual(Float32Array.of(0));
    expect(decode(format, Uint8Array.of(...below, 0x00))).toEqual(Float32Array.of(-1));
    expect(decode(format, Uint8Array.of(...below, 0xc0))).toEqual(Float32Array.of(0.5));
  });

  it('are read as they were written', () => {
    const random = seededRandom(length);
    const samples = Float32Array.from({ length: 1000 }, () => 2 * random() - 1);
    const read = decode(format, encode(format, [...samples]));
    const step = Math.max(2 ** (1 - 8 * length), 2 ** -24);
    for (const [i, sample] of samples.entries()) {
      expect(Math.abs(read[i]! - sample)).toBeLessThanOrEqual(step);
    }
  });
});
