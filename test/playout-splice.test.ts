import { expect, it } from 'vitest';
import { SampleDecoder, SampleEncoder } from '../src/core/format/sample-format.ts';
import { FrameRing } from '../src/core/playout/frame-ring.ts';
import { Splice } from '../src/core/playout/splice.ts';
import { seededRandom } from './helpers/random.ts';

function search(splice: Splice, ...args: Parameters<Splice['begin']>): void {
  splice.begin(...args);
  splice.finish();
}

/** A ring that holds the signals, one per channel, from frame `from` on; `from` lets them wrap. */
function ringOf(channels: readonly Float32Array[], from: number): FrameRing {
  const format = 'f32';
  const frames = channels[0]!.length;
  const decoder = new SampleDecoder({ format, channels: channels.length });
  const ring = new FrameRing(decoder, new ArrayBuffer(frames * decoder.bytesPerFrame));
  const bytes = new Uint8Array(frames * decoder.bytesPerFrame);
  new SampleEncoder({ format, channels: channels.length }).encode(channels, 0, frames, bytes, 0);
  ring.write(from, bytes, frames);
  return ring;
}

/** A pulse-like wave: 8 harmonics of `period` frames. */
function wave(frames: number, period: number): Float32Array {
  return Float32Array.from({ length: frames }, (_, i) => {
    let sample = 0;
    for (let k = 1; k <= 8; k++) sample += Math.cos((2 * Math.PI * k * i) / period) / k;
    return 0.2 * sample;
  });
}

it.each([8000, 16_000, 24_000, 44_100, 48_000, 96_000, 192_000])(
  'cuts a whole number of periods out of a voice, at %i Hz',
  (sampleRate) => {
    const random = seededRandom(sampleRate);
    for (let i = 0; i < 20; i++) {
      const period = sampleRate / (70 + random() * 230);
      const signal = wave(Math.ceil(sampleRate * 0.2), period);
      const opposite = signal.map((sample) => -sample);
      for (const channels of [[signal], [signal, opposite]]) {
        const splice = new Splice(sampleRate, channels.length);
        const from = Math.floor(random() * 1e6);
        search(splice, ringOf(channels, from), from + 7, splice.shortestFrames, Infinity);
        const periods = splice.length / period;
        // To a sample, or to the step of the search above 48 kHz.
        const step = Math.max(1, Math.floor(sampleRate / 48_000));
        expect(Math.abs(periods - Math.round(periods)) * period).toBeLessThan(step + 0.51);
        expect(splice.score).toBeGreaterThan(0.95);
        expect(splice.length).toBeGreaterThanOrEqual(splice.shortestFrames);
        expect(splice.length).toBeLessThanOrEqual(splice.shortestFrames + splice.reachFrames);
      }
    }
  },
);

it('joins the two sides without a step: it begins as the first and ends as the second', () => {
  const sampleRate = 24_000;
  const random = seededRandom(1);
  const noise = Float32Array.from({ length: sampleRate }, () => random() - 0.5);
  const splice = new Splice(sampleRate, 1);
  const at = 1000;
  search(splice, ringOf([noise], 0), at, splice.shortestFrames, Infinity);
  splice.join();
  const [overlap] = splice.overlap;
  const last = splice.overlapFrames - 1;
  expect(overlap![0]).toBeCloseTo(noise[at]!, 4);
  expect(overlap![last]).toBeCloseTo(noise[at + splice.length + last]!, 4);
  for (let i = 0; i <= last; i++) {
    const [a, b] = [noise[at + i]!, noise[at + splice.length + i]!];
    expect(overlap![i]).toBeGreaterThanOrEqual(Math.min(a, b) - 1e-6);
    expect(overlap![i]).toBeLessThanOrEqual(Math.max(a, b) + 1e-6);
  }
});

it('keeps within the allowed lengths, and removes the longest from silence', () => {
  const random = seededRandom(2);
  const splice = new Splice(48_000, 1);
  const noise = Float32Array.from({ length: 96_000 }, () => random() - 0.5);
  const ring = ringOf([noise], 5);
  for (let i = 0; i < 200; i++) {
    const shortest = splice.shortestFrames + Math.floor(random() * 30_000);
    const longest = shortest + Math.floor(random() * 2 * splice.reachFrames);
    search(splice, ring, 5 + Math.floor(random() * 50_000), shortest, longest);
    expect(splice.length).toBeGreaterThanOrEqual(shortest);
    expect(splice.length).toBeLessThanOrEqual(Math.min(longest, shortest + splice.reachFrames));
  }
  const silence = ringOf([new Float32Array(9600)], 0);
  search(splice, silence, 0, splice.shortestFrames, Infinity);
  expect(splice.length).toBe(splice.shortestFrames + splice.reachFrames);
  expect(splice.score).toBe(1);
});
