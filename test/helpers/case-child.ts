/**
 * Measures the cold start of one case. Run by `case-runner.ts` in a process of its own, since the JIT compiles for what it has
 * seen, with a young generation so large that nothing is collected meanwhile.
 */
import { openSync, readFileSync, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { openCaseRun } from './case-run.ts';
import type { ColdResult } from './case-runner.ts';
import { OPUS_CASES } from './opus-cases.ts';
import { PROCESSOR_CASES } from './processor-cases.ts';
import type { ProcessorCase } from './processor-cases.ts';

/** Quanta after the first that a cold start is followed for. */
const LATER_QUANTA = 1000;
/** Quanta of a processor that does nothing, after which the scope itself takes no time worth mention. */
const SCOPE_QUANTA = 20_000;

const SCHEDSTAT = Buffer.alloc(128);
const schedstat = openSchedstat();

const [name, scriptPath = ''] = process.argv.slice(2);
const kase = [...PROCESSOR_CASES, ...OPUS_CASES].find((candidate) => candidate.name === name);
if (!kase) throw new Error(`No case is named '${name}'.`);
const script = new Function(readFileSync(scriptPath, 'utf8')) as () => void;
await warmScope();
const driver = await openCaseRun(kase, script, ownMs);
console.log(JSON.stringify(cold()));
process.exit(0);

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
  const warm = await openCaseRun(
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
