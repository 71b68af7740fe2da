import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packLibrary } from './pack-library.mjs';
import { run } from './run.mjs';

/**
 * Installs what an example needs into its folder: the library packed as it would be published, from what is in `dist`, and
 * the packages of its package.json.
 *
 * @param {string} folder
 * @returns {Promise<void>}
 */
export async function installExample(folder) {
  const packed = await mkdtemp(join(tmpdir(), 'micwire-pack-'));
  try {
    const options = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund'];
    const tarball = await packLibrary(packed);
    const code = await run('npm', ['install', ...options, tarball], { cwd: folder, quiet: true });
    if (code !== 0) throw new Error(`The packages of ${folder} could not be installed.`);
  } finally {
    await rm(packed, { recursive: true, force: true });
  }
}
