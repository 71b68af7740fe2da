/**
 * Runs seeds of a suite on all cores: `--seeds N` of them, from `--from`; or one, `--seed N`, and tells what it does.
 */
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { formatSchedule } from '../test/helpers/format-schedule.ts';
import type { Row } from './measure.ts';

/** Options of the command. */
export interface SeedOptions {
  readonly seed?: string | undefined;
  readonly seeds?: string | undefined;
  readonly from?: string | undefined;
}

/** How a run fails. */
export interface SeedFailure {
  readonly rule: string;
}

/** A suite whose runs are planned by seeds. */
export interface SeedSuite<F extends SeedFailure> {
  /** As `npm run bench` knows it. */
  readonly name: string;
  plan(seed: number): { readonly world: object; readonly actions: readonly object[] };
  /** Null when all went well. */
  run(seed: number): F | null | Promise<F | null>;
  /** Virtual time that a run takes. */
  virtualMs(seed: number): number;
  describe(seed: number, failure: F): Promise<string>;
}

/** A seed that fails. */
export interface FoundSeed<F> {
  readonly seed: number;
  readonly failure: F;
}

/** Seeds that a worker takes at once. */
const BATCH = 50;
const DEFAULT_SEEDS = 1000;
/** Failures that are told in full: shrinking takes seconds. */
const MOST_TOLD = 5;
/** Seeds after which a run says how far it is. */
const PROGRESS = 1000;

/** Hears of a run as its batches end. */
interface RunListener<F> {
  found(one: FoundSeed<F>): void;
  /** @param count seeds that have run */
  progress(count: number): void;
}

/** What seeds came to. */
interface Outcome<F> {
  readonly found: readonly FoundSeed<F>[];
  readonly virtualMs: number;
}

/** From a worker: it wants a batch, and this is what the last one came to. */
interface BatchDone<F> extends Outcome<F> {
  /** How many it had. */
  readonly seeds: number;
}

/** What a suite exports. In a worker, serves the batches of the main thread. */
export class SeedRunner<F extends SeedFailure> {
  readonly #suite: SeedSuite<F>;

  constructor(suite: SeedSuite<F>) {
    this.#suite = suite;
    if (!isMainThread && (workerData as { suite?: string } | null)?.suite === suite.name) {
      this.#serve();
    }
  }

  async run(options: SeedOptions): Promise<readonly Row[]> {
    if (options.seed !== undefined) return this.#runOne(wholeNumber('seed', options.seed));
    const seeds = wholeNumber('seeds', options.seeds ?? String(DEFAULT_SEEDS));
    const from = wholeNumber('from', options.from ?? '0');
    const start = performance.now();
    const elapsed = (): number => (performance.now() - start) / 1000;
    const { found, virtualMs } = await this.#runAll(from, seeds, {
      found({ seed, failure }) {
        console.log(`Seed ${seed} breaks the rule '${failure.rule}'.`);
      },
      progress(count) {
        console.log(`${count} of ${seeds} seeds done after ${elapsed().toFixed(0)} s.`);
      },
    });
    const seconds = elapsed();
    const told = new Map<string, FoundSeed<F>>();
    for (const one of found.toSorted((a, b) => a.seed - b.seed)) {
      if (!told.has(one.failure.rule)) told.set(one.failure.rule, one);
    }
    for (const { seed, failure } of [...told.values()].slice(0, MOST_TOLD)) {
      console.log(`${await this.#suite.describe(seed, failure)}\n`);
    }
    if (found.length > 0) process.exitCode = 1;
    const row = (metric: string, value: number, unit: string): Row => ({
      case: `seeds ${from} to ${from + seeds - 1}`,
      subject: 'micwire',
      metric,
      value,
      unit,
    });
    const rows = [...told].map(([rule, { seed }]) => {
      const count = found.filter(({ failure }) => failure.rule === rule).length;
      return row(`failures: ${rule}, first by seed ${seed}`, count, '');
    });
    return [
      row('failures', found.length, ''),
      ...rows,
      row('virtual time', virtualMs / 3_600_000, 'h'),
      row('time', seconds, 's'),
      row(this.#suite.name, seeds / seconds, '/s'),
    ];
  }

  /** Those of the first `seeds` seeds that fail. */
  async failingSeeds(seeds: number): Promise<readonly number[]> {
    const { found } = await this.#runAll(0, seeds);
    return found.map(({ seed }) => seed);
  }

  /** The first of so many seeds that shows a fault, but for some; null when none does. */
  async firstFailure(
    seeds: number,
    except: ReadonlySet<number> = new Set(),
  ): Promise<FoundSeed<F> | null> {
    for (let seed = 0; seed < seeds; seed++) {
      if (except.has(seed)) continue;
      const failure = await this.#suite.run(seed);
      if (failure !== null) return { seed, failure };
    }
    return null;
  }

  async #runOne(seed: number): Promise<readonly Row[]> {
    console.log(formatSchedule(this.#suite.plan(seed)));
    const failure = await this.#suite.run(seed);
    if (failure === null) console.log(`Seed ${seed} shows no fault.`);
    else {
      console.log(await this.#suite.describe(seed, failure));
      process.exitCode = 1;
    }
    return [];
  }

  #runAll(from: number, seeds: number, listener?: RunListener<F>): Promise<Outcome<F>> {
    const end = from + seeds;
    let count = 0;
    let next = from;
    const found: FoundSeed<F>[] = [];
    let virtualMs = 0;
    const work = (): Promise<void> =>
      new Promise((resolve, reject) => {
        const worker = new Worker(new URL(import.meta.url), {
          workerData: { suite: this.#suite.name },
        });
        worker.once('error', reject);
        worker.on('message', (done: BatchDone<F>) => {
          found.push(...done.found);
          for (const one of done.found) listener?.found(one);
          virtualMs += done.virtualMs;
          const before = count;
          count += done.seeds;
          if (Math.floor(count / PROGRESS) > Math.floor(before / PROGRESS)) {
            listener?.progress(count);
          }
          if (next >= end) {
            void worker.terminate().then(() => resolve());
            return;
          }
          worker.postMessage({ from: next, to: Math.min(end, next + BATCH) });
          next += BATCH;
        });
      });
    const workers = Math.min(availableParallelism(), Math.ceil(seeds / BATCH));
    return Promise.all(Array.from({ length: workers }, work)).then(() => ({ found, virtualMs }));
  }

  #serve(): void {
    const port = parentPort!;
    port.on('message', async ({ from, to }: { from: number; to: number }) => {
      const found: FoundSeed<F>[] = [];
      let virtualMs = 0;
      for (let seed = from; seed < to; seed++) {
        const failure = await this.#suite.run(seed);
        virtualMs += this.#suite.virtualMs(seed);
        if (failure !== null) found.push({ seed, failure });
      }
      port.postMessage({ found, virtualMs, seeds: to - from } satisfies BatchDone<F>);
    });
    port.postMessage({ found: [], virtualMs: 0, seeds: 0 } satisfies BatchDone<F>);
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`--${name} must be a whole number from 0 on, got ${text}.`);
}
