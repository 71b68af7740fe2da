/**
 * The parts of Node that are needed to start another process. Looked up on use by `process.getBuiltinModule` (Node 20.16), so that
 * `micwire/testing` can be imported in a browser and bundled.
 */
import type { MeasureRequest } from './measure-request.ts';

interface Child {
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'message', listener: (message: Answer) => void): void;
  on(event: 'exit', listener: (code: number | null, signal: string | null) => void): void;
  send(message: unknown): void;
  readonly stderr: { on(event: 'data', listener: (text: unknown) => void): void } | null;
}

interface NodeProcess {
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  getBuiltinModule(name: string): unknown;
}

interface UrlModule {
  fileURLToPath(url: string): string;
  pathToFileURL(path: string): { readonly href: string };
}

/** The answer of the measuring process: either a result or an error. */
export interface Answer {
  readonly result?: unknown;
  readonly error?: Error;
}

function node(): NodeProcess {
  const { process } = globalThis as unknown as { readonly process?: Partial<NodeProcess> };
  if (typeof process?.getBuiltinModule === 'function') return process as NodeProcess;
  throw new TypeError(
    'Processors are measured in a process of their own: run this in Node 20.19 or later.',
  );
}

/** Returns the version of Node, for a message. */
export function nodeVersion(): string {
  return node().version;
}

/** Returns `node:url`. */
export function modules(): UrlModule {
  return node().getBuiltinModule('node:url') as UrlModule;
}

/** Runs a program that answers one request. @throws Error when the program ends without an answer */
export function fork(
  file: string,
  flags: readonly string[],
  request: MeasureRequest,
): Promise<Answer> {
  const host = node();
  const { fork: start } = host.getBuiltinModule('node:child_process') as {
    readonly fork: (file: string, args: readonly string[], options: object) => Child;
  };
  // Allocations for coverage in the child would count as the processor's.
  const { NODE_V8_COVERAGE: _, ...others } = host.env;
  return new Promise((resolve, reject) => {
    const child = start(file, [], {
      execArgv: flags,
      env: others,
      // Needed to clone typed arrays.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let errors = '';
    child.stderr?.on('data', (text) => (errors += String(text)));
    child.on('error', reject);
    child.on('message', resolve);
    child.on('exit', (code, signal) => {
      const how = signal === null ? `code ${code}` : signal;
      reject(new Error(`The measuring process ended with ${how} before it answered. ${errors}`));
    });
    child.send(request);
  });
}
