import { MicwireError } from '../core/errors.ts';
import { startWorker } from './worker-loader.ts';
import type { WorkerFile, WorkerUrl } from './worker-loader.ts';

export type { WorkerUrl };

/** Encodes Opus. Bundlers find the file by this form alone; no comment may tell them to leave it alone. */
const OPUS_WORKER: WorkerFile = {
  name: 'micwire-opus',
  url: () => new URL('../../worker/opus.js', import.meta.url),
  inline: () => import('../../worker/opus.inline.js'),
};

/**
 * Starts the Worker that encodes Opus: from your URL; else from the file beside the package, then from a copy carried in
 * JavaScript as a `blob:`.
 * @throws MicwireError 'codec-load' when every way failed
 */
export async function startOpusWorker(url?: WorkerUrl): Promise<Worker> {
  try {
    return await startWorker(OPUS_WORKER, url);
  } catch (cause) {
    throw new MicwireError(
      'codec-load',
      `The Worker that encodes Opus could not be started. Tried ${(cause as Error).message}. Serve a copy of worker/opus.js ` +
        "(`npx micwire copy <dir>`) from the page's own origin, allow it by worker-src, and give its address as workerUrl.",
      { cause },
    );
  }
}
