/**
 * `npm run mutation -- <folder> [--file NAME] [--every N] [--workers 2] [--json FILE]`: changes the sources of
 * src/core/<folder> one place at a time and runs the tests that reach it. Prints which changes no test noticed, and the
 * share that some test did. `--every N` tries each N-th mutant only. Changes that cannot make a difference are listed with a
 * reason in scripts/mutation/equivalent.json, and do not count.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureInstalled, fail } from './ensure-installed.mjs';
import { Runner } from './mutation/runner.mjs';
import { ROOT } from './run.mjs';

/**
 * @typedef {import('./mutation/mutants.mjs').Mutant} Mutant
 * @typedef {{ file: string, tests: { name: string, milliseconds: number, reached: { [file: string]: number[] } }[], outside: { [file: string]: number[] } }} Coverage
 * @typedef {{ file: string, mutant: Mutant, outcome: 'killed' | 'timeout' | 'survived' | 'not reached' | 'equivalent' }} Result
 */

/** A mutant may take so much longer than the tests do. */
const TIMES = 5;
const GRACE_MS = 20_000;
/** Where code is run for its own sake, whatever it computes. */
const WARM_UP = /warm-up/;

await ensureInstalled();
// Made of a package: a fresh clone has none before.
const { findMutants } = await import('./mutation/mutants.mjs');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    file: { type: 'string', default: '' },
    every: { type: 'string', default: '1' },
    workers: { type: 'string', default: '2' },
    json: { type: 'string' },
  },
});
const folder = join(ROOT, 'src/core', positionals[0] ?? '-');
const files = listFiles(folder).filter((file) => file.includes(values.file) && !WARM_UP.test(file));
if (files.length === 0) fail('Usage: npm run mutation -- <folder of src/core>, such as framing.');

/** @type {{ file: string, code: string, change: string, reason: string }[]} */
const equivalents = JSON.parse(
  readFileSync(fileURLToPath(new URL('mutation/equivalent.json', import.meta.url)), 'utf8'),
);

const records = await cover();
const jobs = files
  .flatMap((file) => {
    const code = readFileSync(file, 'utf8');
    return findMutants(code).map((mutant) => ({
      file,
      mutant,
      code: code.split('\n')[mutant.line - 1]?.trim() ?? '',
    }));
  })
  .filter((_, index) => index % Number(values.every) === 0);
console.log(
  `${jobs.length} mutants in ${files.length} files; ${records.length} test files reach them.`,
);

/** @type {Result[]} */
const results = [];
let next = 0;
await Promise.all(Array.from({ length: Number(values.workers) }, work));
report();

/** Runs all tests once and sees which places each of them reaches. @returns {Promise<Coverage[]>} */
async function cover() {
  const reached = mkdtempSync(join(tmpdir(), 'micwire-mutation-'));
  const runner = new Runner(files, { MICWIRE_REACHED: reached });
  const { failed } = /** @type {{ failed: string[] }} */ (
    await runner.ask({ cover: true }, Infinity)
  );
  runner.end();
  for (const file of failed) console.log(`Left out: ${file} fails without any change.`);
  const found = readdirSync(reached).map((name) =>
    JSON.parse(readFileSync(join(reached, name), 'utf8')),
  );
  rmSync(reached, { recursive: true });
  return found.filter(({ file }) => !failed.includes(file));
}

async function work() {
  /** @type {Runner | undefined} */
  let runner;
  for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
    const { file, mutant } = job;
    const path = relative(ROOT, file);
    if (
      equivalents.some(
        (one) => one.file === path && one.code === job.code && one.change === mutant.change,
      )
    ) {
      results.push({ file, mutant, outcome: 'equivalent' });
      continue;
    }
    const plan = testsOf(file, mutant.id);
    if (plan.tests.length === 0) {
      results.push({ file, mutant, outcome: 'not reached' });
      continue;
    }
    runner ??= new Runner(files, {});
    const { tests, pattern } = plan;
    const answer = /** @type {{ killed: boolean } | null} */ (
      await runner.ask(
        { mutant: { file, mutant, tests, pattern } },
        TIMES * plan.milliseconds + GRACE_MS,
      )
    );
    if (answer === null) {
      runner.end();
      runner = undefined;
    }
    const outcome = answer === null ? 'timeout' : answer.killed ? 'killed' : 'survived';
    results.push({ file, mutant, outcome });
    if (outcome === 'survived') console.log(`  ${path}:${mutant.line} survived: ${mutant.change}`);
    if (results.length % 50 === 0) console.log(`… ${results.length} of ${jobs.length}`);
  }
  runner?.end();
}

/** The tests that reach a mutant, the quickest file first. @param {string} file @param {number} id */
function testsOf(file, id) {
  /** @type {{ test: string, milliseconds: number, names: string[] | null }[]} */
  const found = [];
  for (const { file: test, tests, outside } of records) {
    const reaching = tests.filter(({ reached }) => reached[file]?.includes(id));
    const atLoad = outside[file]?.includes(id) === true;
    if (!atLoad && reaching.length === 0) continue;
    const counted = atLoad ? tests : reaching;
    const milliseconds = counted.reduce((sum, each) => sum + each.milliseconds, 0);
    found.push({ test, milliseconds, names: atLoad ? null : reaching.map(({ name }) => name) });
  }
  found.sort((a, b) => a.milliseconds - b.milliseconds);
  const names = found.flatMap((one) => one.names ?? []);
  const all = found.some((one) => one.names === null);
  return {
    tests: found.map(({ test }) => test),
    milliseconds: found.reduce((sum, one) => sum + one.milliseconds, 0),
    pattern: all ? null : `^(${[...new Set(names)].map(escape).join('|')})$`,
  };
}

/** @param {string} text */
function escape(text) {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
}

function report() {
  let killed = 0;
  let counted = 0;
  results.sort((a, b) => a.file.localeCompare(b.file) || a.mutant.start - b.mutant.start);
  console.log('\nNot noticed by any test:');
  for (const file of files) {
    const own = results.filter((result) => result.file === file);
    const valid = own.filter(({ outcome }) => outcome !== 'equivalent');
    const dead = valid.filter(({ outcome }) => outcome === 'killed' || outcome === 'timeout');
    killed += dead.length;
    counted += valid.length;
    const share = valid.length === 0 ? '–' : `${Math.round((100 * dead.length) / valid.length)} %`;
    console.log(
      `${relative(ROOT, file)}: ${share} of ${valid.length} killed, ${own.length - valid.length} equivalent`,
    );
    for (const { mutant, outcome } of valid) {
      if (outcome === 'survived' || outcome === 'not reached') {
        console.log(
          `  :${mutant.line} ${mutant.change}${outcome === 'survived' ? '' : ' (not reached)'}`,
        );
      }
    }
  }
  const score = ((100 * killed) / Math.max(1, counted)).toFixed(1);
  console.log(`\nsrc/core/${positionals[0]}: ${score} % of ${counted} mutants killed.`);
  if (values.json !== undefined) {
    const rows = results.map(({ file, mutant, outcome }) => ({
      file: relative(ROOT, file),
      line: mutant.line,
      change: mutant.change,
      outcome,
    }));
    writeFileSync(values.json, `${JSON.stringify(rows, null, 1)}\n`);
  }
}

/** @param {string} path @returns {string[]} */
function listFiles(path) {
  try {
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('-wasm-bytes.ts'))
      .sort()
      .map((name) => join(path, name));
  } catch {
    return [];
  }
}
