import { describe, expect, it } from 'vitest';
import { ComfortNoise } from '../src/core/receive/comfort-noise.ts';
import { PcmConcealment } from '../src/core/receive/pcm-concealment.ts';
import { steepest } from './helpers/playout-rig.ts';
import { seededRandom } from './helpers/random.ts';
import { snrDb } from './helpers/snr.ts';
import { speech } from './helpers/speech.ts';
import { voice } from './helpers/voice.ts';

/** Replaces `gap` frames from `at` on by concealment, in pieces, and merges into what follows. */
function conceal(
  signals: readonly Float32Array[],
  sampleRate: number,
  at: number,
  gap: number,
  piece: number = gap,
): Float32Array[] {
  const concealment = new PcmConcealment(sampleRate, signals.length);
  const output = signals.map((signal) => signal.slice());
  concealment.begin(output, at);
  for (let done = 0; done < gap; done += piece) {
    concealment.conceal(output, at + done, Math.min(piece, gap - done));
  }
  expect(concealment.concealedFrames).toBe(gap);
  concealment.merge(output, at + gap, output[0]!.length - at - gap);
  return output;
}

function power(samples: Float32Array): number {
  return samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
}

describe.each([8000, 16_000, 48_000])('a gap in a voice at %i Hz', (sampleRate) => {
  const signal = voice(sampleRate, sampleRate);
  const ms = (value: number) => Math.round((value * sampleRate) / 1000);
  const places = Array.from({ length: 20 }, (_, i) => ms(120 + 30 * i));

  it('of 10 ms is far closer to the lost audio than silence is', () => {
    const snr = places.map((at) => {
      const [output] = conceal([signal], sampleRate, at, ms(10));
      return snrDb(signal.subarray(at, at + ms(10)), output!.subarray(at, at + ms(10)));
    });
    expect(snr.toSorted((a, b) => a - b)[10]).toBeGreaterThan(10);
  });

  it.each([5, 20, 50])('of %i ms begins and ends without a step above the signal’s own', (gap) => {
    for (const at of places) {
      const [output] = conceal([signal], sampleRate, at, ms(gap));
      const around = signal.subarray(at - ms(60), at + ms(gap + 60));
      const made = output!.subarray(at - ms(5), at + ms(gap + 15));
      expect(steepest(made), `at ${at}`).toBeLessThan(steepest(around) * 1.25);
    }
  });

  it('is the same in pieces of any length', () => {
    const [once] = conceal([signal], sampleRate, places[3]!, ms(80));
    for (const piece of [1, ms(5), ms(10) + 3]) {
      const [pieces] = conceal([signal], sampleRate, places[3]!, ms(80), piece);
      const worst = once!.reduce((most, x, i) => Math.max(most, Math.abs(x - pieces![i]!)), 0);
      expect(worst).toBeLessThan(1e-6);
    }
  });

  it('is silent after 60 ms without a background', () => {
    const [output] = conceal([signal], sampleRate, places[5]!, ms(100));
    const from = places[5]!;
    expect(power(output!.subarray(from, from + ms(10)))).toBeGreaterThan(1e-4);
    expect(output!.subarray(from + ms(61), from + ms(100)).every((x) => x === 0)).toBe(true);
  });
});

it('changes from one repeated period to two and three without a step, where the voice became louder fast', () => {
  const sampleRate = 16_000;
  // 7 dB a period: a place that is a period off shows.
  for (const frequency of [210, 230, 250, 270, 290]) {
    const signal = Float32Array.from({ length: 4000 }, (_, i) => {
      const loud = 2.2 ** (((i - 3200) / sampleRate) * frequency);
      return 0.4 * Math.min(1, loud) * Math.cos((2 * Math.PI * frequency * i) / sampleRate);
    });
    const [output] = conceal([signal], sampleRate, 3200, 800);
    const own = steepest(signal.subarray(3100, 3200));
    expect(steepest(output!.subarray(3195, 4000)), `${frequency} Hz`).toBeLessThan(own * 1.15);
  }
});

