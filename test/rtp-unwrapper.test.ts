import { describe, expect, it } from 'vitest';
import {
  SequenceUnwrapper,
  TimestampUnwrapper,
  sequenceDifference,
  timestampDifference,
} from '../src/core/rtp/unwrapper.ts';
import { integer } from './helpers/packet-streams.ts';
import { seededRandom } from './helpers/random.ts';

describe.each([
  ['sequence numbers of 16 bits', SequenceUnwrapper, sequenceDifference, 2 ** 16],
  ['timestamps of 32 bits', TimestampUnwrapper, timestampDifference, 2 ** 32],
] as const)('%s', (_name, Unwrapper, difference, size) => {
  const half = size / 2;

  it('have the shorter difference', () => {
    expect(difference(0, 0)).toBe(0);
    expect(difference(size - 1, 0)).toBe(1);
    expect(difference(0, size - 1)).toBe(-1);
    expect(difference(0, half - 1)).toBe(half - 1);
    expect(difference(0, half)).toBe(-half);
    const random = seededRandom(1);
    for (let i = 0; i < 1000; i++) {
      const from = integer(size, random);
      const step = integer(size, random) - half;
      expect(difference(from, (from + step + size) % size)).toBe(step);
    }
  });

  it('are counted on beyond their end, up to 2⁵³, in shuffled order too', () => {
    const random = seededRandom(2);
    for (const start of [0, size - 3, 7 * size + 5, 2 ** 53 - 50 * half]) {
      const unwrapper = new Unwrapper();
      const offset = start - unwrapper.unwrap(start % size);
      let highest = start;
      for (let i = 0; i < 40; i++) {
        // Each lies less than half a round from the highest, on either side; none before the first round.
        const step = integer(half, random) - (i % 2 === 0 ? 0 : half);
        const value = Math.max(offset, highest + step);
        expect(unwrapper.peek(value % size)).toBe(value - offset);
        expect(unwrapper.unwrap(value % size)).toBe(value - offset);
        highest = Math.max(highest, value);
        expect(unwrapper.highest).toBe(highest - offset);
      }
    }
  });

  it('lie below 0 if they precede a first one that is close to 0', () => {
    const unwrapper = new Unwrapper();
    expect(unwrapper.highest).toBeNaN();
    expect(unwrapper.unwrap(1)).toBe(1);
    expect(unwrapper.unwrap(size - 2)).toBe(-2);
    expect(unwrapper.unwrap(2)).toBe(2);
    unwrapper.reset();
    expect(unwrapper.unwrap(size - 2)).toBe(size - 2);
    expect(unwrapper.unwrap(1)).toBe(size + 1);
  });

  it('may be peeked at without an effect', () => {
    const unwrapper = new Unwrapper();
    unwrapper.unwrap(10);
    for (let i = 0; i < 5; i++) expect(unwrapper.peek(half)).toBe(half);
    expect(unwrapper.highest).toBe(10);
  });
});
