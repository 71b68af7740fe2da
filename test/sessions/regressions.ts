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
    name: 'reports no gap for audio that a connection which it has given up still brings',
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
  {
    name: 'passes a mark on once, though the server sends it again on the next connection',
    world: { ...WORLD, seed: 16_258 },
    actions: [
      { kind: 'break', at: 7430, for: 175, next: false, direction: 'up', bytes: 169 },
      { kind: 'say', at: 7480, for: 600, speed: 2, mark: true },
      { kind: 'restart', at: 8000, for: 10, polite: true, lostMs: 565 },
    ],
  },
  {
    name: 'tells an interruption again that was lost with its connection',
    world: { ...WORLD, seed: 16_630 },
    actions: [
      { kind: 'say', at: 400, for: 100, speed: 2, mark: false },
      { kind: 'cut', at: 500, for: 0, noticed: 'none' },
      { kind: 'interrupt', at: 500, for: 10, by: 'user', every: 72 },
      { kind: 'say', at: 1000, for: 70, speed: 1, mark: true },
    ],
  },
  {
    name: 'reports no interruption twice for a socket that counts the headers of its frames',
    world: {
      ...WORLD,
      seed: 24_438,
      chunkMs: 20,
      latencyMs: 1,
      upBytesPerSecond: 256_000,
      kernelBytes: 0,
      headerBytes: 8,
    },
    actions: [
      { kind: 'cut', at: 4000, for: 0, noticed: 'both' },
      { kind: 'delay', at: 4000, for: 50, by: 206 },
      { kind: 'slow', at: 4000, for: 2000, factor: 0.1 },
      { kind: 'interrupt', at: 4000, for: 2053, by: 'service', every: 12 },
      { kind: 'offline', at: 5700, for: 10, cuts: true },
    ],
  },
  {
    name: 'reports no gap for dropped audio that the server has received and not yet stored',
    world: { ...WORLD, seed: 33_885, maxOutboxMs: 1297, storeMs: 200 },
    actions: [{ kind: 'blackout', at: 1000, for: 3812, direction: 'both' }],
  },
  {
    name: 'keeps the connection to a server that takes longer than the stall time to store',
    world: {
      ...WORLD,
      seed: 35_177,
      firstDelayMs: 1000,
      connectTimeoutMs: 10_000,
      stallMs: 1500,
      tokenMs: 100,
      storeMs: 1500,
      latencyMs: 200,
    },
    actions: [
      { kind: 'cut', at: 600, for: 0, noticed: 'both' },
      { kind: 'cut', at: 1400, for: 0, noticed: 'none' },
    ],
  },
  {
    name: 'tells a server once what was heard of an item from before its restart',
    world: { ...WORLD, seed: 1952 },
    actions: [
      { kind: 'say', at: 2900, for: 100, speed: 2, mark: false },
      { kind: 'delay', at: 1000, for: 10, by: 2463 },
      { kind: 'restart', at: 3000, for: 0, polite: false, lostMs: 0 },
      { kind: 'slow', at: 3000, for: 2000, factor: 0.01 },
      { kind: 'offline', at: 5000, for: 10, cuts: true },
    ],
  },
];
