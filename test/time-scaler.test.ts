import { describe, expect, it } from 'vitest';
import { SimilaritySearch } from '../src/core/dsp/similarity-search.ts';
import { TimeScaler } from '../src/core/receive/time-scaler.ts';
import { median } from '../bench/measure.ts';
import { steepest } from './helpers/playout-rig.ts';
import { seededRandom } from './helpers/random.ts';
import { sine } from './helpers/signals.ts';
import { speech } from './helpers/speech.ts';
import { pitchErrors, scaleTime, scaledDistanceDb } from './helpers/time-scaling.ts';
import { voice } from './helpers/voice.ts';

const RATE = 48_000;

describe.each([0.85, 0.95, 1.05, 1.15])('speech at speed %f', (speed) => {
  const input = speech();
  const scaled = scaleTime([input], RATE, speed);
  const [output] = scaled.output;

  it('has the right length', () => {
    expect(Math.abs(input.length / output!.length / speed - 1)).toBeLessThan(0.005);
  });

  it('keeps its spectrum and its pitch', () => {
    const distance = scaledDistanceDb(input, scaled, RATE);
    expect(distance).toBeLessThan(1);
    // The cuts themselves show.
    expect(distance).toBeGreaterThan(0.1);
    const errors = pitchErrors(input, scaled, RATE).map(Math.abs);
    expect(errors.length).toBeGreaterThan(50);
    expect(median(errors)).toBeLessThan(0.002);
    expect(errors.filter((error) => error > 0.03).length / errors.length).toBeLessThan(0.02);
  });

  it('has no step above the signal’s own', () => {
    expect(steepest(output!)).toBeLessThanOrEqual(steepest(input) * 1.001);
  });
});

it.each([8000, 16_000, 44_100, 48_000, 96_000])('a tone stays a tone at %i Hz', (sampleRate) => {
  const input = sine({ frequency: 233, sampleRate, frames: 3 * sampleRate, amplitude: 0.5 });
  for (const speed of [0.9, 1.2]) {
    const { output, removedFrames, insertedFrames } = scaleTime([input], sampleRate, speed);
    expect(removedFrames + insertedFrames).toBeGreaterThan(0.25 * sampleRate);
    const own = 2 * Math.PI * 233 * 0.5;
    expect(steepest(output[0]!) * sampleRate).toBeLessThan(own * 1.06);
    // A cut at another place than a whole period would leave a dent in the envelope.
    const period = Math.ceil(sampleRate / 233);
    const end = output[0]!.length - 3 * period;
    for (let at = 0; at < end; at += period) {
      let peak = 0;
      for (let i = at; i < at + 2 * period; i++) peak = Math.max(peak, Math.abs(output[0]![i]!));
      expect(peak).toBeGreaterThan(0.47);
    }
  }
});

it('cuts every channel at the same place', () => {
  const left = voice(2 * RATE);
  const right = left.map((sample) => -0.5 * sample);
  for (const speed of [0.88, 1.12]) {
    const { output } = scaleTime([left, right], RATE, speed);
    const worst = output[0]!.reduce((most, sample, i) => {
      return Math.max(most, Math.abs(output[1]![i]! + 0.5 * sample));
    }, 0);
    expect(worst).toBeLessThan(1e-6);
  }
});

it.each([1, 37, 128, 1024])('reads in pieces of %i frames', (piece) => {
  const input = speech(2 * RATE);
  for (const speed of [0.9, 1.1]) {
    const { output } = scaleTime([input], RATE, speed, piece);
    expect(output[0]!.every((sample) => Number.isFinite(sample))).toBe(true);
    expect(Math.abs(input.length / output[0]!.length / speed - 1)).toBeLessThan(0.03);
    expect(steepest(output[0]!)).toBeLessThanOrEqual(steepest(input) * 1.001);
  }
});

it('never leaves out or adds more than the limit', () => {
  const random = seededRandom(3);
  const noise = Float32Array.from({ length: 6 * RATE }, () => random() - 0.5);
  for (const input of [voice(6 * RATE), noise, new Float32Array(6 * RATE)]) {
    for (const speed of [0.5, 2]) {
      const { places, stepFrames } = scaleTime([input], RATE, speed);
      const span = 20;
      for (let i = 10; i + span < places.length - 10; i++) {
        const played = span * stepFrames;
        const stood = places[i + span]! - places[i]!;
        // One more or one fewer cut may fall into the span.
        expect(Math.abs(stood - played)).toBeLessThan(0.25 * played + 0.017 * RATE);
      }
    }
  }
});

