/**
 * `npm run example -- recorder`: builds the library, installs it into examples/recorder as it would be published, and starts the
 * example. Without a name it says which there are.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled, fail } from './ensure-installed.mjs';
import { installLibraryInto } from './pack-library.mjs';
import { ROOT, run } from './run.mjs';

await ensureInstalled();
const EXAMPLES = join(ROOT, 'examples');
const names = readdirSync(EXAMPLES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const [name] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  fail(`npm run example -- NAME starts an example. There are: ${names.join(', ')}.`);
}

console.log('Building the library …');
const build = join(ROOT, 'scripts/build.mjs');
if ((await run(process.execPath, [build], { quiet: true })) !== 0) process.exit(1);
const folder = join(EXAMPLES, name);
console.log(`Installing the packages of examples/${name} …`);
await installLibraryInto(folder);
process.exitCode = await run('npm', ['start'], { cwd: folder });
