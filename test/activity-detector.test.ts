import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ActivityDetector } from '../src/core/metering/activity-detector.ts';
import { Biquad, EnergySpeechEstimator } from '../src/core/metering/speech-estimator.ts';
import { MeterBank } from '../src/core/metering/meter-bank.ts';
import { meterModule } from '../src/core/metering/meter-module.ts';
import type { SpeechEstimator } from '../src/core/metering/speech-estimator.ts';
import { feed } from './helpers/feed.ts';
import { seededRandom } from './helpers/random.ts';
import { constant, noise, sine } from './helpers/signals.ts';

const RATE = 16000;
interface Change {
  active: boolean;
  sinceFrame: number;
  frame: number;
}

function changesOf(
  channels: readonly Float32Array[],
  options: Partial<ConstructorParameters<typeof ActivityDetector>[0]> = {},
): Change[] {
  const changes: Change[] = [];
  const detector = new ActivityDetector({
    sampleRate: RATE,
    channels: channels.length,
    onChange: (active, sinceFrame, frame) => void changes.push({ active, sinceFrame, frame }),
    ...options,
  });
  feed(detector, channels, 700, seededRandom(1));
  return changes;
}

/** Noise at about −60 dBFS with louder noise, at about −25, from second 3 to second 4. */
function burst(sampleRate = RATE): Float32Array {
  const random = seededRandom(2);
  const signal = noise(random, 6 * sampleRate, 0.0017);
  signal.set(noise(random, sampleRate, 0.1), 3 * sampleRate);
  return signal;
}

test.each([8000, 16000, 44100, 48000, 96000])(
  'a burst over noise is located to 10 ms, 30 ms after its start and 300 ms after its end, at %i Hz',
  (sampleRate) => {
    const changes = changesOf([burst(sampleRate)], { sampleRate });
    expect(changes.map(({ active }) => active)).toEqual([true, false]);
    const [start, end] = changes.map(({ sinceFrame, frame }) => ({
      sinceFrame: sinceFrame / sampleRate,
      known: frame / sampleRate,
    }));
    expect(Math.abs(start!.sinceFrame - 3)).toBeLessThan(0.011);
    expect(start!.known - start!.sinceFrame).toBeCloseTo(0.03, 2);
    expect(Math.abs(end!.sinceFrame - 4)).toBeLessThan(0.021);
    expect(end!.known - end!.sinceFrame).toBeCloseTo(0.3, 2);
  },
);

test('reports the same changes however the audio is cut into blocks, and with or without WebAssembly', () => {
  const channels = [burst(), burst().map((value) => value * 0.5)];
  const expected = changesOf(channels);
  expect(expected.length).toBe(2);
  for (const wasm of [undefined, meterModule()]) {
    for (const largest of [1, 128, 20_000]) {
      const changes: Change[] = [];
      const onChange = (active: boolean, sinceFrame: number, frame: number): void =>
        void changes.push({ active, sinceFrame, frame });
      const detector = new ActivityDetector({ sampleRate: RATE, channels: 2, wasm, onChange });
      feed(detector, channels, largest, seededRandom(3));
      expect(changes).toEqual(expected);
    }
  }
});

test('a gap shorter than the hold and a click shorter than the attack change nothing', () => {
  const random = seededRandom(4);
  const signal = burst();
  signal.set(noise(random, 0.2 * RATE, 0.0017), 3.4 * RATE);
  signal.set(noise(random, 0.015 * RATE, 0.5), 5 * RATE);
  expect(changesOf([signal]).map(({ active }) => active)).toEqual([true, false]);
});

test('steady noise counts as silence once the floor has followed it, and louder speech as activity', () => {
  const random = seededRandom(5);
  const signal = noise(random, 12 * RATE, 0.02);
  signal.set(noise(random, RATE, 0.3), 8 * RATE);
  const changes = changesOf([signal]);
  const last = changes.filter(({ active }) => active).at(-1)!;
  expect(last.sinceFrame / RATE).toBeCloseTo(8, 1);
  expect(changes.filter(({ frame }) => frame > 3 * RATE && frame < 8 * RATE)).toEqual([]);
});

test('hum below the voice, DC and digital silence count as silence', () => {
  const hum = sine({ frequency: 30, sampleRate: RATE, frames: 4 * RATE, amplitude: 0.005 });
  expect(changesOf([hum])).toEqual([]);
  expect(
    changesOf([constant(0.3, 4 * RATE)]).filter(({ sinceFrame }) => sinceFrame > RATE / 2),
  ).toEqual([]);
  expect(changesOf([new Float32Array(4 * RATE)])).toEqual([]);
});

test('recorded speech is detected, and its end', () => {
  const speech = readWave(new URL('./fixtures/speech.wav', import.meta.url));
  const signal = new Float32Array(speech.samples.length + 2 * speech.sampleRate);
  signal.set(speech.samples, speech.sampleRate);
  const changes = changesOf([signal], { sampleRate: speech.sampleRate });
  expect(changes[0]?.active).toBe(true);
  expect(changes.at(-1)?.active).toBe(false);
  let heard = 0;
  for (const [i, { active, sinceFrame }] of changes.entries()) {
    if (!active) heard += sinceFrame - changes[i - 1]!.sinceFrame;
  }
  expect(heard / speech.samples.length).toBeGreaterThan(0.5);
});

