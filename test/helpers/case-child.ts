/**
 * Measures one case: what it allocates per `process()` call, where, or how long its quanta take. Run by `case-runner.ts`
 * in a process of its own, since the JIT compiles for what it has seen, with `--expose-gc` and a young generation so large
 * that nothing is collected meanwhile.
 */
import { openSync, readFileSync, readSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import type { HeapProfiler } from 'node:inspector';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { MAX_BYTES_PER_CALL } from './allocation-limit.ts';
import type { AllocationResult } from './allocation-limit.ts';
import { CaseDriver } from './case-driver.ts';
import type { CaseMode, ColdResult, TimeResult } from './case-runner.ts';
import { OPUS_CASES } from './opus-cases.ts';
import { PLANTED_CASES } from './planted-allocators.ts';
import { PROCESSOR_CASES } from './processor-cases.ts';
import type { ProcessorCase } from './processor-cases.ts';

/**
 * Half a minute of audio at 48 kHz: what happens once in a while happens in every run, and a page of 32 KiB that the collector
 * takes by itself weighs little. Fewer of longer quanta.
 */
const FRAMES = 12_000 * 128;
const FEWEST_QUANTA = 1500;
/** Runs before any is measured: V8 needs so many collections until it leaves its own book-keeping alone. */
const WARM_RUNS = 10;
const MOST_RUNS = 16;
/** So much in each of so many runs will not come to rest any more. */
const HOPELESS_BYTES = 4;
const HOPELESS_RUNS = 8;
/** Mean bytes between two samples of the profiler. */
const SAMPLING_INTERVAL = 64;
const MOST_SITES = 8;
/** Quanta that are timed, and how often. */
const TIMED_QUANTA = 2000;
const TIMED_RUNS = 40;
/** Quanta after the first that a cold start is followed for. */
const LATER_QUANTA = 1000;
/** Quanta of a processor that does nothing, after which the scope itself takes no time worth mention. */
const SCOPE_QUANTA = 20_000;

const SCHEDSTAT = Buffer.alloc(128);
const schedstat = openSchedstat();

const [name, scriptPath = '', mode] = process.argv.slice(2);
const kase = [...PROCESSOR_CASES, ...OPUS_CASES, ...PLANTED_CASES].find(
  (candidate) => candidate.name === name,
);
if (!kase) throw new Error(`No case is named '${name}'.`);
const collect = (globalThis as unknown as { readonly gc: () => void }).gc;
const script = new Function(readFileSync(scriptPath, 'utf8')) as () => void;
/** A codec takes long, and does the same for every packet: half as much tells as much. */
const frames = OPUS_CASES.some(({ name: codec }) => codec === name) ? FRAMES / 2 : FRAMES;
const quanta = Math.max(FEWEST_QUANTA, Math.round(frames / (kase.quantum ?? 128)));
/** Quanta of a run that is not measured. */
const warmQuanta = Math.ceil(quanta / 6);
if (mode === 'cold') await warmScope();
const driver = await CaseDriver.create(kase, script, mode === 'cold' ? ownMs : undefined);
const measures: Readonly<Record<CaseMode, () => unknown>> = { allocation, sites, time, cold };
console.log(JSON.stringify(await measures[mode as CaseMode]()));
process.exit(0);

/**
 * Cold code runs in the interpreter, which boxes every float; and what the process does by itself (compiling in the
 * background, the collector's book-keeping) adds to some runs and takes many to come to rest. What process() allocates
 * is in all of them. So the least counts, and runs go on until one is clean. Buffers are only ever freed late, never made
 * by anyone else: but for the first, warm-up run the most counts.
 */
function allocation(): AllocationResult {
  const own = costOfLooking();
  for (let run = 0; run < WARM_RUNS; run++) {
    collect();
    driver.run(warmQuanta);
  }
  let heapBytes = Infinity;
  let bufferBytes = -Infinity;
  for (let run = 0; run < MOST_RUNS && heapBytes >= MAX_BYTES_PER_CALL; run++) {
    collect();
    const before = process.memoryUsage();
    driver.run(quanta);
    const after = process.memoryUsage();
    heapBytes = Math.min(heapBytes, (after.heapUsed - before.heapUsed - own) / quanta);
    bufferBytes = Math.max(bufferBytes, (after.arrayBuffers - before.arrayBuffers) / quanta);
    if (run + 1 >= HOPELESS_RUNS && heapBytes > HOPELESS_BYTES) break;
  }
  return { heapBytes, bufferBytes };
}

/** What two looks at the heap allocate themselves. */
function costOfLooking(): number {
  let least = Infinity;
  for (let i = 0; i < 20; i++) {
    const before = process.memoryUsage();
    const after = process.memoryUsage();
    least = Math.min(least, after.heapUsed - before.heapUsed);
  }
  return least;
}

/** Call paths of the worklet's code that allocate, the worst first. Inlined functions report as their caller. */
async function sites(): Promise<string[]> {
  for (let i = 0; i < 5; i++) driver.run(quanta);
  await setTimeout(20);
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.enable');
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: SAMPLING_INTERVAL,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  } as HeapProfiler.StartSamplingParameterType);
  driver.run(quanta);
  const { profile } = await session.post('HeapProfiler.stopSampling');
  const bytesAt = new Map<string, number>();
  const walk = (node: HeapProfiler.SamplingHeapProfileNode, path: readonly string[]): void => {
    const { functionName, lineNumber } = node.callFrame;
    const here = [...path, `${functionName || '(anonymous)'}:${lineNumber + 1}`];
    // What the profiler and Node do themselves is not below render().
    if (node.selfSize > 0 && here.some((frame) => frame.startsWith('render:'))) {
      const site = here.slice(-3).join(' > ');
      bytesAt.set(site, (bytesAt.get(site) ?? 0) + node.selfSize);
    }
    for (const child of node.children) walk(child, here);
  };
  walk(profile.head, []);
  return [...bytesAt]
    .sort((a, b) => b[1] - a[1])
    .slice(0, MOST_SITES)
    .map(([site, bytes]) => `${(bytes / quanta).toFixed(2)} B: ${site}`);
}

