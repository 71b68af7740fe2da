import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { bundleWorklet } from '../../scripts/bundle-worklet.mjs';
import type { AllocationResult } from './allocation-limit.ts';
import type { PlantedCase } from './planted-allocators.ts';
import type { ProcessorCase } from './processor-cases.ts';

/** 64 MiB of young generation: more than a run could allocate, so that no collection hides what it did. */
const NODE_FLAGS = ['--expose-gc', '--max-semi-space-size=64', '--min-semi-space-size=64'];

/** Bundles the measuring program once, and measures cases in child processes. */
export class AllocationGate {
  readonly #folder: string;
  readonly #scripts = new Map<string, Promise<string>>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(): Promise<AllocationGate> {
    const folder = await mkdtemp(join(tmpdir(), 'micwire-allocation-'));
    const build = await rolldown({
      input: fileURLToPath(new URL('allocation-child.ts', import.meta.url)),
      platform: 'node',
      logLevel: 'silent',
    });
    await build.write({ file: join(folder, 'child.mjs'), format: 'esm' });
    await build.close();
    return new AllocationGate(folder);
  }

  async measure(kase: ProcessorCase | PlantedCase): Promise<AllocationResult> {
    return JSON.parse(await this.#run(kase, true, 'measure')) as AllocationResult;
  }

  /** Where a case allocates, by the names that the source has: what to look at when it fails. */
  async sites(kase: ProcessorCase | PlantedCase): Promise<readonly string[]> {
    return JSON.parse(await this.#run(kase, false, 'sites')) as string[];
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #run(
    kase: ProcessorCase | PlantedCase,
    minify: boolean,
    mode: 'measure' | 'sites',
  ): Promise<string> {
    const script = await this.#scriptOf(kase, minify);
    const child = join(this.#folder, 'child.mjs');
    const args = [...NODE_FLAGS, child, kase.name, script, mode];
    return (await promisify(execFile)(process.execPath, args)).stdout;
  }

  #scriptOf(kase: ProcessorCase | PlantedCase, minify: boolean): Promise<string> {
    const key = `${'script' in kase ? kase.name : kase.worklet} ${minify}`;
    let path = this.#scripts.get(key);
    if (!path) {
      path = this.#write(kase, minify, join(this.#folder, `${this.#scripts.size}.js`));
      this.#scripts.set(key, path);
    }
    return path;
  }

  async #write(kase: ProcessorCase | PlantedCase, minify: boolean, path: string): Promise<string> {
    const code =
      'script' in kase ? kase.script : (await bundleWorklet(kase.worklet, { minify })).code;
    await writeFile(path, code);
    return path;
  }
}