test('another estimator can replace the energy-based one', () => {
  const stretches: number[] = [];
  const estimator: SpeechEstimator = {
    frames: 512,
    likelihood: 0,
    estimate(this: { likelihood: number }, samples) {
      stretches.push(samples.length);
      this.likelihood = samples[0] === 1 ? 0.9 : 0.05;
    },
    reset: () => void (stretches.length = 0),
  };
  const signal = new Float32Array(512 * 40).fill(1, 512 * 10, 512 * 20);
  const changes = changesOf([signal], { estimator, attackDurationMs: 64, holdDurationMs: 96 });
  expect(stretches).toEqual(new Array(40).fill(512));
  expect(changes).toEqual([
    { active: true, sinceFrame: 512 * 10, frame: 512 * 12 },
    { active: false, sinceFrame: 512 * 20, frame: 512 * 23 },
  ]);
});

test('a likelihood of just the onset begins speech, and one of just the release does not end it', () => {
  const likely = (likelihood: number): SpeechEstimator => ({
    frames: 512,
    likelihood,
    estimate() {},
    reset() {},
  });
  const signal = new Float32Array(512 * 40);
  const states = (likelihood: number, options = {}) =>
    changesOf([signal], { estimator: likely(likelihood), ...options }).map(({ active }) => active);
  expect(states(0.5)).toEqual([true]);
  expect(states(0.4999)).toEqual([]);
  expect(states(0.7, { onset: 0.7 })).toEqual([true]);
  expect(states(0.6999, { onset: 0.7 })).toEqual([]);
  expect(states(0.5, { onset: 0.5, release: 0.5 })).toEqual([true]);
});

test('the reading contains the state, and reset restarts the detector', () => {
  const detector = new ActivityDetector({ sampleRate: RATE, channels: 1 });
  const reading = detector.createReading();
  detector.process([burst()], 0, 3.5 * RATE);
  detector.read(reading);
  expect(reading.active).toBe(1);
  expect(reading.activityLikelihood).toBeGreaterThan(0.9);
  expect(detector.active).toBe(true);
  detector.reset();
  detector.read(reading);
  expect([...reading.values]).toEqual([...detector.createReading().values]);
});

test('a bank reports activity too', () => {
  const changes: boolean[] = [];
  const bank = new MeterBank({
    sampleRate: RATE,
    channels: 1,
    meters: ['activity'],
    onActivity: (active) => void changes.push(active),
  });
  feed(bank, [burst()], 128);
  expect(changes).toEqual([true, false]);
});

test('the estimator reports level and floor', () => {
  const estimator = new EnergySpeechEstimator({ sampleRate: RATE });
  const frames = 3 * RATE;
  const estimate = (signal: Float32Array): void => {
    for (let at = 0; at + estimator.frames <= signal.length; at += estimator.frames) {
      estimator.estimate(signal.subarray(at, at + estimator.frames));
    }
  };
  estimate(sine({ frequency: 500, sampleRate: RATE, frames, amplitude: 0.01 }));
  expect(estimator.levelDbfs).toBeCloseTo(-43.01, 0);
  expect(estimator.floorDbfs).toBeCloseTo(-43.01, 0);
  estimate(sine({ frequency: 500, sampleRate: RATE, frames: RATE, amplitude: 0.1 }));
  expect(estimator.levelDbfs).toBeCloseTo(-23.01, 0);
  expect(estimator.floorDbfs).toBeCloseTo(-43.01, 0);
});

test('the high-pass is 3 dB down at its corner and passes frequencies above it', () => {
  const gain = (frequency: number): number => {
    const filter = Biquad.highPass(100, RATE);
    const tone = sine({ frequency, sampleRate: RATE, frames: 2 * RATE });
    filter.sumSquares(tone, 0, RATE);
    filter.sumSquares(tone, RATE, RATE);
    return 10 * Math.log10((2 * filter.squares) / RATE);
  };
  expect(gain(100)).toBeCloseTo(-3.01, 2);
  expect(gain(1000)).toBeCloseTo(0, 2);
  expect(gain(10)).toBeCloseTo(-40, 1);
});

/** The first channel of a 16-bit RIFF WAVE file. */
function readWave(url: URL): { sampleRate: number; samples: Float32Array } {
  const file = readFileSync(url);
  const data = file.indexOf('data', 12, 'latin1');
  const channels = file.readUInt16LE(22);
  const frames = Math.floor(file.readUInt32LE(data + 4) / 2 / channels);
  const samples = Float32Array.from(
    { length: frames },
    (_, n) => file.readInt16LE(data + 8 + 2 * channels * n) / 32768,
  );
  return { sampleRate: file.readUInt32LE(24), samples };
}
