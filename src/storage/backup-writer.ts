import { recordingMuxer } from '../core/container/recording-muxer.ts';
import type { RecordedChunk, RecordingMuxer } from '../core/container/recording-muxer.ts';
import { isSampled } from '../core/format/stream-format.ts';
import { MicwireError } from '../core/errors.ts';
import type { BackupRequest } from '../core/messages.ts';
import type { BackupEntry } from './backup-entry.ts';
import { openBackup, reasonOf } from './backups.ts';
import type { OpenBackup } from './backups.ts';

/** How often what has come is made to outlast a crash: with the packets and chunks under way it is below a second. */
const COMMIT_MS = 400;

/** Makes a file of chunks and stores it as it grows, in whichever scope. */
export class BackupWriter {
  readonly #muxer: RecordingMuxer;
  readonly #backup: OpenBackup;
  readonly #onError: (error: MicwireError) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #committing: Promise<void> | undefined;
  #over = false;

  private constructor(
    muxer: RecordingMuxer,
    backup: OpenBackup,
    onError: (error: MicwireError) => void,
  ) {
    this.#muxer = muxer;
    this.#backup = backup;
    this.#onError = onError;
    this.#timer = setInterval(() => this.#commit(), COMMIT_MS);
  }

  /**
   * @param onError the storage refuses, once: nothing more is written. What was written before stays until `end`
   * @throws MicwireError 'backup' when there is no storage
   */
  static async open(
    { id, name, startedAtMs, recording }: BackupRequest,
    onError: (error: MicwireError) => void,
  ): Promise<BackupWriter> {
    const muxer = recordingMuxer(recording, 1 + Math.floor(Math.random() * (2 ** 32 - 1)));
    const { stream } = recording;
    const wav = isSampled(stream) ? stream : null;
    const entry: BackupEntry = { id, name, type: muxer.type, startedAtMs, wav };
    return new BackupWriter(muxer, await openBackup(entry), onError);
  }

  add(chunk: RecordedChunk): void {
    this.#write(() => this.#muxer.add(chunk));
  }

  /** @param complete the recording has its file: what was stored is deleted */
  async end(complete: boolean): Promise<void> {
    clearInterval(this.#timer);
    if (!complete) {
      await this.#committing;
      this.#commit();
    }
    await this.#committing;
    this.#over = true;
    await this.#backup.end(complete);
  }

  #write(make: () => Iterable<Uint8Array<ArrayBuffer>>): void {
    if (this.#over) return;
    try {
      for (const bytes of make()) if (bytes.length > 0) this.#backup.store.write(bytes);
    } catch (error) {
      this.#fail(error);
    }
  }

  #commit(): void {
    if (this.#over || this.#committing !== undefined) return;
    this.#write(() => this.#muxer.flush());
    this.#committing = this.#settle();
  }

  async #settle(): Promise<void> {
    try {
      await this.#backup.store.commit();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#committing = undefined;
    }
  }

  #fail(cause: unknown): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#timer);
    this.#onError(new MicwireError('backup', reasonOf(cause), { cause }));
  }
}
