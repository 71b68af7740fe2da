import { describe, expect, it } from 'vitest';
import { formatSchedule } from '../helpers/format-schedule.ts';
import { plant, sourceOf } from '../helpers/planting.mjs';
import { Network } from './network.ts';
import { FAULTS } from './planted.mjs';
import { OPEN, REGRESSIONS } from './regressions.ts';
import { describeFailure, replayCommand } from './report.ts';
import { runJourney, runSeed } from './run.ts';
import { planJourney } from './schedule.ts';
import type { Action, Journey } from './schedule.ts';
import { shrink } from './shrink.ts';

/** Seeds of each run of the tests; `npm run bench -- journeys --seeds N` takes any number. */
const SEEDS = 300;
const TESTS = 6;

describe('journeys from the microphone to the listener', () => {
  const each = SEEDS / TESTS;
  it.each(Array.from({ length: TESTS }, (_, i) => [i * each, (i + 1) * each - 1]))(
    'keep every rule, seeds %i to %i',
    async (first, last) => {
      for (let seed = first; seed <= last; seed++) {
        const failure = await runSeed(seed);
        const known = OPEN.get(seed);
        if (failure !== null && failure.rule !== known) {
          expect.fail(await describeFailure(seed, failure));
        }
        if (failure === null && known !== undefined) {
          expect.fail(`Seed ${seed} breaks no rule any more: take it out of OPEN.`);
        }
      }
    },
    120_000,
  );

  it.each(REGRESSIONS)(
    '$name',
    async (journey) => {
      expect(await runJourney(journey)).toBeNull();
    },
    120_000,
  );

  it.each([2, 5, 21])(
    'give the same result in worklets and in their engines, seed %i',
    async (seed) => {
      const { world, actions } = planJourney(seed);
      // A stand-in scope skips no frames.
      const able = actions.filter(({ kind }) => kind !== 'glitch');
      const inWorklets = await runJourney({ world: { ...world, worklets: true }, actions: able });
      const inEngines = await runJourney({ world: { ...world, worklets: false }, actions: able });
      expect(inWorklets).toEqual(inEngines);
    },
  );

  it('are the same for the same seed', async () => {
    expect(formatSchedule(planJourney(7))).toBe(formatSchedule(planJourney(7)));
    expect(formatSchedule(planJourney(7))).not.toBe(formatSchedule(planJourney(8)));
    expect(replayCommand(7)).toBe('npm run bench -- journeys --seed 7');
  });
});

describe('the simulated network', () => {
  const conditions = { ordered: false, delayMs: 50, jitterMs: 20, lossRatio: 0.1 };

  /** Sends a packet each 20 ms. @returns when each arrived, in the order of arrival */
  function send(
    count: number,
    options: Partial<typeof conditions>,
    actions: readonly Action[] = [],
  ): { n: number; at: number }[] {
    const network = new Network<number>({ ...conditions, ...options }, 1, () => {});
    const arrived: { n: number; at: number }[] = [];
    for (let n = 0; n < count; n++) {
      const now = n * 20;
      for (const action of actions) {
        if (action.at === now) network.begin(action);
        if (action.at + action.for === now) network.end(action);
      }
      network.send(n, now);
    }
    while (network.nextAt < Infinity) arrived.push({ at: network.nextAt, n: network.take() });
    return arrived;
  }

  it('loses the given share of packets', () => {
    expect(send(20_000, {}).length / 20_000).toBeCloseTo(0.9, 1);
    expect(send(2000, { lossRatio: 0 })).toHaveLength(2000);
  });

  it('delays each packet by the path and its jitter', () => {
    for (const { n, at } of send(2000, {})) {
      expect(at - n * 20).toBeGreaterThanOrEqual(50);
      expect(at - n * 20).toBeLessThan(70);
    }
  });

  it('loses and reorders nothing if it behaves like TCP', () => {
    const numbers = send(2000, { ordered: true, jitterMs: 200 }).map(({ n }) => n);
    expect(numbers).toEqual(Array.from({ length: 2000 }, (_, n) => n));
  });

  it('lets packets of a shorter path overtake', () => {
    const numbers = send(200, { lossRatio: 0 }, [{ kind: 'step', at: 1000, for: 0, by: -45 }]).map(
      ({ n }) => n,
    );
    expect(numbers).not.toEqual(numbers.toSorted((a, b) => a - b));
    expect(numbers).toHaveLength(200);
  });

  it('holds packets for as long as it stalls', () => {
    const arrived = send(100, { lossRatio: 0, jitterMs: 0 }, [
      { kind: 'stall', at: 1000, for: 500 },
    ]);
    expect(arrived.filter(({ at }) => at > 1050 && at < 1550)).toEqual([]);
    expect(arrived.filter(({ at }) => at === 1550)).toHaveLength(26);
  });

  it('keeps the order of packets that a stall held up, and of their copies', () => {
    const numbers = send(100, { lossRatio: 0, jitterMs: 20 }, [
      { kind: 'stall', at: 1000, for: 500 },
      { kind: 'reordering', at: 1000, for: 500, ratio: 0.5, by: 100 },
      { kind: 'duplicates', at: 1000, for: 500, ratio: 0.5 },
    ]).flatMap(({ n }) => (n >= 50 && n < 75 ? [n] : []));
    expect(numbers.length).toBeGreaterThan(25);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  });

  it('doubles packets', () => {
    const arrived = send(100, { lossRatio: 0 }, [
      { kind: 'duplicates', at: 0, for: 10_000, ratio: 1 },
    ]);
    expect(arrived).toHaveLength(200);
  });

  it('treats a packet the same whatever else happens', () => {
    const loss: Action = { kind: 'loss', at: 1000, for: 200, ratio: 1 };
    const before = send(100, { lossRatio: 0 });
    const after = send(100, { lossRatio: 0 }, [loss]);
    expect(after).toEqual(before.filter(({ n }) => n < 50 || n >= 60));
  });
});

describe('a failing journey', () => {
  it('is shrunk to the action that makes it fail', async () => {
    const long = planJourney(3);
    const stall: Action = { kind: 'stall', at: 5000, for: 3217 };
    const journey: Journey = { world: long.world, actions: [...long.actions, stall] };
    const run = ({ actions }: Journey) => {
      const found = actions.find(({ kind, for: length }) => kind === 'stall' && length > 1000);
      return Promise.resolve(found ? { rule: 'no click' as const, atMs: 9000, detail: '' } : null);
    };
    const { journey: shrunk } = await shrink({ journey, failure: (await run(journey))! }, run);
    expect(shrunk.actions).toHaveLength(1);
    expect(shrunk.actions[0]).toMatchObject({ kind: 'stall', at: 4000 });
    expect(shrunk.actions[0]!.for).toBeLessThan(2100);
    expect(shrunk.world).toMatchObject({ durationMs: 9001, skewPpm: 0, redundancy: 0 });
  });
});

describe('the faults to be planted again', () => {
  it.each(FAULTS)('still fit the code: $name', async (fault) => {
    const source = await sourceOf(fault);
    expect(plant(fault, source)).not.toBe(source);
  });
});
