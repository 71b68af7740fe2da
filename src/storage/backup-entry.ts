import { MicwireError } from '../core/errors.ts';
import type { SampleFormat } from '../core/format/formats.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';

/** What is known of a recording that is backed up. Structured-cloneable. */
export interface BackupEntry {
  readonly id: string;
  /** The name that it was given. */
  readonly name: string;
  /** MIME type. */
  readonly type: string;
  /** When it began, ms since 1970. */
  readonly startedAtMs: number;
  /** WAV only: its header is corrected when it is read. */
  readonly wav: StreamFormat<SampleFormat> | null;
}

/** Where a recording is stored as it grows. A failure of any call is for good. */
export interface BackupStore {
  /** Appends. @throws when the storage refuses */
  write(bytes: Uint8Array<ArrayBuffer>): void;
  /** Resolves when all that was written outlasts the end of the page. One at a time. */
  commit(): Promise<void>;
  /** Lets go of the storage. What was written stays. */
  close(): void;
}

/** Backups of one kind of storage. */
export interface BackupArchive {
  /** Begins a backup. Its lock is held. */
  create(entry: BackupEntry): Promise<BackupStore>;
  /**
   * Every entry that there is, after what belongs to none was removed.
   * @param held ids of recordings under way
   */
  list(held: ReadonlySet<string>): Promise<readonly BackupEntry[]>;
  /** What was stored, in order. */
  read(id: string): Promise<Blob>;
  remove(id: string): Promise<void>;
}

/** Storage answers within so much, or is taken for blocked: an open request may wait for another tab for ever. */
const ANSWER_MS = 5000;

/** @throws MicwireError 'backup' when the promise does not settle in time; what it brings later is passed to `late` */
export async function inTime<Value>(
  what: string,
  promise: Promise<Value>,
  late?: (value: Value) => void,
): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;
  promise.then((value) => over && late?.(value)).catch(() => {});
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          over = true;
          reject(new MicwireError('backup', `${what} did not answer for ${ANSWER_MS / 1000} s.`));
        }, ANSWER_MS);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
