import { describe, expect, it } from 'vitest';
import { FrameSet } from '../src/node/recording/frame-set.ts';
import { seededRandom } from './helpers/random.ts';

describe('a frame set', () => {
  it('joins touching ranges, and returns the new frames', () => {
    const set = new FrameSet();
    expect(set.add(0, 10)).toEqual([{ frame: 0, frames: 10 }]);
    expect(set.add(20, 10)).toEqual([{ frame: 20, frames: 10 }]);
    expect(set.add(5, 20)).toEqual([{ frame: 10, frames: 10 }]);
    expect([...set]).toEqual([{ frame: 0, frames: 30 }]);
    expect(set.add(3, 4)).toEqual([]);
    expect(set.add(7, 0)).toEqual([]);
    expect(set.contiguousEnd(0)).toBe(30);
    expect(set.contiguousEnd(40)).toBe(40);
    expect(set.gaps(0, 35)).toEqual([{ frame: 30, frames: 5 }]);
  });

  it('equals a plain list of frames', () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = seededRandom(seed);
      const set = new FrameSet();
      const all = new Set<number>();
      for (let i = 0; i < 40; i++) {
        const frame = Math.floor(random() * 100);
        const frames = Math.floor(random() * 12);
        const fresh = Array.from({ length: frames }, (_, j) => frame + j).filter(
          (j) => !all.has(j),
        );
        const told = set
          .add(frame, frames)
          .flatMap((range) => Array.from({ length: range.frames }, (_, j) => range.frame + j));
        expect(told).toEqual(fresh);
        for (const each of fresh) all.add(each);
        expect(set.frames).toBe(all.size);
        expect(set.end).toBe(all.size === 0 ? 0 : Math.max(...all) + 1);
        const from = Math.floor(random() * 100);
        let end = from;
        while (all.has(end)) end++;
        expect(set.contiguousEnd(from)).toBe(end);
        const missing = set
          .gaps(0, 112)
          .flatMap((gap) => Array.from({ length: gap.frames }, (_, j) => gap.frame + j));
        expect(missing).toEqual(
          Array.from({ length: 112 }, (_, j) => j).filter((j) => !all.has(j)),
        );
        const ranges = [...set];
        for (let k = 1; k < ranges.length; k++) {
          expect(ranges[k]!.frame).toBeGreaterThan(ranges[k - 1]!.frame + ranges[k - 1]!.frames);
        }
      }
    }
  });
});