it('adds no more than a quarter of the audio that it reads, over any length of time', () => {
  for (const seed of [1, 2]) {
    const input = voice(6 * RATE, RATE, seed);
    const { insertedFrames } = scaleTime([input], RATE, 0.5);
    expect(insertedFrames / input.length).toBeGreaterThan(0.2);
    expect(insertedFrames / input.length).toBeLessThanOrEqual(0.25);
  }
});

it('changes the length as wanted in silence and in noise, and no more', () => {
  const random = seededRandom(4);
  const noise = Float32Array.from({ length: RATE }, () => 0.2 * (random() - 0.5));
  for (const input of [noise, new Float32Array(RATE)]) {
    for (const wanted of [700, -700, 2000, -2000]) {
      const scaler = new TimeScaler({ sampleRate: RATE, channels: 1, aheadFrames: RATE });
      scaler.write([input], 0, RATE);
      scaler.wanted = wanted;
      const output = [new Float32Array(2 * RATE)];
      for (let at = 0; scaler.read(output, at, 128) > 0;) at += 128;
      const done = scaler.removedFrames - scaler.insertedFrames;
      expect(Math.abs(done)).toBeLessThanOrEqual(Math.abs(wanted));
      expect(Math.abs(done - wanted)).toBeLessThan(scaler.shortestFrames);
      expect(scaler.wanted).toBe(wanted - done);
    }
  }
});

it('plays audio unchanged while no change is wanted', () => {
  const input = speech(RATE);
  const { output, removedFrames, insertedFrames } = scaleTime([input], RATE, 1);
  expect(removedFrames + insertedFrames).toBe(0);
  expect(output[0]).toEqual(input);
});

describe('the search', () => {
  const random = seededRandom(5);

  it('finds the same lag in any portions', () => {
    const search = new SimilaritySearch(RATE);
    const { overlapFrames, reachFrames } = search;
    const signal = voice(overlapFrames + reachFrames + RATE);
    for (let i = 0; i < 20; i++) {
      const at = Math.floor(random() * RATE * 0.9);
      const begin = () => search.begin([signal], at, [signal], at + 120, reachFrames, 0);
      begin();
      search.finish();
      const { lag, score } = search;
      begin();
      const portion = 1 + Math.floor(random() * 2000);
      for (let left = search.workLeft; !search.work(portion); left = search.workLeft) {
        // What it promises is what it does.
        expect(search.workLeft).toBeLessThan(left);
      }
      expect([search.lag, search.score]).toEqual([lag, score]);
    }
  });

  it('finds the lag of an exhaustive search', () => {
    const search = new SimilaritySearch(16_000);
    const { overlapFrames, reachFrames } = search;
    for (let i = 0; i < 20; i++) {
      const signal = voice(16_000, 16_000, i);
      const at = Math.floor(random() * 10_000);
      search.begin([signal], at, [signal], at + 40, reachFrames, 0);
      search.finish();
      let best = -1;
      for (let lag = 0; lag <= reachFrames; lag++) {
        const [product, a, b] = [0, 1, 2].map((which) => {
          let sum = 0;
          for (let k = 0; k < overlapFrames; k++) {
            const x = signal[at + k]!;
            const y = signal[at + 40 + lag + k]!;
            sum += which === 0 ? x * y : which === 1 ? x * x : y * y;
          }
          return sum;
        });
        best = Math.max(best, product! / Math.sqrt(a! * b!));
      }
      expect(search.score).toBeGreaterThan(best - 0.01);
    }
  });
});

it.each([
  [{ sampleRate: 1, channels: 1 }, RangeError],
  [{ sampleRate: RATE, channels: 0 }, RangeError],
  [{ sampleRate: RATE, channels: 1, limit: 0.6 }, RangeError],
  [{ sampleRate: '48000', channels: 1 }, TypeError],
])('refuses %o', (options, error) => {
  expect(() => new TimeScaler(options as never)).toThrow(error);
});
