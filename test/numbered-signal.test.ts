import { describe, expect, it } from 'vitest';
import {
  NumberedSignalReader,
  numberedSignal,
  SIGNAL_PERIOD_SECONDS,
  SIGNAL_SOURCES,
  tonesOf,
} from './helpers/numbered-signal.ts';
import { seededRandom } from './helpers/random.ts';

/** `frames` of a source from any time on, with noise, as another sample rate has them. */
function excerpt(
  source: number,
  seconds: number,
  sampleRate: number,
  { frames = 480, noise = 0, gain = 1, random = Math.random } = {},
): Float32Array {
  return Float32Array.from({ length: frames }, (_, n) => {
    let sum = 0;
    for (const tone of tonesOf(source)) {
      sum += 0.15 * Math.cos(2 * Math.PI * tone * (seconds + n / sampleRate));
    }
    return gain * sum + noise * (random() * 2 - 1);
  });
}

describe('a numbered signal', () => {
  it.each([48000, 44100, 16000])('is read to 2 µs from 5 ms of any source, at %d Hz', (rate) => {
    const random = seededRandom(1);
    const windowFrames = Math.round(rate / 200);
    const reader = new NumberedSignalReader(rate, { windowFrames });
    let worst = 0;
    for (let i = 0; i < 500; i++) {
      const source = Math.floor(random() * SIGNAL_SOURCES);
      const seconds = random() * SIGNAL_PERIOD_SECONDS;
      const samples = excerpt(source, seconds, rate, {
        frames: windowFrames,
        noise: 1 / 32768,
        gain: 0.1 + random(),
        random,
      });
      const reading = reader.read(samples);
      expect(reading.source).toBe(source);
      worst = Math.max(worst, Math.abs(reading.seconds - seconds));
    }
    expect(worst).toBeLessThan(2e-6);
  });

  it('repeats without a seam', () => {
    const rate = 48000;
    const period = numberedSignal(3, rate);
    const seam = new Float32Array([...period.subarray(-240), ...period.subarray(0, 240)]);
    const reading = new NumberedSignalReader(rate).read(seam);
    expect(reading.residualDb).toBeLessThan(-100);
    expect(reading.seconds).toBeCloseTo(SIGNAL_PERIOD_SECONDS - 240 / rate, 5);
  });

  it('has no source where it jumps, and in silence and noise', () => {
    const random = seededRandom(2);
    const reader = new NumberedSignalReader(48000);
    const jumps = excerpt(0, 1, 48000);
    jumps.set(excerpt(0, 5, 48000).subarray(240), 240);
    expect(reader.read(jumps).source).toBe(-1);
    expect(reader.read(new Float32Array(480)).source).toBe(-1);
    expect(reader.read(Float32Array.from({ length: 480 }, () => random() - 0.5)).source).toBe(-1);
  });
});
