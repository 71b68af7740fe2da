/** What the page about the AudioWorklet of the lab's view Learn is made from. */
import { describe, expect, it } from 'vitest';
import { TickMeter, longestBurst, piecesOf } from '../demo/learn/quantum-fill.ts';
import { seededRandom } from './helpers/random.ts';

describe('quanta fill chunks', () => {
  it.each([
    [128, 960],
    [128, 441],
    [128, 128],
    [128, 100],
    [256, 1024],
  ])('of %i frames, in chunks of %i, without a gap', (quantum, chunk) => {
    const filled = new Map<number, number>();
    for (let q = 0; q < 200; q++) {
      const pieces = piecesOf(q * quantum, quantum, chunk);
      expect(pieces.reduce((sum, { frames }) => sum + frames, 0)).toBe(quantum);
      for (const piece of pieces) {
        expect(piece.at).toBe(filled.get(piece.chunk) ?? 0);
        filled.set(piece.chunk, piece.at + piece.frames);
        expect(piece.fills).toBe(filled.get(piece.chunk) === chunk);
      }
    }
    const full = [...filled.values()].filter((frames) => frames === chunk);
    expect(full).toHaveLength(Math.floor((200 * quantum) / chunk));
  });

  it('ends one chunk of 20 ms and begins the next in one quantum of 128', () => {
    expect(piecesOf(7 * 128, 128, 960)).toEqual([
      { chunk: 0, at: 896, frames: 64, fills: true },
      { chunk: 1, at: 0, frames: 64, fills: false },
    ]);
  });
});

describe('work timed by a clock of whole milliseconds', () => {
  it.each([0.02, 0.3, 1.4])('of %d ms is estimated within three standard errors', (lengthMs) => {
    const random = seededRandom(5);
    const meter = new TickMeter();
    for (let report = 0; report < 150; report++) {
      let ticks = 0;
      for (let i = 0; i < 15; i++) {
        const startMs = 1000 * random();
        ticks += Math.floor(startMs + lengthMs) - Math.floor(startMs);
      }
      meter.add(15, ticks);
    }
    const { mean, error } = meter.estimate!;
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(0.02);
    expect(Math.abs(mean - lengthMs)).toBeLessThan(3 * error);
  });

  it('is not estimated from too few values, and forgets old ones', () => {
    const meter = new TickMeter();
    meter.add(400, 200);
    expect(meter.estimate).toBeNull();
    for (let i = 0; i < 300; i++) meter.add(15, 0);
    expect(meter.estimate!.mean).toBe(0);
    meter.reset();
    expect(meter.estimate).toBeNull();
  });
});

it('a burst is the longest run of quanta in one millisecond', () => {
  expect(longestBurst([])).toBe(0);
  expect(longestBurst([1, 2, 3])).toBe(1);
  expect(longestBurst([1, 1, 9, 9, 9, 9, 18, 18])).toBe(4);
});
