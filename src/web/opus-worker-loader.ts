import { MicwireError } from '../core/errors.ts';
import type { OpusWorkerEvent } from '../core/messages.ts';

/** Your own copy of `worker/opus.js`. */
export type WorkerUrl = string | URL;

/** How long a Worker may take to say that it runs. */
const START_MS = 10_000;

/**
 * Starts the Worker that encodes Opus: from your URL; else from the file beside the package, then from a copy carried in
 * JavaScript as a `blob:`.
 * @throws MicwireError 'codec-load' when every way failed
 */
export async function startOpusWorker(url?: WorkerUrl): Promise<Worker> {
  const failed: string[] = [];
  const attempt = async (
    way: string,
    address: () => string | Promise<string>,
  ): Promise<Worker | undefined> => {
    try {
      return await start(await address());
    } catch (error) {
      failed.push(`${way}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  const worker =
    url === undefined
      ? ((await attempt('the file beside the package', packagedUrl)) ??
        (await attempt('a blob: copy', inlineUrl)))
      : await attempt(`your URL ${String(url)}`, () => String(url));
  if (worker) return worker;
  throw new MicwireError(
    'codec-load',
    `The Worker that encodes Opus could not be started. Tried ${failed.join('; ')}. Serve a copy of worker/opus.js ` +
      "(`npx micwire copy <dir>`) from the page's own origin, allow it by worker-src, and give its address as workerUrl.",
  );
}

function packagedUrl(): string {
  // A bundler finds the file by this form alone; no comment may tell it to leave it alone.
  return new URL('../../worker/opus.js', import.meta.url).href;
}

async function inlineUrl(): Promise<string> {
  const { default: script } = await import('../../worker/opus.inline.js');
  return URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
}

/** Resolves when the script has run. */
async function start(url: string): Promise<Worker> {
  if (typeof Worker !== 'function') throw new Error('this scope has no Worker');
  const worker = new Worker(url, { name: 'micwire-opus' });
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<OpusWorkerEvent>): void => {
        if (data.type === 'loaded') resolve();
      };
      worker.onerror = (event): void => {
        event.preventDefault();
        reject(new Error(event.message || 'the script could not be loaded'));
      };
      timer = setTimeout(() => reject(new Error('it did not answer')), START_MS);
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
