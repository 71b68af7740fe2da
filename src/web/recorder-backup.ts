import type { RecordedChunk, RecordingOptions } from '../core/container/recording-muxer.ts';
import type { PayloadFormat } from '../core/format/formats.ts';
import { MicwireError } from '../core/errors.ts';
import type { BackupRequest, BackupWorkerCommand, BackupWorkerEvent } from '../core/messages.ts';
import { BackupWriter } from '../storage/backup-writer.ts';
import { listBackups, reasonOf } from '../storage/backups.ts';
import { Capture } from './capture.ts';
import type { CaptureSource } from './capture-source.ts';
import type { CaptureOptions } from './capture-options.ts';
import type { OpusCaptureOptions } from './opus-capture-options.ts';
import type { WorkerFile, WorkerUrl } from './worker-loader.ts';
import { startWorker } from './worker-loader.ts';

/**
 * The Worker that stores a recording. Bundlers recognize the file only when it is written in this form, without a comment that
 * makes them ignore it.
 */
const BACKUP_WORKER: WorkerFile = {
  name: 'micwire-backup',
  url: () => new URL('../../worker/backup.js', import.meta.url),
  inline: () => import('../../worker/backup.inline.js'),
};

/**
 * How long a recording waits for its backup, at the beginning and at the end, in ms; not longer, because a backup is only a second
 * copy. Audio captured during the wait fits into the queue of a capture.
 */
const PATIENCE_MS = 6000;
/**
 * How long the Worker may take to start, in ms. It is started twice if the first file does not load; after that the page stores the
 * recording itself, still within `PATIENCE_MS`.
 */
const START_MS = 2500;

/** Where the backup of a recording is written: in a Worker, on the page, or nowhere. */
export type RecorderBackupState = 'off' | 'worker' | 'page' | 'failed';

/** Describes the recording that a backup belongs to. */
export interface BackupSource {
  readonly context: BaseAudioContext;
  readonly source: CaptureSource;
  readonly capture: CaptureOptions | OpusCaptureOptions;
  readonly name: string;
  readonly workerUrl?: WorkerUrl | undefined;
  /** Returns the format of the file that a capture's chunks form. */
  recording(capture: Capture<PayloadFormat>): RecordingOptions;
}

/** The second copy of a recording, as its `Recorder` sees it. No method rejects: failures are reported to `onError`, once. */
export class RecorderBackup {
  #onError: ((error: MicwireError) => void) | undefined;
  readonly #route: Route | undefined;
  #failed: MicwireError | undefined;
  #told = false;

  private constructor(route: Route | undefined) {
    this.#route = route;
  }

  /**
   * Begins storing the recording: from a separate capture, whose chunks go from the audio thread to a Worker; where that is not
   * possible, from the chunks passed to `add`.
   */
  static async open(source: BackupSource): Promise<RecorderBackup> {
    let backup: RecorderBackup | undefined;
    let early: unknown;
    const failed = (error: unknown): void => {
      if (backup === undefined) early ??= error;
      else backup.#fail(error);
    };
    let late = false;
    const opening = openRoute(source, failed);
    opening.then((route) => late && void route.end(true).catch(() => {})).catch(() => {});
    try {
      const route = await inTime(opening, () => (late = true));
      backup = new RecorderBackup(route);
    } catch (error) {
      early = error;
      backup = new RecorderBackup(undefined);
    }
    if (early !== undefined) backup.#fail(early);
    return backup;
  }

  get state(): RecorderBackupState {
    return this.#failed === undefined ? (this.#route?.kind ?? 'failed') : 'failed';
  }

  /**
   * Reports failures so far; later failures are reported as they occur.
   * @param capture the recording's own
   */
  begin(capture: Capture<PayloadFormat>, onError: (error: MicwireError) => void): void {
    this.#onError = onError;
    this.#route?.begin(capture);
    this.#tell();
  }

