import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MicwireError, PacketError } from '../../core/errors.ts';
import { isSameStream, isSampled } from '../../core/format/stream-format.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';
import type { Packet } from '../../core/framing/packet.ts';
import {
  closingOf,
  journalOf,
  recordingOf,
  removeTemporary,
  takeOverJournal,
} from '../recording/journal-owner.ts';
import { StreamRecorder, readRecording } from '../recording/stream-recorder.ts';
import type { Recording } from '../recording/stream-recorder.ts';
import { StreamEnds } from './stream-ends.ts';

interface Open {
  readonly recorder: StreamRecorder;
  usedMs: number;
}

/** What happened to a packet: it was stored, or was already there. */
export type TakenPacket = 'stored' | 'there';

const MAX_NAMES = 10_000;
/** Maximum time for which a client may be muted, in ms. */
const MAX_GAP_MS = 86_400_000;
const EXTENSIONS = ['.wav', '.ogg'] as const;

/**
 * The files of a worker: one for each stream, which another worker may have begun or may continue. A packet that arrives again, even
 * after its file is complete, does no harm.
 */
export class WorkerFolder {
  readonly path: string;
  readonly #sync: boolean;
  readonly #flushMs: number;
  readonly #open = new Map<string, Open>();
  /** Where complete files end: earlier packets that arrive again are already there. */
  readonly #ends = new StreamEnds();
  #completed = 0;
  #there = 0;

  constructor(
    path: string,
    { sync, flushMs }: { readonly sync: boolean; readonly flushMs: number },
  ) {
    this.path = path;
    this.#sync = sync;
    this.#flushMs = flushMs;
  }

  /** @throws MicwireError `recording` when the folder cannot be written to */
  prepare(): Promise<void> {
    return prepareFolder(this.path);
  }

  get recordings(): number {
    return this.#open.size;
  }

  get completed(): number {
    return this.#completed;
  }

  /** Number of packets that arrived again. */
  get repeated(): number {
    return this.#there;
  }

  /**
   * Takes a packet of a stream. One call at a time for each stream; `stored` may settle later.
   * @param atMs when it arrived, in ms since 1970
   * @returns `stored` settles when it is stored
   * @throws PacketError for a packet that can never belong to this stream
   * @throws MicwireError `recording` when its file cannot be written
   */
  async take(
    id: string,
    packet: Packet,
    atMs: number,
  ): Promise<{ readonly stored: Promise<TakenPacket> }> {
    const end = packet.frame + packet.frames;
    let open = this.#open.get(id);
    if (end <= this.#ends.of(id)) {
      this.#there++;
      return { stored: Promise.resolve('there') };
    }
    if (open === undefined || end <= open.recorder.origin) {
      const found = await this.#find(id, packet, atMs);
      if (found === null) {
        this.#there++;
        return { stored: Promise.resolve('there') };
      }
      open = { recorder: found, usedMs: 0 };
      this.#open.set(id, open);
    }
    open.usedMs = Date.now();
    const { recorder } = open;
    if (!isSameStream(recorder.stream, packet)) throw otherStream();
    const before = recorder.stats.duplicateFrames;
    let stored: Promise<void>;
    try {
      // The bytes of a message are not reused.
      stored = recorder.write({
        frame: packet.frame,
        frames: packet.frames,
        bytes: packet.payload,
      });
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new PacketError('bad-field', `A packet cannot be recorded: ${cause.message}`, {
        cause,
      });
    }
    if (recorder.stats.duplicateFrames === before) return { stored: stored.then(() => 'stored') };
    this.#there++;
    return { stored: stored.then(() => 'there') };
  }

  /** Completes a stream's file. @throws MicwireError `recording` */
  async end(id: string): Promise<Recording | null> {
    const recorder = this.#open.get(id)?.recorder ?? (await this.#unfinished(id));
    if (recorder === null) return null;
    this.#open.delete(id);
    const recording = await recorder.close();
    // Left by a worker that was killed while it took over the file.
    await removeTemporary(recording.path);
    this.#completed++;
    this.#ends.add(id, recording.origin + recording.frames);
    return recording;
  }

