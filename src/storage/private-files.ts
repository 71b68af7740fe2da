import { joinBytes, utf8Bytes } from '../core/bytes.ts';
import { MicwireError } from '../core/errors.ts';
import { inTime } from './backup-entry.ts';
import type { BackupArchive, BackupEntry, BackupStore } from './backup-entry.ts';

/**
 * Backups as files of the origin's private file system, one each, named for its id:
 *
 *     length of the entry, 4 bytes, little-endian │ the entry as JSON in UTF-8 │ the recording, as far as it was written
 *
 * What a Worker has written by a sync access handle is in the file at once, whatever becomes of the page.
 */
const FOLDER = 'micwire-recordings';
const LENGTH_BYTES = 4;
/** An entry is some hundred bytes; a length beyond this is not one. */
const MAX_ENTRY_BYTES = 65_536;

/** Writing takes a Worker; reading is for every scope. */
export const fileArchive: BackupArchive = {
  async create(entry) {
    if (!canWriteFiles()) {
      throw new MicwireError('backup', 'This scope cannot write files of the origin.');
    }
    const folder = await inTime('The file system', openFolder(true));
    const file = await folder.getFileHandle(entry.id, { create: true });
    const opening = file.createSyncAccessHandle();
    const handle = await inTime('The file system', opening, (late) => late.close());
    const store = new FileStore(handle);
    try {
      const json = utf8Bytes(JSON.stringify(entry));
      const length = new Uint8Array(LENGTH_BYTES);
      new DataView(length.buffer).setUint32(0, json.length, true);
      store.write(joinBytes([length, json]));
      await store.commit();
    } catch (error) {
      store.close();
      await folder.removeEntry(entry.id).catch(() => {});
      throw error;
    }
    return store;
  },

  async list(held) {
    if (!canReadFiles()) return [];
    const folder = await inTime('The file system', openFolder(true));
    const entries: BackupEntry[] = [];
    for await (const [name, handle] of folder.entries()) {
      if (handle.kind !== 'file' || held.has(name)) continue;
      const parts = await split(handle as FileSystemFileHandle).catch(() => undefined);
      if (parts?.entry.id === name) entries.push(parts.entry);
      // Ended before its entry was written: nothing was recorded.
      else await folder.removeEntry(name).catch(() => {});
    }
    return entries;
  },

  async read(id) {
    const folder = await openFolder(false);
    return (await split(await folder.getFileHandle(id))).content;
  },

  async remove(id) {
    const folder = await openFolder(false);
    await folder.removeEntry(id);
  },
};

class FileStore implements BackupStore {
  readonly #handle: FileSystemSyncAccessHandle;
  #at = 0;

  constructor(handle: FileSystemSyncAccessHandle) {
    this.#handle = handle;
  }

  write(bytes: Uint8Array<ArrayBuffer>): void {
    const written = this.#handle.write(bytes, { at: this.#at });
    this.#at += written;
    if (written === bytes.length) return;
    throw new MicwireError('backup', `The file took ${written} of ${bytes.length} bytes.`);
  }

  commit(): Promise<void> {
    this.#handle.flush();
    return Promise.resolve();
  }

  close(): void {
    this.#handle.close();
  }
}

async function openFolder(create: boolean): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create });
}

/** @throws when it has no entry */
async function split(
  handle: FileSystemFileHandle,
): Promise<{ readonly entry: BackupEntry; readonly content: Blob }> {
  const file = await handle.getFile();
  const lengthBytes = await file.slice(0, LENGTH_BYTES).arrayBuffer();
  const length = new DataView(lengthBytes).getUint32(0, true);
  if (length > MAX_ENTRY_BYTES) throw new RangeError('no entry');
  const from = LENGTH_BYTES + length;
  const entry = JSON.parse(await file.slice(LENGTH_BYTES, from).text()) as BackupEntry;
  return { entry, content: file.slice(from) };
}

/** Whether this scope has the private file system (File System §4). */
function canReadFiles(): boolean {
  return typeof navigator.storage?.getDirectory === 'function';
}

/** Whether it can write there without a copy that a crash would lose: in a Worker (File System §2.7). */
export function canWriteFiles(): boolean {
  return (
    canReadFiles() &&
    typeof FileSystemFileHandle === 'function' &&
    'createSyncAccessHandle' in FileSystemFileHandle.prototype
  );
}
