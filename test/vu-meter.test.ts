import { expect, test } from 'vitest';
import { VuMeter } from '../src/core/metering/vu-meter.ts';
import { feed } from './helpers/feed.ts';
import { seededRandom } from './helpers/random.ts';
import { noise, sine } from './helpers/signals.ts';

const RATES = [8000, 11025, 44100, 48000, 96000].map((rate) => [rate] as const);
/** Peak of a sine at −18 dBFS: 0 VU. */
const REFERENCE = 10 ** (-18 / 20);

test.each(RATES)(
  'IEC 60268-17 at %i Hz: 0.99 of a steady tone within 270 to 330 ms, then 1.01 to 1.015',
  (sampleRate) => {
    const meter = new VuMeter({ sampleRate, channels: 1 });
    // Not at a whole fraction of the rate, where the same few points of the wave are sampled again and again.
    const tone = sine({
      frequency: 1003,
      sampleRate,
      frames: 3 * sampleRate,
      amplitude: REFERENCE,
    });
    const reading = meter.createReading();
    let reached = 0;
    let most = 0;
    for (let at = 0; at < tone.length; at += 10) {
      meter.process([tone], at, Math.min(10, tone.length - at));
      meter.read(reading);
      const place = 10 ** (reading.vu[0]! / 20);
      most = Math.max(most, place);
      if (reached === 0 && place >= 0.99) reached = at / sampleRate;
    }
    expect(reached).toBeGreaterThan(0.27);
    expect(reached).toBeLessThan(0.33);
    expect(most).toBeGreaterThan(1.01);
    expect(most).toBeLessThan(1.015);
    expect(reading.vu[0]).toBeCloseTo(0, 1);
    expect(reading.maxVu[0]).toBeCloseTo(20 * Math.log10(most), 9);
  },
);

test('it falls as fast as it rises: to 1 % in 300 ms', () => {
  const meter = new VuMeter({ sampleRate: 48000, channels: 1 });
  const tone = sine({ frequency: 1000, sampleRate: 48000, frames: 96_000, amplitude: REFERENCE });
  meter.process([tone], 0, 96_000);
  meter.process([], 0, 0.3 * 48000);
  const reading = meter.createReading();
  meter.read(reading);
  expect(reading.vu[0]).toBeLessThan(-38);
  expect(reading.vu[0]).toBeGreaterThan(-45);
  for (let second = 0; second < 20; second++) {
    meter.process([], 0, 48000);
    meter.read(reading);
    expect(reading.vu[0]).not.toBeNaN();
  }
  expect(reading.vu[0]).toBe(-Infinity);
});

test('the reference level can be set', () => {
  const meter = new VuMeter({ sampleRate: 48000, channels: 1, referenceDbfs: -20 });
  meter.process(
    [sine({ frequency: 500, sampleRate: 48000, frames: 96_000, amplitude: 0.1 })],
    0,
    96_000,
  );
  const reading = meter.createReading();
  meter.read(reading);
  expect(reading.vu[0]).toBeCloseTo(0, 1);
});

test('how the audio is cut into blocks changes nothing, nor do samples that are not finite', () => {
  const samples = noise(seededRandom(1), 30_000);
  const zeros = samples.slice();
  for (let n = 0; n < samples.length; n += 97) {
    zeros[n] = 0;
    samples[n] = n % 2 === 0 ? NaN : -Infinity;
  }
  const reads = (channels: Float32Array[], largest: number): number[] => {
    const meter = new VuMeter({ sampleRate: 44100, channels: 1 });
    feed(meter, channels, largest, seededRandom(largest));
    const reading = meter.createReading();
    meter.read(reading);
    return [...reading.values];
  };
  const whole = reads([zeros], 30_000);
  for (const largest of [1, 100, 5000]) {
    for (const [index, value] of reads([samples], largest).entries()) {
      expect(value).toBeCloseTo(whole[index]!, 9);
    }
  }
});
