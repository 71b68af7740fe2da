/** A world, and what happens in it. */
export interface AnySchedule<W, A> {
  readonly world: W;
  readonly actions: readonly A[];
}

/** How a run fails. */
interface AnyFailure {
  readonly rule: string;
  readonly atMs: number;
}

/** A schedule that fails, and how. */
export interface FailingSchedule<W, A, F> {
  readonly schedule: AnySchedule<W, A>;
  readonly failure: F;
}

/** What is known about a kind of schedules: how to make one plainer. */
export interface Plainer<W, A> {
  /** The same, ending at `atMs`: what begins later is left out. */
  readonly upTo: (schedule: AnySchedule<W, A>, atMs: number) => AnySchedule<W, A>;
  /** Changes of a world that make it plainer. */
  readonly worlds: readonly ((world: W) => Partial<W>)[];
  /** The action with rounder and smaller numbers. */
  readonly shorter: (action: A) => Iterable<A>;
}

/** Schedules that are tried at most. */
const MOST_RUNS = 400;

/**
 * Finds a short schedule that fails by the same rule: leaves out actions, makes the world plainer, then the actions that are
 * left shorter, for as long as the failure stays.
 */
export async function shrinkSchedule<W extends object, A, F extends AnyFailure>(
  failing: FailingSchedule<W, A, F>,
  run: (schedule: AnySchedule<W, A>) => F | null | Promise<F | null>,
  { upTo, worlds, shorter }: Plainer<W, A>,
): Promise<FailingSchedule<W, A, F>> {
  let best = failing;
  let runs = 0;
  const improve = async (schedule: AnySchedule<W, A>): Promise<boolean> => {
    if (++runs > MOST_RUNS) return false;
    const failure = await run(schedule);
    if (failure?.rule !== failing.failure.rule) return false;
    best = { schedule, failure };
    return true;
  };
  await improve(upTo(best.schedule, best.failure.atMs + 1));
  for (let before = -1; before !== runs && runs < MOST_RUNS;) {
    before = runs;
    let better = false;
    for (let i = best.schedule.actions.length - 1; i >= 0; i--) {
      const { world, actions } = best.schedule;
      better = (await improve({ world, actions: actions.toSpliced(i, 1) })) || better;
    }
    for (const plainer of worlds) {
      const { world, actions } = best.schedule;
      const changed = { ...world, ...plainer(world) };
      if (JSON.stringify(changed) === JSON.stringify(world)) continue;
      better = (await improve({ world: changed, actions })) || better;
    }
    for (let i = 0; i < best.schedule.actions.length; i++) {
      for (const action of shorter(best.schedule.actions[i]!)) {
        const { world, actions } = best.schedule;
        if (await improve({ world, actions: actions.with(i, action) })) {
          better = true;
          break;
        }
      }
    }
    if (!better) break;
  }
  await improve(upTo(best.schedule, best.failure.atMs + 1));
  return best;
}
