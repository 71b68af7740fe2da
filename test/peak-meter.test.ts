import { expect, test } from 'vitest';
import { PeakMeter } from '../src/core/metering/peak-meter.ts';
import { feed } from './helpers/feed.ts';
import { seededRandom } from './helpers/random.ts';
import { noise, sine } from './helpers/signals.ts';

const RATE = 48000;

function meter(channels = 1, options: object = {}): PeakMeter {
  return new PeakMeter({ sampleRate: RATE, channels, ...options });
}

function read(peaks: PeakMeter): ReturnType<PeakMeter['createReading']> {
  const reading = peaks.createReading();
  peaks.read(reading);
  return reading;
}

test('silence, and a meter that heard nothing, read −∞', () => {
  const peaks = meter(2);
  const fresh = [...peaks.createReading().values];
  expect([...read(peaks).values]).toEqual(fresh);
  feed(peaks, [new Float32Array(RATE), new Float32Array(RATE)]);
  expect([...read(peaks).values]).toEqual(fresh);
  expect([...read(peaks).peakDbfs]).toEqual([-Infinity, -Infinity]);
});

test('a single sample anywhere is found, in dBFS, for at least 50 ms and at most 60', () => {
  for (const place of [0, 1, 127, 128, 479, 480, 2399, 2400, 5000]) {
    const peaks = meter();
    const reading = peaks.createReading();
    const signal = new Float32Array(10_000);
    signal[place] = -0.5;
    let last = 0;
    for (let at = 0; at < signal.length; at++) {
      peaks.process([signal], at, 1);
      peaks.read(reading);
      if (reading.peakDbfs[0] !== -Infinity) last = at;
      if (at === place) expect(reading.peakDbfs[0]).toBeCloseTo(-6.0206, 4);
    }
    expect(last - place).toBeGreaterThanOrEqual(0.05 * RATE - 1);
    expect(last - place).toBeLessThanOrEqual(0.06 * RATE);
    expect(reading.maxPeakDbfs[0]).toBeCloseTo(-6.0206, 4);
  }
});

test('a peak is held for 1.5 s, then replaced by the present one', () => {
  const peaks = meter();
  const signal = sine({ frequency: 1000, sampleRate: RATE, frames: 3 * RATE, amplitude: 0.1 });
  signal[1000] = 0.9;
  const held: number[] = [];
  for (let at = 0; at < signal.length; at += 480) {
    peaks.process([signal], at, 480);
    held.push(read(peaks).heldPeakDbfs[0]!);
  }
  const until = held.findLastIndex((level) => level > -1) * 0.01;
  expect(until).toBeGreaterThan(1.5);
  expect(until).toBeLessThan(1.55);
  expect(held.at(-1)).toBeCloseTo(-20, 3);
});

test('clipped samples are counted, and runs of three or more listed with channel, place and length', () => {
  const peaks = meter(2);
  const left = new Float32Array(1000);
  const right = new Float32Array(1000);
  left.fill(1, 100, 105);
  left[300] = -1;
  left[301] = 32767 / 32768;
  right.fill(-1.5, 498, 501);
  right[700] = 0.9999;
  feed(peaks, [left, right], 16, seededRandom(1));
  const reading = read(peaks);
  expect([...reading.clips]).toEqual([7, 3]);
  expect([...reading.clipRuns]).toEqual([1, 1]);
  expect([...reading.clipRunFrame].slice(0, 3)).toEqual([498, 100, -1]);
  expect([...reading.clipRunFrames].slice(0, 3)).toEqual([3, 5, 0]);
  expect([...reading.clipRunChannel].slice(0, 3)).toEqual([1, 0, -1]);
});

test('with more runs than fit the list it keeps the latest, newest first, while one channel clips throughout', () => {
  const peaks = meter(2);
  const left = new Float32Array(4000).fill(1);
  const right = new Float32Array(4000);
  for (let run = 0; run < 10; run++) right.fill(1, 100 + run * 300, 104 + run * 300);
  feed(peaks, [left, right], 100, seededRandom(2));
  const reading = read(peaks);
  expect([...reading.clipRuns]).toEqual([1, 10]);
  expect([...reading.clipRunFrame]).toEqual(
    Array.from({ length: 8 }, (_, i) => 100 + (9 - i) * 300),
  );
  expect([...reading.clipRunFrames]).toEqual(Array.from({ length: 8 }, () => 4));
});

test('samples that are not finite are counted and count as silence', () => {
  const peaks = meter();
  const signal = sine({ frequency: 997, sampleRate: RATE, frames: RATE, amplitude: 0.25 });
  for (const [place, value] of [
    [100, NaN],
    [101, Infinity],
    [5000, -Infinity],
    [47990, NaN],
  ] as const)
    signal[place] = value;
  feed(peaks, [signal], 300, seededRandom(3));
  const reading = read(peaks);
  expect(reading.nonFinite[0]).toBe(4);
  expect(reading.clips[0]).toBe(0);
  expect(reading.maxPeakDbfs[0]).toBeCloseTo(-12.0412, 3);
  expect(reading.peakDbfs[0]).toBeCloseTo(-12.0412, 3);
});

test('the reading does not depend on how the audio is cut into blocks', () => {
  const signal = [noise(seededRandom(4), RATE, 1.1), noise(seededRandom(5), RATE, 0.3)];
  const whole = meter(2);
  whole.process(signal, 0, RATE);
  for (const seed of [1, 2, 3]) {
    const cut = meter(2);
    feed(cut, signal, 3000, seededRandom(seed));
    expect([...read(cut).values]).toEqual([...read(whole).values]);
  }
});

test('channels may be added and removed; a missing one is silent and ends its clip run', () => {
  const peaks = meter(2, { intervalMs: 10 });
  const loud = new Float32Array(960).fill(1);
  peaks.process([loud, loud], 0, 960);
  peaks.process([loud], 0, 960);
  expect([...read(peaks).peakDbfs]).toEqual([0, -Infinity]);
  peaks.process([], 0, 960);
  expect([...read(peaks).peakDbfs]).toEqual([-Infinity, -Infinity]);
  peaks.process([loud, loud, loud], 0, 960);
  expect([...read(peaks).peakDbfs]).toEqual([0, 0]);
  expect([...read(peaks).clipRuns]).toEqual([2, 2]);
});

test('reset forgets everything', () => {
  const peaks = meter();
  feed(peaks, [new Float32Array(1000).fill(1)]);
  peaks.reset();
  expect([...read(peaks).values]).toEqual([...meter().createReading().values]);
});

test('options out of range are refused', () => {
  expect(() => meter(0)).toThrow(RangeError);
  expect(() => meter(1, { intervalMs: 0 })).toThrow('intervalMs must lie between');
  expect(() => meter(1, { clipRun: 1.5 })).toThrow('clipRun must be an integer');
  expect(() => meter(1, { sampleRate: NaN })).toThrow(RangeError);
});
