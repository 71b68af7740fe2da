import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/**
 * How a process is started. `detached`: Ctrl-C in the terminal does not reach it; `log`: is told each line that it prints.
 *
 * @typedef {{ readonly detached?: boolean, readonly log?: (line: string) => void }} ProcessOptions
 */

/**
 * A command of `micwire` in a process of its own, which can be killed and started again. Runs the sources, as one script: Node 20 runs
 * no TypeScript.
 */
export class CommandProcess {
  /** @type {import('node:child_process').ChildProcess | null} */
  #child = null;
  /** @type {ProcessOptions} */
  #options;
  /**
   * Bytes that a file of the process may have, as if the disk had no room for more; undefined: any.
   *
   * @type {number | undefined}
   */
  fileLimit;
  /**
   * Everything that it has printed.
   *
   * @type {string[]}
   */
  lines = [];

  /** @param {ProcessOptions} [options] */
  constructor(options = {}) {
    this.#options = options;
  }

  /**
   * Starts it, and waits for a line.
   *
   * @protected
   * @param {readonly string[]} args
   * @param {RegExp} ready
   * @returns {Promise<RegExpExecArray>} what the line has
   * @throws Error with what it printed, when it ends before that
   */
  async run(args, ready) {
    const code = await bundleCommand();
    const command = [process.execPath, '--input-type=module', '-', ...args];
    // Blocks of 512 bytes. The signal of the limit would end the process; without it, writing fails.
    const limited = `trap '' XFSZ; ulimit -f ${Math.floor((this.fileLimit ?? 0) / 512)}; exec "$@"`;
    const [program = '', ...rest] =
      this.fileLimit === undefined ? command : ['sh', '-c', limited, 'sh', ...command];
    const { detached = false, log } = this.#options;
    const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'], detached });
    this.#child = child;
    // It may end before it has read its code.
    child.stdin.on('error', () => {});
    child.stdin.end(code);
    const keep = (/** @type {string} */ line) => {
      this.lines.push(line);
      log?.(line);
    };
    createInterface({ input: child.stderr }).on('line', keep);
    const lines = createInterface({ input: child.stdout });
    lines.on('line', keep);
    return new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        const found = ready.exec(line);
        if (found) resolve(found);
      });
      child.once('exit', (exitCode) => {
        reject(
          new Error(`micwire ${args[0]} has ended with ${exitCode}: ${this.lines.join('\n')}`),
        );
      });
    });
  }

  /**
   * Ends it: `'SIGKILL'` as a crash would.
   *
   * @param {'SIGKILL' | 'SIGTERM' | 'SIGINT'} [signal]
   * @returns {Promise<number | null>} its exit code; null after a kill
   */
  async end(signal = 'SIGKILL') {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return null;
    const exit = once(child, 'exit');
    child.kill(signal);
    return (await exit)[0];
  }

  /** Waits until it has ended by itself. */
  async ended() {
    const child = this.#child;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      await once(child, 'exit');
    }
  }

  /** Where it tells its figures. */
  get httpUrl() {
    return '';
  }

  /**
   * A figure of it.
   *
   * @param {string} name
   */
  async figure(name) {
    const text = await (await fetch(`${this.httpUrl}/metrics`)).text();
    return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);
  }

  /**
   * Lets it sleep, or awakes it.
   *
   * @param {'SIGSTOP' | 'SIGCONT'} signal
   */
  signal(signal) {
    this.#child?.kill(signal);
  }
}

/** `micwire serve` in a process of its own, which can be killed and started again on the same port. */
export class ServeProcess extends CommandProcess {
  /** @type {readonly string[]} */
  #args;
  #port = 0;
  #scheme = 'ws';

  /**
   * @param {readonly string[]} args
   * @param {ProcessOptions} [options]
   */
  constructor(args, options) {
    super(options);
    this.#args = args;
  }

  /** @param {readonly string[]} args */
  static async start(...args) {
    const server = new ServeProcess(args);
    await server.start();
    return server;
  }

  get url() {
    return `${this.#scheme}://127.0.0.1:${this.#port}`;
  }

  /**
   * The same server for requests of HTTP.
   *
   * @override
   */
  get httpUrl() {
    return this.url.replace('ws', 'http');
  }

  /**
   * Starts it, or starts it again.
   *
   * @param {number} [port] @default the same as before; at first any that is free
   */
  async start(port = this.#port) {
    const args = ['serve', '--host', '127.0.0.1', '--port', String(port), ...this.#args];
    const [, scheme = '', given] = await this.run(args, /^Serving (wss?):\/\/.*:(\d+)$/);
    this.#scheme = scheme;
    this.#port = Number(given);
  }
}

/** `micwire work` in a process of its own, which can be killed and started again. */
export class WorkProcess extends CommandProcess {
  /** @type {readonly string[]} */
  #args;
  #httpUrl = '';

  /**
   * @param {readonly string[]} args
   * @param {ProcessOptions} [options]
   */
  constructor(args, options) {
    super(options);
    this.#args = args;
  }

  /** @param {readonly string[]} args */
  static async start(...args) {
    const worker = new WorkProcess(args);
    await worker.start();
    return worker;
  }

  /** @override */
  get httpUrl() {
    return this.#httpUrl;
  }

  /** Starts it, or starts it again as another worker. */
  async start() {
    const args = ['work', '--host', '127.0.0.1', ...this.#args];
    [, this.#httpUrl = ''] = await this.run(args, /^Working, figures at (.+)$/);
  }
}

/** @type {Promise<string> | undefined} */
let bundled;

/**
 * The command as one script.
 *
 * @returns {Promise<string>}
 */
export function bundleCommand() {
  bundled ??= (async () => {
    // Loaded here: a fresh clone has no packages when this file is loaded.
    const { rolldown } = await import('rolldown');
    const build = await rolldown({
      // Of the package where npm runs: bundled into a benchmark, this file's own address is another.
      input: join(process.cwd(), 'src/cli/micwire.ts'),
      platform: 'node',
      external: ['bufferutil', 'utf-8-validate'],
      logLevel: 'silent',
    });
    const { output } = await build.generate({ format: 'esm', codeSplitting: false });
    await build.close();
    return output[0].code;
  })();
  return bundled;
}
