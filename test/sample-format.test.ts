import { describe, expect, it } from 'vitest';
import { decodeAlaw, decodeMulaw } from '../src/core/format/g711.ts';
import { SAMPLE_FORMATS, bytesPerSample } from '../src/core/format/formats.ts';
import { SampleDecoder, SampleEncoder } from '../src/core/format/sample-format.ts';
import type { SampleFormat } from '../src/core/format/formats.ts';
import { seededRandom } from './helpers/random.ts';

/** Largest error of coding a sample in [−1, 1): half a step, or half of G.711's largest interval. */
const TOLERANCE: Readonly<Record<SampleFormat, number>> = {
  s16: 1 / 2 ** 15,
  s24: 1 / 2 ** 23,
  f32: 0,
  mulaw: 644 / 2 ** 15,
  alaw: 513 / 2 ** 15,
  // A float has 24 bits, and +1 is clamped.
  s32: 1 / 2 ** 24,
  u8: 1 / 2 ** 7,
};

function encodeOne(format: SampleFormat, sample: number): number[] {
  const target = new Uint8Array(bytesPerSample(format));
  new SampleEncoder({ format, channels: 1 }).encode([Float32Array.of(sample)], 0, 1, target, 0);
  return [...target];
}

describe('SampleEncoder', () => {
  it('clamps +1.0 to the largest integer and keeps −1.0 as the smallest', () => {
    expect(encodeOne('s16', 1)).toEqual([0xff, 0x7f]);
    expect(encodeOne('s16', -1)).toEqual([0x00, 0x80]);
    expect(encodeOne('s16', 99)).toEqual([0xff, 0x7f]);
    expect(encodeOne('s16', -99)).toEqual([0x00, 0x80]);
    expect(encodeOne('s16', Infinity)).toEqual([0xff, 0x7f]);
    expect(encodeOne('s16', -Infinity)).toEqual([0x00, 0x80]);
    expect(encodeOne('s24', 1)).toEqual([0xff, 0xff, 0x7f]);
    expect(encodeOne('s24', -1)).toEqual([0x00, 0x00, 0x80]);
    expect(encodeOne('s32', 1)).toEqual([0xff, 0xff, 0xff, 0x7f]);
    expect(encodeOne('s32', -1)).toEqual([0x00, 0x00, 0x00, 0x80]);
    expect(encodeOne('u8', 1)).toEqual([0xff]);
    expect(encodeOne('u8', 99)).toEqual([0xff]);
    expect(encodeOne('u8', -1)).toEqual([0x00]);
    expect(encodeOne('u8', 0)).toEqual([0x80]);
    expect(encodeOne('mulaw', 1)).toEqual([0x80]);
    expect(encodeOne('alaw', 1)).toEqual([0xaa]);
  });

  it('does not clamp f32', () => {
    expect(encodeOne('f32', 2)).toEqual([0, 0, 0, 0x40]);
  });

  it.each(SAMPLE_FORMATS)('encodes NaN as 0 in %s', (format) => {
    expect(encodeOne(format, NaN)).toEqual(encodeOne(format, 0));
  });

  it('rounds to nearest, in little-endian order', () => {
    expect(encodeOne('s16', 258.4 / 2 ** 15)).toEqual([2, 1]);
    expect(encodeOne('s16', -258.4 / 2 ** 15)).toEqual([0xfe, 0xfe]);
    expect(encodeOne('s24', 0x010203 / 2 ** 23)).toEqual([3, 2, 1]);
    expect(encodeOne('s32', 0x01020300 / 2 ** 31)).toEqual([0, 3, 2, 1]);
    expect(encodeOne('s32', -0.5)).toEqual([0, 0, 0, 0xc0]);
    expect(encodeOne('u8', 3.4 / 2 ** 7)).toEqual([0x83]);
    expect(encodeOne('u8', -3.4 / 2 ** 7)).toEqual([0x7d]);
  });

  it('dithers with triangular noise: mean 0, variance 1/6 step² and independent of the signal', () => {
    const frames = 200_000;
    const encoder = new SampleEncoder({ format: 's16', channels: 1, dither: 'tpdf' });
    const bytes = new Uint8Array(2 * frames);
    for (const level of [0, 0.25, 0.5]) {
      const input = new Float32Array(frames).fill((100 + level) / 2 ** 15);
      encoder.encode([input], 0, frames, bytes, 0);
      let sum = 0;
      let squares = 0;
      for (const value of new Int16Array(bytes.buffer)) {
        const error = value - 100 - level;
        sum += error;
        squares += error * error;
      }
      // Rounding adds a variance of 1/12 to the noise's 1/6: 1/4 in all, whatever the level.
      expect(Math.abs(sum / frames)).toBeLessThan(0.005);
      expect(Math.abs(squares / frames - 0.25)).toBeLessThan(0.005);
    }
  });

  it('refuses unknown formats and channel counts', () => {
    expect(() => new SampleEncoder({ format: 'u16' as SampleFormat, channels: 1 })).toThrow(
      TypeError,
    );
    expect(() => new SampleEncoder({ format: 's16', channels: 0 })).toThrow(RangeError);
    expect(() => new SampleEncoder({ format: 's16', channels: 1.5 })).toThrow(RangeError);
    expect(() => bytesPerSample('u16' as SampleFormat)).toThrow(TypeError);
  });
});