it('keeps channels in phase', () => {
  const left = voice(48_000);
  const right = left.map((sample) => -0.5 * sample);
  const [a, b] = conceal([left, right], 48_000, 20_000, 1500);
  for (let i = 0; i < 48_000; i++) expect(b![i]).toBeCloseTo(-0.5 * a![i]!, 5);
});

it('makes no click in speech, at any place', () => {
  const signal = speech();
  const random = seededRandom(7);
  const own = steepest(signal);
  for (let i = 0; i < 60; i++) {
    const at = 9600 + Math.floor(random() * (signal.length - 24_000));
    const [output] = conceal([signal], 48_000, at, 480 * (1 + (i % 6)));
    expect(steepest(output!)).toBeLessThanOrEqual(own * 1.001);
  }
});

describe('comfort noise', () => {
  /** Noise through a low pass of one pole, so that it has a shape. */
  function background(frames: number, level: number): Float32Array {
    const random = seededRandom(11);
    let state = 0;
    return Float32Array.from({ length: frames }, () => {
      state += 0.2 * (random() - 0.5 - state);
      return level * state;
    });
  }

  /** Autocorrelation at lag 1 over the power: what tells how dark noise is. */
  function darkness(samples: Float32Array): number {
    let sum = 0;
    for (let i = 1; i < samples.length; i++) sum += samples[i]! * samples[i - 1]!;
    return sum / samples.length / power(samples);
  }

  it('has the level and the shape of the background, and not of the speech over it', () => {
    const frames = 3 * 16_000;
    const signal = background(frames, 0.02);
    const loud = voice(frames, 16_000);
    // Speech for two of three seconds.
    for (let i = 0; i < frames; i++) if (i % 16_000 < 11_000) signal[i]! += loud[i]!;
    const noise = new ComfortNoise(16_000, 1);
    for (let at = ComfortNoise.historyFrames; at + 128 < frames; at += 128) {
      noise.listen([signal], at, 128);
    }
    const made = new Float32Array(16_000);
    noise.add([made], 0, made.length, 1, 0);
    const reference = background(frames, 0.02);
    expect(Math.abs(10 * Math.log10(power(made) / power(reference)))).toBeLessThan(3);
    expect(Math.abs(darkness(made) - darkness(reference))).toBeLessThan(0.1);
  });

  it('is never loud, and silent until a background has been heard', () => {
    const noise = new ComfortNoise(16_000, 2);
    const output = [new Float32Array(1600), new Float32Array(1600)];
    noise.add(output, 0, 1600, 1, 0);
    expect(output.every((samples) => samples.every((x) => x === 0))).toBe(true);
    const loud = [voice(32_000, 16_000), voice(32_000, 16_000, 1)];
    noise.listen(loud, ComfortNoise.historyFrames, 31_000);
    noise.add(output, 0, 1600, 1, 0);
    for (const samples of output) {
      expect(10 * Math.log10(power(samples))).toBeLessThan(-43);
      expect(power(samples)).toBeGreaterThan(0);
    }
    noise.reset();
    for (const samples of output) samples.fill(0);
    noise.add(output, 0, 1600, 1, 0);
    expect(output[0]!.every((x) => x === 0)).toBe(true);
  });

  it('stays bounded for any background', () => {
    const random = seededRandom(12);
    for (const kind of [0, 1, 2, 3]) {
      const noise = new ComfortNoise(8000, 1);
      const signal = Float32Array.from({ length: 8000 }, (_, i) => {
        if (kind === 0) return Math.sin(i);
        if (kind === 1) return i % 2 === 0 ? 1 : -1;
        if (kind === 2) return i % 160 === 0 ? 1 : 0;
        return 1e-20 * random();
      });
      noise.listen([signal], ComfortNoise.historyFrames, 7000);
      const output = new Float32Array(80_000);
      noise.add([output], 0, output.length, 1, 0);
      expect(output.every((x) => Math.abs(x) < 0.1)).toBe(true);
    }
  });
});
