import { expect, test } from 'vitest';
import { RmsMeter } from '../src/core/metering/rms-meter.ts';
import { feed } from './helpers/feed.ts';
import { seededRandom } from './helpers/random.ts';
import { constant, noise, sine } from './helpers/signals.ts';

function levels(
  channels: readonly Float32Array[],
  sampleRate = 48000,
  meter: RmsMeter = new RmsMeter({ sampleRate, channels: channels.length }),
): ReturnType<RmsMeter['createReading']> {
  feed(meter, channels, 400, seededRandom(9));
  const reading = meter.createReading();
  meter.read(reading);
  return reading;
}

test('silence reads −∞, crest 0, and never NaN', () => {
  const reading = levels([new Float32Array(48000)]);
  expect([...reading.values]).toEqual([-Infinity, 0, 0, -Infinity]);
  expect([...new RmsMeter({ sampleRate: 48000, channels: 1 }).createReading().values]).toEqual([
    -Infinity,
    0,
    0,
    -Infinity,
  ]);
});

test.each([8000, 11025, 44100, 48000, 192000])(
  'a full-scale sine reads −3.01 dBFS with a crest of 3.01 dB at %i Hz',
  (sampleRate) => {
    const reading = levels(
      [sine({ frequency: 1000, sampleRate, frames: sampleRate, phase: 0.3 })],
      sampleRate,
    );
    expect(reading.rmsDbfs[0]).toBeCloseTo(-3.0103, 2);
    expect(reading.crestDb[0]).toBeGreaterThan(sampleRate < 12000 ? 2.6 : 2.98);
    expect(reading.crestDb[0]).toBeLessThan(3.02);
    expect(reading.noiseFloorDbfs[0]).toBeCloseTo(-3.0103, 1);
  },
);

test('a square wave reads 0 dBFS with a crest of 0 dB', () => {
  const square = Float32Array.from({ length: 48000 }, (_, n) => (n % 48 < 24 ? 1 : -1));
  const reading = levels([square]);
  expect(reading.rmsDbfs[0]).toBeCloseTo(0, 9);
  expect(reading.crestDb[0]).toBeCloseTo(0, 9);
  expect(reading.dcOffset[0]).toBeCloseTo(0, 9);
});

test('the window is 300 ms, rectangular: half full reads 3.01 dB less, and it empties in 300 ms', () => {
  const meter = new RmsMeter({ sampleRate: 48000, channels: 1 });
  expect(levels([constant(0.5, 7200)], 48000, meter).rmsDbfs[0]).toBeCloseTo(-9.0309, 4);
  expect(levels([constant(0.5, 7200)], 48000, meter).rmsDbfs[0]).toBeCloseTo(-6.0206, 4);
  expect(levels([constant(0, 14400 - 480)], 48000, meter).rmsDbfs[0]).toBeCloseTo(-20.79, 2);
  expect(levels([constant(0, 480)], 48000, meter).rmsDbfs[0]).toBe(-Infinity);
});

test('the DC offset is the mean of 3 s, with its sign, under any hum', () => {
  const hum = sine({ frequency: 50, sampleRate: 48000, frames: 4 * 48000, amplitude: 0.4 });
  const reading = levels([hum.map((value) => value - 0.125), hum.map((value) => value + 0.001)]);
  expect(reading.dcOffset[0]).toBeCloseTo(-0.125, 6);
  expect(reading.dcOffset[1]).toBeCloseTo(0.001, 6);
});

test('the noise floor is the level in the pauses, and follows within 10 s when it rises', () => {
  const floor = noise(seededRandom(1), 48000 * 5, 0.001);
  const speech = floor.map((value, n) => value + (n % 48000 < 36000 ? Math.sin(n / 20) * 0.3 : 0));
  const meter = new RmsMeter({ sampleRate: 48000, channels: 1 });
  const expected = 20 * Math.log10(0.001 / Math.sqrt(3));
  expect(levels([speech], 48000, meter).noiseFloorDbfs[0]).toBeGreaterThan(expected - 0.5);
  expect(levels([speech], 48000, meter).noiseFloorDbfs[0]).toBeLessThan(expected);
  levels([noise(seededRandom(2), 48000 * 11, 0.01)], 48000, meter);
  const risen = meter.createReading();
  meter.read(risen);
  expect(Math.abs(risen.noiseFloorDbfs[0]! - expected - 20)).toBeLessThan(0.5);
});

test('samples that are not finite count as silence', () => {
  const clean = sine({ frequency: 1000, sampleRate: 48000, frames: 48000, amplitude: 0.5 });
  const dirty = clean.slice();
  for (let n = 7; n < dirty.length; n += 4801) {
    clean[n] = 0;
    dirty[n] = n % 2 === 0 ? NaN : -Infinity;
  }
  expect([...levels([dirty]).values]).toEqual([...levels([clean]).values]);
});

test('a channel that disappears falls to silence; the others continue', () => {
  const meter = new RmsMeter({ sampleRate: 48000, channels: 2 });
  const half = constant(0.5, 24000);
  meter.process([half, half], 0, 24000);
  meter.process([half], 0, 24000);
  const reading = meter.createReading();
  meter.read(reading);
  expect(reading.rmsDbfs[0]).toBeCloseTo(-6.0206, 4);
  expect(reading.rmsDbfs[1]).toBe(-Infinity);
});

test('the reading does not depend on how the audio is cut into blocks', () => {
  const signal = [noise(seededRandom(6), 96000, 0.7)];
  const whole = new RmsMeter({ sampleRate: 44100, channels: 1 });
  whole.process(signal, 0, 96000);
  const expected = whole.createReading();
  whole.read(expected);
  const cut = levels(signal, 44100);
  for (let i = 0; i < cut.values.length; i++) {
    expect(cut.values[i]).toBeCloseTo(expected.values[i]!, 9);
  }
});
