import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, isListening } from './local-port.mjs';

/** How to get it. */
export const NATS_CURE =
  'nats-server was not found in PATH. Install it: apt-get install nats-server (Debian, Ubuntu), brew install ' +
  'nats-server (macOS), or from https://github.com/nats-io/nats-server/releases.';

/** Whether the system has nats-server. */
export function hasNatsServer() {
  return spawnSync('nats-server', ['--version']).status === 0;
}

/** A nats-server with JetStream and a folder of its own, which can be killed and started again. */
export class NatsServer {
  /** @type {number} */
  #port;
  /** @type {string} */
  #folder;
  /** @type {string} */
  #config;
  /** @type {boolean} */
  #detached;
  /** @type {import('node:child_process').ChildProcess | null} */
  #child = null;

  /**
   * @param {number} port
   * @param {string} config
   * @param {boolean} detached
   */
  constructor(port, config, detached) {
    this.#port = port;
    this.#config = config;
    this.#detached = detached;
    this.#folder = mkdtempSync(join(tmpdir(), 'micwire-nats-'));
  }

  /**
   * @param {string} [config] further settings, in the form of its own file
   * @param {{ readonly port?: number, readonly detached?: boolean }} [options] `port`: any that is free, unless it is given; `detached`:
   *   Ctrl-C in the terminal does not reach it
   */
  static async start(config = '', { port, detached = false } = {}) {
    const server = new NatsServer(port ?? (await freePort()), config, detached);
    await server.start();
    return server;
  }

  get url() {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** Starts it again, with what it has on its disk. */
  async start() {
    if (await isListening(this.#port)) {
      throw new Error(`Port ${this.#port} is taken. Give another one.`);
    }
    const path = join(this.#folder, 'nats.conf');
    const store = `jetstream { store_dir: ${JSON.stringify(this.#folder)} }`;
    writeFileSync(path, `listen: 127.0.0.1:${this.#port}\n${store}\n${this.#config}`);
    const child = spawn('nats-server', ['-c', path], { stdio: 'ignore', detached: this.#detached });
    this.#child = child;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`nats-server has ended with ${child.exitCode}.`);
      if (await isListening(this.#port)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** CPU time that it has used since it was started, s; Linux only. */
  get cpuSeconds() {
    const [, rest = ''] = readFileSync(`/proc/${this.#child?.pid}/stat`, 'utf8').split(') ');
    const fields = rest.split(' ');
    // utime and stime, in ticks of 10 ms (proc(5)).
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** Kills it, as a crash would. */
  async kill() {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  /** Kills it, and forgets what it has. */
  async end() {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
