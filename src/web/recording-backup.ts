import { WavWriter } from '../core/container/wav.ts';
import type { WavOptions } from '../core/container/wav.ts';
import { bytesPerSample } from '../core/dsp/sample-format.ts';
import type { RecordingSink } from './recording-sink.ts';

/** The database of recordings that are under way; each is deleted when it is complete. */
const DATABASE = 'micwire-recordings';
const RECORDINGS = 'recordings';
const PIECES = 'pieces';

/** How much is gathered before it is stored: a crash loses no more, beyond what the container holds back. */
const STORE_MS = 500;

/** What is known of a recording that was not completed. */
export interface UnfinishedRecording {
  readonly id: string;
  /** The name that it was given. */
  readonly name: string;
  /** MIME type. */
  readonly type: string;
  /** When it began, ms since 1970. */
  readonly startedAt: number;
  /** The file, as far as it was stored. */
  blob(): Promise<Blob>;
  /** Forgets it. */
  delete(): Promise<void>;
}

interface Entry {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly startedAt: number;
  readonly wav: WavOptions | null;
}

/** Stores a recording as it grows, besides passing it on. */
export class BackupSink implements RecordingSink {
  readonly #database: IDBDatabase;
  readonly #entry: Entry;
  readonly #next: RecordingSink;
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #number = 0;
  #storedAt = 0;

  private constructor(database: IDBDatabase, entry: Entry, next: RecordingSink) {
    this.#database = database;
    this.#entry = entry;
    this.#next = next;
  }

  static async open(
    name: string,
    type: string,
    wav: WavOptions | null,
    next: RecordingSink,
  ): Promise<BackupSink> {
    const database = await openDatabase();
    const startedAt = Date.now();
    const id = `${startedAt}-${Math.random().toString(36).slice(2)}`;
    const entry: Entry = { id, name, type, startedAt, wav };
    await done(database, 'readwrite', ({ recordings }) => recordings.put(entry));
    return new BackupSink(database, entry, next);
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#pieces.push(bytes);
    const now = performance.now();
    if (now - this.#storedAt >= STORE_MS) {
      this.#storedAt = now;
      await this.#store();
    }
    await this.#next.write(bytes);
  }

  async close(head: Uint8Array<ArrayBuffer> | undefined, type: string): Promise<Blob | undefined> {
    const file = await this.#next.close(head, type);
    await remove(this.#database, this.#entry.id);
    this.#database.close();
    return file;
  }

  async #store(): Promise<void> {
    const piece = new Blob(this.#pieces);
    this.#pieces = [];
    const key = [this.#entry.id, this.#number++];
    // As bytes: not every engine stores Blobs.
    const bytes = await piece.arrayBuffer();
    await done(this.#database, 'readwrite', ({ pieces }) => pieces.put(bytes, key));
  }
}

/**
 * Recordings with a backup that were not completed: the page, the browser or the machine went away. Those that are under way
 * in another tab are among them.
 */
export async function unfinishedRecordings(): Promise<readonly UnfinishedRecording[]> {
  const database = await openDatabase();
  const entries = await done<Entry[]>(database, 'readonly', ({ recordings }) =>
    recordings.getAll(),
  );
  return entries.map((entry) => {
    const { id, name, type, startedAt } = entry;
    return {
      id,
      name,
      type,
      startedAt,
      blob: () => assemble(database, entry),
      delete: () => remove(database, id),
    };
  });
}

async function assemble(database: IDBDatabase, { id, type, wav }: Entry): Promise<Blob> {
  const pieces = await done<ArrayBuffer[]>(database, 'readonly', ({ pieces: store }) =>
    store.getAll(keysOf(id)),
  );
  const file = new Blob(pieces, { type });
  if (wav === null) return file;
  const writer = new WavWriter(wav);
  const headBytes = writer.head().length;
  const frameBytes = wav.channels * bytesPerSample(wav.format);
  const frames = Math.max(0, Math.floor((file.size - headBytes) / frameBytes));
  writer.add(frames * frameBytes);
  const { head, tail } = writer.finish();
  return new Blob([head, file.slice(headBytes, headBytes + frames * frameBytes), tail], { type });
}

function remove(database: IDBDatabase, id: string): Promise<void> {
  return done(database, 'readwrite', ({ recordings, pieces }) => {
    recordings.delete(id);
    return pieces.delete(keysOf(id));
  });
}

function keysOf(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id, 0], [id, Infinity]);
}

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = (): void => {
      request.result.createObjectStore(RECORDINGS, { keyPath: 'id' });
      request.result.createObjectStore(PIECES);
    };
    request.onsuccess = (): void => resolve(request.result);
    request.onerror = (): void => reject(request.error as DOMException);
  });
}

/** One transaction over both stores. Resolves with the request's result when the transaction is complete. */
function done<Result>(
  database: IDBDatabase,
  mode: 'readonly' | 'readwrite',
  act: (stores: {
    readonly recordings: IDBObjectStore;
    readonly pieces: IDBObjectStore;
  }) => IDBRequest,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction([RECORDINGS, PIECES], mode, { durability: 'strict' });
    const request = act({
      recordings: transaction.objectStore(RECORDINGS),
      pieces: transaction.objectStore(PIECES),
    });
    transaction.oncomplete = (): void => resolve(request.result as Result);
    transaction.onabort = (): void => reject(transaction.error as DOMException);
  });
}
