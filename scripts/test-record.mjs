import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { ROOT } from './run.mjs';
import { SILENCE_MINUTES, SilenceWatch } from './silence-watch.mjs';

/** Where the record goes: `scripts/test.mjs` sets it. */
export const RECORD_VARIABLE = 'MICWIRE_TEST_RECORD';

/**
 * What one run of Vitest came to.
 *
 * @typedef {object} RunRecord
 * @property {Unit[]} planned - every file of every project that was to run
 * @property {(Unit & { tests: RecordedTest[], errors: string[] })[]} ended - those that ran to their end; `errors` are of the
 *   file itself or of a suite's hooks
 * @property {string[]} unhandled - errors that belong to no test
 */

/**
 * One file in one project: a browser project runs the same file once per engine.
 *
 * @typedef {{ project: string, file: string }} Unit
 */

/**
 * @typedef {object} RecordedTest
 * @property {string} name - with those of its suites
 * @property {string} pattern - matches this name and no other, for `vitest -t`
 * @property {'passed' | 'failed' | 'skipped' | 'pending'} state - `pending`: the run ended before the test did
 * @property {string} message - the reason of a failure, else empty
 */

/** How often it is looked whether the engines still tell something. */
const LOOK_MS = 10_000;

/**
 * A reporter for Vitest that keeps what the other reporters print, by project, and which files never came to their end. It ends the
 * engines that have stopped: Vitest would wait for them for good.
 */
// oxlint-disable-next-line import/no-default-export -- Vitest loads a reporter as a file's default export.
export default class TestRecord {
  /** @type {RunRecord} */
  #record = { planned: [], ended: [], unhandled: [] };
  #silence = new SilenceWatch(performance.now());
  /** Projects that run in an engine. @type {Map<string, import('vitest/node').TestProject>} */
  #inEngines = new Map();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #look;

  /** @param {readonly import('vitest/node').TestSpecification[]} specifications */
  onTestRunStart(specifications) {
    this.#record.planned = specifications.map(({ project, moduleId }) =>
      unitOf(project.name, moduleId),
    );
    const inEngines = specifications.filter(({ project }) => project.config.browser.enabled);
    for (const { project } of inEngines) this.#inEngines.set(project.name, project);
    this.#silence.plan(inEngines.map(({ project }) => project.name));
    this.#look = setInterval(() => this.#endSilent(), LOOK_MS).unref();
  }

  /** @param {import('vitest/node').TestModule} module */
  onTestModuleStart(module) {
    this.#hear(module.project.name);
  }

  /** @param {import('vitest/node').TestCase} test */
  onTestCaseReady(test) {
    this.#hear(test.project.name);
  }

  /** @param {import('vitest/node').TestCase} test */
  onTestCaseResult(test) {
    this.#hear(test.project.name);
  }

  /** @param {import('vitest/node').TestModule} module */
  onTestModuleEnd(module) {
    this.#silence.end(module.project.name, performance.now());
    const suiteErrors = [...module.children.allSuites()].flatMap((suite) => suite.errors());
    this.#record.ended.push({
      ...unitOf(module.project.name, module.moduleId),
      tests: [...module.children.allTests()].map(testOf),
      errors: [...module.errors(), ...suiteErrors].map(textOf),
    });
  }

  /**
   * @param {unknown} _modules
   * @param {readonly import('vitest/node').SerializedError[]} unhandled
   */
  onTestRunEnd(_modules, unhandled) {
    clearInterval(this.#look);
    this.#record.unhandled = unhandled.map(textOf);
    const file = process.env[RECORD_VARIABLE];
    if (file !== undefined) writeFileSync(file, JSON.stringify(this.#record));
  }

  /** @param {string} project */
  #hear(project) {
    this.#silence.hear(project, performance.now());
  }

  #endSilent() {
    const silent = this.#silence.take(performance.now());
    if (silent.length === 0) return;
    console.log(`No word from ${silent.join(', ')} for ${SILENCE_MINUTES} minutes: ended.`);
    for (const project of silent) {
      // Vitest then says that the connection was closed, and the files that are left run again.
      Promise.resolve(this.#inEngines.get(project)?.browser?.provider.close()).catch(() => {});
    }
  }
}

/**
 * @param {string} project
 * @param {string} moduleId
 * @returns {Unit}
 */
function unitOf(project, moduleId) {
  return { project, file: relative(ROOT, moduleId).replaceAll('\\', '/') };
}

/**
 * @param {import('vitest/node').TestCase} test
 * @returns {RecordedTest}
 */
function testOf(test) {
  const names = [test.name];
  for (let { parent } = test; parent.type === 'suite'; { parent } = parent) {
    names.unshift(parent.name);
  }
  const { state, errors = [] } = test.result();
  return {
    name: names.join(' › '),
    pattern: names.join(' ').replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'),
    state,
    message: errors.map(textOf).join('\n'),
  };
}

/** @param {{ message?: string, stack?: string, cause?: unknown }} error */
function textOf({ message = '', stack = '', cause }) {
  const reason =
    typeof cause === 'object' && cause !== null && 'message' in cause
      ? `\n${String(cause.message)}`
      : '';
  const place = stack.split('\n').find((line) => /\btest\//.test(line));
  return `${message}${reason}${place === undefined ? '' : `\n${place.trim()}`}`;
}
