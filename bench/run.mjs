/**
 * `npm run bench -- <suite> [--json FILE]`: runs bench/<suite>.bench.ts and prints its table; without a suite, lists them.
 * A suite exports `run`, which returns rows (see measure.ts). It may import the library's sources and the peers of
 * bench/package.json, which are installed on first use.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureInstalled, fail } from '../scripts/ensure-installed.mjs';
import { ROOT, run } from '../scripts/run.mjs';
import { formatTable } from './table.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const SUITE = /^(.+)\.bench\.(ts|mjs)$/;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' } },
});
const suites = (await readdir(HERE)).flatMap((file) => SUITE.exec(file)?.[1] ?? []);
const [suite] = positionals;
if (suite === undefined || !suites.includes(suite)) {
  fail(
    `Usage: npm run bench -- <suite> [--json FILE]\n` +
      `${suite === undefined ? '' : `There is no suite '${suite}'. `}Suites: ${suites.join(', ')}.`,
  );
}

await ensureInstalled();
await installPeers();

const { run: runSuite } = await import(pathToFileURL(await bundle(suite)).href);
const rows = await runSuite();
console.log(formatTable(rows));
if (values.json !== undefined) {
  await writeFile(values.json, `${JSON.stringify({ suite, rows }, null, 2)}\n`);
}

async function installPeers() {
  if (existsSync(join(HERE, 'node_modules'))) return;
  console.log('Installing the peers to compare with (npm install in bench/) …');
  const code = await run('npm', ['install', '--no-audit', '--no-fund'], { cwd: HERE });
  if (code !== 0) fail('npm install in bench/ failed: its message is above.');
}

/**
 * Node 20 runs no TypeScript, so the suite and the sources it uses become one file; packages stay outside of it.
 *
 * @param {string} name
 * @returns {Promise<string>} the file
 */
async function bundle(name) {
  const { rolldown } = await import('rolldown');
  const source = join(HERE, `${name}.bench.ts`);
  const build = await rolldown({
    input: existsSync(source) ? source : join(HERE, `${name}.bench.mjs`),
    platform: 'node',
    external: /^[^./\0]/,
    resolve: {
      alias: {
        'micwire/core': join(ROOT, 'src/core/index.ts'),
        'micwire/testing': join(ROOT, 'src/testing/index.ts'),
        micwire: join(ROOT, 'src/web/index.ts'),
      },
    },
  });
  // Inside bench/, so that its packages are found.
  const folder = join(HERE, 'node_modules/.suites');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${name}.mjs`);
  try {
    await build.write({ file, format: 'esm', codeSplitting: false });
  } finally {
    await build.close();
  }
  return file;
}
