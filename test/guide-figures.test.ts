import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FRAMINGS } from '../src/core/framing/framings.ts';
import { kWeightingCoefficients } from '../src/core/metering/k-weighting.ts';

/* Figures of the guides that arithmetic or a short run can hold. */

const read = (file: string): string =>
  readFileSync(join(import.meta.dirname, '..', file), 'utf8').replaceAll(/\s+/g, ' ');

describe('docs/metering.md', () => {
  /** Gain of the K-weighting at a frequency, dB. */
  function gain(rate: number, frequency: number): number {
    const { shelf, highPass } = kWeightingCoefficients(rate);
    const w = (2 * Math.PI * frequency) / rate;
    const power = (b: readonly number[], a: readonly number[]): number => {
      const at = (c: readonly number[]): number => {
        const real = c.reduce((sum, value, i) => sum + value * Math.cos(i * w), 0);
        const imaginary = c.reduce((sum, value, i) => sum + value * Math.sin(i * w), 0);
        return real ** 2 + imaginary ** 2;
      };
      return at(b) / at(a);
    };
    const [b0, b1, b2, a1, a2] = shelf;
    return 10 * Math.log10(power([b0, b1, b2], [1, a1, a2]) * power([1, -2, 1], [1, ...highPass]));
  }

  test('the response of the filters differs from that at 48 kHz by the values in the table', () => {
    const rates = [8000, 16_000, 24_000, 32_000, 44_100, 96_000, 192_000];
    const deviations = rates.map((rate) => {
      let most = 0;
      const end = 0.45 * Math.min(rate, 48_000);
      for (let i = 1; i <= 2000; i++) {
        const frequency = (end * i) / 2000;
        most = Math.max(most, Math.abs(gain(rate, frequency) - gain(48_000, frequency)));
      }
      return most;
    });
    const table = [0.29, 0.07, 0.03, 0.01, 0.002, 0.006, 0.008];
    for (const [i, deviation] of deviations.entries()) {
      expect(deviation, `${rates[i]} Hz`).toBeLessThan(table[i]! * 1.05);
      expect(deviation, `${rates[i]} Hz`).toBeGreaterThan(table[i]! * 0.7);
    }
    expect(read('docs/metering.md')).toContain(
      table.map((decibels) => `${decibels} dB`).join(' | '),
    );
  });
});

describe('docs/wire-format.md', () => {
  const FRAMES = 320;
  const speech = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
  const opus = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;

  /** Bytes of packet `sequence` of a stream that lost nothing. */
  function bytesOf(
    framing: 'base64-json' | 'binary' | 'rtp',
    ofOpus: boolean,
    sequence = 20_000,
  ): number {
    const stream = ofOpus ? opus : speech;
    const frames = ofOpus ? 960 : FRAMES;
    // 20 ms of Opus at 24 kb/s are 60 bytes; the first says 20 ms of one frame.
    const payload = ofOpus ? new Uint8Array(60).fill(0xf8, 0, 1) : new Uint8Array(2 * FRAMES);
    const frame = sequence * frames;
    const timestamp = Math.round((frame / stream.sampleRate) * 1e6);
    const packet = { ...stream, sequence, frame, frames, timestamp, dropped: 0, payload };
    const message = FRAMINGS[framing].createEncoder(stream).encode(packet);
    return message.length;
  }

  test('the sizes of the three framings are those of the table', () => {
    const rows = (['base64-json', 'binary', 'rtp'] as const).map(
      (name) => `| \`${name}\` | ${bytesOf(name, false)} bytes | ${bytesOf(name, true)} bytes |`,
    );
    for (const row of rows) expect(read('docs/wire-format.md')).toContain(row);
  });

  test('the header of binary has 6 bytes at first, 9 for half a year, and 13 from packet 2³⁰ on', () => {
    const header = (sequence: number): number => bytesOf('binary', false, sequence) - 2 * FRAMES;
    const HALF_A_YEAR = (0.5 * 365 * 24 * 3600) / 0.02;
    expect([header(0), header(63)]).toEqual([6, 6]);
    expect([header(16_384), header(HALF_A_YEAR)]).toEqual([9, 9]);
    expect([header(2 ** 30 - 1), header(2 ** 30)]).toEqual([9, 13]);
  });
});

test('docs/rtp.md: the bitrates whose packets fit into a copy follow from its limit of 1,023 bytes', () => {
  const fits = [20, 60, 120].map((ms) => Math.floor((1023 * 8) / ms));
  expect(read('docs/rtp.md')).toContain(
    `up to ${fits[0]} kb/s in packets of 20 ms, ${fits[1]} kb/s in 60 ms and ${fits[2]} kb/s in 120 ms`,
  );
  expect(read('docs/rtp.md')).toContain(
    `16383 units of the clock back: ${Math.floor(16_383 / 48)} ms at 48 kHz`,
  );
});

test('docs/playout.md: half an hour of 24 kHz s16 is 86 MB', () => {
  expect(Math.round((1800 * 24_000 * 2) / 1e6)).toBe(86);
  expect(read('docs/playout.md')).toContain('half an hour of 24 kHz `s16` is 86 MB');
});
