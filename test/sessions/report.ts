import { formatSchedule } from '../helpers/format-schedule.ts';
import { runSchedule } from './run.ts';
import type { Failure } from './run.ts';
import { planSchedule } from './schedule.ts';
import { shrink } from './shrink.ts';

/** Lines of the log that a report shows, before the failure. */
const MOST_LINES = 120;

/** The one command that runs a seed again. */
export function replayCommand(seed: number): string {
  return `npm run bench -- session --seed ${seed}`;
}

/** What a failing seed has to say: how to run it again, what went wrong, the shortest schedule that shows it, and its course. */
export async function describeFailure(seed: number, failure: Failure): Promise<string> {
  const shrunk = await shrink(planSchedule(seed), failure, (schedule) => runSchedule(schedule));
  let course: readonly string[] = [];
  await runSchedule(shrunk.schedule, (lines) => {
    course = lines;
  });
  return [
    `Seed ${seed} breaks the rule '${failure.rule}' at ${(failure.atMs / 1000).toFixed(3)} s: ${failure.detail}`,
    `Run it again with: ${replayCommand(seed)}`,
    `The shortest schedule found, for test/sessions/regressions.ts (${shrunk.failure.detail.split('\n')[0]}):`,
    formatSchedule(shrunk.schedule),
    'Its course:',
    ...course.slice(-MOST_LINES),
  ].join('\n');
}
