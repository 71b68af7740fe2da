import { describe, expect, it } from 'vitest';
import { ComfortNoise } from '../src/core/receive/comfort-noise.ts';
import { seededRandom } from './helpers/random.ts';

/** So low that a piece of 20 ms is 20 frames, and the 75 pieces that are watched are 1500. */
const RATE = 1000;
const PIECE = 20;
const WATCHED = 75 * PIECE;
const ORDER = 10;
const HISTORY = ComfortNoise.historyFrames;

/** Frames of noise made of what was heard: all of the channels from their history on. */
function made(channels: readonly Float32Array[], frames: number, rate = RATE): Float32Array[] {
  const comfort = new ComfortNoise(rate, channels.length);
  const end = channels[0]!.length;
  // In pieces of no length in particular.
  for (let at = HISTORY; at < end; at += 7) {
    comfort.listen(channels, at, Math.min(7, end - at));
  }
  const output = channels.map(() => new Float32Array(frames));
  comfort.add(output, 0, frames, 1, 0);
  return output;
}

/** What is filtered: noise between −1 and 1, of the second of two channels. The first is silent, so there is no shape. */
function excitation(frames: number): number[] {
  const level = 0.004;
  const flat = new Float32Array(HISTORY + PIECE).fill(level, HISTORY);
  const [, second] = made([new Float32Array(flat.length), flat], frames);
  return [...second!].map((sample) => sample / (level * Math.sqrt(3)));
}

/** Linear prediction by Gaussian elimination: coefficients for the last samples, and the share of power that is left. */
function prediction(samples: Float32Array): { coefficients: number[]; residual: number } {
  const r = Array.from({ length: ORDER + 1 }, (_, lag) => {
    let sum = 0;
    for (let i = HISTORY; i < samples.length; i++) sum += samples[i]! * samples[i - lag]!;
    return sum;
  });
  const rows = Array.from({ length: ORDER }, (_, i) => [
    ...Array.from({ length: ORDER }, (__, j) => r[Math.abs(i - j)]!),
    r[i + 1]!,
  ]);
  for (let i = 0; i < ORDER; i++) {
    for (let k = 0; k < ORDER; k++) {
      if (k === i) continue;
      const factor = rows[k]![i]! / rows[i]![i]!;
      for (let j = i; j <= ORDER; j++) rows[k]![j]! -= factor * rows[i]![j]!;
    }
  }
  const coefficients = rows.map((row, i) => row[ORDER]! / row[i]!);
  const explained = coefficients.reduce((sum, one, i) => sum + one * r[i + 1]!, 0);
  return { coefficients, residual: (r[0]! - explained) / r[0]! };
}

const rmsOf = (samples: readonly number[]) =>
  Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);

/** Low noise whose neighbours are alike. */
function hum(seed: number, frames: number, level: number): Float32Array {
  const random = seededRandom(seed);
  let last = 0;
  return Float32Array.from({ length: frames }, () => {
    last = 0.6 * last + random() - 0.5;
    return level * last;
  });
}

