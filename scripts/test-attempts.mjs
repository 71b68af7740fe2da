/**
 * @typedef {import('./test-record.mjs').RunRecord} RunRecord
 * @typedef {import('./test-record.mjs').Unit} Unit
 */

/**
 * Something that has a result of its own: a test, or a file that failed as a whole.
 *
 * @typedef {object} Result
 * @property {string} label - project, file and name
 * @property {Unit} unit
 * @property {string} pattern - for `vitest -t`; empty for a whole file
 * @property {string[]} failures - the reason of each attempt that failed
 * @property {boolean} passed - by its last attempt
 */

/** What `vitest` is to be called with to repeat something. @typedef {Unit & { pattern: string }} Repeat */

/** Projects whose tests wait for a browser, and so for whatever else keeps the machine busy. */
const IN_BROWSERS = /^(browser|lab)\b/;
/** More failures than this are no flakiness. */
const MOST_REPEATED = 20;
/** What Vitest says of an engine that has ended by itself: the files it names are repeated, so this is no failure. */
const ENGINE_ENDED =
  /browser connection was closed|failed to run the test|target (page|closed)|(page|target) crashed|timeout starting browser/i;

/**
 * Puts the attempts of one test run together. An engine that ends is started again: the file that it ended in runs once
 * more, and so do those that it never came to. A browser test that fails runs once more by itself; when it then passes it
 * counts as passed and is listed as flaky.
 */
export class TestAttempts {
  /** @type {Map<string, Result>} */
  #results = new Map();
  /** How often each unit was interrupted. @type {Map<string, { unit: Unit, times: number, ended: boolean }>} */
  #units = new Map();
  /** @type {string[]} */
  #unhandled = [];
  /** Sentences about engines that were started again. @type {string[]} */
  restarts = [];

