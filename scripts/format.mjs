/** `npm run format`: formats all files, or those that are named. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureInstalled } from './ensure-installed.mjs';
import { ROOT, runTool } from './run.mjs';
import { trimLock } from './trim-lock.mjs';

await ensureInstalled();
const files = process.argv.slice(2);
if (files.length === 0) {
  for (const name of [
    'package-lock.json',
    'bench/package-lock.json',
    'docs/site/package-lock.json',
  ]) {
    const file = join(ROOT, name);
    const text = await readFile(file, 'utf8');
    if (trimLock(text) !== text) await writeFile(file, trimLock(text));
  }
}
process.exitCode = await runTool('oxfmt', 'oxfmt', files.length > 0 ? files : ['.']);
