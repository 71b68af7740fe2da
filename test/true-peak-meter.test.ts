import { expect, test } from 'vitest';
import { truePeakFilter } from '../src/core/metering/true-peak-filter.ts';
import { TruePeakMeter } from '../src/core/metering/true-peak-meter.ts';
import { feed } from './helpers/feed.ts';
import { seededRandom } from './helpers/random.ts';
import { noise, sine } from './helpers/signals.ts';

const RATE = 48000;

function maxTruePeak(samples: Float32Array, largest = 500, seed = 1): number {
  const meter = new TruePeakMeter({ sampleRate: RATE, channels: 1 });
  feed(meter, [samples], largest, seededRandom(seed));
  meter.process([], 0, meter.latencyFrames + 1);
  const reading = meter.createReading();
  meter.read(reading);
  return reading.maxTruePeakDbtp[0]!;
}

/** Fades of 20 ms: a tone that begins at once has peaks of its own. */
function faded(samples: Float32Array): Float32Array {
  const fade = 960;
  const gain = (n: number): number => 0.5 - 0.5 * Math.cos(Math.PI * Math.min(1, n / fade));
  return samples.map((value, n) => value * gain(n) * gain(samples.length - 1 - n));
}

test('steady tones up to 0.45 of the rate read their peak within 0 to +0.018 dB at any phase', () => {
  const random = seededRandom(2);
  for (let cycles = 0.01; cycles <= 0.45; cycles += 0.01) {
    for (let round = 0; round < 3; round++) {
      const frequency = (cycles - 0.004 * random()) * RATE;
      const phase = 7 * random();
      const tone = sine({ frequency, sampleRate: RATE, frames: 4800, amplitude: 0.7, phase });
      const error = maxTruePeak(faded(tone)) - 20 * Math.log10(0.7);
      expect(error, `${frequency} Hz`).toBeGreaterThan(-0.0005);
      expect(error, `${frequency} Hz`).toBeLessThan(0.0185);
    }
  }
});

test.each([
  [0.1, 200, 0.02],
  [0.2, 200, 0.02],
  [0.3, 200, 0.02],
  [0.4, 200, 0.02],
  [0.4, 40, 0.02],
  [0.44, 200, 0.05],
  [0.44, 100, 0.05],
])(
  'a burst at %f of the rate, %i frames long, reads the peak of ideal interpolation, within %f dB',
  (cycles, frames, margin) => {
    const random = seededRandom(3);
    for (let round = 0; round < 12; round++) {
      const burst = tonePulse(cycles, frames, random);
      const error = maxTruePeak(burst) - 20 * Math.log10(idealPeak(burst));
      expect(Math.abs(error)).toBeLessThan(margin);
    }
  },
);

test('how the audio is cut into blocks changes nothing, though blocks that cannot peak are skipped', () => {
  const random = seededRandom(4);
  const samples = noise(random, 20_000, 0.05);
  for (let i = 0; i < 40; i++) {
    const burst = tonePulse(0.1 + 0.3 * random(), 60, random);
    const at = Math.floor(random() * 19_000);
    for (const [n, value] of burst.entries())
      if (at + n < 20_000) samples[at + n]! += value * random();
  }
  const whole = maxTruePeak(samples, 20_000);
  for (const largest of [1, 5, 64, 300, 3000]) {
    expect(maxTruePeak(samples, largest, largest)).toBeCloseTo(whole, 12);
  }
});

test('the interval, the hold and the maximum equal those of the sample peak meter', () => {
  const meter = new TruePeakMeter({ sampleRate: RATE, channels: 2 });
  const reading = meter.createReading();
  const click = new Float32Array(4800);
  click[100] = 0.5;
  meter.process([click, new Float32Array(4800)], 0, 2400);
  meter.read(reading);
  expect(reading.truePeakDbtp[0]).toBeCloseTo(-6.0206, 3);
  expect(reading.truePeakDbtp[1]).toBe(-Infinity);
  meter.process([click], 2400, 2400);
  meter.read(reading);
  expect(reading.truePeakDbtp[0]).toBe(-Infinity);
  expect(reading.heldTruePeakDbtp[0]).toBeCloseTo(-6.0206, 3);
  meter.process([], 0, 2 * RATE);
  meter.read(reading);
  expect(reading.heldTruePeakDbtp[0]).toBe(-Infinity);
  expect(reading.maxTruePeakDbtp[0]).toBeCloseTo(-6.0206, 3);
  meter.reset();
  meter.read(reading);
  expect([...reading.values]).toEqual([...meter.createReading().values]);
});

test('samples that are not finite count as silence', () => {
  const clean = noise(seededRandom(5), 5000, 0.5);
  const dirty = clean.slice();
  for (const [i, place] of [3, 777, 778, 4990].entries()) {
    clean[place] = 0;
    dirty[place] = [NaN, Infinity, -Infinity][i % 3]!;
  }
  expect(maxTruePeak(dirty)).toBe(maxTruePeak(clean));
});

test('the true peak is never below the sample peak', () => {
  for (let seed = 0; seed < 20; seed++) {
    const samples = noise(seededRandom(seed), 300);
    const peak = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(maxTruePeak(samples)).toBeGreaterThanOrEqual(20 * Math.log10(peak) - 1e-9);
  }
});

test('no output of the filter is larger than its norm times the input', () => {
  const { quarter: taps, half, norm } = truePeakFilter();
  const quarter = [...taps].map(Math.abs);
  const middle = [...half].map((value) => 2 * Math.abs(value));
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  expect(norm).toBeGreaterThanOrEqual(Math.max(sum(quarter), sum(middle)) - 1e-12);
});

/** A tone under a Hann window of that many frames, beginning between two samples, with silence around it. */
function tonePulse(cycles: number, frames: number, random: () => number): Float32Array {
  const offset = 40 + random();
  const phase = 7 * random();
  return Float32Array.from({ length: frames + 80 }, (_, n) => {
    const t = n - offset;
    if (t < 0 || t > frames) return 0;
    return (
      (0.5 - 0.5 * Math.cos((2 * Math.PI * t) / frames)) *
      Math.sin(2 * Math.PI * cycles * t + phase)
    );
  });
}

/** The peak of the band-limited curve through the samples, by its sinc series at 32 points a sample. */
function idealPeak(samples: Float32Array): number {
  let peak = 0;
  for (let point = 0; point < samples.length * 32; point++) {
    const t = point / 32;
    if (Math.abs(t - samples.length / 2) > 12) continue;
    let sum = 0;
    for (const [n, value] of samples.entries()) {
      const x = Math.PI * (t - n);
      sum += value * (x === 0 ? 1 : Math.sin(x) / x);
    }
    peak = Math.max(peak, Math.abs(sum));
  }
  return peak;
}
