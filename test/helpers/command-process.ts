import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { rolldown } from 'rolldown';

/**
 * A command of `micwire` in a process of its own, which can be killed and started again. Runs the sources, as one script: Node 20 runs
 * no TypeScript.
 */
export class CommandProcess {
  #child: ChildProcess | null = null;
  /** Bytes that a file of the process may have, as if the disk had no room for more; undefined: any. */
  fileLimit: number | undefined;
  /** Everything that it has printed. */
  readonly lines: string[] = [];

  /**
   * Starts it, and waits for a line.
   * @returns what the line has
   * @throws Error with what it printed, when it ends before that
   */
  protected async run(args: readonly string[], ready: RegExp): Promise<RegExpExecArray> {
    const code = await bundleCommand();
    const command = [process.execPath, '--input-type=module', '-', ...args];
    // Blocks of 512 bytes. The signal of the limit would end the process; without it, writing fails.
    const limited = `trap '' XFSZ; ulimit -f ${Math.floor((this.fileLimit ?? 0) / 512)}; exec "$@"`;
    const [program, ...rest] =
      this.fileLimit === undefined ? command : ['sh', '-c', limited, 'sh', ...command];
    const child = spawn(program!, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    child.stdin.end(code);
    createInterface({ input: child.stderr }).on('line', (line) => this.lines.push(line));
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => this.lines.push(line));
    return new Promise<RegExpExecArray>((resolve, reject) => {
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

  /** Ends it: `'SIGKILL'` as a crash would. @returns its exit code; null after a kill */
  async end(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT' = 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return null;
    const exit = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    return (await exit)[0];
  }

  /** Where it tells its figures. */
  get httpUrl(): string {
    return '';
  }

  /** A figure of it. */
  async figure(name: string): Promise<number> {
    const text = await (await fetch(`${this.httpUrl}/metrics`)).text();
    return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);
  }

  /** Lets it sleep, or awakes it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }
}

let bundled: Promise<string> | undefined;

/** The command as one script. */
export function bundleCommand(): Promise<string> {
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
