import { expect, test } from 'vitest';
import { ppmScale } from '../src/core/metering/ppm-ballistics.ts';
import type { PpmType } from '../src/core/metering/ppm-ballistics.ts';
import { PpmMeter } from '../src/core/metering/ppm-meter.ts';
import { constant, sine } from './helpers/signals.ts';

function levels(
  meter: PpmMeter,
  samples: Float32Array,
): { now: number; max: number; scale: number } {
  meter.process([samples], 0, samples.length);
  const reading = meter.createReading();
  meter.read(reading);
  return { now: reading.ppmDbfs[0]!, max: reading.maxPpmDbfs[0]!, scale: reading.ppmScale[0]! };
}

const TYPE_I = [
  [10, -1, 0.5],
  [5, -2, 1],
  [3, -4, 1],
  [0.4, -15, 4],
] as const;
const TYPE_II = [
  [100, 0, 0.5],
  [10, -2, 0.5],
  [5, -4, 0.75],
  [1.5, -9, 1],
  [0.5, -17, 2],
] as const;
const BURSTS = (['I', 'IIa', 'IIb'] as const).flatMap((type) =>
  (type === 'I' ? TYPE_I : TYPE_II).map((burst) => [type, ...burst] as const),
);

test.each(BURSTS)(
  'IEC 60268-10 type %s: a 5 kHz burst of %f ms reads %i dB, ±%f, from 16 to 96 kHz',
  (type, duration, expected, tolerance) => {
    for (const sampleRate of [16000, 32000, 44100, 48000, 96000]) {
      const tone = sine({ frequency: 5000, sampleRate, frames: sampleRate, amplitude: 0.5 });
      const steady = levels(new PpmMeter({ sampleRate, channels: 1, type }), tone).max;
      const frames = Math.round((duration / 1000) * sampleRate);
      const burst = levels(new PpmMeter({ sampleRate, channels: 1, type }), tone.slice(0, frames));
      expect(Math.abs(burst.max - steady - expected)).toBeLessThanOrEqual(tolerance);
    }
  },
);

test.each([
  ['I', 20, 1.7],
  ['IIa', 24, 2.8],
  ['IIb', 24, 2.8],
] as const)('IEC 60268-10 type %s falls %i dB in %f s', (type, fall, seconds) => {
  const sampleRate = 48000;
  const meter = new PpmMeter({ sampleRate, channels: 1, type });
  const before = levels(meter, sine({ frequency: 1000, sampleRate, frames: 48000 })).now;
  const after = levels(meter, new Float32Array(Math.round(seconds * sampleRate))).now;
  expect(before - after).toBeCloseTo(fall, 2);
  expect(levels(meter, new Float32Array(60 * 48000)).now).toBe(-Infinity);
});

test('a steady sine reads its peak within 0.15 dB, from 100 Hz to 16 kHz', () => {
  for (const type of ['I', 'IIb'] as const) {
    // Not at whole fractions of the rate, where the same few points of the wave are sampled again and again.
    for (const frequency of [100, 400, 1000, 3000, 5000, 9970, 15_970]) {
      const meter = new PpmMeter({ sampleRate: 48000, channels: 1, type });
      const tone = sine({ frequency, sampleRate: 48000, frames: 96_000, amplitude: 0.25 });
      expect(Math.abs(levels(meter, tone).max + 12.041)).toBeLessThan(0.15);
    }
  }
});

test.each([
  ['I', -18, -9],
  ['I', -9, 0],
  ['IIa', -18, 4],
  ['IIa', -14, 5],
  ['IIa', -6, 7],
  ['IIa', -26, 2],
  ['IIa', -32, 1],
  ['IIb', -18, 0],
  ['IIb', -6, 12],
  ['IIb', -Infinity, -Infinity],
] satisfies [PpmType, number, number][])(
  'scale of type %s: %f dBFS is at %f',
  (type, level, mark) => {
    expect(ppmScale(type, level)).toBe(mark);
    expect(ppmScale(type, level - 2, -20)).toBe(mark);
  },
);

test('samples that are not finite count as silence, and a missing channel falls', () => {
  const sampleRate = 48000;
  const meter = new PpmMeter({ sampleRate, channels: 2 });
  const half = constant(0.5, 4800);
  const broken = half.map((value, n) => (n % 2 === 0 ? NaN : n % 3 === 0 ? Infinity : value));
  const gaps = broken.map((value) => (Number.isFinite(value) ? value : 0));
  meter.process([broken, gaps], 0, 4800);
  const reading = meter.createReading();
  meter.read(reading);
  expect(reading.ppmDbfs[0]).toBe(reading.ppmDbfs[1]);
  const before = reading.ppmDbfs[1]!;
  meter.process([half], 0, 4800);
  meter.read(reading);
  expect(before - reading.ppmDbfs[1]!).toBeCloseTo((0.1 * 24) / 2.8, 6);
});

test('options out of range are refused', () => {
  expect(() => new PpmMeter({ sampleRate: 48000, channels: 1, type: 'III' as 'I' })).toThrow(
    "type must be one of 'I', 'IIa', 'IIb'",
  );
  expect(() => new PpmMeter({ sampleRate: 48000, channels: 1, alignmentDbfs: 3 })).toThrow(
    RangeError,
  );
});
