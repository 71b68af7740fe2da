import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../run.mjs';

/** The process that runs the tests. */
export class Runner {
  /**
   * @param {readonly string[]} files the sources that are changed
   * @param {{ [name: string]: string }} env
   */
  constructor(files, env) {
    const script = fileURLToPath(new URL('run-tests.mjs', import.meta.url));
    this.child = fork(script, [JSON.stringify(files)], {
      cwd: ROOT,
      env: { ...process.env, ...env },
    });
    this.ready = new Promise((resolve) => this.child.once('message', resolve));
  }

  /** @param {object} question @param {number} milliseconds @returns {Promise<unknown>} null when it takes longer, or the process ends */
  async ask(question, milliseconds) {
    await this.ready;
    return await new Promise((resolve) => {
      const timer = Number.isFinite(milliseconds)
        ? setTimeout(() => done(null), milliseconds)
        : undefined;
      /** @param {unknown} answer */
      const done = (answer) => {
        clearTimeout(timer);
        this.child.removeAllListeners();
        resolve(answer);
      };
      this.child.once('message', done);
      this.child.once('exit', () => done(null));
      this.child.send(question);
    });
  }

  end() {
    this.child.kill('SIGKILL');
  }
}
