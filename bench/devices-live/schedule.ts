import { seededRandom } from '../../test/helpers/random.ts';

/** The kinds of events of a run. Each is undone after a while. */
const EVENT_KINDS = [
  'device in use unplugged, and plugged in again',
  'another device unplugged, and plugged in again',
  'all devices unplugged, and plugged in again',
  'default device changed',
  'source muted by the system',
  'source muted by the system for more than 5 s',
  'source suspended by the system',
  'use(another device)',
  'use(null)',
  'use(a device that is gone)',
  "mute({ keep: 'time' })",
  "mute({ keep: 'light' })",
  'release() and hold()',
  'context suspended and resumed',
  'page’s thread blocked',
  'page’s thread blocked for 10 s',
  'unplugged while the page’s thread is blocked',
  "unplugged while muted with keep: 'light'",
  'unplugged while nobody talks',
  'use(another device) while that is unplugged',
  'use(another device), then at once use(null)',
  'page hidden',
  'page frozen',
  'unplugged while the page is frozen',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Of push-to-talk, ms: a release is longer. */
export const PRE_ROLL_MS = 300;

/** One event of a run. */
export interface ScheduledEvent {
  readonly kind: EventKind;
  /** How long it lasts until it is undone, ms. */
  readonly holdMs: number;
  /** Quiet after it, ms. */
  readonly restMs: number;
  /** Chooses among devices: from 0 to 1. */
  readonly choice: number;
}

/** Kinds that only a browser with `life` can have. */
const OF_PAGES: ReadonlySet<EventKind> = new Set([
  'page hidden',
  'page frozen',
  'unplugged while the page is frozen',
]);

/** Length of the events that are given it by their name, ms. */
const LONG_MS: Partial<Record<EventKind, number>> = {
  'source muted by the system for more than 5 s': 7000,
  'page’s thread blocked for 10 s': 10_000,
};

/**
 * The events of a run: all kinds in a random order, then all kinds again, until there are `events`. The same seed gives the
 * same run.
 */
export function scheduleOf(options: {
  readonly seed: number;
  readonly events: number;
  readonly minutes: number;
  readonly withPage: boolean;
  /** Which kinds. @default all */
  readonly kinds?: readonly EventKind[];
}): ScheduledEvent[] {
  const { seed, events, minutes, withPage, kinds = EVENT_KINDS } = options;
  const random = seededRandom(seed);
  const usable = kinds.filter((kind) => withPage || !OF_PAGES.has(kind));
  const schedule: ScheduledEvent[] = [];
  const slotMs = (minutes * 60_000) / events;
  let bag: EventKind[] = [];
  while (schedule.length < events) {
    if (bag.length === 0) bag = [...usable];
    const [kind] = bag.splice(Math.floor(random() * bag.length), 1);
    const holdMs = LONG_MS[kind!] ?? Math.min(4000, PRE_ROLL_MS + slotMs * (0.1 + 0.25 * random()));
    const restMs = Math.max(500, slotMs * (0.8 + 0.4 * random()) - holdMs);
    schedule.push({ kind: kind!, holdMs, restMs, choice: random() });
  }
  return schedule;
}
