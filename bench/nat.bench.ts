/**
 * Calls between two peers behind simulated NATs (test/nats), on all cores: `--seeds N` of them, from `--from`; or one, `--seed N`.
 * `--planted` plants faults and shows within how many seeds each is found.
 */
import { describeFailure, runSeed } from '../test/nats/run.ts';
import { DURATION_MS, planNats } from '../test/nats/schedule.ts';
import type { Row } from './measure.ts';
import { SeedRunner } from './seeds.ts';
import type { SeedOptions } from './seeds.ts';

const runner = new SeedRunner({
  name: 'nat',
  plan: planNats,
  run: runSeed,
  virtualMs: () => DURATION_MS,
  describe: describeFailure,
});

export function run(options: SeedOptions = {}): Promise<readonly Row[]> {
  return runner.run(options);
}

/** Of the first `seeds` seeds, those that fail. */
export function failingSeeds(seeds: number): Promise<readonly number[]> {
  return runner.failingSeeds(seeds);
}

/** The first of so many seeds that shows a fault, but for some; null when none does. */
export function firstFailure(seeds: number, except?: ReadonlySet<number>) {
  return runner.firstFailure(seeds, except);
}