  /** Leaves the files of some streams as they are, for other workers to continue. Does not reject. */
  async suspend(which: (id: string) => boolean = () => true): Promise<void> {
    const chosen = [...this.#open].filter(([id]) => which(id));
    for (const [id] of chosen) this.#open.delete(id);
    await Promise.all(chosen.map(([, { recorder }]) => recorder.suspend()));
  }

  /** Writes pending audio. Does not reject. */
  async flush(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ recorder }) => recorder.flush()));
  }

  /** Finds incomplete streams that have received no audio for `olderMs`: open here, or left by a crash. */
  async idle(olderMs: number, which: (id: string) => boolean): Promise<readonly string[]> {
    const untilMs = Date.now() - olderMs;
    const ids = new Set<string>();
    for (const name of await readdir(this.path)) {
      const [, id] = /^([\w-]+)(?:~\d+)?\.(?:wav|ogg)$/.exec(recordingOf(name) ?? '') ?? [];
      if (id === undefined || !which(id) || this.#open.has(id)) continue;
      const { mtimeMs } = await stat(join(this.path, name)).catch(() => ({ mtimeMs: Infinity }));
      if (mtimeMs < untilMs) ids.add(id);
    }
    for (const [id, { usedMs }] of this.#open) if (which(id) && usedMs < untilMs) ids.add(id);
    return [...ids];
  }

  /** Finds or creates the file that a packet belongs to; null if a complete file contains the packet. */
  async #find(id: string, packet: Packet, atMs: number): Promise<StreamRecorder | null> {
    const end = packet.frame + packet.frames;
    const extension = isSampled(packet) ? '.wav' : '.ogg';
    const there = new Set(await readdir(this.path));
    let origin = 0;
    for (let i = 1; i < MAX_NAMES; i++) {
      const name = nameOf(id, i) + extension;
      const path = join(this.path, name);
      if (isOpen(there, name)) {
        const isBroken = there.has(name) && (await StreamRecorder.streamOf(path)) === undefined;
        if (!isBroken) return this.#continue(path, packet, origin, atMs);
        // A power cut has emptied its journal: the content of the file is unknown.
        const journal = there.has(journalOf(name)) ? journalOf(path) : closingOf(path);
        await rename(journal, `${journalOf(path)}.broken`);
        continue;
      }
      if (!there.has(name)) {
        const startedAt = atMs - ((end - origin) / packet.sampleRate) * 1000;
        return this.#recorder(path, packet, origin, Math.max(0, startedAt));
      }
      if (!there.has(`${name}.json`)) continue;
      const complete = await readRecording(path);
      const completeEnd = complete.origin + complete.frames;
      if (end <= completeEnd) {
        this.#ends.add(id, completeEnd);
        return null;
      }
      origin = Math.max(origin, completeEnd);
    }
    throw new MicwireError(
      'recording',
      `${this.path} has too many recordings of ${id}. Move some.`,
    );
  }

  async #unfinished(id: string): Promise<StreamRecorder | null> {
    const there = new Set(await readdir(this.path));
    for (const extension of EXTENSIONS) {
      for (let i = 1; i === 1 || there.has(nameOf(id, i - 1) + extension); i++) {
        const name = nameOf(id, i) + extension;
        if (!isOpen(there, name)) continue;
        return this.#continue(join(this.path, name), null, 0, Date.now());
      }
    }
    return null;
  }

  /**
   * Continues a file of another worker. That worker may only have been suspended: it keeps the old journal, whose further records have
   * no effect, like its acknowledgements, and it can no longer complete the file.
   */
  async #continue(
    path: string,
    stream: StreamFormat | null,
    origin: number,
    atMs: number,
  ): Promise<StreamRecorder> {
    await takeOverJournal(path);
    // Undefined if a crash has not even left its first line.
    const found = await StreamRecorder.streamOf(path);
    if (found !== undefined && stream !== null && !isSameStream(found, stream)) throw otherStream();
    const format = stream ?? found;
    if (format === undefined)
      throw new MicwireError('recording', `${journalOf(path)} is empty. Remove it.`);
    return this.#recorder(path, format, origin, atMs);
  }

  #recorder(
    path: string,
    { format, sampleRate, channels }: StreamFormat,
    origin: number,
    startedAt: number,
  ): Promise<StreamRecorder> {
    return StreamRecorder.open(path, {
      stream: { format, sampleRate, channels },
      origin,
      startedAt,
      sync: this.#sync,
      flushMs: this.#flushMs,
      maxGapMs: MAX_GAP_MS,
    });
  }
}

/** Creates a folder if it is missing. @throws MicwireError `recording` if it cannot be used */
export async function prepareFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await readdir(path);
  } catch (cause) {
    throw new MicwireError('recording', `${path} cannot be read. Use another folder.`, { cause });
  }
}

/** Whether a recording of this name is in progress. */
function isOpen(there: ReadonlySet<string>, name: string): boolean {
  return there.has(journalOf(name)) || there.has(closingOf(name));
}

function nameOf(id: string, nth: number): string {
  return nth === 1 ? id : `${id}~${nth}`;
}

function otherStream(): PacketError {
  return new PacketError('bad-field', 'A packet must be of the same stream as the first.');
}
