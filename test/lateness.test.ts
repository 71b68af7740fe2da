import { describe, expect, it } from 'vitest';
import { Lateness, RECENT_SECONDS } from '../demo/link/lateness.ts';
import { seededRandom } from './helpers/random.ts';

describe('the lateness of the network', () => {
  it('reports percentiles to 5 %, of everything and of the last seconds', () => {
    const random = seededRandom(5);
    let nowMs = 0;
    const lateness = new Lateness(() => nowMs);
    const added: { readonly atMs: number; readonly ms: number }[] = [];
    for (; nowMs < 30_000; nowMs += 7) {
      // Late in the first ten seconds alone.
      const ms = random() * (nowMs < 10_000 ? 100 : 2);
      lateness.add(ms);
      added.push({ atMs: nowMs, ms });
      if (nowMs % 490 !== 0) continue;
      const oldest = (Math.floor(nowMs / 1000) - RECENT_SECONDS + 1) * 1000;
      for (const [report, values] of [
        [lateness.report(), added],
        [lateness.recent(), added.filter(({ atMs }) => atMs >= oldest)],
      ] as const) {
        const sorted = values.map((each) => each.ms).sort((a, b) => a - b);
        const p99 = sorted[Math.ceil(0.99 * sorted.length) - 1]!;
        expect(report.count).toBe(sorted.length);
        expect(report.maxMs).toBe(sorted.at(-1));
        expect(report.p99Ms).toBeGreaterThanOrEqual(p99);
        expect(report.p99Ms).toBeLessThanOrEqual(Math.max(0.01, p99 * 1.05));
      }
    }
    expect(lateness.report().p99Ms).toBeGreaterThan(50);
    expect(lateness.recent().p99Ms).toBeLessThan(2.1);
  });

  it('forgets seconds in which nothing was measured, and everything when it is reset', () => {
    let nowMs = 500;
    const lateness = new Lateness(() => nowMs);
    lateness.add(40);
    expect(lateness.recent()).toEqual({ count: 1, p50Ms: 40, p99Ms: 40, maxMs: 40 });
    nowMs += RECENT_SECONDS * 1000;
    expect(lateness.recent()).toEqual({ count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 });
    lateness.add(1);
    expect([lateness.recent().maxMs, lateness.report().maxMs]).toEqual([1, 40]);
    lateness.reset();
    expect([lateness.recent().count, lateness.report().count]).toEqual([0, 0]);
  });
});
