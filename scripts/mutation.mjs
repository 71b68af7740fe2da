/**
 * `npm run mutation -- <folder> [--file NAME] [--every N] [--tests PATTERN] [--workers 2] [--json FILE]
 * [--again FILE]`: changes the sources of src/core/<folder> one place at a time and runs the tests that reach it. Prints
 * which changes no test noticed, and the share that some test did. `--every N` tries each N-th mutant only, `--tests`
 * runs test files of such names only. `--again` takes what was killed from the JSON of a run before, and tries the rest.
 * Changes that cannot make a difference are listed with a reason in scripts/mutation/equivalent.json, and do not count.
 *
 * The sources hold all mutants at once, each behind a condition, so the tests load once for many of them.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureInstalled, fail } from './ensure-installed.mjs';
import { Worker } from './mutation/worker.mjs';
import { ROOT } from './run.mjs';

/**
 * @typedef {import('./mutation/mutants.mjs').Mutant} Mutant
 * @typedef {'killed' | 'survived' | 'not reached' | 'equivalent'} Outcome
 * @typedef {{ file: string, line: number, change: string, outcome: Outcome }} Row
 */

/** Tests below this cost try all mutants that they reach: most do not live to see the others. */
const QUICK_MS = 100;
/** So many of the other tests try a mutant, the cheapest first: what they are about is small, and so they say more about it. */
const SLOW_TESTS = 8;
/** So many test files try a mutant that takes effect while modules load: each needs all its modules again. */
const FILES_AT_LOAD = 3;
/** Where code is run for its own sake, whatever it computes. */
const WARM_UP = /warm-up/;

await ensureInstalled();
// Made of a package: a fresh clone has none before.
const { findMutants, placesOf } = await import('./mutation/mutants.mjs');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    file: { type: 'string', default: '' },
    tests: { type: 'string', default: '' },
    every: { type: 'string', default: '1' },
    workers: { type: 'string', default: '2' },
    json: { type: 'string' },
    again: { type: 'string' },
  },
});
const name = positionals[0] ?? '-';
const files = listFiles(join(ROOT, 'src/core', name)).filter(
  (file) => file.includes(values.file) && !WARM_UP.test(file),
);
if (files.length === 0) fail('Usage: npm run mutation -- <folder of src/core>, such as framing.');

/** @type {{ file: string, code: string, change: string, reason: string }[]} */
const equivalents = JSON.parse(
  readFileSync(fileURLToPath(new URL('mutation/equivalent.json', import.meta.url)), 'utf8'),
);

/** The mutants that are tried, by number. @type {Map<number, { file: string, mutant: Mutant, equivalent: boolean }>} */
const jobs = new Map();
/** Those of each place, by the number of its first. @type {{ [place: number]: number[] }} */
const places = {};
/** The first mutant of each file. @type {[number, string][]} */
const starts = [];
let base = 1;
for (const file of files) {
  const code = readFileSync(file, 'utf8');
  const path = relative(ROOT, file);
  const mutants = findMutants(code);
  starts.push([base, file]);
  for (const mutant of mutants) {
    const number = base + mutant.id;
    if (number % Number(values.every) !== 0) continue;
    const line = code.split('\n')[mutant.line - 1]?.trim();
    const equivalent = equivalents.some(
      (one) => one.file === path && one.code === line && one.change === mutant.change,
    );
    jobs.set(number, { file, mutant, equivalent });
  }
  for (const place of placesOf(mutants)) {
    const [first = 0, ...others] = place.mutants.map(({ id }) => base + id);
    places[first] = [first, ...others].filter((id) => jobs.get(id)?.equivalent === false);
  }
  base += mutants.length;
}

const folder = mkdtempSync(join(tmpdir(), 'micwire-mutation-'));
const workers = Array.from(
  { length: Number(values.workers) },
  (_, index) => new Worker(folder, index, files, values.tests),
);
const [{ log }] = /** @type {[Worker]} */ (workers);
const tests = closestFirst(await workers[0]?.ask({ list: true }));
console.log(`${jobs.size} mutants in ${files.length} files; ${tests.length} test files.`);

process.once('SIGINT', end);
if (values.again !== undefined) takeOver(values.again);
await tryQuick();
console.log(`… ${log.read().killed.size} killed by quick tests`);
await trySlow();
console.log(`… ${log.read().killed.size} killed with slow ones`);
await tryAtLoad();
end();

/** Also with Ctrl+C, which tells what was seen so far. */
function end() {
  for (const worker of workers) worker.end();
  report();
  rmSync(folder, { recursive: true });
  process.exit();
}

/** @param {string} file of a run before: what it has killed is dead. */
function takeOver(file) {
  const names = namesOf(JSON.parse(readFileSync(file, 'utf8')));
  const rows = rowsOf();
  const mine = new Map(namesOf(rows).map((one, i) => [one.name, [...jobs.keys()][i] ?? 0]));
  for (const { name: mutant, outcome } of names) {
    const id = mine.get(mutant);
    if (outcome === 'killed' && id !== undefined) log.write('killed', id);
  }
}

/** A name for each mutant that lasts while its file does not change. @param {Row[]} rows */
function namesOf(rows) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  return rows.map(({ file, line, change, outcome }) => {
    const same = `${file}:${line} ${change}`;
    const count = (counts.get(same) ?? 0) + 1;
    counts.set(same, count);
    return { name: `${same} ${count}`, outcome };
  });
}

