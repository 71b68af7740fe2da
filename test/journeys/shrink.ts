import { shrinkSchedule } from '../helpers/shrink-schedule.ts';
import type { Failure } from './run.ts';
import type { Action, Journey, World } from './schedule.ts';

/** A journey that fails, and how. */
export interface FailingJourney {
  readonly journey: Journey;
  readonly failure: Failure;
}

/** Runs a journey: `runJourney`, or a stand-in. */
export type RunJourney = (journey: Journey) => Promise<Failure | null>;

/** Finds a short journey that fails by the same rule. */
export async function shrink(failing: FailingJourney, run: RunJourney): Promise<FailingJourney> {
  const { journey, failure } = failing;
  const shrunk = await shrinkSchedule({ schedule: journey, failure }, run, {
    upTo,
    worlds: PLAINER,
    shorter,
  });
  return { journey: shrunk.schedule, failure: shrunk.failure };
}

/** The same, ending at `atMs`: what begins later is left out. */
function upTo({ world, actions }: Journey, atMs: number): Journey {
  return {
    world: { ...world, durationMs: Math.ceil(atMs) },
    actions: actions.filter(({ at }) => at <= atMs),
  };
}

const PLAINER: readonly ((world: World) => Partial<World>)[] = [
  ({ network }) => ({ network: { ...network, jitterMs: 0, lossRatio: 0 } }),
  ({ network }) => ({ network: { ...network, jitterMs: 0 } }),
  ({ network }) => ({ network: { ...network, lossRatio: 0 } }),
  ({ network }) => ({ network: { ...network, delayMs: 20 } }),
  () => ({ skewPpm: 0 }),
  () => ({ redundancy: 0, spacing: 1 }),
  () => ({ channels: 1 }),
  ({ sampleRate }) => ({ senderRate: sampleRate, listenerRate: sampleRate }),
  () => ({ fullResampler: false }),
  () => ({ worklets: false }),
  () => ({ senderQuantum: 64 }),
  () => ({ listenerQuantum: 64 }),
  () => ({ chunkMs: 20 }),
  () => ({ bufferMs: 6000 }),
  () => ({ firstSequence: 0, firstFrame: 0 }),
  () => ({ encoding: 'binary' }),
  ({ framing }) => (framing === 'base64-json' ? { framing: 'binary' } : {}),
  () => ({ targetMs: 60 }),
];

/** The action with rounder and smaller numbers. */
function* shorter(action: Action): Generator<Action> {
  for (const unit of [1000, 100, 10]) {
    const length = Math.floor(action.for / 2 / unit) * unit;
    if (length > 0) yield { ...action, for: length };
  }
  if (action.kind === 'step') {
    for (const by of [Math.trunc(action.by / 2), Math.trunc(action.by / 100) * 100]) {
      if (by !== action.by && by !== 0) yield { ...action, by };
    }
  }
  if (action.at > 4000) yield { ...action, at: 4000 };
}
