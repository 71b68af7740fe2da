/**
 * Runs journeys of test/journeys, on all cores: `--seeds N` of them, from `--from`; or one, `--seed N`, and tells what it does.
 * `--planted` plants faults and shows within how many seeds each is found.
 */
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { formatSchedule } from '../test/helpers/format-schedule.ts';
import { describeFailure } from '../test/journeys/report.ts';
import { runSeed } from '../test/journeys/run.ts';
import type { Failure } from '../test/journeys/run.ts';
import { planJourney } from '../test/journeys/schedule.ts';
import type { Row } from './measure.ts';

interface Options {
  readonly seed?: string | undefined;
  readonly seeds?: string | undefined;
  readonly from?: string | undefined;
}

/** Seeds that a worker takes at once. */
const BATCH = 50;
const DEFAULT_SEEDS = 1000;
/** Failures that are told in full: shrinking takes seconds. */
const MOST_TOLD = 5;

interface Found {
  readonly seed: number;
  readonly failure: Failure;
}

/** From a worker: it wants a batch, and this is what the last one came to. */
interface BatchDone {
  readonly found: readonly Found[];
  readonly virtualMs: number;
}

export async function run(options: Options = {}): Promise<readonly Row[]> {
  if (options.seed !== undefined) return runOne(wholeNumber('seed', options.seed));
  const seeds = wholeNumber('seeds', options.seeds ?? String(DEFAULT_SEEDS));
  const from = wholeNumber('from', options.from ?? '0');
  const start = performance.now();
  const { found, virtualMs } = await runAll(from, seeds);
  const seconds = (performance.now() - start) / 1000;
  const told = new Map<string, Found>();
  for (const one of found.toSorted((a, b) => a.seed - b.seed)) {
    if (!told.has(one.failure.rule)) told.set(one.failure.rule, one);
  }
  for (const { seed, failure } of [...told.values()].slice(0, MOST_TOLD)) {
    console.log(`${await describeFailure(seed, failure)}\n`);
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
    row('journeys', seeds / seconds, '/s'),
  ];
}

/** Those of the first `seeds` seeds that fail. */
export async function failingSeeds(seeds: number): Promise<readonly number[]> {
  const { found } = await runAll(0, seeds);
  return found.map(({ seed }) => seed);
}

/** The first of so many seeds that shows a fault, but for some; null when none does. */
export async function firstFailure(
  seeds: number,
  except: ReadonlySet<number> = new Set(),
): Promise<Found | null> {
  for (let seed = 0; seed < seeds; seed++) {
    if (except.has(seed)) continue;
    const failure = await runSeed(seed);
    if (failure !== null) return { seed, failure };
  }
  return null;
}

async function runOne(seed: number): Promise<readonly Row[]> {
  console.log(formatSchedule(planJourney(seed)));
  const failure = await runSeed(seed);
  if (failure === null) console.log(`Seed ${seed} shows no fault.`);
  else {
    console.log(await describeFailure(seed, failure));
    process.exitCode = 1;
  }
  return [];
}

function runAll(from: number, seeds: number): Promise<BatchDone> {
  const end = from + seeds;
  let next = from;
  const found: Found[] = [];
  let virtualMs = 0;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { journeys: true } });
      worker.once('error', reject);
      worker.on('message', (done: BatchDone) => {
        found.push(...done.found);
        virtualMs += done.virtualMs;
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

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`--${name} must be a whole number from 0 on, got ${text}.`);
}

if (!isMainThread && (workerData as { journeys?: true } | null)?.journeys === true) {
  const port = parentPort!;
  port.on('message', async ({ from, to }: { from: number; to: number }) => {
    const found: Found[] = [];
    let virtualMs = 0;
    for (let seed = from; seed < to; seed++) {
      const failure = await runSeed(seed);
      virtualMs += planJourney(seed).world.durationMs;
      if (failure !== null) found.push({ seed, failure });
    }
    port.postMessage({ found, virtualMs } satisfies BatchDone);
  });
  port.postMessage({ found: [], virtualMs: 0 } satisfies BatchDone);
}
