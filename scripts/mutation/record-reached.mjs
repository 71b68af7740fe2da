/** A Vitest set-up file: writes down which probes each test reached, and how long it took. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach } from 'vitest';
import { randomUUID } from 'node:crypto';

/** @typedef {Record<string, number[]>} Reached ids by source file */

const folder = process.env['MICWIRE_REACHED'] ?? '';
/** @type {{ name: string, milliseconds: number, reached: Reached }[]} */
const tests = [];
/** @type {Map<string, Set<number>>} */
let reached = new Map();
/** Before the tests: while the modules load. */
const outside = reached;
let started = 0;
let testFile = '';

const scope = /** @type {{ __reached?: (file: string, ids: number[]) => void }} */ (globalThis);
scope.__reached = (file, ids) => {
  let set = reached.get(file);
  if (set === undefined) reached.set(file, (set = new Set()));
  for (const id of ids) set.add(id);
};

beforeEach(() => {
  reached = new Map();
  started = performance.now();
});

afterEach(({ task }) => {
  testFile = task.file.filepath;
  const milliseconds = performance.now() - started;
  tests.push({ name: fullName(task), milliseconds, reached: plain(reached) });
  reached = outside;
});

afterAll(() => {
  if (testFile === '') return;
  const path = join(folder, `${randomUUID()}.json`);
  writeFileSync(path, JSON.stringify({ file: testFile, tests, outside: plain(outside) }));
});

/** As Vitest matches it with a pattern. @param {{ name: string, suite?: any, type?: string }} task @returns {string} */
function fullName({ name, suite }) {
  return suite && suite.type === 'suite' && suite.name ? `${fullName(suite)} ${name}` : name;
}

/** @param {Map<string, Set<number>>} map @returns {Reached} */
function plain(map) {
  return Object.fromEntries([...map].map(([file, ids]) => [file, [...ids]]));
}
