import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT, run } from './run.mjs';

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
    const { stdout } = await promisify(execFile)(
      'npm',
      ['pack', '--json', '--ignore-scripts', '--pack-destination', packed],
      { cwd: ROOT, shell: process.platform === 'win32' },
    );
    // An array, or since npm 12 an object by package name.
    const [{ filename }] = /** @type {[{ filename: string }]} */ (
      Object.values(JSON.parse(stdout))
    );
    const options = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund'];
    const tarball = join(packed, filename);
    const code = await run('npm', ['install', ...options, tarball], { cwd: folder, quiet: true });
    if (code !== 0) throw new Error(`The packages of ${folder} could not be installed.`);
  } finally {
    await rm(packed, { recursive: true, force: true });
  }
}