describe('comfort noise', () => {
  it('is even noise, as loud as the background, if the first channel says nothing about its shape', () => {
    const noise = excitation(4000);
    expect(Math.max(...noise)).toBeLessThan(1.0001);
    expect(Math.max(...noise)).toBeGreaterThan(0.99);
    expect(Math.min(...noise)).toBeLessThan(-0.99);
    expect(rmsOf(noise)).toBeCloseTo(Math.sqrt(1 / 3), 1);
    expect(Math.abs(noise.reduce((sum, one) => sum + one, 0)) / 4000).toBeLessThan(0.03);
  });

  it('has the spectrum of the first channel by linear prediction, with poles scaled by 0.98', () => {
    for (const seed of [1, 2, 3]) {
      const first = hum(seed, HISTORY + 8 * PIECE, 0.003);
      const second = hum(seed + 9, HISTORY + 8 * PIECE, 0.002);
      const { coefficients, residual } = prediction(first);
      expect(residual).toBeGreaterThan(0.05);
      expect(residual).toBeLessThan(0.95);
      const noise = excitation(200);
      const gain = rmsOf([...second.subarray(HISTORY)]) * Math.sqrt(3 * residual);
      const expected: number[] = [];
      for (const sample of noise) {
        const past = coefficients.map(
          (one, k) => one * 0.98 ** (k + 1) * (expected.at(-1 - k) ?? 0),
        );
        expected.push(past.reduce((sum, one) => sum + one, gain * sample));
      }
      const [, output] = made([first, second], 200, 8 * RATE);
      const worst = Math.max(...expected.map((one, i) => Math.abs(one - output![i]!)));
      expect(worst).toBeLessThan(1e-6 * 0.002);
    }
  });

  it('is no louder than −46 dBFS', () => {
    const loud = new Float32Array(HISTORY + PIECE).fill(0.1, HISTORY);
    const [, output] = made([new Float32Array(loud.length), loud], 200);
    const noise = excitation(200);
    output!.forEach((sample, i) => expect(sample).toBeCloseTo(noise[i]! * 0.005 * Math.sqrt(3), 7));
  });

  it('is silent below −100 dBFS, and before a whole piece has been heard', () => {
    for (const [level, frames, heard] of [
      [0.9e-5, PIECE, false],
      [1.1e-5, PIECE, true],
      [0.002, PIECE - 1, false],
    ] as const) {
      const flat = new Float32Array(HISTORY + frames).fill(level, HISTORY);
      const [, output] = made([new Float32Array(flat.length), flat], 50);
      expect(output!.some((sample) => sample !== 0)).toBe(heard);
    }
  });

  it('follows the quietest piece of this watch and the one before, and no longer', () => {
    /** The level of the noise after pieces of such levels, in a channel without a shape. */
    const level = (...levels: readonly [pieces: number, level: number][]) => {
      const frames = levels.reduce((sum, [pieces]) => sum + pieces * PIECE, HISTORY);
      const samples = new Float32Array(frames);
      let at = HISTORY;
      for (const [pieces, one] of levels) {
        samples.fill(one, at, (at += pieces * PIECE));
      }
      const [, output] = made([new Float32Array(frames), samples], 20);
      return output![5]! / (excitation(6)[5]! * Math.sqrt(3));
    };
    expect(level([5, 0.003], [1, 0.001], [30, 0.003])).toBeCloseTo(0.001, 6);
    expect(level([1, 0.001], [148, 0.003])).toBeCloseTo(0.001, 6);
    expect(level([1, 0.001], [149, 0.003])).toBeCloseTo(0.003, 6);
    expect(level([74, 0.003], [1, 0.001], [74, 0.003])).toBeCloseTo(0.001, 6);
    expect(level([75, 0.003], [1, 0.001], [1, 0.002])).toBeCloseTo(0.001, 6);
    expect(level([75, 0.001], [75, 0.003], [1, 0.002])).toBeCloseTo(0.002, 6);
    expect(WATCHED).toBe(1.5 * RATE);
  });

  it('continues from call to call, with a changing seed; each channel has its own', () => {
    const samples = hum(4, HISTORY + PIECE, 0.003);
    const comfort = new ComfortNoise(RATE, 2);
    comfort.listen([samples, samples], HISTORY, PIECE);
    const output = [new Float32Array(200), new Float32Array(200)];
    comfort.add(output, 0, 100, 1, 0);
    comfort.add(output, 100, 100, 1, 0);
    const [a, b] = output as [Float32Array, Float32Array];
    expect(a.subarray(0, 100)).not.toEqual(a.subarray(100));
    expect(a).not.toEqual(b);
    for (const half of [a.subarray(0, 100), a.subarray(100), b.subarray(100)]) {
      expect(rmsOf([...half])).toBeGreaterThan(0.0005);
    }
    // As new: the same seed would be another one's.
    comfort.reset();
    comfort.add(output, 0, 100, 1, 0);
    expect(output[0]!.subarray(0, 100)).toEqual(a.subarray(0, 100));
  });

  it('is scaled by its gain, within 0 and 1, and is added to the output', () => {
    const flat = new Float32Array(HISTORY + PIECE).fill(0.004, HISTORY);
    const input = [new Float32Array(flat.length), flat];
    const noise = excitation(30);
    for (const [gain, step] of [
      [-0.25, 1 / 16],
      [1.25, -1 / 16],
      [0.5, 0],
    ] as const) {
      const comfort = new ComfortNoise(RATE, 2);
      comfort.listen(input, HISTORY, PIECE);
      const output = [new Float32Array(34), new Float32Array(34).fill(0.5)];
      comfort.add(output, 2, 30, gain, step);
      expect([...output[1]!.subarray(0, 2), ...output[1]!.subarray(32)]).toEqual(
        Array(4).fill(0.5),
      );
      noise.forEach((one, i) => {
        const weight = Math.min(1, Math.max(0, gain + i * step));
        const expected = 0.5 + one * 0.004 * Math.sqrt(3) * weight;
        expect(output[1]![2 + i]).toBeCloseTo(expected, 6);
      });
      expect(output[0]!.every((sample) => sample === 0)).toBe(true);
    }
  });
});
