import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How long it may take to start, and to end, ms. */
const START_MS = 15_000;
const END_MS = 2000;
const LOOK_MS = 50;

/** Debian keeps servers where only root looks. */
const ENV = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };

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

/**
 * Runs a program to its end.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<number | null>} its status; null where it cannot be started
 */
export function statusOf(program, args) {
  return new Promise((resolve) => {
    execFile(program, args, { env: ENV }, (error) => {
      if (error === null) resolve(0);
      else resolve(typeof error.code === 'number' ? error.code : null);
    });
  });
}

/** A program of the system that runs in the background. What it prints is kept in a file. */
export class LocalProcess {
  /** @type {string} */
  #program;
  /** @type {string} */
  #log;
  /** @type {import('node:child_process').ChildProcess} */
  #child;
  /** Settles when it has ended, or could not be started. @type {Promise<void>} */
  ended;
  #hasEnded = false;
  /** Why it could not be started. @type {Error | null} */
  #failure = null;

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
    const onEnd = () => {
      this.#hasEnded = true;
      this.#child.stdin?.destroy();
    };
    this.ended = once(this.#child, 'exit').then(onEnd, (/** @type {Error} */ error) => {
      this.#failure = error;
      onEnd();
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
   * @throws Error with its last words, when it ends before that, or it takes too long; or why it could not be started
   */
  async ready(isReady) {
    for (const fromMs = performance.now(); ;) {
      if (this.#failure !== null) throw this.#failure;
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
    await this.ended;
  }

  /** Ends it in order, and kills it where that takes too long. */
  async end() {
    if (!this.#hasEnded) this.#child.kill('SIGTERM');
    const late = setTimeout(() => void this.kill(), END_MS);
    await this.ended;
    clearTimeout(late);
  }

  #lastWords() {
    return this.printed.trim().split('\n').slice(-5).join(' ');
  }
}
