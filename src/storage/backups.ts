import { WavWriter } from '../core/container/wav.ts';
import { bytesPerSample } from '../core/format/formats.ts';
import { MicwireError } from '../core/errors.ts';
import type { BackupArchive, BackupEntry, BackupStore } from './backup-entry.ts';
import { databaseArchive } from './indexed-db.ts';
import { canWriteFiles, fileArchive } from './private-files.ts';

/** Everywhere that backups may lie. */
const ARCHIVES: readonly BackupArchive[] = [fileArchive, databaseArchive];

/** A Web Lock with this name and the recording's id is held for as long as the recording is under way, in whichever tab. */
const LOCK = 'micwire-recording:';

/** A recording that was not completed. */
export interface StoredBackup {
  readonly entry: BackupEntry;
  blob(): Promise<Blob>;
  delete(): Promise<void>;
}

/** A backup that is being written. */
export interface OpenBackup {
  readonly store: BackupStore;
  /** Closes the store and tells other tabs that the recording is over. @param complete deletes what was stored */
  end(complete: boolean): Promise<void>;
}

/**
 * Begins a backup, in a file where this scope can write one, else in IndexedDB.
 * @throws MicwireError 'backup' where neither works, or another tab could take the recording for a dead one
 */
export async function openBackup(entry: BackupEntry): Promise<OpenBackup> {
  const release = await holdLock(entry.id);
  const failed: string[] = [];
  for (const archive of canWriteFiles() ? ARCHIVES : [databaseArchive]) {
    try {
      const store = await archive.create(entry);
      return {
        store,
        async end(complete) {
          store.close();
          if (complete) await archive.remove(entry.id);
          release();
        },
      };
    } catch (error) {
      failed.push(reasonOf(error));
    }
  }
  release();
  throw new MicwireError('backup', failed.join('; '));
}

/** Backups whose recording is over, of whatever page. Storage that is blocked holds none. */
export async function listBackups(): Promise<readonly StoredBackup[]> {
  if (!hasLocks()) return [];
  const found: StoredBackup[] = [];
  for (const archive of ARCHIVES) {
    // Before the entries: a recording that begins meanwhile locks first, and is then found or not.
    const held = await heldIds();
    const entries = await archive.list(held).catch((): BackupEntry[] => []);
    const locked = await heldIds();
    for (const entry of entries) {
      const { id } = entry;
      if (held.has(id) || locked.has(id)) continue;
      found.push({
        entry,
        blob: () => asBackup('read', () => assemble(archive, entry)),
        delete: () => asBackup('deleted', () => archive.remove(id)),
      });
    }
  }
  return found;
}

/** Takes the lock of a recording. @returns what gives it back */
function holdLock(id: string): Promise<() => void> {
  if (!hasLocks()) {
    const reason = 'the engine has no Web Locks, and another tab could delete the backup';
    return Promise.reject(new MicwireError('backup', reason));
  }
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(LOCK + id, () => new Promise<void>((release) => resolve(release)))
      .catch(reject);
  });
}

async function heldIds(): Promise<ReadonlySet<string>> {
  const { held = [] } = await navigator.locks.query();
  const ids = held.flatMap(({ name }) =>
    name?.startsWith(LOCK) === true ? [name.slice(LOCK.length)] : [],
  );
  return new Set(ids);
}

function hasLocks(): boolean {
  return typeof navigator === 'object' && navigator.locks !== undefined;
}

async function assemble(archive: BackupArchive, { id, type, wav }: BackupEntry): Promise<Blob> {
  const file = await archive.read(id);
  if (wav === null) return new Blob([file], { type });
  const writer = new WavWriter(wav);
  const headBytes = writer.head().length;
  const frameBytes = wav.channels * bytesPerSample(wav.format);
  const frames = Math.max(0, Math.floor((file.size - headBytes) / frameBytes));
  writer.add(frames * frameBytes);
  const { head, tail } = writer.finish();
  return new Blob([head, file.slice(headBytes, headBytes + frames * frameBytes), tail], { type });
}

async function asBackup<Result>(what: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (cause) {
    const message = `The backup could not be ${what}: ${reasonOf(cause)} It may have been deleted, here or in another tab; call unfinishedRecordings() again.`;
    throw new MicwireError('backup', message, { cause });
  }
}

/** What a failure says, as a sentence. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error) && !(error instanceof DOMException)) return `${String(error)}.`;
  const { name, message } = error;
  const text = error instanceof MicwireError ? message : message ? `${name}: ${message}` : name;
  return text.endsWith('.') ? text : `${text}.`;
}
