/**
 * Runs tests on mutants, one after the other, in a process that its parent can end: a mutant may run for ever. Takes
 * messages `{ cover }` and `{ mutant }` and answers each. The tests are those of the project `node` of vite.config.ts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createVitest } from 'vitest/node';
import { ROOT } from '../run.mjs';
import { opus } from '../vite-opus.mjs';
import { worklets } from '../vite-worklets.mjs';
import { addProbes, applyMutant, findMutants } from './mutants.mjs';

/** @type {Map<string, string>} sources in place of those on disk */
const sources = new Map();
const cover = process.env['MICWIRE_REACHED'] !== undefined;

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
  'server',
  'call',
  'attempts',
];

const files = /** @type {string[]} */ (JSON.parse(process.argv[2] ?? '[]'));
const vitest = await createVitest(
  'test',
  {
    config: false,
    root: ROOT,
    watch: false,
    include: ['test/*.test.ts'],
    exclude: PASSED_OVER.map((name) => `test/*${name}*`),
    related: files,
    environment: 'node',
    pool: 'threads',
    maxWorkers: 1,
    bail: cover ? 0 : 1,
    // The first run is on a busy machine as well, and compiles everything.
    testTimeout: cover ? 120_000 : 30_000,
    reporters: [{}],
    setupFiles: [
      join(ROOT, 'test/helpers/same-bits.ts'),
      ...(cover ? [join(ROOT, 'scripts/mutation/record-reached.mjs')] : []),
    ],
  },
  {
    plugins: [
      { name: 'mutation', enforce: 'pre', load: (id) => sources.get(id) },
      worklets(),
      opus(),
    ],
    resolve: {
      alias: [
        { find: /^micwire$/, replacement: join(ROOT, 'src/web/index.ts') },
        { find: /^micwire\/(core|testing|worker)$/, replacement: join(ROOT, 'src/$1/index.ts') },
      ],
    },
  },
);

process.on('message', (message) => void answer(/** @type {any} */ (message)));
process.send?.({ ready: true });

/** @param {{ cover?: true, mutant?: { file: string, mutant: import('./mutants.mjs').Mutant, tests: string[], pattern: string | null } }} message */
async function answer(message) {
  if (message.cover) {
    for (const file of files) {
      const code = readFileSync(file, 'utf8');
      sources.set(file, addProbes(code, findMutants(code), file));
    }
    const specifications = await vitest.getRelevantTestSpecifications();
    const { testModules } = await vitest.runTestSpecifications(specifications);
    const failed = testModules.filter((module) => !module.ok()).map(({ moduleId }) => moduleId);
    process.send?.({ failed });
    return;
  }
  const { file, mutant, tests, pattern } = /** @type {NonNullable<typeof message.mutant>} */ (
    message.mutant
  );
  sources.set(file, applyMutant(readFileSync(file, 'utf8'), mutant));
  vitest.invalidateFile(file);
  if (pattern === null) vitest.resetGlobalTestNamePattern();
  else vitest.setGlobalTestNamePattern(new RegExp(pattern));
  const specifications = tests.map((test) => vitest.getRootProject().createSpecification(test));
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
  sources.delete(file);
  vitest.invalidateFile(file);
  const killed = testModules.some((module) => !module.ok()) || unhandledErrors.length > 0;
  process.send?.({ killed });
}
