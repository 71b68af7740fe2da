import { describe, expect, it } from 'vitest';
import { fuzz } from './helpers/fuzz.ts';
import { fuzzTargets } from './helpers/fuzz-targets.ts';
import { seededRandom } from './helpers/random.ts';

/** `npm run bench -- fuzz` does ten million of each. */
const ROUNDS = 5000;

describe.each(fuzzTargets().map((target) => [target.name, target] as const))(
  '%s against a hostile network',
  (_name, target) => {
    it('throws nothing but PacketError, and reads valid messages', () => {
      const { read, refused } = fuzz(target, ROUNDS, seededRandom(1));
      // A run that never gets past the first check would prove nothing.
      expect(read).toBeGreaterThan(ROUNDS / 500);
      expect(refused.size).toBeGreaterThan(0);
    });

    it('throws nothing but PacketError at every truncation', () => {
      for (const sample of target.samples) {
        const cuts = Array.from({ length: sample.length + 1 }, (_, end) => sample.slice(0, end));
        expect(() => fuzz({ ...target, samples: cuts }, cuts.length, () => 0.5)).not.toThrow();
      }
    });
  },
);
