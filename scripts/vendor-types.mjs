/**
 * `node scripts/vendor-types.mjs`: installs the packages of test/services/package.json, whose types
 * `test/services/vendor-types.test.ts` compiles our messages against. They go into node_modules/.vendor-types, out of the way of
 * everything that reads test/: about 200 MB, without running any of their scripts. Does nothing where they are installed.
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run } from './run.mjs';

const SOURCE = join(ROOT, 'test/services');
const FOLDER = join(ROOT, 'node_modules/.vendor-types');
/** Holds the lock file that the installed packages are of. */
const INSTALLED = join(FOLDER, 'installed.json');

const lock = await readFile(join(SOURCE, 'package-lock.json'), 'utf8');
if ((await readFile(INSTALLED, 'utf8').catch(() => '')) === lock) {
  console.log('The vendors’ types are installed.');
} else {
  await mkdir(FOLDER, { recursive: true });
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    await copyFile(join(SOURCE, name), join(FOLDER, name));
  }
  console.log('Installing the vendors’ types into node_modules/.vendor-types …');
  const code = await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
  });
  if (code === 0) await writeFile(INSTALLED, lock);
  process.exitCode = code;
}
