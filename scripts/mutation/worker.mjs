import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../run.mjs';
import { Log } from './log.mjs';

/** Without a line in the log for so long, the process hangs: longer than any test takes on a busy machine. */
const SILENT_MS = 120_000;

/** Runs tests in a process of its own, and starts a new one when that hangs. */
export class Worker {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** @type {Promise<unknown> | undefined} */
  #ready;

  /**
   * @param {string} folder of the log
   * @param {number} index
   * @param {readonly string[]} files the sources that are changed
   * @param {string} pattern of the names of tests
   */
  constructor(folder, index, files, pattern) {
    this.log = new Log(folder, index);
    this.log.write('worker', index);
    this.args = [JSON.stringify([files, pattern])];
    this.env = { MICWIRE_MUTATION: folder, MICWIRE_MUTATION_WORKER: String(index) };
  }

  /** @param {object} question see run-tests.mjs @returns {Promise<any>} null when it hangs or ends */
  async ask(question) {
    this.log.write('ask');
    const child = (this.#child ??= this.#start());
    await this.#ready;
    return await new Promise((resolve) => {
      const timer = setInterval(() => {
        if (this.log.silentMs() > SILENT_MS) done(null);
      }, 1000);
      /** @param {unknown} answer */
      const done = (answer) => {
        clearInterval(timer);
        child.removeAllListeners();
        if (answer === null) this.end();
        resolve(answer);
      };
      child.once('message', done);
      child.once('exit', () => done(null));
      child.send(question);
    });
  }

  end() {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  #start() {
    const script = fileURLToPath(new URL('run-tests.mjs', import.meta.url));
    const child = fork(script, this.args, {
      cwd: ROOT,
      env: { ...process.env, ...this.env },
    });
    this.#ready = new Promise((resolve) => child.once('message', resolve));
    return child;
  }
}