/** Tries the mutants with each quick test that reaches them. */
async function tryQuick() {
  await runTests([...tests], { active: 0, toMs: QUICK_MS, places, chosen: null });
}

/** Tries what is left with a few of the slow tests that reach it. */
async function trySlow() {
  const { killed, costs } = log.read();
  const costOf = (/** @type {{ test: string }} */ { test }) => costs.get(test) ?? 0;
  const slow = log.readReached().filter((one) => costOf(one) >= QUICK_MS);
  slow.sort((a, b) => costOf(a) - costOf(b));
  /** @type {Map<number, number>} */
  const tries = new Map();
  /** @type {{ [test: string]: number[] }} */
  const chosen = {};
  /** @type {Set<string>} */
  const paths = new Set();
  for (const { file, test, places: reached } of slow) {
    for (const id of reached.flatMap((place) => places[place] ?? [])) {
      const count = tries.get(id) ?? 0;
      if (killed.has(id) || count === SLOW_TESTS) continue;
      tries.set(id, count + 1);
      (chosen[test] ??= []).push(id);
      paths.add(file);
    }
  }
  await runTests([...paths], { active: 0, toMs: Infinity, places, chosen });
}

/** @param {string[]} queue @param {import('./mutation/log.mjs').Plan} plan */
async function runTests(queue, plan) {
  await Promise.all(
    workers.map(async (worker) => {
      worker.log.writePlan(plan);
      for (let test = queue.shift(); test !== undefined; test = queue.shift()) {
        const answer = await worker.ask({ tests: [test] });
        const [what, first = '', second = ''] = worker.log.last();
        if (answer === null) {
          // Whatever hangs is not tried again.
          if (what === 'try') worker.log.write('killed', second);
          else if (what === 'base') worker.log.write('hung', first);
          else continue;
        }
        if (answer === null || what === 'doubted') queue.unshift(test);
      }
    }),
  );
}

/** Tries those that take effect while modules load, one at a time, with the test files that reach most of the source. */
async function tryAtLoad() {
  const { killed, load } = log.read();
  const reached = log.readReached();
  const queue = [...load].flatMap((place) => places[place] ?? []).filter((id) => !killed.has(id));
  await Promise.all(
    workers.map(async (worker) => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
        const file = jobs.get(id)?.file;
        worker.log.writePlan({ active: id, toMs: 0, places: {}, chosen: null });
        /** @type {Map<string, Set<number>>} */
        const counts = new Map();
        for (const { file: test, places: own } of reached) {
          const set = counts.get(test) ?? new Set();
          for (const place of own) if (fileOf(place) === file) set.add(place);
          counts.set(test, set);
        }
        const order = [...counts].filter(([, { size }]) => size > 0);
        order.sort(([, a], [, b]) => b.size - a.size);
        for (const [test] of order.slice(0, FILES_AT_LOAD)) {
          const answer = await worker.ask({ tests: [test] });
          if (answer !== null && !answer.failed) continue;
          worker.log.write('killed', id);
          break;
        }
      }
    }),
  );
}

/** The source of a place. @param {number} place */
function fileOf(place) {
  return starts.findLast(([start]) => start <= place)?.[1];
}

/** The tests that import the folder themselves, then the others. @param {string[]} paths */
function closestFirst(paths) {
  const own = paths.filter((path) => readFileSync(path, 'utf8').includes(`core/${name}/`));
  return [...own.sort(), ...paths.filter((path) => !own.includes(path)).sort()];
}

/** @returns {Row[]} */
function rowsOf() {
  const { killed, load } = log.read();
  const reached = new Set([...load, ...log.readReached().flatMap((one) => one.places)]);
  const reachedIds = new Set([...reached].flatMap((place) => places[place] ?? []));
  return [...jobs].map(
    ([
      id,
      {
        file,
        mutant: { line, change },
        equivalent,
      },
    ]) => {
      /** @type {Outcome} */
      let outcome = 'not reached';
      if (equivalent) outcome = 'equivalent';
      else if (killed.has(id)) outcome = 'killed';
      else if (reachedIds.has(id)) outcome = 'survived';
      return { file: relative(ROOT, file), line, change, outcome };
    },
  );
}

function report() {
  const { hung, failed } = log.read();
  for (const test of hung) console.log(`Left out: the test ${test} hangs without any change.`);
  for (const test of failed) console.log(`Left out: the test ${test} fails without any change.`);
  const rows = rowsOf();
  console.log('\nNot noticed by any test:');
  for (const file of new Set(rows.map((row) => row.file))) {
    const own = rows.filter((row) => row.file === file);
    console.log(`${file}: ${score(own)}`);
    for (const { line, change, outcome } of own) {
      if (outcome === 'survived') console.log(`  :${line} ${change}`);
      if (outcome === 'not reached') console.log(`  :${line} ${change} (not reached)`);
    }
  }
  console.log(`\nsrc/core/${name}: ${score(rows)}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 1)}\n`);
}

/** @param {{ outcome: Outcome }[]} rows */
function score(rows) {
  const equivalent = rows.filter(({ outcome }) => outcome === 'equivalent').length;
  const killed = rows.filter(({ outcome }) => outcome === 'killed').length;
  const counted = rows.length - equivalent;
  const share = counted === 0 ? '–' : `${((100 * killed) / counted).toFixed(1)} %`;
  return `${share} (${rows.length} tried, ${killed} killed, ${equivalent} equivalent)`;
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
