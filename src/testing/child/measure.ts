/**
 * Measures a processor in a separate process, which `measure-processor.ts` starts: the JIT optimizes for the code that it has seen, and
 * nothing else may allocate. Needs `--expose-gc` and a young generation so large that no garbage collection occurs meanwhile.
 */
import { Session } from 'node:inspector/promises';
import type { HeapProfiler } from 'node:inspector';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { MAX_BYTES_PER_QUANTUM } from '../measure-request.ts';
import type { Allocation, MeasureRequest, QuantumTimes } from '../measure-request.ts';
import { ProcessorRun } from '../processor-run.ts';
import type { RunSetup } from '../processor-run.ts';
import { createWorkletScope } from '../worklet-scope.ts';

/**
 * Half a minute of audio at 48 kHz: rare events occur in every run, and a page of 32 KiB that the collector allocates for itself hardly
 * matters. Longer quanta are fewer.
 */
const FRAMES = 12_000 * 128;
const FEWEST_QUANTA = 1500;
/** Number of runs before the measurement: V8 needs this many collections until its own bookkeeping settles. */
const WARM_RUNS = 10;
const MOST_RUNS = 48;
/** After this many runs with at least this many bytes per quantum, the measurement will not settle. */
const HOPELESS_BYTES = 4;
const HOPELESS_RUNS = 8;
/** Mean number of bytes between two samples of the profiler. */
const SAMPLING_INTERVAL = 64;
const MOST_SITES = 8;
const TIMED_QUANTA = 2000;

const collect = (globalThis as unknown as { readonly gc: () => void }).gc;

process.once('message', (request: MeasureRequest) => {
  void answer(request);
});

async function answer(request: MeasureRequest): Promise<void> {
  try {
    process.send!({ result: await measure(request) });
  } catch (error) {
    const { name, message, stack } = error as Error;
    process.send!({ error: { name, message, stack } });
  }
  process.disconnect();
}

async function measure(request: MeasureRequest): Promise<Allocation | QuantumTimes> {
  const { sampleRate, quantum } = request;
  const scope = createWorkletScope({ sampleRate, quantum });
  await scope.addModule(request.module);
  const open = await loadSetup(request);
  const create = (): ProcessorRun =>
    new ProcessorRun(scope, request.processor, request.plan, open());
  if (request.measure === 'quanta') return quantumTimes(create, open, request);
  const run = create();
  const { quanta = Math.max(FEWEST_QUANTA, Math.round(FRAMES / quantum)) } = request;
  if (request.measure === 'sites') {
    return { heapBytes: NaN, bufferBytes: NaN, sites: await sites(run, quanta) };
  }
  const { heapBytes, bufferBytes } = allocation(run, quanta);
  const isClean = heapBytes < MAX_BYTES_PER_QUANTUM && bufferBytes <= 0;
  return { heapBytes, bufferBytes, sites: isClean ? [] : await sites(run, quanta) };
}

/** @returns a function that creates the setup of a run */
async function loadSetup(request: MeasureRequest): Promise<() => RunSetup> {
  const { setup, setupData, options } = request;
  if (setup === undefined) return () => ({ options });
  const { setup: make } = (await import(setup)) as { readonly setup?: unknown };
  if (typeof make !== 'function') {
    throw new TypeError(`${setup} must export a function named setup.`);
  }
  return () => {
    const made = (make as (data: unknown) => RunSetup)(setupData);
    return { ...made, options: { ...options, ...made.options } };
  };
}

/**
 * Cold code runs in the interpreter, which boxes every float; and the process's own work (background compilation, the collector's
 * bookkeeping) adds to some runs, and takes many runs to settle. Allocations of process() are in all of them. So the lowest value
 * counts, and runs continue until one is clean. Buffers are only ever freed late, and never allocated by anything else, so for them the
 * highest value counts.
 */