  /**
   * @param {RunRecord | undefined} record - of a run of whole files; none where Vitest itself did not come to its end
   * @param {number} code - what Vitest ended with
   */
  addRun(record, code) {
    if (record === undefined || record.planned.length === 0) {
      this.#unhandled.push(`Vitest ran no test and ended with code ${code}: its output is above.`);
      return;
    }
    const before = this.failed;
    for (const unit of record.planned) {
      const key = keyOf(unit);
      if (!this.#units.has(key)) this.#units.set(key, { unit, times: 0, ended: false });
    }
    for (const module of record.ended) {
      if (module.tests.some(({ state }) => state === 'pending')) continue;
      const planned = this.#units.get(keyOf(module));
      if (planned !== undefined) planned.ended = true;
      this.#addModule(module);
    }
    const interrupted = this.#noteInterrupted(record);
    const real = record.unhandled.filter((text) => !interrupted || !ENGINE_ENDED.test(text));
    this.#unhandled.push(...real);
    if (code !== 0 && !interrupted && this.failed === before) {
      this.#unhandled.push(`Vitest ended with code ${code}: its output is above.`);
    }
  }

  /**
   * Takes the second attempt of single tests; those that it skipped keep the result they had.
   *
   * @param {RunRecord | undefined} record
   */
  addRepeat(record) {
    for (const module of record?.ended ?? []) this.#addModule(module);
  }

  /** Files that have to run, since their engine ended before they did: project by project. @returns {Map<string, string[]>} */
  get unfinished() {
    /** @type {Map<string, string[]>} */
    const files = new Map();
    for (const { unit, times, ended } of this.#units.values()) {
      if (ended || times > 1) continue;
      files.set(unit.project, [...(files.get(unit.project) ?? []), unit.file]);
    }
    return files;
  }

  /** What failed once and is to run by itself. @returns {Repeat[]} */
  get repeats() {
    const failed = [...this.#results.values()].filter(
      ({ passed, failures, unit }) =>
        !passed && failures.length === 1 && IN_BROWSERS.test(unit.project),
    );
    if (failed.length > MOST_REPEATED) return [];
    /** @type {Map<string, Repeat>} */
    const repeats = new Map();
    for (const { unit, pattern } of failed) {
      const other = repeats.get(keyOf(unit));
      const whole = pattern === '' || other?.pattern === '';
      repeats.set(keyOf(unit), {
        ...unit,
        pattern: whole ? '' : other === undefined ? pattern : `${other.pattern}|${pattern}`,
      });
    }
    return [...repeats.values()].map((repeat) => ({
      ...repeat,
      pattern: repeat.pattern === '' ? '' : `^(${repeat.pattern})$`,
    }));
  }

  /** What failed first and passed then, with the reason of its failure. @returns {string[]} */
  get flaky() {
    return [...this.#results.values()]
      .filter(({ passed, failures }) => passed && failures.length > 0)
      .map(({ label, failures }) => `${label}\n  first: ${brief(failures[0])}\n  again: passed`);
  }

  /** What failed, with every reason. @returns {string[]} */
  get failures() {
    const failed = [...this.#results.values()].filter(({ passed }) => !passed);
    const lost = [...this.#units.values()].filter(({ ended }) => !ended);
    return [
      ...failed.map(({ label, failures }) => {
        const [first, again] = failures.map(brief);
        return `${label}\n  ${again === undefined ? '' : 'first: '}${first}${again === undefined ? '' : `\n  again: ${again}`}`;
      }),
      ...lost.map(({ unit }) => `${labelOf(unit)}: did not come to its end.`),
      ...this.#unhandled.map(brief),
    ];
  }

  /** What a run says at its end: the count comes last, after what it does not show. @returns {string} */
  get report() {
    const parts = [
      section('Engines that ended by themselves and were started again', this.restarts),
      section('Flaky: failed, then passed by themselves', this.flaky),
      section('Failed', this.failures),
      `\n${this.passed} passed, ${this.failed} failed`,
    ];
    return parts.filter((part) => part !== '').join('\n');
  }

  get passed() {
    return [...this.#results.values()].filter(({ passed, pattern }) => passed && pattern !== '')
      .length;
  }

  get failed() {
    return this.failures.length;
  }

  /** @param {RunRecord['ended'][number]} module */
  #addModule(module) {
    /** Some names occur twice in a file. @type {Map<string, number>} */
    const times = new Map();
    for (const { name, pattern, state, message } of module.tests) {
      const time = (times.get(name) ?? 0) + 1;
      times.set(name, time);
      if (state !== 'passed' && state !== 'failed') continue;
      this.#add(module, `${name}${time > 1 ? ` (${time})` : ''}`, pattern, state, message);
    }
    const whole = this.#results.has(`${keyOf(module)} › `);
    if (module.errors.length === 0 && !whole) return;
    this.#add(
      module,
      '',
      '',
      module.errors.length === 0 ? 'passed' : 'failed',
      module.errors.join('\n'),
    );
  }

  /**
   * @param {Unit} module
   * @param {string} name
   * @param {string} pattern
   * @param {'passed' | 'failed'} state
   * @param {string} message
   */
  #add({ project, file }, name, pattern, state, message) {
    const unit = { project, file };
    const key = `${keyOf(unit)} › ${name}`;
    const result = this.#results.get(key) ?? {
      label: name === '' ? labelOf(unit) : `${labelOf(unit)} › ${name}`,
      unit,
      pattern,
      failures: [],
      passed: false,
    };
    result.passed = state === 'passed';
    if (state === 'failed') result.failures.push(message);
    this.#results.set(key, result);
  }

  /** The first file of a project that did not end is the one that its engine ended in. @param {RunRecord} record */
  #noteInterrupted({ planned, ended, unhandled }) {
    const finished = new Set(
      ended.filter(({ tests }) => tests.every(({ state }) => state !== 'pending')).map(keyOf),
    );
    const missing = planned.filter((unit) => !finished.has(keyOf(unit)));
    const named = missing.find(({ project, file }) =>
      unhandled.some((text) => text.includes(file) && IN_BROWSERS.test(project)),
    );
    const inFile = named ?? missing[0];
    if (inFile === undefined) return false;
    const unit = this.#units.get(keyOf(inFile));
    if (unit !== undefined) unit.times++;
    const others = missing.length - 1;
    const reason = unhandled.find((text) => ENGINE_ENDED.test(text)) ?? 'it gave no reason';
    this.restarts.push(
      `${labelOf(inFile)}: the engine ended in it (${reason.split('\n').join(' ').slice(0, 300)})` +
        `${others > 0 ? `; ${others} more ${others === 1 ? 'file was' : 'files were'} not run` : ''}.`,
    );
    return true;
  }
}

/**
 * @param {string} title
 * @param {readonly string[]} lines
 */
export function section(title, lines) {
  return lines.length === 0 ? '' : `\n── ${title} ──\n${lines.join('\n')}`;
}

/** @param {Unit} unit */
function keyOf({ project, file }) {
  return `${project} ${file}`;
}

/** @param {Unit} unit */
function labelOf({ project, file }) {
  return `[${project}] ${file}`;
}

/** @param {string | undefined} text */
function brief(text = '') {
  return text.split('\n').slice(0, 12).join('\n    ').slice(0, 1000);
}
