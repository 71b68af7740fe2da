import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { rolldown } from 'rolldown';

/**
 * `micwire serve` in a process of its own, which can be killed and started again on the same port. Runs the sources, as one script:
 * Node 20 runs no TypeScript.
 */
export class ServeProcess {
  readonly #args: readonly string[];
  readonly #code: string;
  #port = 0;
  #child: ChildProcess | null = null;
  /** Everything that it has printed. */
  readonly lines: string[] = [];
  #scheme = 'ws';
  /** Bytes that a file of the process may have, as if the disk had no room for more; undefined: any. */
  fileLimit: number | undefined;

  private constructor(args: readonly string[], code: string) {
    this.#args = args;
    this.#code = code;
  }

  static async start(...args: readonly string[]): Promise<ServeProcess> {
    const server = new ServeProcess(args, await bundleCommand());
    await server.start();
    return server;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.#port}`;
  }

  /** The same server for requests of HTTP. */
  get httpUrl(): string {
    return this.url.replace('ws', 'http');
  }

  /** Starts it again. */
  async start(): Promise<void> {
    const args = ['serve', '--host', '127.0.0.1', '--port', String(this.#port), ...this.#args];
    const command = [process.execPath, '--input-type=module', '-', ...args];
    // Blocks of 512 bytes. The signal of the limit would end the process; without it, writing fails.
    const limited = `trap '' XFSZ; ulimit -f ${Math.floor((this.fileLimit ?? 0) / 512)}; exec "$@"`;
    const [program, ...rest] =
      this.fileLimit === undefined ? command : ['sh', '-c', limited, 'sh', ...command];
    const child = spawn(program!, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    child.stdin.end(this.#code);
    createInterface({ input: child.stderr }).on('line', (line) => this.lines.push(line));
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => this.lines.push(line));
    const [, scheme, port] = await new Promise<RegExpExecArray>((resolve, reject) => {
      lines.on('line', (line) => {
        const found = /^Serving (wss?):\/\/.*:(\d+)$/.exec(line);
        if (found) resolve(found);
      });
      child.once('exit', (code) => {
        reject(new Error(`micwire serve has ended with ${code}: ${this.lines.join('\n')}`));
      });
    });
    this.#scheme = scheme!;
    this.#port = Number(port);
  }

  /** Ends it: `'SIGKILL'` as a crash would. @returns its exit code; null after a kill */
  async end(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT' = 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return null;
    const exit = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    return (await exit)[0];
  }
}

let bundled: Promise<string> | undefined;

function bundleCommand(): Promise<string> {
  bundled ??= (async () => {
    const build = await rolldown({
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
