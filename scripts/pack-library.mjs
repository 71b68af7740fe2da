import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './run.mjs';

/**
 * Packs the library as it would be published, from what is in `dist`.
 *
 * @param {string} folder - where the tarball goes
 * @returns {Promise<string>} the tarball
 */
export async function packLibrary(folder) {
  const { stdout } = await promisify(execFile)(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', folder],
    { cwd: ROOT, shell: process.platform === 'win32' },
  );
  // An array, or since npm 12 an object by package name.
  const [{ filename }] = /** @type {[{ filename: string }]} */ (Object.values(JSON.parse(stdout)));
  return join(folder, filename);
}
