import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './run.mjs';
import { trimLock } from './trim-lock.mjs';

/** An absolute path into somebody's own folders. */
const PRIVATE_PATH = /(?<![\w.-])\/(?:home|Users|root|work)\/[\w.-]+/;
/** Media have no text to look at. */
const BINARY = /\.(wav|png|jpe?g|ico|woff2?|wasm)$/;

/**
 * Finds files that name a place on the writer's machine, and what makes a lock file differ from one machine to the next.
 *
 * @returns {Promise<boolean>}
 */
export async function checkPaths() {
  const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], { cwd: ROOT });
  let good = true;
  for (const file of stdout.split('\0').filter((name) => name !== '' && !BINARY.test(name))) {
    const text = await readFile(join(ROOT, file), 'utf8').catch(() => '');
    const path = PRIVATE_PATH.exec(text)?.[0];
    if (path !== undefined) {
      console.error(`${file} names ${path}, which exists on one machine only.`);
      good = false;
    }
    if (file.endsWith('package-lock.json') && text.includes('"resolved"')) {
      console.error(
        `${file} holds download addresses: they tie users to one registry (see .npmrc).`,
      );
      good = false;
    }
    if (file.endsWith('package-lock.json') && trimLock(text) !== text) {
      console.error(`${file} has fields that npm 10 removes: npm run format takes them out.`);
      good = false;
    }
  }
  return good;
}
