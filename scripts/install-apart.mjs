import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run } from './run.mjs';

/**
 * Installs the packages of a folder of tests into a folder of node_modules, out of the way of everything that reads test/, without
 * running any of their scripts. Does nothing where they are installed. `installed.json` there is the lock file that they are of.
 *
 * @param {string} what what they are, for what is printed
 * @param {string} source with package.json, package-lock.json and .npmrc
 * @param {string} target
 * @returns {Promise<void>}
 */
export async function installApart(what, source, target) {
  const from = join(ROOT, source);
  const folder = join(ROOT, target);
  const installed = join(folder, 'installed.json');
  const lock = await readFile(join(from, 'package-lock.json'), 'utf8');
  if ((await readFile(installed, 'utf8').catch(() => '')) === lock) {
    console.log(`${what} are installed.`);
    return;
  }
  await mkdir(folder, { recursive: true });
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    await copyFile(join(from, name), join(folder, name));
  }
  console.log(`Installing ${what} into ${target} …`);
  const code = await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
  });
  if (code === 0) await writeFile(installed, lock);
  process.exitCode = code;
}
