import { packageFile } from './package-file.ts';
import { errorText } from '../core/errors.ts';

/** Your own copy of a Worker's script. */
export type WorkerUrl = string | URL;

/** Locations of a Worker's script. Each is a separate constant, so that an app ships only the ones that it uses. */
export interface WorkerFile {
  /** Name of the Worker in developer tools. */
  readonly name: string;
  /** Returns the address of the package's file. Throws where a bundler left `import.meta.url` without a value. */
  url(): URL;
  /** Loads the same script as text. */
  inline(): Promise<{ readonly default: string }>;
}

/** How long a Worker may take to report that it runs, in ms. */
const START_MS = 10_000;

/**
 * Starts a Worker: from the given URL; otherwise from the package's file, then from a bundled JavaScript copy as a `blob:`. Its
 * script posts `{ type: 'loaded' }` when it runs.
 * @throws Error that lists every failed attempt and its cause
 */
export async function startWorker(
  file: WorkerFile,
  given?: WorkerUrl,
  startMs: number = START_MS,
): Promise<Worker> {
  const failed: string[] = [];
  const attempt = async (
    way: string,
    address: () => string | Promise<string>,
  ): Promise<Worker | undefined> => {
    try {
      return await start(file.name, await address(), startMs);
    } catch (error) {
      failed.push(`${way}: ${errorText(error)}`);
      return undefined;
    }
  };
  const worker =
    given === undefined
      ? ((await attempt('the file beside the package', () => packageFile(file.url()))) ??
        (await attempt('a blob: copy', () => inlineUrl(file))))
      : await attempt(`your URL ${String(given)}`, () => String(given));
  if (worker) return worker;
  throw new Error(failed.join('; '));
}

async function inlineUrl(file: WorkerFile): Promise<string> {
  const { default: script } = await file.inline();
  return URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
}

/** Resolves when the script has run. */
async function start(name: string, url: string, startMs: number): Promise<Worker> {
  if (typeof Worker !== 'function') throw new Error('this scope has no Worker');
  const worker = new Worker(url, { name });
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<{ readonly type: string }>): void => {
        if (data.type === 'loaded') resolve();
      };
      worker.onerror = (event): void => {
        event.preventDefault();
        reject(new Error(event.message || 'the script could not be loaded'));
      };
      timer = setTimeout(() => reject(new Error('it did not answer')), startMs);
    });
    return worker;
  } catch (error) {
    worker.terminate();
    throw error;
  } finally {
    clearTimeout(timer);
    worker.onmessage = null;
    worker.onerror = null;
    if (url.startsWith('blob:')) URL.revokeObjectURL(url);
  }
}
