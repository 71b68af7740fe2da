import type { Failure } from './run.ts';
import type { Action, Journey, World } from './schedule.ts';

/** A journey that fails, and how. */
export interface FailingJourney {
  readonly journey: Journey;
  readonly failure: Failure;
}

/** Runs a journey: `runJourney`, or a stand-in. */
export type RunJourney = (journey: Journey) => Promise<Failure | null>;

/** Journeys that are tried at most. */
const MOST_RUNS = 400;

/**
 * Finds a short journey that fails by the same rule: leaves out actions, makes the world plainer, then the actions that are
 * left shorter, for as long as the failure stays.
 */
export async function shrink(failing: FailingJourney, run: RunJourney): Promise<FailingJourney> {
  let best = failing;
  let runs = 0;
  const improve = async (journey: Journey): Promise<boolean> => {
    if (++runs > MOST_RUNS) return false;
    const failure = await run(journey);
    if (failure?.rule !== failing.failure.rule) return false;
    best = { journey, failure };
    return true;
  };
  await improve(upTo(best.journey, best.failure.atMs + 1));
  for (let before = -1; before !== runs && runs < MOST_RUNS;) {
    before = runs;
    let better = false;
    for (let i = best.journey.actions.length - 1; i >= 0; i--) {
      const { world, actions } = best.journey;
      better = (await improve({ world, actions: actions.toSpliced(i, 1) })) || better;
    }
    for (const plainer of PLAINER) {
      const { world, actions } = best.journey;
      const changed = { ...world, ...plainer(world) };
      if (JSON.stringify(changed) === JSON.stringify(world)) continue;
      better = (await improve({ world: changed, actions })) || better;
    }
    for (let i = 0; i < best.journey.actions.length; i++) {
      for (const action of shorter(best.journey.actions[i]!)) {
        const { world, actions } = best.journey;
        if (await improve({ world, actions: actions.with(i, action) })) {
          better = true;
          break;
        }
      }
    }
    if (!better) break;
  }
  await improve(upTo(best.journey, best.failure.atMs + 1));
  return best;
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
