import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './run.mjs';

/** A member that only the types hide. A constructor cannot be `#private`. */
const PRIVATE = /^\s+(?:static\s+)?private\s+(?!constructor\b)/;

/**
 * Finds members that are `private` where the project writes `#`, which holds at run time too.
 *
 * @returns {Promise<boolean>}
 */
export async function checkPrivate() {
  const { stdout } = await promisify(execFile)('git', ['ls-files', '-z', '*.ts'], { cwd: ROOT });
  let good = true;
  for (const file of stdout.split('\0').filter((name) => name !== '')) {
    if (file.startsWith('wasm/')) continue;
    const lines = (await readFile(join(ROOT, file), 'utf8').catch(() => '')).split('\n');
    for (const [index, line] of lines.entries()) {
      if (!PRIVATE.test(line)) continue;
      console.error(`${file}:${index + 1} has a private member: write # in its place.`);
      good = false;
    }
  }
  return good;
}
