import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { rolldown } from 'rolldown';
import type { SessionServerOptions } from '../../src/core/session/server/session-server.ts';
import { recordsIn } from './session-records.ts';
import type { SessionRecord } from './session-records.ts';

/** Settings of a {@link SessionServerProcess}. */
export interface SessionServerSettings {
  /** Sends the user's audio back, as an item that a commit ends. The client's output must be its input. */
  readonly echo?: boolean;
  /** Clients with another token are refused. */
  readonly token?: string;
  readonly server?: SessionServerOptions;
}

/** What the process is told. */
export interface SessionProcessSettings extends SessionServerSettings {
  readonly port: number;
  readonly folder: string;
}

/**
 * A server of micwire.1 in a process of its own, which can be killed and started again on the same port. Each session's audio goes to
 * a file, which also says where the session is continued. Text and bytes of the app come back.
 */
export class SessionServerProcess {
  readonly #settings: SessionServerSettings;
  readonly #code: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'micwire-sessions-'));
  #port = 0;
  #child: ChildProcess | null = null;

  private constructor(settings: SessionServerSettings, code: string) {
    this.#settings = settings;
    this.#code = code;
  }

  static async start(settings: SessionServerSettings = {}): Promise<SessionServerProcess> {
    const server = new SessionServerProcess(settings, await bundleProgram());
    await server.start();
    return server;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  /** Starts it again. */
  async start(): Promise<void> {
    const settings: SessionProcessSettings = {
      ...this.#settings,
      port: this.#port,
      folder: this.#folder,
    };
    const child = spawn(process.execPath, ['--input-type=module', '-'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, MICWIRE_SESSION_SERVER: JSON.stringify(settings) },
    });
    this.#child = child;
    child.stdin.end(this.#code);
    const lines = createInterface({ input: child.stdout });
    const [first] = await Promise.race([
      once(lines, 'line') as Promise<string[]>,
      once(child, 'exit').then(([code]) => {
        throw new Error(`The session server has ended with ${String(code)}.`);
      }),
    ]);
    this.#port = Number(first);
  }

  /** Ends it: `'SIGKILL'` as a crash would, `'SIGTERM'` after it has told its clients. */
  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  /** The audio of a session as it reached the server, in the order of arrival. */
  records(session: string): readonly SessionRecord[] {
    return recordsIn(join(this.#folder, `${session}.records`)).records;
  }

  /** Ends it, and removes its files. */
  async close(): Promise<void> {
    await this.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The program and what it uses as one script: Node 20 runs no TypeScript. */
async function bundleProgram(): Promise<string> {
  const build = await rolldown({
    // Benchmarks bundle this file: it cannot find its neighbours by its own address.
    input: join(process.cwd(), 'test/helpers/session-server-process.ts'),
    platform: 'node',
    external: ['bufferutil', 'utf-8-validate'],
    logLevel: 'silent',
  });
  const { output } = await build.generate({ format: 'esm' });
  await build.close();
  return output[0].code;
}