/**
 * Runs the same quanta again and again and takes the least time of each: what else the machine does hits other quanta in
 * other runs, and what the processor does in one of them remains.
 */
function time(): TimeResult {
  const least = new Float64Array(TIMED_QUANTA).fill(Infinity);
  for (let run = 0; run < TIMED_RUNS; run++) {
    const again = driver.again();
    for (let i = 0; i < TIMED_QUANTA; i++) {
      again.prepare();
      const start = performance.now();
      again.scope.render();
      const elapsed = performance.now() - start;
      if (elapsed < least[i]!) least[i] = elapsed;
    }
    again.close();
  }
  const sorted = least.toSorted();
  return { medianUs: sorted[TIMED_QUANTA >> 1]! * 1000, worstUs: sorted.at(-1)! * 1000 };
}

/** Renders what does nothing but post, until the code around a processor, which no browser has, is fast. */
async function warmScope(): Promise<void> {
  const nothing: ProcessorCase = {
    name: 'nothing',
    worklet: 'meter',
    processor: 'nothing',
    inputChannels: [1],
    open: () => ({
      options: { outputChannelCount: [1] },
      beforeQuantum: (_, send) => send(null),
      onPost: () => {},
    }),
  };
  const warm = await CaseDriver.create(
    nothing,
    (scope) => {
      class Nothing extends scope.AudioWorkletProcessor {
        constructor() {
          super();
          this.port.onmessage = (): void => {};
        }
        process(): boolean {
          this.port.postMessage(scope.currentFrame, []);
          return true;
        }
      }
      scope.register('nothing', Nothing);
    },
    ownMs,
  );
  for (let i = 0; i < SCOPE_QUANTA; i++) {
    warm.prepare();
    warm.scope.render();
    if (i % 10 === 0) waitedMs();
  }
  warm.close();
}

/**
 * The first quanta of this process, each once, with the messages before it. One during which other programs ran in this
 * one's place has no time.
 */
function cold(): ColdResult {
  const quantaUs = new Float64Array(1 + LATER_QUANTA);
  for (let i = 0; i < quantaUs.length; i++) {
    const waited = waitedMs();
    const messages = driver.messageMs[0]!;
    driver.prepare();
    const start = performance.now();
    driver.scope.render();
    const elapsed = performance.now() - start + driver.messageMs[0]! - messages;
    quantaUs[i] = waitedMs() === waited ? 1000 * elapsed : NaN;
  }
  const times = Array.from(quantaUs, (us) => (us === us ? us : null));
  return { constructionMs: driver.constructionMs, quantaUs: times };
}

/** A clock that stands while other programs run in this one's place, ms. */
function ownMs(): number {
  return performance.now() - waitedMs();
}

/** How long this thread has been ready to run, and other programs ran instead, ms; where Linux tells. */
function waitedMs(): number {
  if (schedstat === null) return 0;
  const length = readSync(schedstat, SCHEDSTAT, 0, SCHEDSTAT.length, 0);
  return Number(SCHEDSTAT.toString('latin1', 0, length).split(' ')[1]) / 1e6;
}

function openSchedstat(): number | null {
  try {
    return openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  } catch {
    return null;
  }
}
