import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether the system has nats-server. */
export function hasNatsServer(): boolean {
  return spawnSync('nats-server', ['--version']).status === 0;
}

/** A nats-server with JetStream and a folder of its own, which can be killed and started again. */
export class NatsServer {
  readonly #port: number;
  readonly #folder: string;
  readonly #config: string;
  #child: ChildProcess | null = null;

  private constructor(port: number, config: string) {
    this.#port = port;
    this.#config = config;
    this.#folder = mkdtempSync(join(tmpdir(), 'micwire-nats-'));
  }

  /** @param config further settings, in the form of its own file */
  static async start(config = ''): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), config);
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** Starts it again, with what it has on its disk. */
  async start(): Promise<void> {
    const path = join(this.#folder, 'nats.conf');
    const store = `jetstream { store_dir: ${JSON.stringify(this.#folder)} }`;
    writeFileSync(path, `listen: 127.0.0.1:${this.#port}\n${store}\n${this.#config}`);
    const args = ['-c', path];
    const child = spawn('nats-server', args, { stdio: 'ignore' });
    this.#child = child;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`nats-server has ended with ${child.exitCode}.`);
      if (await isListening(this.#port)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** CPU time that it has used since it was started, s; Linux only. */
  get cpuSeconds(): number {
    const [, rest = ''] = readFileSync(`/proc/${this.#child?.pid}/stat`, 'utf8').split(') ');
    const fields = rest.split(' ');
    // utime and stime, in ticks of 10 ms (proc(5)).
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** Kills it, as a crash would. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  /** Kills it, and forgets what it has. */
  async end(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
