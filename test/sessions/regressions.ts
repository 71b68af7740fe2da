import { PLAIN } from './schedule.ts';
import type { Schedule, World } from './schedule.ts';

/** A schedule that showed a fault once. */
export interface Regression extends Schedule {
  /** What went wrong, as a sentence. */
  readonly name: string;
}

/** The plainest world; a regression says what differs. */
const WORLD: World = { ...PLAIN, seed: 1 };

/**
 * Schedules that failing seeds were shrunk to. Each is a test. A new one is what `npm run bench -- session` prints for a failing
 * seed.
 */
export const REGRESSIONS: readonly Regression[] = [
  {
    name: 'keeps a connection that opens long after the session began',
    world: WORLD,
    actions: [{ kind: 'sleep', at: 1000, for: 122_000 }],
  },
  {
    name: 'tells no gap for audio that a connection which it has given up still brings',
    world: { ...WORLD, seed: 28, maxOutboxBytes: 65_536, kernelBytes: 4096 },
    actions: [{ kind: 'offline', at: 1000, for: 2000, cuts: false }],
  },
  {
    name: 'counts audio as lost that is dropped after the server has said what it has',
    world: { ...WORLD, seed: 29, maxOutboxMs: 1445 },
    actions: [{ kind: 'cut', at: 1000, for: 0, noticed: 'server' }],
  },
  {
    name: 'says once what was heard, though the connection that it was said on was given up',
    world: { ...WORLD, seed: 228, service: 'silent' },
    actions: [
      { kind: 'blackout', at: 500, for: 4779, direction: 'both' },
      { kind: 'interrupt', at: 3000, for: 0, by: 'user', every: 0 },
    ],
  },
  {
    name: 'tells each gap where it is, however many there are when the session ends',
    world: { ...WORLD, seed: 1250, chunkMs: 20, replaySpeed: 2, latencyMs: 200 },
    actions: [
      { kind: 'refuse', at: 0, for: 2527 },
      { kind: 'mute', at: 8500, for: 475, every: 24 },
      { kind: 'close', at: 9000, for: 0, code: 3000 },
    ],
  },
];
