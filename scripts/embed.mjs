/**
 * `npm run test:embed`: packs the library as it would be published, installs the tarball, and runs an app that captures
 * the microphone in a real Chromium, once for each set-up that people embed it with. Ends with "N passed, N failed".
 * `--json FILE` keeps the rows; `--no-build` takes what is in dist.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { openBrowser } from '../test/engines/open-browser.mjs';
import { SETUPS, copyApp, sizeOf } from './embed-setups.mjs';
import { ensureInstalled } from './ensure-installed.mjs';
import { ROOT, run } from './run.mjs';

const FIXTURE = join(ROOT, 'test/fixtures/embed');
const MICROPHONE = join(ROOT, 'test/fixtures/speech.wav');
/** At 16 kHz and 20 ms. */
const FRAMES_PER_CHUNK = 320;
const PAGE_TIMEOUT_MS = 30_000;

/**
 * @typedef {object} EmbedRow
 * @property {string} setup
 * @property {string} fault - empty when all is well
 * @property {string} worklet - how it came
 * @property {number} chunks
 * @property {number} samples
 * @property {number} scriptBytes - of all scripts that a bundler wrote, before compression
 * @property {number} seconds
 */

/** Waits for what the app makes, which a page that could not even load its script never does. */
const WAIT_FOR_RESULT = `
  const end = performance.now() + ${PAGE_TIMEOUT_MS};
  while (globalThis.embedded === undefined && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return globalThis.embedded ?? { error: 'the app did not start', tried: [] };`;

/** What a bundler failed at after it had returned, as Vite's dev server does. */
let laterFault = '';
process.on('unhandledRejection', (reason) => {
  laterFault ||= reason instanceof Error ? reason.message : String(reason);
});

const { values } = parseArgs({
  options: { json: { type: 'string' }, 'no-build': { type: 'boolean', default: false } },
});

await ensureInstalled();
if (!values['no-build']) {
  const build = join(ROOT, 'scripts/build.mjs');
  if ((await run(process.execPath, [build], { quiet: true })) !== 0) process.exit(1);
}
const cache = await installPackage();
/** @type {EmbedRow[]} */
const rows = [];
const browser = await openBrowser('chromium', { microphone: MICROPHONE });
try {
  for (const setup of SETUPS) {
    const row = await tryOut(setup);
    rows.push(row);
    console.log(describe(row));
  }
} finally {
  await browser.close();
}

const failed = rows.filter((row) => row.fault !== '').length;
const passed = rows.length - failed;
if (values.json !== undefined) {
  await writeFile(values.json, `${JSON.stringify({ passed, failed, rows }, null, 2)}\n`);
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/**
 * Packs the library and installs it beside the bundlers, in a folder that is kept: the bundlers change rarely.
 *
 * @returns {Promise<string>} the folder
 */
async function installPackage() {
  const manifest = await readFile(join(FIXTURE, 'package.json'), 'utf8');
  const hash = createHash('sha256').update(manifest).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `micwire-embed-${hash}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), manifest);
  const packed = await mkdtemp(join(tmpdir(), 'micwire-pack-'));
  try {
    const { stdout } = await promisify(execFile)(
      'npm',
      ['pack', '--json', '--ignore-scripts', '--pack-destination', packed],
      { cwd: ROOT, shell: process.platform === 'win32' },
    );
    // An array, or since npm 12 an object by package name.
    const [{ filename }] = /** @type {[{ filename: string }]} */ (
      Object.values(JSON.parse(stdout))
    );
    const options = [
      '--no-save',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
    ];
    const tarball = join(packed, filename);
    const code = await run('npm', ['install', ...options, tarball], { cwd: folder, quiet: true });
    if (code !== 0) throw new Error('The packed library could not be installed.');
  } finally {
    await rm(packed, { recursive: true, force: true });
  }
  return folder;
}

/**
 * @param {import('./embed-setups.mjs').EmbedSetup} setup
 * @returns {Promise<EmbedRow>}
 */
async function tryOut(setup) {
  const started = performance.now();
  const row = { setup: setup.name, fault: '', worklet: '', chunks: 0, samples: 0, scriptBytes: 0 };
  const folder = join(cache, 'apps', setup.name.replaceAll(/\W+/g, '-'));
  /** @type {import('./embed-setups.mjs').ServedApp | undefined} */
  let app;
  laterFault = '';
  try {
    await copyApp(join(FIXTURE, 'app'), folder);
    app = await setup.open(folder);
    browser.logs.length = 0;
    await browser.goto(app.url);
    const result = /** @type {any} */ (await browser.evaluate(WAIT_FOR_RESULT));
    row.worklet = result.tried
      .map((/** @type {any} */ { protocol, loaded }) => (loaded ? protocol : `${protocol} failed`))
      .join(', ');
    row.fault = judge(result, setup.worklet);
    row.chunks = result.chunks?.length ?? 0;
    for (const chunk of result.chunks ?? []) row.samples += chunk.samples;
    row.scriptBytes = await sizeOf(app.files ?? []);
  } catch (error) {
    row.fault = error instanceof Error ? error.message : String(error);
  } finally {
    await app?.close();
  }
  if (laterFault !== '') row.fault = laterFault;
  if (row.fault !== '' && browser.logs.length > 0) row.fault += `\n${browser.logs.join('\n')}`;
  return { ...row, seconds: (performance.now() - started) / 1000 };
}

/**
 * @param {any} result - what `test/fixtures/embed/app/main.js` made
 * @param {string} worklet
 * @returns {string} what is wrong, or nothing
 */
function judge(result, worklet) {
  if (result.error !== undefined) return result.error;
  let frame = 0;
  for (const [index, chunk] of result.chunks.entries()) {
    const right =
      chunk.sequence === index &&
      chunk.frame === frame &&
      chunk.frames === FRAMES_PER_CHUNK &&
      chunk.samples === FRAMES_PER_CHUNK &&
      chunk.dropped === 0;
    if (!right) return `chunk ${index} is wrong: ${JSON.stringify(chunk)}`;
    frame += chunk.frames;
  }
  if (result.peak === 0) return 'only silence arrived';
  const last = result.tried.at(-1);
  if (last?.protocol !== worklet) {
    return `the worklet came by ${last?.protocol}, expected ${worklet}`;
  }
  return '';
}

/** @param {EmbedRow} row */
function describe({ setup, fault, worklet, chunks, samples, scriptBytes, seconds }) {
  const size = scriptBytes === 0 ? '' : `${(scriptBytes / 1000).toFixed(0)} kB`;
  const columns = [
    `${fault === '' ? '✓' : '✗'} ${setup}`.padEnd(38),
    worklet.padEnd(22),
    `${chunks} chunks`.padStart(10),
    `${samples} samples`.padStart(14),
    size.padStart(8),
    `${seconds.toFixed(1)} s`.padStart(8),
  ];
  return columns.join('  ') + (fault === '' ? '' : `\n    ${fault.replaceAll('\n', '\n    ')}`);
}
