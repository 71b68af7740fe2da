/**
 * `npm run test:embed`: packs the library as it would be published, and captures the microphone as PCM and as Opus in a real
 * Chromium, in an app for each set-up that people embed it with. Ends with "N passed, N failed".
 *
 * Runs the quick set-ups; `--all` runs all, `--only NAME` those whose name contains it. `--docs` with `--all` writes the table of
 * docs/embedding.md. `--json FILE` keeps the rows; `--no-build` takes what is in dist.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBrowser } from '../test/engines/open-browser.mjs';
import { installLibrary, installTools, makeApp, nodeOf, remove } from './embed/install.mjs';
import { workletsIn } from './embed/output.mjs';
import { SETUPS } from './embed/setups.mjs';
import { writeGuide } from './embed/table.mjs';
import { visit } from './embed/visit.mjs';
import { ensureInstalled, fail } from './ensure-installed.mjs';
import { ROOT, run } from './run.mjs';

const MICROPHONE = join(ROOT, 'test/fixtures/speech.wav');

/** @typedef {import('./embed/counting-proxy.mjs').Fetched} Fetched */

/**
 * @typedef {object} EmbedRow
 * @property {string} setup
 * @property {string} fault - empty when all is well
 * @property {Fetched | undefined} pcm
 * @property {Fetched | undefined} opus
 * @property {readonly string[]} worklets - those in the output: the two apps together use `capture` and `capture-opus`
 * @property {number} seconds
 */

/** What a bundler failed at after it had returned, as Vite's dev server does. */
let laterFault = '';
process.on('unhandledRejection', (reason) => {
  laterFault ||= reason instanceof Error ? reason.message : String(reason);
});

const { values } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    docs: { type: 'boolean', default: false },
    json: { type: 'string' },
    'no-build': { type: 'boolean', default: false },
  },
});
const { only } = values;
const chosen = SETUPS.filter(({ name, quick = false }) =>
  only ? only.some((part) => name.includes(part)) : values.all || quick,
);
if (chosen.length === 0) {
  fail(`No set-up has that name. There are: ${SETUPS.map(({ name }) => name).join('; ')}.`);
}
if (values.docs && (only || !values.all)) fail('--docs needs --all: the table has every set-up.');

await ensureInstalled();
if (!values['no-build']) {
  const build = join(ROOT, 'scripts/build.mjs');
  if ((await run(process.execPath, [build], { quiet: true })) !== 0) process.exit(1);
}
const library = await installLibrary();
/** @type {EmbedRow[]} */
const rows = [];
const browser = await openBrowser('chromium', { microphone: MICROPHONE });
try {
  for (const setup of chosen) {
    const row = await tryOut(setup);
    rows.push(row);
    console.log(describe(row));
  }
} finally {
  await browser.close();
  await remove(library);
}

const failed = rows.filter((row) => row.fault !== '').length;
const passed = rows.length - failed;
if (values.json !== undefined) {
  await writeFile(values.json, `${JSON.stringify({ passed, failed, rows }, null, 2)}\n`);
}
if (values.docs && failed === 0) {
  await writeGuide(
    chosen.map((setup, index) =>
      setup.dev
        ? { setup }
        : {
            setup,
            pcmBytes: rows[index]?.pcm?.gzipBytes,
            opusBytes: rows[index]?.opus?.gzipBytes,
          },
    ),
  );
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/**
 * @param {import('./embed/setups.mjs').EmbedSetup} setup
 * @returns {Promise<EmbedRow>}
 */
async function tryOut(setup) {
  const started = performance.now();
  /** @type {EmbedRow} */
  const row = {
    setup: setup.name,
    fault: '',
    pcm: undefined,
    opus: undefined,
    worklets: [],
    seconds: 0,
  };
  /** @type {string | undefined} */
  let folder;
  /** @type {import('./embed/bundlers.mjs').ServedApp | undefined} */
  let app;
  laterFault = '';
  browser.logs.length = 0;
  try {
    const tools = await installTools(setup.tools);
    const node = setup.node === undefined ? process.execPath : await nodeOf(setup.node);
    folder = await makeApp(tools, setup.tools, library);
    app = await setup.open({ folder, node });
    Object.assign(row, await visit(browser, app, setup));
    if (app.output !== undefined) row.worklets = await workletsIn(app.output);
    const needless = row.worklets.filter((name) => !name.startsWith('capture'));
    if (needless.length > 0 && !setup.all)
      row.fault ||= `needless worklets: ${needless.join(', ')}`;
    if (needless.length === 0 && setup.all) row.fault ||= 'needless worklets were expected';
  } catch (error) {
    row.fault ||= error instanceof Error ? error.message : String(error);
  } finally {
    await browser.goto('about:blank');
    await app?.close();
    if (folder !== undefined) await remove(folder);
  }
  if (laterFault !== '') row.fault = laterFault;
  if (row.fault !== '' && browser.logs.length > 0) row.fault += `\n${browser.logs.join('\n')}`;
  return { ...row, seconds: (performance.now() - started) / 1000 };
}

/** @param {EmbedRow} row */
function describe({ setup, fault, pcm, opus, worklets, seconds }) {
  const columns = [
    `${fault === '' ? '✓' : '✗'} ${setup}`.padEnd(28),
    `PCM ${sizeOf(pcm)}`.padEnd(28),
    `Opus ${sizeOf(opus)}`.padEnd(28),
    `${worklets.length} worklets`.padStart(11),
    `${seconds.toFixed(1)} s`.padStart(8),
  ];
  return columns.join('  ') + (fault === '' ? '' : `\n    ${fault.replaceAll('\n', '\n    ')}`);
}

/** @param {Fetched | undefined} fetched */
function sizeOf(fetched) {
  if (fetched === undefined) return '–';
  const { requests, gzipBytes } = fetched;
  return `${(gzipBytes / 1000).toFixed(1)} kB gz, ${requests} files`;
}
