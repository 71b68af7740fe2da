import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How long it may take to start, and to end, ms. */
const START_MS = 15_000;
const END_MS = 2000;
const LOOK_MS = 50;

/** Debian keeps servers where only root looks. */
export const ENV = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };

/**
 * Runs a program in a group of processes that ends when the standard input does: so nothing is left over, however this process
 * ends. On SIGTERM the program ends in order, and then the rest of the group.
 */
const GUARD = `
exec 3<&0
"$@" 3<&- </dev/null &
child=$!
trap 'kill -TERM $child' TERM
{ cat <&3 >/dev/null; kill -KILL 0; } &
exec 3<&-
wait $child
wait $child
kill -KILL 0
`;

/** A program of the system that runs in the background. What it prints is kept in a file. */
export class LocalProcess {
  /** @type {string} */
  #program;
  /** @type {string} */
  #log;
  /** @type {import('node:child_process').ChildProcess} */
  #child;
  /** @type {Promise<unknown>} */
  #ended;
  #hasEnded = false;

  /**
   * @param {string} program
   * @param {readonly string[]} args
   * @param {string} folder where it works, and its log is kept
   */
  constructor(program, args, folder) {
    this.#program = program;
    this.#log = join(folder, `${program}.log`);
    const log = openSync(this.#log, 'w');
    this.#child = spawn('/bin/sh', ['-c', GUARD, 'sh', program, ...args], {
      cwd: folder,
      detached: true,
      env: ENV,
      stdio: ['pipe', log, log],
    });
    closeSync(log);
    // Without a program to read it.
    this.#child.stdin?.on('error', () => {});
    this.#ended = once(this.#child, 'exit').then(() => {
      this.#hasEnded = true;
      this.#child.stdin?.destroy();
    });
  }

  /** Everything that it has printed. */
  get printed() {
    return readFileSync(this.#log, 'utf8');
  }

  /**
   * Waits until it is ready.
   *
   * @param {() => boolean | Promise<boolean>} isReady is asked again and again
   * @throws Error with its last words, when it ends before that, or it takes too long
   */
  async ready(isReady) {
    for (const fromMs = performance.now(); ;) {
      if (this.#hasEnded) throw new Error(`${this.#program} has ended: ${this.#lastWords()}`);
      if (await isReady()) return;
      if (performance.now() - fromMs > START_MS) {
        const seconds = START_MS / 1000;
        throw new Error(`${this.#program} is not ready after ${seconds} s: ${this.#lastWords()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Kills it, as a crash would. */
  async kill() {
    const { pid } = this.#child;
    if (!this.#hasEnded && pid !== undefined) process.kill(-pid, 'SIGKILL');
    await this.#ended;
  }

  /** Ends it in order, and kills it where that takes too long. */
  async end() {
    if (!this.#hasEnded) this.#child.kill('SIGTERM');
    const late = setTimeout(() => void this.kill(), END_MS);
    await this.#ended;
    clearTimeout(late);
  }

  #lastWords() {
    return this.printed.trim().split('\n').slice(-5).join(' ');
  }
}
