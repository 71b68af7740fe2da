import { MicwireError } from '../core/errors.ts';
import { inTime } from './backup-entry.ts';
import type { BackupArchive, BackupEntry, BackupStore } from './backup-entry.ts';

/** The database of recordings that are under way; each is deleted when it is complete. */
const DATABASE = 'micwire-recordings';
const RECORDINGS = 'recordings';
/** Bytes by `[id, number]`. */
const PIECES = 'pieces';

/** Pieces read at once: a long recording does not fit into memory, but the browser may keep a Blob outside of it. */
const READ_PIECES = 64;

/** For a Window, and for Workers without the origin's private file system. */
export const databaseArchive: BackupArchive = {
  async create(entry) {
    const database = await open();
    try {
      await done(database, 'readwrite', ({ recordings }) => recordings.put(entry));
    } catch (error) {
      database.close();
      throw error;
    }
    return new DatabaseStore(database, entry.id);
  },

  list: (held) =>
    withDatabase(async (database) => {
      const entries = await done<BackupEntry[]>(database, 'readonly', ({ recordings }) =>
        recordings.getAll(),
      );
      await removeOrphans(database, held);
      return entries;
    }),

  read: (id) =>
    withDatabase(async (database) => {
      const key = await done(database, 'readonly', ({ recordings }) => recordings.getKey(id));
      if (key === undefined) throw new MicwireError('backup', 'It is not there any more.');
      const blobs: Blob[] = [];
      for (let from = 0; ; from += READ_PIECES) {
        const range = IDBKeyRange.bound([id, from], [id, from + READ_PIECES], false, true);
        const pieces = await done<ArrayBuffer[]>(database, 'readonly', (stores) =>
          stores.pieces.getAll(range),
        );
        if (pieces.length > 0) blobs.push(new Blob(pieces));
        if (pieces.length < READ_PIECES) return new Blob(blobs);
      }
    }),

  remove: (id) =>
    withDatabase((database) =>
      done<void>(database, 'readwrite', ({ recordings, pieces }) => {
        recordings.delete(id);
        return pieces.delete(piecesOf(id));
      }),
    ),
};

class DatabaseStore implements BackupStore {
  readonly #database: IDBDatabase;
  readonly #id: string;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #number = 0;
  /** Somebody has deleted the database. */
  #gone = false;

  constructor(database: IDBDatabase, id: string) {
    this.#database = database;
    this.#id = id;
    database.onclose = (): void => void (this.#gone = true);
    // A deletion waits for the last connection to close, and everybody's next open() for the deletion.
    database.onversionchange = (): void => {
      this.#gone = true;
      database.close();
    };
  }

  write(bytes: Uint8Array<ArrayBuffer>): void {
    this.#waiting.push(bytes);
  }

  async commit(): Promise<void> {
    if (this.#waiting.length === 0) return;
    if (this.#gone) throw new MicwireError('backup', 'The database was deleted.');
    const piece = new Blob(this.#waiting.splice(0));
    // As bytes: not every engine stores Blobs.
    const bytes = await piece.arrayBuffer();
    const key = [this.#id, this.#number++];
    const writing = transact(this.#database, 'readwrite', ({ recordings, pieces }, transaction) => {
      const request = recordings.getKey(this.#id);
      request.onsuccess = (): void => {
        // Pieces without their recording would stay for ever.
        if (request.result === undefined) transaction.abort();
        else pieces.put(bytes, key);
      };
      return request;
    });
    await inTime('IndexedDB', writing);
  }

  close(): void {
    this.#database.close();
  }
}

/** What another page has left behind: pieces whose recording is neither listed nor under way. */
function removeOrphans(database: IDBDatabase, held: ReadonlySet<string>): Promise<void> {
  return done<void>(database, 'readwrite', ({ recordings, pieces }) => {
    const known = recordings.getAllKeys();
    known.onsuccess = (): void => {
      const kept = new Set([...(known.result as string[]), ...held]);
      const walk = pieces.openKeyCursor();
      walk.onsuccess = (): void => {
        const cursor = walk.result;
        if (cursor === null) return;
        const [id] = cursor.key as [string, number];
        if (!kept.has(id)) pieces.delete(piecesOf(id));
        // To the next recording: an array sorts behind every number (Indexed Database §2.4).
        cursor.continue([id, []]);
      };
    };
    return known;
  });
}

function piecesOf(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id, 0], [id, Infinity]);
}

async function withDatabase<Result>(
  act: (database: IDBDatabase) => Promise<Result>,
): Promise<Result> {
  const database = await open();
  try {
    return await act(database);
  } finally {
    database.close();
  }
}

async function open(): Promise<IDBDatabase> {
  const opening = new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = (): void => {
      request.result.createObjectStore(RECORDINGS, { keyPath: 'id' });
      request.result.createObjectStore(PIECES);
    };
    request.onsuccess = (): void => resolve(request.result);
    request.onerror = (): void => reject(request.error as DOMException);
  });
  return inTime('IndexedDB', opening, (database) => database.close());
}

interface Stores {
  readonly recordings: IDBObjectStore;
  readonly pieces: IDBObjectStore;
}

/** One transaction over both stores, in time. Resolves with the request's result when the transaction is complete. */
function done<Result>(
  database: IDBDatabase,
  mode: 'readonly' | 'readwrite',
  act: (stores: Stores) => IDBRequest,
): Promise<Result> {
  return inTime('IndexedDB', transact(database, mode, act) as Promise<Result>);
}

function transact(
  database: IDBDatabase,
  mode: 'readonly' | 'readwrite',
  act: (stores: Stores, transaction: IDBTransaction) => IDBRequest,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction([RECORDINGS, PIECES], mode, { durability: 'strict' });
    const request = act(
      {
        recordings: transaction.objectStore(RECORDINGS),
        pieces: transaction.objectStore(PIECES),
      },
      transaction,
    );
    transaction.oncomplete = (): void => resolve(request.result);
    transaction.onabort = (): void =>
      reject(transaction.error ?? new MicwireError('backup', 'The backup was deleted.'));
  });
}
