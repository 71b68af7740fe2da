import { appendFileSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What the tests are run for: `active` is the only mutant, in effect while the modules load as well. With 0, each of
 * `places` (by the first mutant of its place) is tried, in the tests that take less than `toMs`; or, of `chosen`, those of a
 * test by that.
 *
 * @typedef {{
 *   active: number,
 *   toMs: number,
 *   places: { [place: number]: number[] },
 *   chosen: { [test: string]: number[] } | null,
 * }} Plan JSON turns Infinity into null
 *
 * @typedef {{
 *   killed: Set<number>,
 *   doubted: Set<number>,
 *   alive: Set<string>,
 *   load: Set<number>,
 *   costs: Map<string, number>,
 *   failed: Set<string>,
 *   hung: Set<string>,
 * }} Seen `doubted`: a test failed with the mutant, but afterwards without it as well. `alive`: test and mutant. `load`:
 * places that are reached while modules load. `costs`: milliseconds by test. `failed`, `hung`: tests, without any mutant.
 */

/** The files through which the processes and threads of a run speak: each of them may end at any time. */
export class Log {
  /** @param {string} folder @param {number} worker each has a file of its own */
  constructor(folder, worker) {
    this.folder = folder;
    this.file = join(folder, `log-${worker}`);
  }

  static ofProcess() {
    const { MICWIRE_MUTATION = '', MICWIRE_MUTATION_WORKER } = process.env;
    return new Log(MICWIRE_MUTATION, Number(MICWIRE_MUTATION_WORKER));
  }

  /** @param {Plan} plan */
  writePlan(plan) {
    writeFileSync(`${this.file}.plan`, JSON.stringify(plan));
  }

  /** @returns {Plan} */
  readPlan() {
    return JSON.parse(readFileSync(`${this.file}.plan`, 'utf8'));
  }

  /** @param {string} what @param {readonly (string | number)[]} values */
  write(what, ...values) {
    appendFileSync(this.file, `${[what, ...values].join(' ')}\n`);
  }

  /** @param {string} file @param {string} test @param {readonly number[]} places */
  writeReached(file, test, places) {
    appendFileSync(`${this.file}.reached`, `${JSON.stringify({ file, test, places })}\n`);
  }

  /** @returns {{ file: string, test: string, places: number[] }[]} */
  readReached() {
    return this.#lines('.reached').map((line) => JSON.parse(line));
  }

  /** The latest line of this worker, in words. */
  last() {
    return readFileSync(this.file, 'utf8').trimEnd().split('\n').at(-1)?.split(' ') ?? [];
  }

  /** For how long this worker has written nothing. */
  silentMs() {
    return Date.now() - statSync(this.file).mtimeMs;
  }

  /** What all workers have seen. @returns {Seen} */
  read() {
    /** @type {Seen} */
    const seen = {
      killed: new Set(),
      doubted: new Set(),
      alive: new Set(),
      load: new Set(),
      costs: new Map(),
      failed: new Set(),
      hung: new Set(),
    };
    for (const line of this.#lines('')) {
      const [what, ...values] = line.split(' ');
      const [first = '', second] = values;
      if (what === 'killed' || what === 'doubted') seen[what].add(Number(first));
      else if (what === 'failed' || what === 'hung') seen[what].add(first);
      else if (what === 'alive') seen.alive.add(values.join(' '));
      else if (what === 'load') for (const place of values) seen.load.add(Number(place));
      else if (what === 'cost' && !seen.costs.has(first)) seen.costs.set(first, Number(second));
    }
    return seen;
  }

  /** @param {string} ending @returns {string[]} */
  #lines(ending) {
    return readdirSync(this.folder)
      .filter((name) => new RegExp(`^log-\\d+${ending}$`).test(name))
      .flatMap((name) => readFileSync(join(this.folder, name), 'utf8').split('\n'))
      .filter((line) => line !== '');
  }
}
