import { describe, expect, test } from 'vitest';
import { DISTURBANCES, playDisturbed, randomDisturbance } from './helpers/disturbed-path.ts';

const SEEDS = 30;

describe('two seconds after a single disturbance no more is concealed than without it, and the delay is back within ten', () => {
  test.each(DISTURBANCES)('%s', { timeout: 120_000 }, (kind) => {
    const failures = Array.from({ length: SEEDS }, (_, i) => randomDisturbance(kind, i + 1));
    expect(failures.filter((failure) => failure !== '')).toEqual([]);
  });
});

test.each([80, 150, 300])(
  'a start in blocks of %i ms has no effect for longer than 5 s',
  (blockMs) => {
    const undisturbed = { delayMs: 25, uniformMs: 3 };
    const busyMs = 1000;
    const play = (network: object) =>
      playDisturbed({ network: { ...undisturbed, ...network }, seed: 1, endMs: 12_000 });
    const busy = play({ busyStart: { ms: busyMs, blockMs } });
    expect(Math.max(...busy.waits(0, busyMs))).toBeGreaterThan(blockMs / 2);
    const usual = Math.max(...play({}).waits(busyMs + 5000, 12_000));
    expect(Math.max(...busy.waits(busyMs + 5000, 12_000))).toBeLessThan(usual + 10);
    expect(busy.concealedMs(busyMs + 1000, busy.endMs)).toBe(0);
  },
);

describe('a pause of the sender', () => {
  const play = (ms: number) =>
    playDisturbed({
      network: { delayMs: 25 },
      seed: 1,
      endMs: 10_000 + ms + 10_000,
      disturbance: { kind: 'pause', ms, frames: 'continue' },
      atMs: 10_000,
    });

  test.each([3000, 60_000])('of %i ms is concealed for a second, and then awaited', (ms) => {
    const heard = play(ms);
    expect(heard.concealedMs(0, heard.endMs)).toBeGreaterThan(900);
    expect(heard.concealedMs(0, heard.endMs)).toBeLessThan(1100);
    expect(heard.skippedMs(0, heard.endMs)).toBe(0);
    expect(heard.buffer.packetsLost).toBe(0);
    expect(heard.buffer.counters.get('packetsDiscarded')).toBe(0);
    expect(heard.buffer.counters.get('concealmentEvents')).toBe(1);
  });

  test('does not count as delay: playing continues at the target, and at the usual speed', () => {
    for (const ms of [300, 1500, 20_000]) {
      const heard = play(ms);
      const waits = heard.waits(heard.overMs + 1000, heard.endMs);
      expect(waits.length).toBeGreaterThan(400);
      expect(Math.max(...waits)).toBeLessThan(40);
      expect(heard.buffer.counters.get('removedSamplesForAcceleration')).toBeLessThan(2000);
    }
  });
});
