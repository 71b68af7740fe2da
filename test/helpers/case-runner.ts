import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import type { Allocation, MeasureOptions, QuantumTimes } from '../../src/testing/index.ts';
import { OPUS_CASES } from './opus-cases.ts';
import type { PlantedCase } from './planted-allocators.ts';
import type { ProcessorCase } from './processor-cases.ts';

/** The collector is kept out: Node's own objects are not the audio thread's. */
const COLD_FLAGS = ['--max-semi-space-size=64', '--min-semi-space-size=64'];
/** A codec takes long, and does the same for every packet: fewer quanta tell as much. */
const OPUS_QUANTA = 6000;

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

/** Measures cases, each in a process of its own, as shipped. */
export class CaseRunner {
  readonly #folder: string;
  readonly #kit: typeof import('../../src/testing/index.ts');
  readonly #scripts = new Map<string, Promise<string>>();

  private constructor(folder: string, kit: typeof import('../../src/testing/index.ts')) {
    this.#folder = folder;
    this.#kit = kit;
  }

  static async open(): Promise<CaseRunner> {
    const folder = await mkdtemp(join(tmpdir(), 'micwire-cases-'));
    const kit = await bundleTesting(join(folder, 'testing'));
    await bundleFiles(
      { child: 'test/helpers/case-child.ts', setup: 'test/helpers/case-setup.ts' },
      folder,
    );
    return new CaseRunner(folder, kit);
  }

  /** What `process()` allocates. */
  async allocation(kase: AnyCase): Promise<Allocation> {
    return this.#kit.measureAllocation(kase.processor, await this.#options(kase, true));
  }

  /** Where a case allocates, by the names that the source has: what to look at when it fails. */
  async sites(kase: AnyCase): Promise<readonly string[]> {
    return (await this.#kit.measureAllocation(kase.processor, await this.#options(kase, false)))
      .sites;
  }

  /** @throws Error when `process()` allocates */
  async expectNoAllocation(kase: AnyCase): Promise<void> {
    return this.#kit.expectNoAllocation(kase.processor, await this.#options(kase, false));
  }

  /** How long a quantum takes. */
  async time(kase: AnyCase): Promise<QuantumTimes> {
    const { quanta: _, ...options } = await this.#options(kase, true);
    return this.#kit.measureQuanta(kase.processor, options);
  }

  /** The first quanta of a fresh process. */
  async cold(kase: AnyCase): Promise<ColdResult> {
    const script = await this.#scriptOf(kase, true);
    const args = [...COLD_FLAGS, join(this.#folder, 'child.mjs'), kase.name, script];
    return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout) as ColdResult;
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #options(kase: AnyCase, minify: boolean): Promise<MeasureOptions> {
    const { name, sampleRate = 48_000, quantum = 128, inputs, inputChannels = [1] } = kase;
    return {
      module: await this.#scriptOf(kase, minify),
      setup: join(this.#folder, 'setup.mjs'),
      setupData: name,
      sampleRate,
      quantum,
      inputChannels,
      ...(inputs === undefined ? {} : { numberOfInputs: inputs }),
      ...(OPUS_CASES.some((codec) => codec.name === name) && { quanta: OPUS_QUANTA }),
    };
  }

  #scriptOf(kase: AnyCase, minify: boolean): Promise<string> {
    const key = `${'script' in kase ? kase.name : kase.worklet} ${minify}`;
    let path = this.#scripts.get(key);
    if (!path) {
      path = this.#write(kase, minify, join(this.#folder, `${this.#scripts.size}.mjs`));
      this.#scripts.set(key, path);
    }
    return path;
  }

  async #write(kase: AnyCase, minify: boolean, path: string): Promise<string> {
    await writeFile(path, 'script' in kase ? kase.script : await bundle(kase.worklet, minify));
    return path;
  }
}

/** Bundles `micwire/testing` into a folder, as the package has it. @returns its exports */
export async function bundleTesting(
  folder: string,
): Promise<typeof import('../../src/testing/index.ts')> {
  const files = {
    index: 'src/testing/index.ts',
    'child/measure': 'src/testing/child/measure.ts',
  };
  await bundleFiles(files, folder, 'js');
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  return (await import(
    /* @vite-ignore */ pathToFileURL(join(folder, 'index.js')).href
  )) as typeof import('../../src/testing/index.ts');
}

async function bundleFiles(
  files: Readonly<Record<string, string>>,
  folder: string,
  extension = 'mjs',
): Promise<void> {
  const input = Object.entries(files).map(([name, file]) => [name, join(ROOT, file)]);
  const build = await rolldown({
    input: Object.fromEntries(input) as Record<string, string>,
    platform: 'node',
    logLevel: 'silent',
  });
  const names = { entryFileNames: `[name].${extension}`, chunkFileNames: `[name].${extension}` };
  await build.write({ dir: folder, format: 'esm', ...names });
  await build.close();
}

async function bundle(worklet: string, minify: boolean): Promise<string> {
  const file = pathToFileURL(join(ROOT, 'scripts/bundle-worklet.mjs')).href;
  const { bundleWorklet } = (await import(
    /* @vite-ignore */ file
  )) as typeof import('../../scripts/bundle-worklet.mjs');
  return (await bundleWorklet(worklet, { minify })).code;
}
