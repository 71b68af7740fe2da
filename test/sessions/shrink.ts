import { shrinkSchedule } from '../helpers/shrink-schedule.ts';
import type { FailingSchedule } from '../helpers/shrink-schedule.ts';
import type { Failure } from './run.ts';
import { PLAIN } from './schedule.ts';
import type { Action, Schedule, World } from './schedule.ts';

/** Finds a short schedule that fails by the same rule. */
export function shrink(
  schedule: Schedule,
  failure: Failure,
  run: (schedule: Schedule) => Promise<Failure | null>,
): Promise<FailingSchedule<World, Action, Failure>> {
  return shrinkSchedule({ schedule, failure }, run, { upTo, worlds: PLAINER, shorter });
}

function upTo({ world, actions }: Schedule, atMs: number): Schedule {
  return { world, actions: actions.filter(({ at }) => at <= atMs) };
}

/** One field after the other as in the plainest world. */
const PLAINER: readonly ((world: World) => Partial<World>)[] = [
  () => PLAIN,
  ...Object.entries(PLAIN).map(
    ([name, value]) =>
      () =>
        ({ [name]: value }) as Partial<World>,
  ),
];

/** The action with rounder and smaller numbers, beginning earlier. */
function* shorter(action: Action): Generator<Action> {
  for (const unit of [1000, 100, 10]) {
    const length = Math.floor(action.for / 2 / unit) * unit;
    if (length > 0) yield { ...action, for: length };
    const at = Math.floor(action.at / 2 / unit) * unit;
    if (at > 0) yield { ...action, at };
    const rounded = Math.round(action.at / unit) * unit;
    if (rounded !== action.at) yield { ...action, at: rounded };
  }
}
