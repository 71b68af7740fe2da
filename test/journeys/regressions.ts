import type { Rule } from './invariants.ts';
import type { Journey, World } from './schedule.ts';

/** A journey that showed a fault once. */
export interface Regression extends Journey {
  /** What went wrong, as a sentence. */
  readonly name: string;
}

/** The plainest world; a regression says what differs. */
const PLAIN: World = {
  seed: 0,
  durationMs: 20_000,
  listener: 'receiver',
  framing: 'rtp',
  format: 's16',
  encoding: 'binary',
  sampleRate: 8000,
  senderRate: 8000,
  listenerRate: 8000,
  channels: 1,
  senderQuantum: 64,
  listenerQuantum: 64,
  chunkMs: 20,
  bufferMs: 6000,
  skewPpm: 0,
  signal: 'voice',
  network: { ordered: false, delayMs: 20, jitterMs: 0, lossRatio: 0 },
  redundancy: 0,
  spacing: 1,
  firstSequence: 0,
  firstFrame: 0,
  fullResampler: false,
  worklets: false,
  targetMs: 60,
};

/**
 * Schedules that failing seeds were shrunk to, and journeys too long for random ones. Each is a test. A new one is what
 * `npm run bench -- journeys` prints for a failing seed.
 */
export const REGRESSIONS: readonly Regression[] = [
  {
    name: 'conceals nothing 2 s after a pause of 3 s',
    world: { ...PLAIN, durationMs: 18_500 },
    actions: [{ kind: 'pause', at: 4000, for: 3000 }],
  },
  {
    name: 'conceals nothing 2 s after a pause of an hour',
    world: {
      ...PLAIN,
      sampleRate: 4000,
      senderRate: 4000,
      listenerRate: 4000,
      listenerQuantum: 512,
      senderQuantum: 512,
      durationMs: 3_616_000,
    },
    actions: [{ kind: 'pause', at: 4000, for: 3_600_000 }],
  },
  {
    name: 'keeps its delay after the path has grown by 1.2 s',
    world: { ...PLAIN, durationMs: 18_000 },
    actions: [{ kind: 'step', at: 4000, for: 0, by: 1200 }],
  },
  {
    name: 'keeps its delay after the path has shrunk by 2.9 s',
    world: { ...PLAIN, network: { ...PLAIN.network, delayMs: 3000 }, durationMs: 22_000 },
    actions: [{ kind: 'step', at: 4000, for: 0, by: -2900 }],
  },
  ...[300, 1200, 1900].map((at) => ({
    name: `plays a sender that restarts ${at} ms into its stream with numbers from 0`,
    world: { ...PLAIN, framing: 'binary' as const, durationMs: at + 12_500 },
    actions: [
      {
        kind: 'restart' as const,
        at,
        for: 60,
        graceful: false,
        sequence: 0,
        frame: 0,
        newSsrc: false,
      },
    ],
  })),
  {
    name: 'plays a sender that restarts with the same SSRC and other first numbers',
    world: { ...PLAIN, firstSequence: 1000, firstFrame: 5000, durationMs: 16_500 },
    actions: [
      {
        kind: 'restart',
        at: 4000,
        for: 300,
        graceful: false,
        sequence: 52_000,
        frame: 3_000_000_000,
        newSsrc: false,
      },
    ],
  },
  {
    name: 'counts no packet of padding as lost, and none of its frames as dropped',
    world: { ...PLAIN, durationMs: 6000 },
    actions: [{ kind: 'no-audio', at: 4000, for: 1000, what: 'padding', every: 8 }],
  },
  {
    name: 'counts no telephone event as lost',
    world: { ...PLAIN, durationMs: 6000 },
    actions: [{ kind: 'no-audio', at: 4000, for: 1000, what: 'telephone-event', every: 3 }],
  },
];

/**
 * Seeds among those of `npm test` that show a fault which is known and not mended yet, with the rule that they break. A seed that
 * breaks another rule fails the test, and so does one that breaks none any more: then its line goes.
 */
export const OPEN: ReadonlyMap<number, Rule> = new Map<number, Rule>();
