/** The one bucket of tokens: what limits messages, bytes, openings of devices and the replay of a session. */
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../src/core/token-bucket.ts';
import { seededRandom } from './helpers/random.ts';

describe('TokenBucket', () => {
  it('allows a constant rate, and two seconds’ worth at once', () => {
    const bucket = TokenBucket.perSecond(10, 0);
    let passed = 0;
    for (let i = 0; i < 100; i++) if (bucket.tryTake(0)) passed++;
    expect(passed).toBe(20);
    for (let ms = 0; ms < 10_000; ms += 10) if (bucket.tryTake(ms)) passed++;
    expect(passed).toBeGreaterThanOrEqual(118);
    expect(passed).toBeLessThanOrEqual(120);
  });

  it('reports when tokens are due: after a burst of 8, one every 5 s', () => {
    const bucket = new TokenBucket({ depth: 8, perSecond: 0.2 }, 0);
    for (let i = 0; i < 8; i++) {
      expect(bucket.dueMs(1, 1000)).toBe(1000);
      bucket.take(1, 1000);
    }
    expect(bucket.dueMs(1, 1000)).toBe(6000);
    expect(bucket.dueMs(1, 6000)).toBe(6000);
    bucket.giveBack();
    bucket.take(1, 6000);
    expect(bucket.dueMs(1, 6000)).toBe(6000);
  });

  it('owes tokens that were taken in advance, up to its limit, and pays them off', () => {
    const free = new TokenBucket({ depth: 10, perSecond: 10 }, 0);
    free.take(110, 0);
    expect(free.dueMs(0, 0)).toBe(10_000);
    expect(free.tryTake(10_000)).toBe(false);
    expect(free.tryTake(10_100)).toBe(true);
    const bounded = new TokenBucket({ depth: 10, perSecond: 10, maxDebt: 5 }, 0);
    bounded.take(110, 0);
    expect(bounded.dueMs(0, 0)).toBe(500);
  });

  it('never holds more than its depth, and fills up at once on request', () => {
    const bucket = new TokenBucket({ depth: 3, perSecond: 1 }, 0);
    for (let i = 0; i < 9; i++) bucket.giveBack();
    const left = (nowMs: number): number => {
      let count = 0;
      while (bucket.tryTake(nowMs)) count++;
      return count;
    };
    expect(left(1e9)).toBe(3);
    bucket.fill(1e9);
    expect(left(1e9)).toBe(3);
    expect(left(1e9 + 2000)).toBe(2);
  });

  it('gains nothing from a clock that is set back', () => {
    const bucket = new TokenBucket({ depth: 1, perSecond: 1 }, 10_000);
    expect(bucket.tryTake(10_000)).toBe(true);
    expect(bucket.tryTake(0)).toBe(false);
    expect(bucket.tryTake(10_999)).toBe(false);
    expect(bucket.tryTake(11_000)).toBe(true);
  });

  it('allows no more than its rate and a burst, over any period of time', () => {
    const random = seededRandom(7);
    const pace = { depth: 3200, perSecond: 32_000 };
    const bucket = new TokenBucket(pace, 0);
    let nowMs = 0;
    const out: { readonly atMs: number; readonly total: number }[] = [{ atMs: 0, total: 0 }];
    for (let i = 0; i < 2000; i++) {
      const frames = 1 + Math.floor(random() * 3200);
      const atMs = bucket.dueMs(frames, nowMs);
      nowMs = Math.max(nowMs, atMs) + (random() < 0.1 ? random() * 500 : 0);
      expect(bucket.dueMs(frames, nowMs)).toBeLessThanOrEqual(nowMs + 1e-6);
      bucket.take(frames, nowMs);
      out.push({ atMs: nowMs, total: out.at(-1)!.total + frames });
    }
    for (let from = 0; from < out.length; from += 7) {
      for (let to = from + 1; to < Math.min(out.length, from + 200); to++) {
        const before = out[from]!;
        const after = out[to]!;
        const most = 3200 + 32 * (after.atMs - before.atMs);
        expect(after.total - before.total).toBeLessThanOrEqual(most + 1e-3 + 3200);
      }
    }
    // And no less, when it always has something to send.
    const busy = new TokenBucket(pace, 0);
    let sent = 0;
    for (let atMs = 0; atMs < 10_000; atMs = busy.dueMs(320, atMs)) {
      busy.take(320, atMs);
      sent += 320;
    }
    expect(sent).toBeGreaterThanOrEqual(320_000);
    expect(sent).toBeLessThanOrEqual(320_000 + 3200 + 320);
  });
});