  /** Adds a chunk of the recording. Used where the page stores the recording. */
  add(chunk: RecordedChunk): void {
    if (this.#failed === undefined) this.#route?.add(chunk);
  }

  async pause(): Promise<void> {
    await this.#try(() => this.#route?.capture?.hold());
  }

  async resume(): Promise<void> {
    await this.#try(() => this.#route?.capture?.resume());
  }

  /** Replaces the source that is recorded. */
  setSource(source: CaptureSource): void {
    void this.#try(() => this.#route?.capture?.setSource(source));
  }

  /** Stops capturing. */
  async stop(): Promise<void> {
    await this.#try(() => this.#route?.capture?.close());
  }

  /** Ends the backup. @param complete true if the recording has its file: the backup is then deleted */
  async end(complete: boolean): Promise<void> {
    await this.#try(() => this.#route && inTime(this.#route.end(complete)));
  }

  async #try(step: () => Promise<void> | void): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (!waitsForAudio(error)) this.#fail(error);
    }
  }

  #fail(cause: unknown): void {
    if (this.#failed !== undefined) return;
    const message = `The recording has no backup from here on, and continues without one: ${reasonOf(cause)} ${CURE}`;
    this.#failed = new MicwireError('backup', message, { cause });
    void this.#route?.capture?.close();
    this.#tell();
  }

  #tell(): void {
    if (this.#failed === undefined || this.#onError === undefined || this.#told) return;
    this.#told = true;
    this.#onError(this.#failed);
  }
}

const CURE =
  'Free storage of this site, allow it to store data, or give the recording a stream to write to.';

/**
 * Returns true if the error only says that the audio thread does not answer. The recording reports this itself, and the storage is
 * not at fault.
 */
function waitsForAudio(error: unknown): boolean {
  return error instanceof MicwireError && error.code === 'stalled';
}

type MakeRequest = (capture: Capture<PayloadFormat>) => BackupRequest;

/** How chunks reach the store. */
interface Route {
  readonly kind: 'worker' | 'page';
  /** The route's separate capture, where the recorder's chunks are not used. */
  readonly capture: Capture<PayloadFormat> | undefined;
  /** @param capture the recording's own */
  begin(capture: Capture<PayloadFormat>): void;
  add(chunk: RecordedChunk): void;
  end(complete: boolean): Promise<void>;
}

async function openRoute(source: BackupSource, failed: (error: unknown) => void): Promise<Route> {
  const startedAtMs = Date.now();
  const id = `${startedAtMs}-${Math.random().toString(36).slice(2)}`;
  const request: MakeRequest = (capture) => ({
    id,
    name: source.name,
    startedAtMs,
    recording: source.recording(capture),
  });
  const worker = await startWorker(BACKUP_WORKER, source.workerUrl, START_MS).catch(
    () => undefined,
  );
  if (worker !== undefined) {
    try {
      return await WorkerRoute.open(source, worker, request, failed);
    } catch (error) {
      // Storage on the page would fail as well.
      if (error instanceof MicwireError && error.code === 'backup') throw error;
    }
  }
  return new PageRoute(request, failed);
}

/** Stores in a Worker, from a separate capture: a blocked page loses no audio. */
class WorkerRoute implements Route {
  readonly kind = 'worker';
  readonly capture: Capture<PayloadFormat>;
  readonly #worker: Worker;
  readonly #id: string;

  private constructor(capture: Capture<PayloadFormat>, worker: Worker, id: string) {
    this.capture = capture;
    this.#worker = worker;
    this.#id = id;
  }

  static async open(
    { context, source, capture: options }: BackupSource,
    worker: Worker,
    request: MakeRequest,
    failed: (error: unknown) => void,
  ): Promise<Route> {
    let capture: Capture<PayloadFormat> | undefined;
    try {
      capture = (await Capture.create(context, source, options as never)) as Capture<PayloadFormat>;
      const opening = request(capture);
      await ask(worker, { type: 'open', request: opening }, 'opened');
      worker.onmessage = ({ data }: MessageEvent<BackupWorkerEvent>): void => {
        if (data.type === 'failed') failed(new MicwireError('backup', data.message));
      };
      worker.onerror = ({ message }): void =>
        failed(new MicwireError('backup', `its Worker failed: ${message}.`));
      capture.addEventListener('error', ({ detail }) => {
        if (!waitsForAudio(detail)) failed(detail);
      });
      // Resolves when the context runs.
      capture.pipeToWorker(worker).catch(failed);
      return new WorkerRoute(capture, worker, opening.id);
    } catch (error) {
      worker.terminate();
      void capture?.close();
      throw error;
    }
  }

