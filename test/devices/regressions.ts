import { PLAIN } from './schedule.ts';
import type { Schedule, World } from './schedule.ts';
import { FOREVER_MS } from './schedule.ts';

/** A schedule that showed a fault once. */
export interface Regression extends Schedule {
  /** What went wrong, as a sentence. */
  readonly name: string;
}

/** The plainest world; a regression says what differs. */
const WORLD: World = { ...PLAIN, seed: 1 };

/**
 * Schedules that failing seeds were shrunk to. Each is a test. A new one is what `npm run bench -- devices` prints for a failing
 * seed.
 */
export const REGRESSIONS: readonly Regression[] = [
  {
    name: 'asks for nothing while the light is out, though the permission is granted then',
    world: { ...WORLD, permission: 'prompt' },
    actions: [{ kind: 'mute', at: 1000, for: 100, keep: 'light' }],
  },
  {
    name: 'follows a default that changed before the list of devices told so',
    world: WORLD,
    actions: [{ kind: 'unplug', at: 8000, for: 200, device: 0, newId: true }],
  },
  {
    name: 'keeps two devices of the same name apart when the id of one changes',
    world: { ...WORLD, twins: true, wanted: 0 },
    actions: [{ kind: 'unplug', at: 500, for: 500, device: 0, newId: true }],
  },
  {
    name: 'does not ask again when the user has refused the new default',
    world: { ...WORLD, engine: 'firefox', permission: 'prompt', answers: ['allow', 'deny'] },
    actions: [{ kind: 'default', at: 2000, for: 0, device: 1 }],
  },
  {
    name: 'finds a device again whose track went silent without any event',
    world: { ...WORLD, endedOnUnplug: 'never' },
    actions: [{ kind: 'unplug', at: 2000, for: 10, device: 0, newId: false }],
  },
  {
    name: 'finds it again where the system opens one device at a time',
    world: { ...WORLD, endedOnUnplug: 'never', secondTrack: 'refused' },
    actions: [{ kind: 'unplug', at: 2000, for: 10, device: 0, newId: false }],
  },
  {
    name: 'tells a silent device once, however often it is opened again',
    world: { ...WORLD, secondTrack: 'refused' },
    actions: [{ kind: 'hardware-mute', at: 500, for: FOREVER_MS, device: 0 }],
  },
  {
    name: 'ends the gap when the device before is lost while the next one is taken',
    world: { ...WORLD, wanted: 1, secondTrack: 'ends', openMs: 236, seed: 945 },
    actions: [
      { kind: 'unplug', at: 20_025, for: 4142, device: 1, newId: false },
      { kind: 'flap', at: 21_700, for: 261, device: 0, every: 242 },
    ],
  },
  {
    name: 'waits for no track that ended before it was heard',
    world: WORLD,
    actions: [
      { kind: 'unplug', at: 1000, for: 100, device: 0, newId: false },
      { kind: 'suspend', at: 1000, for: 1000 },
      { kind: 'busy', at: 2000, for: FOREVER_MS, device: 0, takes: true },
    ],
  },
  {
    name: 'opens the right device when the one in its place is muted by the system',
    world: WORLD,
    actions: [
      { kind: 'busy', at: 30_000, for: 4000, device: 0, takes: false },
      { kind: 'unplug', at: 30_000, for: 100, device: 0, newId: false },
      { kind: 'system-mute', at: 31_000, for: FOREVER_MS, device: 1 },
    ],
  },
  {
    name: 'takes no monitor of the output for a microphone',
    world: { ...WORLD, engine: 'firefox', devices: 1, monitors: true },
    actions: [{ kind: 'unplug', at: 2330, for: FOREVER_MS, device: 0, newId: false }],
  },
  {
    name: 'opens nothing when the permission was taken back just after the track ended',
    world: {
      ...WORLD,
      permission: 'prompt',
      answers: ['dismiss'],
      answerMs: 5428,
      seed: 28_840,
    },
    actions: [
      { kind: 'revoke', at: 1000, for: 110, to: 'denied' },
      { kind: 'use', at: 5000, for: 0, device: 0 },
      { kind: 'revoke', at: 10_000, for: 581, to: 'prompt' },
    ],
  },
  {
    name: 'opens a silent device in an engine that lists the default anywhere, and then leaves it alone',
    world: { ...WORLD, engine: 'webkit', listsDefaultFirst: false, seed: 23_048 },
    actions: [
      { kind: 'hardware-mute', at: 500, for: FOREVER_MS, device: 1 },
      { kind: 'default', at: 500, for: 0, device: 1 },
      { kind: 'slow', at: 500, for: 100, by: 7874 },
      { kind: 'refuse', at: 14_000, for: 7884, name: 'OverconstrainedError' },
      { kind: 'unplug', at: 14_000, for: 500, device: 0, newId: false },
    ],
  },
];
