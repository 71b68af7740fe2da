/**
 * `npm run check`: everything that can be said about the code without running it. All steps run, and all that is wrong
 * is shown. `npm run check -- --update` rewrites the API reports and the formatting, and raises the size budget, instead of
 * complaining about them.
 */
import { checkPaths } from './check-paths.mjs';
import { checkPrivate } from './check-private.mjs';
import { checkUnused } from './check-unused.mjs';
import { checkWords } from './check-words.mjs';
import { ensureInstalled } from './ensure-installed.mjs';
import { ROOT, run, runTool } from './run.mjs';
import { join } from 'node:path';

await ensureInstalled();
// What is made of packages comes after: a fresh clone has none.
const { checkApiReports } = await import('./check-api.mjs');
const { checkPackage } = await import('./check-package.mjs');
const { checkSize } = await import('./check-size.mjs');

const update = process.argv.includes('--update');
const succeeds = async (/** @type {Promise<number>} */ code) => (await code) === 0;

/** @type {[name: string, step: () => boolean | Promise<boolean>][]} */
const steps = [
  [
    'build',
    () => succeeds(run(process.execPath, [join(ROOT, 'scripts/build.mjs')], { quiet: true })),
  ],
  ['types', () => succeeds(runTool('typescript', 'tsc', ['-b', '--pretty']))],
  ['wasm', () => checkWasm()],
  ['lint', () => succeeds(runTool('oxlint', 'oxlint', [], { quiet: true }))],
  ['private', () => checkPrivate()],
  ['unused', () => checkUnused()],
  ['format', () => succeeds(runTool('oxfmt', 'oxfmt', update ? [] : ['--check'], { quiet: true }))],
  ['API reports', () => checkApiReports({ update })],
  ['package', () => checkPackage()],
  ['size', () => checkSize({ update })],
  ['paths', () => checkPaths()],
  ['words', () => checkWords()],
];

/** The kernels' bytes are committed; they must be what their AssemblyScript compiles to. */
async function checkWasm() {
  const args = [join(ROOT, 'scripts/build-wasm.mjs'), ...(update ? [] : ['--check'])];
  return succeeds(run(process.execPath, args, { quiet: true }));
}

/** @type {string[]} */
const failed = [];
for (const [name, step] of steps) {
  const start = performance.now();
  const good = await Promise.resolve()
    .then(step)
    .catch((error) => {
      console.error(error instanceof Error ? error.message : error);
      return false;
    });
  if (!good) failed.push(name);
  console.log(`${good ? '✓' : '✗'} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
}
if (failed.length > 0) {
  console.error(`\nThe check failed at: ${failed.join(', ')}.`);
  process.exitCode = 1;
}
