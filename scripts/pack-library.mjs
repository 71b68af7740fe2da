import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT, run } from './run.mjs';

/**
 * Packs what is in dist.
 *
 * @param {string} folder where the tarball goes
 * @returns {Promise<{ filename: string, files: { path: string }[] }>}
 */
export async function pack(folder) {
  const { stdout } = await promisify(execFile)(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', folder],
    { cwd: ROOT, shell: process.platform === 'win32', maxBuffer: 2 ** 26 },
  );
  // An array, or since npm 12 an object by package name.
  return /** @type {any} */ (Object.values(JSON.parse(stdout))[0]);
}

/**
 * Packs the library as it would be published, from what is in `dist`.
 *
 * @param {string} folder - where the tarball goes
 * @returns {Promise<string>} the tarball
 */
export async function packLibrary(folder) {
  const { filename } = await pack(folder);
  return join(folder, filename);
}

/**
 * Packs what is in dist and installs it beside the packages of a fixture, in a folder that is kept: those change rarely.
 *
 * @param {string} fixture a folder with a package.json
 * @param {string} name of the kept folder
 * @returns {Promise<string>} the folder
 */
export async function installPacked(fixture, name) {
  const manifest = await readFile(join(fixture, 'package.json'), 'utf8');
  const hash = createHash('sha256').update(manifest).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `micwire-${name}-${hash}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), manifest);
  await installLibraryInto(folder);
  return folder;
}

/**
 * Packs what is in dist and installs it in a folder, beside the packages of its package.json.
 *
 * @param {string} folder
 * @returns {Promise<void>}
 */
export async function installLibraryInto(folder) {
  const packed = await mkdtemp(join(tmpdir(), 'micwire-pack-'));
  try {
    const tarball = await packLibrary(packed);
    const options = [
      '--no-save',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
    ];
    const args = ['install', ...options, tarball];
    const code = await run('npm', args, { cwd: folder, quiet: true });
    if (code !== 0) throw new Error(`The packed library could not be installed in ${folder}.`);
  } finally {
    await rm(packed, { recursive: true, force: true });
  }
}
