import { describe, expect, it } from 'vitest';
import { formatSchedule } from '../helpers/format-schedule.ts';
import { plant, sourceOf } from '../helpers/planting.mjs';
import { VirtualTime } from '../helpers/virtual-time.ts';
import { Network } from './network.ts';
import type { Noticed } from './network.ts';
import { FAULTS } from './planted.mjs';
import { REGRESSIONS } from './regressions.ts';
import { describeFailure, replayCommand } from './report.ts';
import { runSchedule, runSeed } from './run.ts';
import type { Failure } from './run.ts';
import { PLAIN, planSchedule } from './schedule.ts';
import type { Action, Schedule } from './schedule.ts';
import { shrink } from './shrink.ts';

/** Seeds of each run of the tests; `npm run bench -- session --seeds N` takes any number. */
const SEEDS = 300;
const TESTS = 6;

describe('a session over a network that fails', () => {
  const each = SEEDS / TESTS;
  it.each(Array.from({ length: TESTS }, (_, i) => [i * each, (i + 1) * each - 1]))(
    'keeps every rule, seeds %i to %i',
    async (first, last) => {
      for (let seed = first; seed <= last; seed++) {
        const failure = await runSeed(seed);
        if (failure !== null) expect.fail(await describeFailure(seed, failure));
      }
    },
    120_000,
  );

  it.each(REGRESSIONS)('$name', async (schedule) => {
    expect(await runSchedule(schedule)).toBeNull();
  });

  it('runs the same for the same seed', async () => {
    const course = async (): Promise<readonly string[]> => {
      let lines: readonly string[] = [];
      await runSchedule(planSchedule(7), (log) => {
        lines = log;
      });
      return lines;
    };
    const lines = await course();
    expect(lines.length).toBeGreaterThan(10);
    expect(await course()).toEqual(lines);
    expect(formatSchedule(planSchedule(7))).not.toBe(formatSchedule(planSchedule(8)));
    expect(replayCommand(7)).toBe('npm run bench -- session --seed 7');
  });

  it('meets every kind of fault and both services within 300 seeds', () => {
    const met = new Set<Action['kind'] | 'micwire' | 'silent'>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const { world, actions } = planSchedule(seed);
      met.add(world.service);
      for (const { kind } of actions) met.add(kind);
    }
    expect(met.size).toBe(29);
  });
});

describe('the network of a session', () => {
  const world = {
    latencyMs: 10,
    upBytesPerSecond: 1000,
    downBytesPerSecond: 1000,
    kernelBytes: 0,
    headerBytes: 0,
  };

  /** A connection that is open at both ends, and what each end is told. */
  function open(kernelBytes = 0) {
    const time = new VirtualTime();
    const told: string[] = [];
    const note = (what: string): void => {
      told.push(`${Math.round(time.now)} ${what}`);
    };
    const network = new Network(
      time,
      { ...world, kernelBytes },
      {
        accepted: () => {},
        message: (_, data) => note(`server: ${data.length} bytes`),
        closed: (_, code) => note(`server: ${code}`),
      },
    );
    const connection = network.connect({
      opened: () => note('client: open'),
      message: (data) => note(`client: ${data.length} bytes`),
      closed: (code) => note(`client: ${code}`),
    });
    time.runUntil(100);
    return { time, told, network, connection };
  }

  it('opens after three round trips', () => {
    expect(open().told).toEqual(['63 client: open']);
  });

  it('carries messages in order, at its rate and after its latency', () => {
    const { time, told, connection } = open();
    connection.sendFromClient('a'.repeat(100));
    connection.sendFromClient('b'.repeat(50));
    time.runUntil(150);
    expect(connection.up.bufferedBytes).toBe(100);
    time.runUntil(1000);
    expect(told.slice(1)).toEqual(['210 server: 100 bytes', '260 server: 50 bytes']);
    expect(connection.up.bufferedBytes).toBe(0);
  });

  it('counts bytes taken by the system as having left the socket', () => {
    const { connection } = open(120);
    connection.sendFromClient('a'.repeat(100));
    expect(connection.up.bufferedBytes).toBe(0);
    connection.sendFromClient('b'.repeat(50));
    expect(connection.up.bufferedBytes).toBe(30);
  });

  it('delivers no part of a message in which it breaks', () => {
    const { time, told, connection } = open();
    connection.sendFromClient('a'.repeat(100));
    connection.sendFromClient('b'.repeat(100));
    connection.up.breakAfter(150);
    time.runUntil(1000);
    expect(told.slice(1)).toEqual([
      '210 server: 100 bytes',
      '310 client: 1006',
      '310 server: 1006',
    ]);
  });

  it.each<[Noticed, string[]]>([
    ['both', ['100 client: 1006', '100 server: 1006']],
    ['client', ['100 client: 1006']],
    ['server', ['100 server: 1006']],
    ['none', []],
  ])('tells a loss to %s, and leaves the others half-open', (noticed, expected) => {
    const { time, told, connection } = open();
    connection.lose(noticed);
    connection.sendFromClient('a');
    time.runUntil(10_000);
    expect(told.slice(1)).toEqual(expected);
  });

  it('delivers the bytes of a closing socket before its end', () => {
    const { time, told, connection } = open();
    connection.sendFromClient('a'.repeat(100));
    connection.closeFromClient(1000);
    time.runUntil(1000);
    expect(told.slice(1)).toEqual([
      '210 server: 100 bytes',
      '212 server: 1000',
      '224 client: 1000',
    ]);
  });

  it('holds all messages while it is blocked, and loses none', () => {
    const { time, told, network, connection } = open();
    connection.sendFromClient('a'.repeat(100));
    time.runUntil(150);
    network.block('up', 1);
    time.runUntil(500);
    network.block('up', -1);
    time.runUntil(1000);
    expect(told.slice(1)).toEqual(['560 server: 100 bytes']);
  });
});

describe('a schedule that fails', () => {
  it('is shrunk to the event that makes it fail', async () => {
    const cut: Action = { kind: 'blackout', at: 41_234, for: 5000, direction: 'both' };
    const schedule: Schedule = {
      world: { ...planSchedule(3).world, format: 'mulaw', chunkMs: 40 },
      actions: [...planSchedule(3).actions, cut],
    };
    const run = ({ actions }: Schedule): Promise<Failure | null> => {
      const isFound = actions.some(({ at, for: ms }) => at > 40_000 && ms > 1000);
      return Promise.resolve(isFound ? { rule: 'commits', atMs: 90_000, detail: '' } : null);
    };
    const { schedule: shrunk } = await shrink(schedule, (await run(schedule))!, run);
    expect(shrunk.actions).toHaveLength(1);
    expect(shrunk.actions[0]).toMatchObject({ kind: 'blackout' });
    expect(shrunk.actions[0]!.for).toBeLessThan(2200);
    expect(shrunk.world).toEqual({ ...PLAIN, seed: 3 });
  });
});

describe('the faults to be planted in a session', () => {
  it.each(FAULTS)('have their place in the code as it is: $name', async (fault) => {
    const source = await sourceOf(fault);
    expect(plant(fault, source)).not.toBe(source);
  });
});
