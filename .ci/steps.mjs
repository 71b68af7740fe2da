/** Runs every step even when one fails, and adds up what the test runs counted themselves. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** No step may hang the whole run. */
const STEP_LIMIT_MS = 62 * 60_000;

const folder = await mkdtemp(join(tmpdir(), 'micwire-ci-'));
let passed = 0;
let failed = 0;
/** What failed and why, said once more at the end: a log may be read from there. @type {string[]} */
const failures = [];
/** Tests that failed and then passed by themselves, and engines that were started again. @type {string[]} */
const flaky = [];

await step('check');
await counted('test:types', ['--quick', '--no-build']);
await vitest('test');
// `npm test` has run all of it in Chromium.
await vitest('test:engines', { MICWIRE_ENGINES: 'firefox,webkit' });
await counted('test:embed', []);

await rm(folder, { recursive: true });
if (flaky.length > 0) console.log(`\n── Flaky ──\n${flaky.join('\n')}`);
if (failures.length > 0) console.log(`\n── What failed ──\n${failures.join('\n')}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** A step that counts nothing but its own failure. */
async function step(/** @type {string} */ name) {
  const { code } = await npmRun(name, []);
  if (code === 0) return;
  failed++;
  failures.push(`npm run ${name} ended with code ${code}.`);
}

/** The test script's own counts. A run that ends badly without a failed test (a crash, an unhandled error) counts as one. */
async function vitest(/** @type {string} */ name, /** @type {Record<string, string>} */ env = {}) {
  const file = join(folder, `${name.replace(':', '-')}.json`);
  const { code } = await npmRun(name, ['--results', file], env);
  const result = await readFile(file, 'utf8').then(JSON.parse, () => undefined);
  passed += result?.passed ?? 0;
  failed += code !== 0 ? Math.max(1, result?.failed ?? 0) : 0;
  flaky.push(...(result?.restarts ?? []), ...(result?.flaky ?? []));
  if (code !== 0)
    failures.push(`npm run ${name} ended with code ${code}.`, ...(result?.failures ?? []));
}

/**
 * A step that ends with a line of the same form as this program's.
 *
 * @param {string} name
 * @param {readonly string[]} args
 */
async function counted(name, args) {
  const { code, text } = await npmRun(name, args);
  const [, good = '0', bad = '0'] = [...text.matchAll(/(\d+) passed, (\d+) failed/g)].at(-1) ?? [];
  passed += Number(good);
  failed += code !== 0 && bad === '0' ? 1 : Number(bad);
  if (code !== 0) failures.push(`npm run ${name} ended with code ${code}: ${bad} failed.`);
}

/**
 * @param {string} name
 * @param {readonly string[]} args
 * @param {Record<string, string>} env - besides what is set here
 * @returns {Promise<{ code: number, text: string }>}
 */
function npmRun(name, args, env = {}) {
  console.log(`\n── npm run ${name} ──`);
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['run', name, ...(args.length > 0 ? ['--', ...args] : [])], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
      // A group of its own, so that what it started ends with it.
      detached: true,
    });
    const limit = setTimeout(() => {
      console.log(`npm run ${name} took longer than ${STEP_LIMIT_MS / 60_000} minutes: ended.`);
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    }, STEP_LIMIT_MS);
    let text = '';
    child.stdout.on('data', (/** @type {Buffer} */ part) => {
      text += String(part);
      process.stdout.write(part);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(limit);
      resolve({ code: code ?? 1, text });
    });
  });
}
