import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import type { AllocationResult } from './allocation-limit.ts';
import type { PlantedCase } from './planted-allocators.ts';
import type { ProcessorCase } from './processor-cases.ts';

/** 64 MiB of young generation: more than a run could allocate, so that no collection hides what it did. */
const NODE_FLAGS = ['--expose-gc', '--max-semi-space-size=64', '--min-semi-space-size=64'];
/**
 * Compiles a function when it has run a while, rare ones too, and at once: the interpreter boxes floats, and on a busy
 * machine code would stay there for long. Not for times.
 */
const COMPILE_SOON = [
  '--interrupt-budget=1000',
  '--minimum-invocations-after-ic-update=50',
  '--no-concurrent-recompilation',
];

const FLAGS: Readonly<Record<CaseMode, readonly string[]>> = {
  allocation: [...NODE_FLAGS, ...COMPILE_SOON],
  sites: [...NODE_FLAGS, ...COMPILE_SOON],
  time: NODE_FLAGS,
  // As it comes, but for the collector: Node's own objects are not the audio thread's.
  cold: NODE_FLAGS,
};

/** What the measuring program can be asked. */
export type CaseMode = 'allocation' | 'sites' | 'time' | 'cold';

/** Times of one quantum, in microseconds. */
export interface TimeResult {
  readonly medianUs: number;
  readonly worstUs: number;
}

/** A cold start: what the first quanta of a process take. */
export interface ColdResult {
  /** How long the node's constructor took; other programs' time in its place is left out. */
  readonly constructionMs: number;
  /** The quanta in order, with the messages before each, in microseconds; null where other programs ran meanwhile. */
  readonly quantaUs: readonly (number | null)[];
}

/** A case from the table, or one that brings its own script. */
type AnyCase = ProcessorCase | PlantedCase;

/** The benchmarks bundle this file: neighbours are found from the repository, where both run. */
const ROOT = process.cwd();

/** Measures cases, each in a process of its own. */
export class CaseRunner {
  readonly #folder: string;
  readonly #scripts = new Map<string, Promise<string>>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(): Promise<CaseRunner> {
    const folder = await mkdtemp(join(tmpdir(), 'micwire-cases-'));
    const build = await rolldown({
      input: join(ROOT, 'test/helpers/case-child.ts'),
      platform: 'node',
      logLevel: 'silent',
    });
    await build.write({ file: join(folder, 'child.mjs'), format: 'esm' });
    await build.close();
    return new CaseRunner(folder);
  }

  /** What `process()` allocates, as shipped. */
  async allocation(kase: AnyCase): Promise<AllocationResult> {
    return JSON.parse(await this.#run(kase, true, 'allocation')) as AllocationResult;
  }

  /** Where a case allocates, by the names that the source has: what to look at when it fails. */
  async sites(kase: AnyCase): Promise<readonly string[]> {
    return JSON.parse(await this.#run(kase, false, 'sites')) as string[];
  }

  /** How long a quantum takes, as shipped. */
  async time(kase: AnyCase): Promise<TimeResult> {
    return JSON.parse(await this.#run(kase, true, 'time')) as TimeResult;
  }

  /** The first quanta of a fresh process, as shipped. */
  async cold(kase: AnyCase): Promise<ColdResult> {
    return JSON.parse(await this.#run(kase, true, 'cold')) as ColdResult;
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #run(kase: AnyCase, minify: boolean, mode: CaseMode): Promise<string> {
    const script = await this.#scriptOf(kase, minify);
    const child = join(this.#folder, 'child.mjs');
    const flags = FLAGS[mode];
    const args = [...flags, child, kase.name, script, mode];
    return (await promisify(execFile)(process.execPath, args)).stdout;
  }

  #scriptOf(kase: AnyCase, minify: boolean): Promise<string> {
    const key = `${'script' in kase ? kase.name : kase.worklet} ${minify}`;
    let path = this.#scripts.get(key);
    if (!path) {
      path = this.#write(kase, minify, join(this.#folder, `${this.#scripts.size}.js`));
      this.#scripts.set(key, path);
    }
    return path;
  }

  async #write(kase: AnyCase, minify: boolean, path: string): Promise<string> {
    await writeFile(path, 'script' in kase ? kase.script : await bundle(kase.worklet, minify));
    return path;
  }
}

async function bundle(worklet: string, minify: boolean): Promise<string> {
  const file = pathToFileURL(join(ROOT, 'scripts/bundle-worklet.mjs')).href;
  const { bundleWorklet } = (await import(
    /* @vite-ignore */ file
  )) as typeof import('../../scripts/bundle-worklet.mjs');
  return (await bundleWorklet(worklet, { minify })).code;
}
