/**
 * `npm run lab -- [--lanes …] [--link …] [--seconds 20] [--runs 5] [--json FILE] [--csv FILE] [--markdown FILE]`: measures the lab's
 * lanes in an installed Chromium, all at the same time over the same link, and prints the table. Nothing is drawn meanwhile.
 *
 * `--lanes opus-rtp-dc,webrtc` (default: all), `--link clean,loss-5` or `--link custom:delayMs:60:lossRatio:0.05` (default: clean),
 * `--settle 4` (s before the measurement), `--frame 20` (ms), `--bitrate 32000`, `--complexity 9`, `--copies adaptive`, `--cost 0.5`,
 * `--seed 1`, `--source speech|music`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureInstalled, fail } from './ensure-installed.mjs';
import { ROOT } from './run.mjs';

/** @typedef {import('../demo/headless/headless.ts').HeadlessLab} HeadlessLab */

/** Options that an address of the lab has too. */
const SETTINGS = [
  'source',
  'lanes',
  'link',
  'frame',
  'bitrate',
  'complexity',
  'copies',
  'cost',
  'seconds',
  'settle',
  'runs',
  'seed',
];
const PROGRESS_MS = 1000;

const values = (() => {
  /** @type {Record<string, { type: 'string' }>} */
  const options = {};
  for (const name of [...SETTINGS, 'json', 'csv', 'markdown']) options[name] = { type: 'string' };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
})();

await ensureInstalled();

const { openBrowser } = await import('../test/engines/open-browser.mjs');
const folder = await mkdtemp(join(tmpdir(), 'micwire-lab-'));
const server = await serve(folder);
try {
  // Peers in one page find each other by the loopback; sound needs nobody's gesture.
  const browser = await openBrowser('chromium', { args: ['--allow-loopback-in-peer-connection'] });
  try {
    const address = /** @type {import('node:net').AddressInfo} */ (server.httpServer.address());
    await browser.goto(`http://127.0.0.1:${address.port}/headless/`);
    await measure(browser);
  } finally {
    await browser.close();
  }
} finally {
  await server.close();
  await rm(folder, { recursive: true, force: true });
}

/**
 * Builds the page as users would get it, for what a development server does on the way would be measured too, and serves it.
 *
 * @param {string} outDir
 */
async function serve(outDir) {
  const { build, preview } = await import('vite');
  const configFile = join(ROOT, 'vite.config.ts');
  const root = join(ROOT, 'demo');
  process.stderr.write('Building the lab …\n');
  await build({
    configFile,
    root,
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: true,
      chunkSizeWarningLimit: Infinity,
      rolldownOptions: {
        input: join(root, 'headless/index.html'),
        checks: { pluginTimings: false },
      },
    },
  });
  return preview({
    configFile,
    root,
    logLevel: 'silent',
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0 },
  });
}

/** @param {import('../test/engines/open-browser.mjs').OpenBrowser} browser */
async function measure(browser) {
  const query = new URLSearchParams();
  for (const name of SETTINGS) {
    const value = values[name];
    if (typeof value === 'string') query.set(name, value);
  }
  const checked = await browser.evaluate(
    `return lab.begin(${JSON.stringify(query.toString())}).then((error) => ({ error }));`,
  );
  const { error } = /** @type {{ error: string }} */ (checked);
  if (error !== '') {
    process.exitCode = 1;
    console.error(error);
    return;
  }
  const [load = 0] = loadavg();
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  console.log(
    `Chromium ${browser.version}, Node ${process.version}, ${cpus().length} cores (${model})`,
  );
  console.log(
    `Load before the run: ${load.toFixed(1)}${load > cpus().length / 2 ? ': other programs are busy, which will show' : ''}`,
  );

  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, PROGRESS_MS));
    const state = /** @type {ReturnType<HeadlessLab['state']>} */ (
      await browser.evaluate('return lab.state();')
    );
    if (state.problem !== '') {
      process.exitCode = 1;
      console.error(`\n${state.problem}`);
      return;
    }
    if (state.done) break;
    if (state.progress !== null && process.stderr.isTTY) {
      const { done, total, link, stage, secondsLeft } = state.progress;
      const text = `${done + 1} of ${total}, ${link}: ${stage}, ${Math.round(secondsLeft)} s left`;
      process.stderr.write(`\r\x1b[K${text}`);
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const finished = /** @type {ReturnType<HeadlessLab['finished']>} */ (
    await browser.evaluate('return lab.finished();')
  );
  const { results, rows, csv, text, markdown, problems } = finished;
  console.log(`\n${text}`);
  for (const problem of problems) console.log(problem);
  if (typeof values['json'] === 'string') {
    const machine = { ...results.machine, model, loadBefore: load, node: process.version };
    const json = JSON.stringify({ suite: 'lab', rows, ...results, machine }, null, 2);
    await writeFile(values['json'], `${json}\n`);
  }
  if (typeof values['csv'] === 'string') await writeFile(values['csv'], csv);
  if (typeof values['markdown'] === 'string') {
    await writeFile(values['markdown'], markdown);
  }
}
