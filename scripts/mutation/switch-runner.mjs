/**
 * How Vitest runs a test on mutants: once as the source is, then again for each mutant that it reaches and no test has
 * killed yet. The modules load once for all of them. What it sees goes into the log, line by line.
 */
import { setMaxListeners } from 'node:events';
import { TestRunner } from 'vitest';
import { Log } from './log.mjs';

/** A mutant may take so many times what the source takes, and a little more. */
const TIMES = 10;
const GRACE_MS = 3000;
const GRACE_PLACES = 2_000_000;
const MOST_PLACES = 2 ** 31 - 1;

const log = Log.ofProcess();
const plan = log.readPlan();
const count = Object.values(plan.places).flat().length;
// Tests replace them with their own.
const { setTimeout, clearTimeout, performance } = globalThis;
/**
 * A test counts as so many times its processor time at most: on a busy machine it takes much longer than it needs. One that waits
 * counts as quicker than it is, then.
 */
const BUSY_TIMES = 3;

/** Read by the sources (addSwitches of mutants.mjs). */
const active = Int32Array.of(plan.active);
/** How many places may be reached before the test counts as endless. */
const left = Int32Array.of(MOST_PLACES);
/** 1 at the first mutant of each place that was reached. */
const reached = new Uint8Array(1 << 16);

const scope = /** @type {any} */ (globalThis);
scope.__active = active;
scope.__reach = (/** @type {number} */ place) => {
  reached[place] = 1;
  left[0] = /** @type {number} */ (left[0]) - 1;
  if (/** @type {number} */ (left[0]) < 0) throw new Error('The mutant runs for ever.');
  return active[0];
};

// oxlint-disable-next-line import/no-default-export -- Vitest asks for it.
export default class SwitchRunner extends TestRunner {
  /** @type {'first' | 'mutant' | 'after a kill'} */
  #phase = 'first';
  /** @type {number[]} the mutants to try with this test, the next one last */
  #queue = [];
  /** The one that is tried, or was last. */
  #mutant = 0;
  /** The test fails without a mutant after one with: the rest of the file needs new modules. */
  #spoilt = false;
  #startedMs = 0;
  #startedCpu = process.cpuUsage();
  #limitMs = GRACE_MS * TIMES;
  #limitPlaces = MOST_PLACES;
  #known = log.read();

  /** @param {any[]} files */
  onCollected(files) {
    for (const file of files) oneByOne(file);
    if (plan.active === 0) log.write('load', ...seen());
  }

  /** @param {any} test @override */
  async onBeforeRunTask(test) {
    await super.onBeforeRunTask(test);
    if (plan.active !== 0) return;
    this.#phase = 'first';
    this.#limitMs = Infinity;
    this.#limitPlaces = MOST_PLACES;
    test.repeats = Infinity;
    // Each attempt listens to it.
    setMaxListeners(0, test.context.signal);
  }

  /** @param {any} test @override */
  onBeforeTryTask(test) {
    super.onBeforeTryTask(test);
    if (plan.active !== 0) return;
    if (this.#phase === 'first') this.#known = log.read();
    if (this.#spoilt || this.#known.killed.size === count) test.context.skip();
    if (this.#phase === 'first') {
      const isWanted = plan.chosen
        ? plan.chosen[test.id] !== undefined
        : !(Number(this.#known.costs.get(test.id)) >= plan.toMs);
      if (this.#known.hung.has(test.id) || !isWanted) test.context.skip();
      log.write('base', test.id);
    } else if (this.#phase === 'mutant') {
      this.#mutant = this.#queue.pop() ?? 0;
      if (this.#mutant === 0) test.context.skip();
      log.write('try', test.id, this.#mutant);
      active[0] = this.#mutant;
    }
    reached.fill(0);
    test.result.state = 'run';
    delete test.result.errors;
    left[0] = this.#limitPlaces;
    this.#startedMs = performance.now();
    this.#startedCpu = process.cpuUsage();
  }

  /** @param {any} test */
  async runTask(test) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const tooLate = new Promise((_, reject) => {
      if (this.#limitMs === Infinity) return;
      timer = setTimeout(() => reject(new Error('The mutant takes too long.')), this.#limitMs);
    });
    try {
      await Promise.race([TestRunner.getTestFn(test)(), tooLate]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {any} test */
  onAfterRetryTask(test) {
    if (plan.active !== 0 || test.result.state === 'skip') return;
    const places = MOST_PLACES - /** @type {number} */ (left[0]);
    const milliseconds = performance.now() - this.#startedMs;
    const { user, system } = process.cpuUsage(this.#startedCpu);
    const cost = Math.min(milliseconds, (BUSY_TIMES * (user + system)) / 1000);
    const failed = (test.result.state === 'fail') !== Boolean(test.fails);
    active[0] = 0;
    left[0] = MOST_PLACES;
    if (this.#phase === 'first') this.#begin(test, failed, milliseconds, cost, places);
    else if (this.#phase === 'mutant') this.#judge(test, failed);
    else {
      // It fails without the mutant now. Tried again with new modules, that does not matter.
      if (failed) log.write('doubted', this.#mutant);
      else log.write('killed', this.#mutant);
      this.#spoilt = failed;
      this.#phase = 'mutant';
    }
  }

  /**
   * @param {any} test
   * @param {boolean} failed
   * @param {number} milliseconds
   * @param {number} cost what it counts as, ms
   * @param {number} places
   */
  #begin(test, failed, milliseconds, cost, places) {
    this.#phase = 'mutant';
    this.#queue = [];
    if (failed) return log.write('failed', test.id);
    log.write('cost', test.id, Math.round(cost));
    log.writeReached(test.file.filepath, test.id, seen());
    if (plan.chosen === null && cost >= plan.toMs) return;
    this.#limitMs = TIMES * milliseconds + GRACE_MS;
    this.#limitPlaces = Math.min(MOST_PLACES, TIMES * places + GRACE_PLACES);
    this.#known = log.read();
    const { killed, doubted, alive } = this.#known;
    const ids = plan.chosen?.[test.id] ?? seen().flatMap((place) => plan.places[place] ?? []);
    this.#queue = ids
      .filter((id) => !killed.has(id) && !alive.has(`${test.id} ${id}`))
      .sort((a, b) => Number(doubted.has(a)) - Number(doubted.has(b)));
  }

  /** @param {any} test @param {boolean} failed */
  #judge(test, failed) {
    if (!failed) return log.write('alive', test.id, this.#mutant);
    if (this.#known.doubted.has(this.#mutant)) log.write('killed', this.#mutant);
    this.#phase = 'after a kill';
  }
}

/** The places that were reached, each by its first mutant. */
function seen() {
  return [...reached.keys()].filter((place) => reached[place] === 1);
}

/** @param {any} task */
function oneByOne(task) {
  task.concurrent = false;
  for (const each of task.tasks ?? []) oneByOne(each);
}
