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

/** Stores a recording. Bundlers find the file by this form alone; no comment may tell them to leave it alone. */
const BACKUP_WORKER: WorkerFile = {
  name: 'micwire-backup',
  url: () => new URL('../../worker/backup.js', import.meta.url),
  inline: () => import('../../worker/backup.inline.js'),
};

/**
 * How long a recording waits for its backup, at the beginning and at the end, ms: it is a second copy. What is captured meanwhile
 * fits into the queue of a capture.
 */
const PATIENCE_MS = 6000;
/**
 * How long the Worker may take to start, ms. It is started twice where the first file does not load; then the page stores the
 * recording itself, within the patience.
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
  /** Format of the file that a capture's chunks make. */
  recording(capture: Capture<PayloadFormat>): RecordingOptions;
}

/** The second copy of a recording, as its `Recorder` sees it. No method rejects: what fails is told to `onError`, once. */
export class RecorderBackup {
  #onError: ((error: MicwireError) => void) | undefined;
  readonly #route: Route | undefined;
  #failed: MicwireError | undefined;
  #told = false;

  private constructor(route: Route | undefined) {
    this.#route = route;
  }

  /**
   * Begins to store: by a capture of its own, whose chunks go from the audio thread to a Worker; where there can be none, by
   * what `add` is given.
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
   * Tells what has failed so far; from now on failures are told as they come.
   * @param capture the recording's own
   */
  begin(capture: Capture<PayloadFormat>, onError: (error: MicwireError) => void): void {
    this.#onError = onError;
    this.#route?.begin(capture);
    this.#tell();
  }

  /** A chunk of the recording: used where it is the page that stores. */
  add(chunk: RecordedChunk): void {
    if (this.#failed === undefined) this.#route?.add(chunk);
  }

  async pause(): Promise<void> {
    await this.#try(() => this.#route?.capture?.hold());
  }

  async resume(): Promise<void> {
    await this.#try(() => this.#route?.capture?.resume());
  }

  /** Another source is recorded. */
  setSource(source: CaptureSource): void {
    void this.#try(() => this.#route?.capture?.setSource(source));
  }

  /** Nothing more is captured. */
  async stop(): Promise<void> {
    await this.#try(() => this.#route?.capture?.close());
  }

  /** @param complete the recording has its file: what was stored is deleted */
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

/** The audio thread does not answer, which the recording itself tells: nothing is wrong with the storage. */
function waitsForAudio(error: unknown): boolean {
  return error instanceof MicwireError && error.code === 'stalled';
}

type MakeRequest = (capture: Capture<PayloadFormat>) => BackupRequest;

/** How chunks come to the store. */
interface Route {
  readonly kind: 'worker' | 'page';
  /** Its own, where the recorder's chunks are not used. */
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
      // Storage is no better here.
      if (error instanceof MicwireError && error.code === 'backup') throw error;
    }
  }
  return new PageRoute(request, failed);
}

/** By a Worker, from a capture of its own: a page that is blocked costs nothing. */
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
    // It has begun.
  }

  add(): void {
    // They come another way.
  }

  async end(complete: boolean): Promise<void> {
    try {
      await this.capture.close();
      await inTime(ask(this.#worker, { type: 'end', complete }, 'ended'));
    } catch (error) {
      // The Worker may be gone, and its lock with it.
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

/** By this page, from what it records. */
class PageRoute implements Route {
  readonly kind = 'page';
  readonly capture = undefined;
  readonly #request: MakeRequest;
  readonly #failed: (error: unknown) => void;
  #opening: Promise<BackupWriter> | undefined;
  #writer: BackupWriter | undefined;
  /** Chunks that came before the storage was open. */
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
    // What did not open has been told.
    const writer = await this.#opening?.catch(() => undefined);
    await writer?.end(complete);
  }
}

/** Sends a command, and waits for its answer. @throws MicwireError 'backup' with what the Worker says */
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
  /** The name that it was given. */
  readonly name: string;
  /** MIME type. */
  readonly type: string;
  /** Start of the recording, ms since 1970. */
  readonly startedAtMs: number;
  /** The file, as far as it was stored. @throws MicwireError 'backup' when it cannot be read, or is deleted */
  blob(): Promise<Blob>;
  /** Forgets it. @throws MicwireError 'backup' when it cannot be deleted */
  delete(): Promise<void>;
}

/**
 * Lists recordings with a backup that were not completed, because the page, the browser or the machine ended.
 * Recordings in progress, here or in another tab, are not among them. Never rejects: if storage is blocked, the list is
 * empty.
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