function allocation(run: ProcessorRun, quanta: number): Omit<Allocation, 'sites'> {
  const own = costOfLooking();
  for (let i = 0; i < WARM_RUNS; i++) {
    collect();
    run.run(Math.ceil(quanta / 6));
  }
  let heapBytes = Infinity;
  let bufferBytes = -Infinity;
  for (let i = 0; i < MOST_RUNS && heapBytes >= MAX_BYTES_PER_QUANTUM; i++) {
    collect();
    const before = process.memoryUsage();
    run.run(quanta);
    const after = process.memoryUsage();
    heapBytes = Math.min(heapBytes, (after.heapUsed - before.heapUsed - own) / quanta);
    bufferBytes = Math.max(bufferBytes, (after.arrayBuffers - before.arrayBuffers) / quanta);
    if (i + 1 >= HOPELESS_RUNS && heapBytes > HOPELESS_BYTES) break;
  }
  return { heapBytes, bufferBytes };
}

/** Returns how much reading the heap size twice allocates itself. */
function costOfLooking(): number {
  let least = Infinity;
  for (let i = 0; i < 20; i++) {
    const before = process.memoryUsage();
    const after = process.memoryUsage();
    least = Math.min(least, after.heapUsed - before.heapUsed);
  }
  return least;
}

/** Returns the call paths of the processor's code that allocate, the worst first. Inlined functions report as their caller. */
async function sites(run: ProcessorRun, quanta: number): Promise<string[]> {
  for (let i = 0; i < 5; i++) run.run(quanta);
  await setTimeout(20);
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.enable');
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: SAMPLING_INTERVAL,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  } as HeapProfiler.StartSamplingParameterType);
  run.run(quanta);
  const { profile } = await session.post('HeapProfiler.stopSampling');
  session.disconnect();
  const bytesAt = new Map<string, number>();
  const walk = (node: HeapProfiler.SamplingHeapProfileNode, path: readonly string[]): void => {
    const { functionName, url, lineNumber } = node.callFrame;
    const file = url.split('?')[0]!.split('/').at(-1)!;
    const name = functionName || '(anonymous)';
    const here = [...path, file === '' ? name : `${name} (${file}:${lineNumber + 1})`];
    // The work of the profiler and of Node is not below render().
    const render = here.findIndex((frame) => frame.startsWith('render ('));
    if (node.selfSize > 0 && render >= 0) {
      // The scope's own frames are not informative, unless everything was inlined into them.
      const own = here.slice(render + 1).filter((frame) => !frame.startsWith('renderQuantum ('));
      const site = own.length > 0 ? own.slice(-3).join(' > ') : here[render]!;
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
 * Runs the same quanta again and again and takes the shortest time of each: other work of the machine hits different quanta in
 * different runs, and the processor's own work in a quantum remains.
 */
function quantumTimes(
  create: () => ProcessorRun,
  open: () => RunSetup,
  { quanta = TIMED_QUANTA, runs, sampleRate, quantum }: MeasureRequest,
): QuantumTimes {
  const quantumMs = (quantum / sampleRate) * 1000;
  const cold = create();
  const first = time(cold) / quantumMs;
  const least = new Float64Array(quanta).fill(Infinity);
  for (let i = 0; i < runs; i++) {
    const again = cold.again(open());
    for (let n = 0; n < quanta; n++) least[n] = Math.min(least[n]!, time(again));
    if (!again.node.alive) throw new Error('The processor ended during the run.');
    again.close();
  }
  const later = least.subarray(1);
  const sorted = later.toSorted();
  const worst = sorted.at(-1)!;
  return {
    first,
    median: sorted[sorted.length >> 1]! / quantumMs,
    worst: worst / quantumMs,
    worstIndex: later.indexOf(worst) + 1,
    quantumMs,
  };
}

/** Renders a quantum. @returns its time, in ms */
function time(run: ProcessorRun): number {
  run.prepare();
  const start = performance.now();
  run.scope.render();
  return performance.now() - start;
}
