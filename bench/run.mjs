/**
 * `npm run bench -- <suite> [--json FILE] [--browser] [options of the suite]`: runs bench/<suite>.bench.ts and prints its table; without a suite,
 * lists them. A suite exports `run`, which returns rows (see measure.ts). It may import the library's sources and the peers
 * of bench/package.json, which are installed on first use. `--browser` runs it in an installed Chromium, for suites that
 * need nothing of Node.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureInstalled, fail } from '../scripts/ensure-installed.mjs';
import { ROOT, run } from '../scripts/run.mjs';
import { formatTable } from './table.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const SUITE = /^(.+)\.bench\.(ts|mjs)$/;
/** Suites that compare with nobody: they start without an installation. */
const WITHOUT_PEERS = new Set([
  'clocks',
  'devices',
  'devices-live',
  'echo-live',
  'journeys',
  'nat',
  'nat-live',
  'power-cut',
  'scale',
  'session',
  'session-live',
  'serve',
  'streams-per-core',
  'whep',
]);
/** Where the suites of seeds have the faults that `--planted` plants. */
const PLANTED = { devices: 'devices', journeys: 'journeys', nat: 'nats', session: 'sessions' };

/** How often a suite was imported: a file that has changed needs another address. */
let loads = 0;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    browser: { type: 'boolean', default: false },
    // Of the suites `journeys`, `devices`, `nat` and `session`.
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string' },
    planted: { type: 'boolean' },
    // Of the suite `devices-live`; `--seed` too.
    minutes: { type: 'string' },
    events: { type: 'string' },
    engine: { type: 'string' },
    // Of the suite `scale`; `--seed`, `--seconds` too.
    streams: { type: 'string' },
    kills: { type: 'string' },
    gateways: { type: 'string' },
    // Of the suite `power-cut`; `--seconds` too.
    nats: { type: 'string' },
    workers: { type: 'string' },
    'chunk-ms': { type: 'string' },
    replicas: { type: 'string' },
    // Of the suite `whep`; `--seconds` too.
    listeners: { type: 'string' },
    // Of the suite `nat-live`.
    runs: { type: 'string' },
    // Of the suite `session-live`; `--seed` too.
    seconds: { type: 'string' },
    engines: { type: 'string' },
  },
});
const suites = (await readdir(HERE)).flatMap((file) => SUITE.exec(file)?.[1] ?? []);
const [suite] = positionals;
if (suite === undefined || !suites.includes(suite)) {
  fail(
    `Usage: npm run bench -- <suite> [--json FILE] [--browser]\n` +
      `${suite === undefined ? '' : `There is no suite '${suite}'. `}Suites: ${suites.join(', ')}.`,
  );
}

await ensureInstalled();
if (!WITHOUT_PEERS.has(suite)) await installPeers();

const rows = values.browser
  ? await runInBrowser(suite)
  : values.planted
    ? await runPlantedHere(suite)
    : await (await load(suite)).run(values);
if (rows.length > 0) console.log(formatTable(rows));
if (values.json !== undefined) {
  await writeFile(values.json, `${JSON.stringify({ suite, rows }, null, 2)}\n`);
}

async function installPeers() {
  if (existsSync(join(HERE, 'node_modules/.package-lock.json'))) return;
  console.log('Installing the peers to compare with (npm install in bench/) …');
  const code = await run('npm', ['install', '--no-audit', '--no-fund'], { cwd: HERE });
  if (code !== 0) fail('npm install in bench/ failed: its message is above.');
}

/**
 * Bundles a suite and imports it.
 *
 * @param {string} name
 * @param {import('rolldown').Plugin[]} [plugins]
 */
async function load(name, plugins = []) {
  // Inside bench/, so that the peers are found.
  const file = join(HERE, 'node_modules/.suites', `${name}.mjs`);
  await mkdir(dirname(file), { recursive: true });
  const options = { platform: 'node', format: 'esm', external: /^[^./\0]/, plugins };
  await writeFile(file, await bundle(name, /** @type {any} */ (options)));
  return import(`${pathToFileURL(file).href}?${loads++}`);
}

/** @param {string} name */
async function runPlantedHere(name) {
  const folder = /** @type {Record<string, string>} */ (PLANTED)[name];
  if (folder === undefined) fail(`The suite ${name} has no faults to plant.`);
  const { FAULTS } = await import(`../test/${folder}/planted.mjs`);
  const { runPlanted } = await import('../test/helpers/planting.mjs');
  return runPlanted(name, FAULTS, (plugin) => load(name, [plugin]));
}

/** @param {string} name */
async function runInBrowser(name) {
  const { openBrowser } = await import('../test/engines/open-browser.mjs');
  const code = await bundle(name, { format: 'iife', platform: 'browser', external: [] });
  const browser = await openBrowser('chromium');
  try {
    console.log(`In Chromium ${browser.version}:`);
    return /** @type {any} */ (await browser.evaluate(`${code}; return suite.run();`));
  } finally {
    await browser.close();
  }
}

/**
 * The suite and the sources it uses as one script: Node 20 runs no TypeScript.
 *
 * @param {string} name
 * @param {{ format: 'esm' | 'iife', platform: 'node' | 'browser', external: RegExp | string[], plugins?: import('rolldown').Plugin[] }} options
 * @returns {Promise<string>} the code
 */
async function bundle(name, { format, platform, external, plugins = [] }) {
  const { rolldown } = await import('rolldown');
  const source = join(HERE, `${name}.bench.ts`);
  const build = await rolldown({
    input: existsSync(source) ? source : join(HERE, `${name}.bench.mjs`),
    platform,
    external,
    plugins,
    resolve: {
      alias: {
        ...Object.fromEntries(
          ['codec', 'metering', 'receive', 'resampler', 'rtp'].map((room) => [
            `micwire/${room}`,
            join(ROOT, `src/core/${room}/index.ts`),
          ]),
        ),
        'micwire/testing': join(ROOT, 'src/testing/index.ts'),
        micwire: join(ROOT, 'src/web/index.ts'),
      },
    },
  });
  try {
    const { output } = await build.generate({ format, name: 'suite', codeSplitting: false });
    return output[0].code;
  } finally {
    await build.close();
  }
}
