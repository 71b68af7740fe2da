import { describe, expect, it } from 'vitest';
import { formatSchedule } from '../helpers/format-schedule.ts';
import { REGRESSIONS } from './regressions.ts';
import { describeFailure, replayCommand } from './report.ts';
import { runSchedule, runSeed } from './run.ts';
import type { Failure } from './run.ts';
import { PLAIN, planSchedule } from './schedule.ts';
import type { Action, Schedule } from './schedule.ts';
import { shrink } from './shrink.ts';

/** Seeds of each run of the tests; `npm run bench -- devices --seeds N` takes any number. */
const SEEDS = 300;
const TESTS = 3;

describe('a microphone with devices that are plugged and unplugged', () => {
  const each = SEEDS / TESTS;
  it.each(Array.from({ length: TESTS }, (_, i) => [i * each, (i + 1) * each - 1]))(
    'keeps every rule, seeds %i to %i',
    async (first, last) => {
      for (let seed = first; seed <= last; seed++) {
        const failure = runSeed(seed);
        if (failure !== null) expect.fail(await describeFailure(seed, failure));
      }
    },
    60_000,
  );

  it.each(REGRESSIONS)('$name', (schedule) => {
    expect(runSchedule(schedule)).toBeNull();
  });

  it('runs the same for the same seed', () => {
    const course = (): readonly string[] => {
      let lines: readonly string[] = [];
      runSchedule(planSchedule(7), (log) => {
        lines = log;
      });
      return lines;
    };
    expect(course().length).toBeGreaterThan(10);
    expect(course()).toEqual(course());
    expect(formatSchedule(planSchedule(7))).not.toBe(formatSchedule(planSchedule(8)));
    expect(replayCommand(7)).toBe('npm run bench -- devices --seed 7');
  });

  it('meets every kind of event within 300 seeds', () => {
    const kinds = new Set<Action['kind']>();
    for (let seed = 0; seed < SEEDS; seed++) {
      for (const { kind } of planSchedule(seed).actions) kinds.add(kind);
    }
    expect([...kinds].toSorted()).toEqual(
      [
        ...[
          'busy',
          'clock',
          'close',
          'default',
          'flap',
          'freeze',
          'hardware-mute',
          'hide',
          'mute',
          'glitch',
        ],
        ...['profile', 'refuse', 'revoke', 'sleep', 'slow', 'suspend', 'system-mute', 'unplug'],
        'use',
      ].toSorted(),
    );
  });
});

describe('a schedule that fails', () => {
  it('is shrunk to the event that makes it fail', async () => {
    const unplug: Action = { kind: 'unplug', at: 41_234, for: 5000, device: 1, newId: true };
    const schedule: Schedule = {
      world: { ...planSchedule(3).world, engine: 'firefox', devices: 4 },
      actions: [...planSchedule(3).actions, unplug],
    };
    const run = ({ actions }: Schedule): Failure | null => {
      const found = actions.some(({ kind, for: ms }) => kind === 'unplug' && ms > 1000);
      return found ? { rule: 'settles', atMs: 90_000, detail: '' } : null;
    };
    const { schedule: shrunk } = await shrink(schedule, run(schedule)!, run);
    expect(shrunk.actions).toHaveLength(1);
    expect(shrunk.actions[0]).toMatchObject({ kind: 'unplug' });
    expect(shrunk.actions[0]!.for).toBeLessThan(2200);
    expect(shrunk.world).toEqual({ ...PLAIN, seed: 3, devices: shrunk.world.devices });
  });
});
