import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MicwireError } from '../../core/errors.ts';
import { isSampled } from '../../core/format/stream-format.ts';
import { checkObject, checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import type { AcceptedStream } from '../accepted-stream.ts';
import { closingOf, journalOf, recordingOf } from './journal-owner.ts';
import { StreamRecorder } from './stream-recorder.ts';
import type { Recording } from './stream-recorder.ts';

/** Options of a {@link RecordingFolder}. */
export interface RecordingFolderOptions {
  /** Whether acknowledged audio survives a power cut, and not only a crash. @default false */
  readonly sync?: boolean;
  /** How long audio waits to be written together with audio that follows, in ms. @default 100 */
  readonly flushMs?: number;
}

const OPTION_NAMES = { sync: 1, flushMs: 1 } satisfies OptionNames<RecordingFolderOptions>;

const EXTENSIONS = ['.wav', '.ogg'] as const;
/** Maximum number of files for streams of the same name, which are numbered. */
const MAX_NAMES = 10_000;

/**
 * Records streams to a folder, each to a file named after it: samples to a `.wav`, Opus to an `.ogg`. For servers with
 * `acknowledge: 'stored'`, so that a client discards audio only once it is in the file: a crash of either side loses no audio.
 */
export class RecordingFolder {
  readonly path: string;
  readonly #options: RecordingFolderOptions;

  /** @throws TypeError for an invalid option */
  constructor(path: string, options: RecordingFolderOptions = {}) {
    checkOptions('RecordingFolder', options, OPTION_NAMES);
    if (typeof path !== 'string' || path === '') throw new TypeError('path must name a folder.');
    this.path = path;
    this.#options = options;
  }

  /**
   * Records a stream to its end. Return its promise from `stream`: a failure then makes the client reconnect.
   * @throws MicwireError `recording` when the file cannot be written. Stored audio is kept, and `record` continues there
   */
  async record(stream: AcceptedStream): Promise<Recording> {
    checkObject('stream must be an AcceptedStream', stream, 'id', 'format');
    const path = await this.#pathOf(stream);
    const recorder = await StreamRecorder.open(path, {
      ...this.#options,
      stream: stream.format,
      // For a new file: earlier audio is in no file of this folder, and will not be sent again.
      origin: stream.stats.storedFrame,
    });
    let failure: Error | undefined;
    let taken = recorder.origin;
    let last: Promise<void> | undefined;
    try {
      for await (const chunk of stream) {
        const written = recorder.write(chunk);
        taken = chunk.frame + chunk.frames;
        // Chunks that are written together share one promise.
        if (written !== last) {
          last = written;
          written.then(
            () => stream.stored(Math.min(recorder.storedFrame, taken)),
            (error: Error) => (failure ??= error),
          );
        }
        if (recorder.isFull) await written;
        if (failure !== undefined) throw failure;
      }
    } catch (error) {
      await recorder.suspend();
      throw error;
    }
    return recorder.close();
  }

  /**
   * Returns the first frame of a stream that is not stored. Return it from `authorize`, so that a client continues where its file
   * ends.
   * @param id the name of the stream
   * @returns the frame; undefined if there is no unfinished recording
   * @throws MicwireError `recording` when its file cannot be read
   */
  async storedFrame(id: string): Promise<number | undefined> {
    for (const extension of EXTENSIONS) {
      const frame = await StreamRecorder.storedFrame(join(this.path, id + extension));
      if (frame !== undefined) return frame;
    }
    return undefined;
  }

  /**
   * Completes recordings that a crash has interrupted and that are not continued. Recordings in progress in this process are not
   * affected.
   * @param olderMs completes only recordings that were not written to for this time, in ms. @default 0
   * @throws MicwireError `recording` when the folder cannot be read
   */
  async recover(olderMs = 0): Promise<Recording[]> {
    let names: string[];
    try {
      await mkdir(this.path, { recursive: true });
      names = await readdir(this.path);
    } catch (cause) {
      throw new MicwireError('recording', `${this.path} cannot be read. Use another folder.`, {
        cause,
      });
    }
    const recovered: Recording[] = [];
    for (const name of names) {
      const file = recordingOf(name);
      if (file === undefined) continue;
      const { mtimeMs } = await stat(join(this.path, name)).catch(() => ({ mtimeMs: Infinity }));
      if (Date.now() - mtimeMs < olderMs) continue;
      const recording = await StreamRecorder.recover(join(this.path, file));
      if (recording !== undefined) recovered.push(recording);
    }
    return recovered;
  }

  /** Returns the path of the unfinished file, or of a new one. */
  async #pathOf({ id, format }: AcceptedStream): Promise<string> {
    await mkdir(this.path, { recursive: true }).catch(() => {});
    const extension = isSampled(format) ? '.wav' : '.ogg';
    const there = new Set(await readdir(this.path).catch(() => []));
    for (let i = 1; i < MAX_NAMES; i++) {
      const name = (i === 1 ? id : `${id}~${i}`) + extension;
      const isOpen = there.has(journalOf(name)) || there.has(closingOf(name));
      if (isOpen || !there.has(name)) return join(this.path, name);
    }
    throw new MicwireError(
      'recording',
      `${this.path} has too many recordings of ${id}. Move some.`,
    );
  }
}