  begin(): void {
    // The backup has begun.
  }

  add(): void {
    // The chunks arrive by another route.
  }

  async end(complete: boolean): Promise<void> {
    try {
      await this.capture.close();
      await inTime(ask(this.#worker, { type: 'end', complete }, 'ended'));
    } catch (error) {
      // The Worker may be gone, together with its lock.
      this.#worker.terminate();
      if (!complete) throw error;
      const left = (await listBackups()).find(({ entry }) => entry.id === this.#id);
      await left?.delete();
    } finally {
      this.#worker.onmessage = null;
      this.#worker.terminate();
    }
  }
}

/** Stores on this page, from the recorder's chunks. */
class PageRoute implements Route {
  readonly kind = 'page';
  readonly capture = undefined;
  readonly #request: MakeRequest;
  readonly #failed: (error: unknown) => void;
  #opening: Promise<BackupWriter> | undefined;
  #writer: BackupWriter | undefined;
  /** Chunks that arrived before the storage was open. */
  #waiting: RecordedChunk[] = [];

  constructor(request: MakeRequest, failed: (error: unknown) => void) {
    this.#request = request;
    this.#failed = failed;
  }

  begin(capture: Capture<PayloadFormat>): void {
    this.#opening = BackupWriter.open(this.#request(capture), this.#failed);
    this.#opening
      .then((writer) => {
        this.#writer = writer;
        for (const chunk of this.#waiting.splice(0)) writer.add(chunk);
      })
      .catch(this.#failed);
  }

  add(chunk: RecordedChunk): void {
    if (this.#writer === undefined) this.#waiting.push(chunk);
    else this.#writer.add(chunk);
  }

  async end(complete: boolean): Promise<void> {
    // The failure to open has been reported.
    const writer = await this.#opening?.catch(() => undefined);
    await writer?.end(complete);
  }
}

/** Sends a command, and waits for its answer. @throws MicwireError 'backup' with the Worker's message */
function ask(
  worker: Worker,
  command: BackupWorkerCommand,
  type: BackupWorkerEvent['type'],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const listen = ({ data }: MessageEvent<BackupWorkerEvent>): void => {
      if (data.type === type) resolve();
      else if (data.type === 'failed') reject(new MicwireError('backup', data.message));
      else return;
      worker.removeEventListener('message', listen);
    };
    worker.addEventListener('message', listen);
    worker.postMessage(command);
  });
}

/** @throws MicwireError 'backup' when it does not settle in time */
async function inTime<Value>(promise: Promise<Value>, onLate?: () => void): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          onLate?.();
          reject(new MicwireError('backup', `it did not answer for ${PATIENCE_MS / 1000} s.`));
        }, PATIENCE_MS);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** Describes a recording that was not completed. */
export interface UnfinishedRecording {
  readonly id: string;
  /** The name passed as `backup`. */
  readonly name: string;
  /** MIME type of the file. */
  readonly type: string;
  /** Start of the recording, ms since 1970. */
  readonly startedAtMs: number;
  /** Returns the file, as far as it was stored. @throws MicwireError 'backup' when it cannot be read, or is deleted */
  blob(): Promise<Blob>;
  /** Deletes the stored recording. @throws MicwireError 'backup' when it cannot be deleted */
  delete(): Promise<void>;
}

/**
 * Lists recordings with a backup that were not completed because the page, the browser or the machine stopped. Recordings in
 * progress, on this page or in another tab, are not included. Never rejects: if storage is blocked, the list is empty.
 */
export async function unfinishedRecordings(): Promise<readonly UnfinishedRecording[]> {
  const backups = await listBackups().catch(() => []);
  return backups.map((backup) => {
    const { id, name, type, startedAtMs } = backup.entry;
    return {
      id,
      name,
      type,
      startedAtMs,
      blob: () => backup.blob(),
      delete: () => backup.delete(),
    };
  });
}
