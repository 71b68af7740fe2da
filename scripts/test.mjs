/**
 * `npm test`: every test a developer needs, in Node and in an installed Chromium.
 * `npm run test:engines`: the browser tests in Chromium, Firefox and WebKitGTK, then the whole lab at work.
 * `MICWIRE_ENGINES` names other engines for either, with commas between them.
 * Further arguments go to Vitest: `npm test -- test/base64.test.ts`, `npm test -- --project node`.
 *
 * An engine that ends by itself is started again, and a browser test that fails runs once more by itself: test-attempts.mjs
 * says what becomes of both. `--results FILE` writes what all of it came to.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBrowser } from '../test/engines/find-browser.mjs';
import { ensureBrowser } from './ensure-browser.mjs';
import { ensureInstalled, fail } from './ensure-installed.mjs';
import { ROOT, runTool } from './run.mjs';
import { TestAttempts, section } from './test-attempts.mjs';
import { RECORD_VARIABLE } from './test-record.mjs';

/** An engine that hangs may hang its run: none takes as long, on a machine that is busy with other work too. */
const RUN_LIMIT_MS = 75 * 60_000;

const args = process.argv.slice(2);
const allEngines = args[0] === '--engines';
if (allEngines) args.shift();
const resultsAt = args.indexOf('--results');
const resultsFile = resultsAt < 0 ? undefined : args.splice(resultsAt, 2)[1];
if (!allEngines && !args.some((arg) => arg.startsWith('--project'))) {
  args.push('--project', '!lab');
}

await ensureInstalled();

const engines = (
  process.env['MICWIRE_ENGINES'] ?? (allEngines ? 'chromium,firefox,webkit' : 'chromium')
).split(',');
const projectAt = args.indexOf('--project');
if (args[projectAt + 1] !== 'node') {
  try {
    for (const engine of engines) {
      const path =
        engine === 'chromium'
          ? await ensureBrowser()
          : findBrowser(/** @type {import('../test/engines/find-browser.mjs').Engine} */ (engine));
      console.log(`${engine}: ${path}`);
    }
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

const folder = mkdtempSync(join(tmpdir(), 'micwire-tests-'));
const attempts = new TestAttempts();
try {
  const browsers = ['--project', 'browser*'];
  const lab = ['--project', 'lab'];
  if (!allEngines) await runWhole(args);
  // Those who name files name them in either.
  else if (args.length > 0) await runWhole([...browsers, ...lab, ...args]);
  else {
    await runWhole(browsers);
    // A browser that has done its files stays open until its run ends, and the lab needs the machine for itself.
    await runWhole(lab);
  }
  for (const { project, file, pattern } of attempts.repeats) {
    say('A test that failed runs once more, by itself', [`[${project}] ${file} ${pattern}`]);
    const only = pattern === '' ? [] : ['--testNamePattern', pattern];
    const [record] = await vitest(['--project', project, file, ...only]);
    attempts.addRepeat(record);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const { passed, failed, failures, flaky, restarts } = attempts;
console.log(attempts.report);
if (resultsFile !== undefined) {
  writeFileSync(resultsFile, JSON.stringify({ passed, failed, failures, flaky, restarts }));
}
process.exitCode = failed === 0 ? 0 : 1;

/** Runs whole files, and again those whose engine ended before they did. @param {readonly string[]} options */
async function runWhole(options) {
  attempts.addRun(...(await vitest(options)));
  // Each round ends an engine at most once more in each file, so this ends.
  for (let { unfinished } = attempts; unfinished.size > 0; { unfinished } = attempts) {
    say('An engine ended by itself: it is started again', attempts.restarts.slice(-1));
    for (const [project, files] of unfinished) {
      attempts.addRun(...(await vitest(['--project', project, ...files])));
    }
  }
}

/**
 * @param {readonly string[]} options
 * @returns {Promise<[record: import('./test-record.mjs').RunRecord | undefined, code: number]>}
 */
async function vitest(options) {
  const file = join(folder, 'record.json');
  rmSync(file, { force: true });
  const reporters = ['--reporter=default', `--reporter=${join(ROOT, 'scripts/test-record.mjs')}`];
  const code = await runTool('vitest', 'vitest', ['run', ...options, ...reporters], {
    env: { MICWIRE_ENGINES: engines.join(','), [RECORD_VARIABLE]: file },
    limitMs: RUN_LIMIT_MS,
  });
  try {
    return [JSON.parse(readFileSync(file, 'utf8')), code];
  } catch {
    return [undefined, code];
  }
}

/**
 * @param {string} title
 * @param {readonly string[]} lines
 */
function say(title, lines) {
  if (lines.length > 0) console.log(section(title, lines));
}
