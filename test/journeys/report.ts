import { formatSchedule } from '../helpers/format-schedule.ts';
import { runJourney } from './run.ts';
import type { Failure } from './run.ts';
import { planJourney } from './schedule.ts';
import { shrink } from './shrink.ts';

/** The one command that runs a seed again. */
export function replayCommand(seed: number): string {
  return `npm run bench -- journeys --seed ${seed}`;
}

/** What a failing seed has to say: how to run it again, what went wrong, and the shortest schedule that shows it. */
export async function describeFailure(seed: number, failure: Failure): Promise<string> {
  const shrunk = await shrink({ journey: planJourney(seed), failure }, runJourney);
  return [
    `Seed ${seed} breaks the rule '${failure.rule}' at ${(failure.atMs / 1000).toFixed(3)} s: ${failure.detail}`,
    `Run it again with: ${replayCommand(seed)}`,
    `The shortest schedule found, for test/journeys/regressions.ts (${shrunk.failure.detail.split('\n')[0]}):`,
    formatSchedule(shrunk.journey),
  ].join('\n');
}
