import { describe, expect, it } from 'vitest';
import { NAT_DEPENDENCES, NAT_KINDS, canConnect } from '../../src/core/webrtc/nat/index.ts';
import type { NatBehaviour, NatKind, NatPath } from '../../src/core/webrtc/nat/index.ts';
import { formatSchedule } from '../helpers/format-schedule.ts';
import { plant, sourceOf } from '../helpers/planting.mjs';
import { FAULTS } from './planted.mjs';
import { describeFailure, replayCommand, runSchedule, runSeed } from './run.ts';
import { planNats } from './schedule.ts';
import type { NatSchedule } from './schedule.ts';

/** Seeds of each run of the tests; `npm run bench -- nat --seeds N` takes any number. */
const SEEDS = 60;
const TESTS = 2;

/** Measured in Chromium behind NATs of nftables: see docs/nat.md. */
const MEASURED: readonly (readonly [NatKind, NatKind, NatPath])[] = [
  ['full-cone', 'full-cone', 'direct'],
  ['full-cone', 'address-restricted', 'direct'],
  ['full-cone', 'port-restricted', 'direct'],
  ['full-cone', 'symmetric', 'direct-prflx'],
  ['address-restricted', 'address-restricted', 'direct'],
  ['address-restricted', 'port-restricted', 'direct'],
  ['address-restricted', 'symmetric', 'direct-prflx'],
  ['port-restricted', 'port-restricted', 'direct'],
  ['port-restricted', 'symmetric', 'relay'],
  ['symmetric', 'symmetric', 'relay'],
];

function scheduleOf(a: NatBehaviour, b: NatBehaviour): NatSchedule {
  const rest = {
    portAllocation: 'random',
    mappingTimeoutMs: 120_000,
    hairpinning: false,
    refreshOnInbound: false,
  } as const;
  const world = { seed: 1, a: { ...rest, ...a }, b: { ...rest, ...b } };
  return {
    world: { ...world, lossRatio: 0, delayMs: 20, jitterMs: 5, signalMs: 100 },
    actions: [],
  };
}

/** @throws when a rule is broken, the prediction among them */
function pathBetween(a: NatBehaviour, b: NatBehaviour): NatPath | null {
  let path: NatPath | null = null;
  const failure = runSchedule(scheduleOf(a, b), (outcome) => (path = outcome.path));
  expect(failure).toBeNull();
  return path;
}

describe('calls between two NATs', () => {
  it.each(MEASURED)('from %s to %s are %s, as measured, predicted and simulated', (a, b, path) => {
    const [first, second] = [NAT_KINDS[a], NAT_KINDS[b]];
    expect(canConnect(first, second)).toBe(path);
    expect(canConnect(second, first)).toBe(path);
    expect(pathBetween(first, second)).toBe(path);
    expect(pathBetween(second, first)).toBe(path);
  });

  const all = NAT_DEPENDENCES.flatMap((mapping) =>
    NAT_DEPENDENCES.map((filtering): NatBehaviour => ({ mapping, filtering })),
  );
  it.each(all)('are predicted for $mapping mapping with $filtering filtering', (a) => {
    for (const b of all.slice(all.indexOf(a))) expect(pathBetween(a, b)).toBe(canConnect(a, b));
  });

  const each = SEEDS / TESTS;
  it.each(Array.from({ length: TESTS }, (_, i) => [i * each, (i + 1) * each - 1]))(
    'keep every rule with loss and disorder, seeds %i to %i',
    async (first, last) => {
      for (let seed = first; seed <= last; seed++) {
        const failure = runSeed(seed);
        if (failure !== null) expect.fail(await describeFailure(seed, failure));
      }
    },
    120_000,
  );

  it('take the same course with the same seed', () => {
    const course = (seed: number): readonly string[] => {
      let log: readonly string[] = [];
      runSchedule(planNats(seed), (outcome) => (log = outcome.log));
      return log;
    };
    expect(course(7)).toHaveLength(2);
    expect(course(7)).toEqual(course(7));
    expect(course(7)).not.toEqual(course(8));
    expect(formatSchedule(planNats(7))).not.toBe(formatSchedule(planNats(8)));
    expect(replayCommand(7)).toBe('npm run bench -- nat --seed 7');
  });

  it.each(FAULTS)('can have a fault planted: $name', async (fault) => {
    const source = await sourceOf(fault);
    expect(plant(fault, source)).not.toBe(source);
  });
});
