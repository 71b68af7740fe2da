import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packLibrary } from '../pack-library.mjs';
import { ROOT, run } from '../run.mjs';

const FIXTURE = join(ROOT, 'test/fixtures/embed');
const NPM_OPTIONS = ['--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts'];

/**
 * Packs the library and installs it as an app's author would.
 *
 * @returns {Promise<string>} a temporary folder: its `node_modules` holds the package
 */
export async function installLibrary() {
  const folder = await mkdtemp(join(tmpdir(), 'micwire-packed-'));
  const tarball = await packLibrary(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  await install(folder, ['--no-save', tarball]);
  return folder;
}

/**
 * Installs the bundler of a set-up in a folder that is kept, one for each version of its manifest.
 *
 * @param {string} name - a folder of test/fixtures/embed
 * @returns {Promise<string>}
 */
export async function installTools(name) {
  const manifest = await readFile(join(FIXTURE, name, 'package.json'), 'utf8');
  const hash = createHash('sha256').update(manifest).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `micwire-embed-${name}-${hash}`);
  const done = join(folder, 'installed');
  if (existsSync(done)) return folder;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), manifest);
  await install(folder, []);
  await writeFile(done, '');
  return folder;
}

/**
 * A Node that is at least so new: this one, or one that npm brings.
 *
 * @param {number} major
 * @returns {Promise<string>} the program
 */
export async function nodeOf(major) {
  if (Number(process.versions.node.split('.', 1)[0]) >= major) return process.execPath;
  const folder = await installTools(`node-${major}`);
  const program = join(folder, 'node_modules/node/bin/node');
  // The package gets its program by a script of its own.
  if (
    !existsSync(program) &&
    (await run('npm', ['rebuild', 'node'], { cwd: folder, quiet: true }))
  ) {
    throw new Error(`Node ${major} could not be installed.`);
  }
  return program;
}

/**
 * Makes a fresh app in the folder of its bundler: the files that all apps share, those of the set-up, and the library.
 *
 * @param {string} tools - the bundler's folder
 * @param {string} name - the set-up's folder of test/fixtures/embed
 * @param {string} library
 * @returns {Promise<string>} the folder: remove it
 */
export async function makeApp(tools, name, library) {
  const folder = await mkdtemp(join(tools, 'app-'));
  await cp(join(FIXTURE, 'app'), folder, { recursive: true });
  for (const file of await readdir(join(FIXTURE, name))) {
    if (file === 'package.json') continue;
    await cp(join(FIXTURE, name, file), join(folder, file), { recursive: true });
  }
  const manifest = { name: 'app', private: true, type: 'module', dependencies: { micwire: '*' } };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  const installed = join(library, 'node_modules/micwire');
  await cp(installed, join(folder, 'node_modules/micwire'), { recursive: true });
  return folder;
}

/** @param {string} folder */
export function remove(folder) {
  return rm(folder, { recursive: true, force: true });
}

/**
 * @param {string} folder
 * @param {readonly string[]} args
 */
async function install(folder, args) {
  const code = await run('npm', ['install', ...NPM_OPTIONS, ...args], { cwd: folder, quiet: true });
  if (code !== 0) throw new Error(`npm install failed in ${folder}.`);
}
