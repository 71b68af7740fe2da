import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { bundleWorklet, workletNames } from '../../scripts/bundle-worklet.mjs';

/** Room for the results of all cases, in bytes. */
const MAX_OUTPUT = 1 << 28;

/**
 * A command of Vitest's browser mode: renders the cases of `parity.ts` with `micwire/testing`, in a Node process of its own.
 *
 * @returns {Promise<Record<string, { options: string, result: import('./parity.ts').ParityResult }>>} by the cases' names
 */
export async function renderInNode() {
  const folder = await mkdtemp(join(tmpdir(), 'micwire-parity-'));
  try {
    const program = join(folder, 'child.mjs');
    const build = await rolldown({
      input: fileURLToPath(new URL('parity-child.ts', import.meta.url)),
      platform: 'node',
      logLevel: 'silent',
    });
    await build.write({ file: program, format: 'esm' });
    await build.close();
    for (const name of await workletNames()) {
      await writeFile(join(folder, `${name}.js`), (await bundleWorklet(name)).code);
    }
    const options = { maxBuffer: MAX_OUTPUT };
    const { stdout } = await promisify(execFile)(process.execPath, [program, folder], options);
    return JSON.parse(stdout);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
