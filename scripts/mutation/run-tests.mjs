/**
 * Runs test files on mutants (switch-runner.mjs), in a process that its parent can end: a mutant may run for ever. Answers
 * `{ list: true }` with the test files that import the sources, and `{ tests }` with whether one of them failed. The tests
 * are those of the project `node` of vite.config.ts.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createVitest } from 'vitest/node';
import { ROOT } from '../run.mjs';
import { aliases } from '../vite-aliases.mjs';
import { opus } from '../vite-opus.mjs';
import { worklets } from '../vite-worklets.mjs';
import { addSwitches, findMutants } from './mutants.mjs';

/** Tests that start programs or bundle the sources, which no mutant reaches, or that take minutes. */
const PASSED_OVER = [
  'allocation',
  'lab',
  'link',
  'vite',
  'demo',
  'cli',
  'tshark',
  'guide',
  'examples',
  'serve',
  'rtp-socket',
  'call',
  'attempts',
];

const [files, pattern] = /** @type {[string[], string]} */ (JSON.parse(process.argv[2] ?? ''));
const tests = readdirSync(join(ROOT, 'test'))
  .filter((name) => name.endsWith('.test.ts') && new RegExp(pattern).test(name))
  .map((name) => `test/${name}`);
/** @type {Map<string, string>} in place of those on disk */
const sources = new Map();
let base = 1;
for (const file of files) {
  const code = readFileSync(file, 'utf8');
  const mutants = findMutants(code);
  sources.set(file, addSwitches(code, mutants, base));
  base += mutants.length;
}

const vitest = await createVitest(
  'test',
  {
    config: false,
    root: ROOT,
    watch: false,
    include: tests,
    exclude: PASSED_OVER.map((name) => `test/*${name}*`),
    related: files,
    environment: 'node',
    pool: 'threads',
    maxWorkers: 1,
    // The first run of a test is on a busy machine as well, and compiles everything.
    testTimeout: 120_000,
    reporters: [{}],
    runner: join(ROOT, 'scripts/mutation/switch-runner.mjs'),
    setupFiles: [join(ROOT, 'test/helpers/same-bits.ts')],
  },
  {
    plugins: [
      { name: 'mutation', enforce: 'pre', load: (id) => sources.get(id) },
      worklets(),
      opus(),
    ],
    resolve: { alias: aliases },
  },
);

process.on('message', (message) => void answer(/** @type {any} */ (message)));
process.send?.({ ready: true });

/** @param {{ list?: true, tests?: string[] }} message */
async function answer({ list, tests: wanted = [] }) {
  if (list) {
    const specifications = await vitest.getRelevantTestSpecifications();
    process.send?.(specifications.map(({ moduleId }) => moduleId));
    return;
  }
  const specifications = wanted.map((test) => vitest.getRootProject().createSpecification(test));
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
  const failed = testModules.some((module) => !module.ok()) || unhandledErrors.length > 0;
  process.send?.({ failed });
}