describe('SampleDecoder', () => {
  it.each(SAMPLE_FORMATS)('decodes %s within its step, in blocks of random size', (format) => {
    const random = seededRandom(7);
    for (let run = 0; run < 20; run++) {
      const channels = 1 + Math.floor(random() * 8);
      const frames = 1 + Math.floor(random() * 300);
      const input = Array.from({ length: channels }, () =>
        Float32Array.from({ length: frames }, () => random() * 1.999 - 1),
      );
      const encoder = new SampleEncoder({ format, channels });
      const decoder = new SampleDecoder({ format, channels });
      const offset = Math.floor(random() * 5);
      const bytes = new Uint8Array(offset + frames * encoder.bytesPerFrame + 1).fill(0x5a);
      let written = offset;
      for (let from = 0; from < frames;) {
        const count = Math.min(frames - from, 1 + Math.floor(random() * 50));
        written += encoder.encode(input, from, count, bytes, written);
        from += count;
      }
      expect(written).toBe(bytes.length - 1);
      expect(bytes.subarray(0, offset).every((byte) => byte === 0x5a)).toBe(true);
      expect(bytes.at(-1)).toBe(0x5a);

      const output = input.map(() => new Float32Array(frames + 1));
      decoder.decode(bytes, offset, frames, output, 1);
      for (let c = 0; c < channels; c++) {
        for (let i = 0; i < frames; i++) {
          const error = Math.abs(output[c]![i + 1]! - input[c]![i]!);
          expect(error).toBeLessThanOrEqual(TOLERANCE[format]);
        }
      }
    }
  });

  it('decodes and encodes every code of every integer format without change', () => {
    const s16 = new Uint8Array(new Int16Array(65536).map((_, i) => i - 32768).buffer);
    const codes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const s24 = Uint8Array.from({ length: 3 * 4096 }, (_, i) => (i * 2654435761) >>> 24);
    for (const [format, bytes] of [
      ['s16', s16],
      ['s24', s24],
      ['u8', codes],
      [
        's32',
        Uint8Array.from({ length: 4 * 4096 }, (_, i) =>
          i % 4 === 0 ? 0 : (i * 2654435761) >>> 24,
        ),
      ],
      ['alaw', codes],
      ['mulaw', codes.filter((code) => code !== 0x7f)],
    ] as const) {
      const frames = bytes.length / bytesPerSample(format);
      const samples = new Float32Array(frames);
      new SampleDecoder({ format, channels: 1 }).decode(bytes, 0, frames, [samples], 0);
      const again = new Uint8Array(bytes.length);
      new SampleEncoder({ format, channels: 1 }).encode([samples], 0, frames, again, 0);
      expect(again).toEqual(bytes);
    }
  });

  it('reads G.711 through its tables', () => {
    for (let code = 0; code < 256; code++) {
      for (const [format, decode] of [
        ['mulaw', decodeMulaw],
        ['alaw', decodeAlaw],
      ] as const) {
        const samples = new Float32Array(1);
        new SampleDecoder({ format, channels: 1 }).decode(Uint8Array.of(code), 0, 1, [samples], 0);
        expect(samples[0]).toBe(decode(code) / 2 ** 15);
      }
    }
  });

  it('decodes an f32 NaN from the network as 0', () => {
    const samples = new Float32Array(1).fill(1);
    const nan = Uint8Array.of(0, 0, 0xc0, 0x7f);
    new SampleDecoder({ format: 'f32', channels: 1 }).decode(nan, 0, 1, [samples], 0);
    expect(samples[0]).toBe(0);
  });
});
