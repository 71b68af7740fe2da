import { constants } from 'node:fs';
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { extname } from 'node:path';
import { booleanOf, describe, integerIn, numberIn } from '../../core/arguments.ts';
import { OPUS_RATE, opusPacketFrames } from '../../core/codec/opus-packet.ts';
import { recordingMuxer } from '../../core/container/recording-muxer.ts';
import type { RecordingMuxer } from '../../core/container/recording-muxer.ts';
import { WavWriter } from '../../core/container/wav.ts';
import { deferred } from '../../core/deferred.ts';
import type { Deferred } from '../../core/deferred.ts';
import { MicwireError, errorText } from '../../core/errors.ts';
import { checkStream } from '../../core/format/check-stream.ts';
import { FORMATS } from '../../core/format/formats.ts';
import type { SampleFormat } from '../../core/format/formats.ts';
import { bytesPerFrame, isSameStream, isSampled } from '../../core/format/stream-format.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';
import { checkBytes, checkObject, checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { FrameSet } from './frame-set.ts';
import type { FrameRange } from './frame-set.ts';
import {
  claimJournal,
  closingOf,
  exists,
  journalOf,
  removeTemporary,
  reopenJournal,
  temporaryOf,
} from './journal-owner.ts';
import { encodeRecord, openJournal, scanJournal, scanOpenJournal } from './journal.ts';
import type { FoundJournal, JournalHead, JournalRecord } from './journal.ts';

/** Options of {@link StreamRecorder.open}. */
export interface StreamRecorderOptions {
  /** Format of the stream: samples go to a `.wav`, Opus to an `.ogg` or `.opus`. */
  readonly stream: StreamFormat;
  /** Frame at which the file begins. @default 0 */
  readonly origin?: number;
  /** When that frame was captured, in ms since 1970. `mixdown` aligns recordings by it. @default now */
  readonly startedAt?: number;
  /** Whether stored audio survives a power cut, and not only a crash: each write then waits for the disk. @default false */
  readonly sync?: boolean;
  /** How long audio waits to be written together with audio that follows, in ms. @default 100 */
  readonly flushMs?: number;
  /**
   * Opus: number of frames at the stream's rate to leave out at the start; pass the capture's `preSkip`.
   * @default 6.5 ms, libopus' look-ahead
   */
  readonly preSkip?: number;
  /**
   * A chunk that is further ahead of the others than this, in ms, is refused, because a client could fill a disk with silence.
   * @default 3600000
   */
  readonly maxGapMs?: number;
}

const OPTION_NAMES = {
  stream: 1,
  origin: 1,
  startedAt: 1,
  sync: 1,
  flushMs: 1,
  preSkip: 1,
  maxGapMs: 1,
} satisfies OptionNames<StreamRecorderOptions>;

/** A complete recording, as described by the `.json` file beside it. */
export interface Recording {
  readonly path: string;
  readonly stream: StreamFormat;
  /** Frame of the stream at which the file begins. */
  readonly origin: number;
  /** When that frame was captured, in ms since 1970. */
  readonly startedAt: number;
  /** Number of frames in the file. */
  readonly frames: number;
  /** Audio that never arrived, as frames of the stream: silence in the file, or concealment with Opus. */
  readonly gaps: readonly FrameRange[];
}

/** Frames of a recording so far: written = stored + waiting + duplicate + refused. */
export interface StreamRecorderStats {
  /** Frames that were passed to `write`. */
  readonly writtenFrames: number;
  /** Frames that were stored in the file since it was opened here. */
  readonly storedFrames: number;
  readonly waitingFrames: number;
  /** Frames that were already in the file. */
  readonly duplicateFrames: number;
  /** Frames that are before the origin, or could not be written. */
  readonly refusedFrames: number;
}

/** Look-ahead of libopus, in frames at 48 kHz. */
const OPUS_LOOK_AHEAD = 312;
const MAX_FRAME = 2 ** 52;
/** This many bytes are written immediately, without waiting for `flushMs`. */
const FLUSH_BYTES = 2 ** 18;
/** Number of bytes of a finished file that are copied at a time. */
const COPY_BYTES = 2 ** 18;
/** `isFull` is true above this many waiting bytes. */
const MAX_WAITING_BYTES = 2 ** 20;

/** Recordings that are open in this process: two writers would corrupt a file. */
const openPaths = new Set<string>();

interface Waiting {
  readonly frame: number;
  readonly frames: number;
  readonly bytes: Uint8Array;
}

/**
 * Returns the time until the next common write. All recorders write at the same instants: this keeps the writing threads awake, and
 * the disk gets all data together, which halves the cost of a stream.
 */
function untilNext(periodMs: number): number {
  return periodMs === 0 ? 0 : periodMs - (performance.now() % periodMs);
}

/** Chunks that are written together. */
interface Batch {
  readonly pieces: Waiting[];
  readonly written: Deferred<void>;
}

/**
 * Records a stream to a file, each chunk at the position of its first frame: chunks may arrive late, twice, in part or out of
 * order. Audio whose `write` has resolved is stored: after a crash `open` continues there. Samples are in their WAV file from the
 * start, RF64 above 4 GiB; packets of Opus are in a journal, which `close` converts to an Ogg file.
 */
export class StreamRecorder {
  readonly path: string;
  readonly stream: StreamFormat;
  /** Frame of the stream at which the file begins. */
  readonly origin: number;
  /** When that frame was captured, in ms since 1970. */
  readonly startedAt: number;
  readonly #settings: Required<Omit<StreamRecorderOptions, 'stream' | 'origin' | 'startedAt'>>;
  readonly #journal: FileHandle;
  #journalEnd: number;
  /** The file for samples; null for packets, which go to the journal. */
  readonly #wav: {
    readonly file: FileHandle;
    readonly writer: WavWriter;
    readonly head: number;
  } | null;
  /** The frames that are stored, and those that are stored or waiting. */
  readonly #stored: JournalContent;
  readonly #known = new FrameSet();
  #waiting: Batch = emptyBatch();
  #waitingBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The batch that is being written. */
  #flushing: Batch | null = null;
  #failure: MicwireError | null = null;
  #closing: Promise<Recording> | null = null;
  #written = 0;
  #storedHere = 0;
  #duplicates = 0;
  #refused = 0;
  #waitingFrames = 0;

  /**
   * Begins a recording, or continues the one that a crash has interrupted at this path.
   * @param path path of the file, which ends in `.wav`, or for Opus in `.ogg` or `.opus`; its folder must exist
   * @throws TypeError or RangeError for an invalid option
   * @throws MicwireError `recording` when the file cannot be opened, is already complete, or belongs to another stream
   */
  static async open(path: string, options: StreamRecorderOptions): Promise<StreamRecorder> {
    const { settings, head } = checked(path, options);
    if (openPaths.has(path)) {
      throw new MicwireError('recording', `${path} is being recorded to. Use another path.`);
    }
    openPaths.add(path);
    const files: FileHandle[] = [];
    try {
      const there = new JournalContent();
      await reopenJournal(path);
      const found = await scanJournal(journalOf(path), (record) => there.add(record));
      if (found === undefined && (await exists(path))) {
        throw new MicwireError(
          'recording',
          `${path} is there already. Use another path, or move the file.`,
        );
      }
      if (found !== undefined && !isSameStream(found.head.stream, head.stream)) {
        throw new MicwireError(
          'recording',
          `${path} is a recording of another stream. Use another path.`,
        );
      }
      // Left by a process that was killed while it completed the file.
      if (found !== undefined) await removeTemporary(path);
      const journal = await openJournal(journalOf(path), found?.head ?? head, found);
      files.push(journal.file);
      let wav = null;
      if (isSampled(head.stream)) {
        const writer = new WavWriter(head.stream);
        const beginning = writer.head();
        const file = await open(path, constants.O_RDWR | constants.O_CREAT);
        files.push(file);
        await file.write(beginning, 0, beginning.length, 0);
        wav = { file, writer, head: beginning.length };
      }
      return new StreamRecorder(path, found?.head ?? head, settings, journal, wav, there);
    } catch (error) {
      openPaths.delete(path);
      for (const file of files) await file.close().catch(() => {});
      throw asRecordingError(path, error);
    }
  }

  /**
   * Returns the first frame that is missing from a recording that a crash has interrupted: where its client continues.
   * @returns the frame; undefined if there is no such recording
   * @throws MicwireError `recording` when its file cannot be read
   */
  static async storedFrame(path: string): Promise<number | undefined> {
    try {
      const there = new JournalContent();
      const found = await scanEither(path, (record) => there.add(record));
      return found && there.frames.contiguousEnd(found.head.origin);
    } catch (error) {
      throw asRecordingError(path, error);
    }
  }

  /**
   * Returns the stream format of a recording that a crash has interrupted.
   * @throws MicwireError `recording` when its file cannot be read
   * @internal
   */
  static async streamOf(path: string): Promise<StreamFormat | undefined> {
    try {
      return (await scanEither(path, null))?.head.stream;
    } catch (error) {
      throw asRecordingError(path, error);
    }
  }

  /**
   * Completes a recording that a crash has interrupted.
   * @returns the recording; undefined if it does not exist, or is open in this process
   * @throws MicwireError `recording` when its file cannot be read or written
   */
  static async recover(path: string): Promise<Recording | undefined> {
    if (openPaths.has(path)) return undefined;
    const stream = await StreamRecorder.streamOf(path);
    if (stream === undefined) return undefined;
    const recorder = await StreamRecorder.open(path, { stream });
    return recorder.close();
  }

  private constructor(
    path: string,
    head: JournalHead,
    settings: Required<Omit<StreamRecorderOptions, 'stream' | 'origin' | 'startedAt'>>,
    journal: { readonly file: FileHandle; readonly end: number },
    wav: { readonly file: FileHandle; readonly writer: WavWriter; readonly head: number } | null,
    there: JournalContent,
  ) {
    this.path = path;
    this.stream = head.stream;
    this.origin = head.origin;
    this.startedAt = head.startedAt;
    this.#settings = settings;
    this.#journal = journal.file;
    this.#journalEnd = journal.end;
    this.#wav = wav;
    this.#stored = there;
    for (const { frame, frames } of there.frames) this.#known.add(frame, frames);
  }

  /** The first frame that is not stored: every frame from the origin up to it is stored. */
  get storedFrame(): number {
    return this.#stored.frames.contiguousEnd(this.origin);
  }

  /** Number of frames in the file so far, including gaps. */
  get frames(): number {
    return Math.max(0, this.#stored.frames.end - this.origin);
  }

  /** Frames before the last stored frame that have not arrived or been stored. */
  get gaps(): readonly FrameRange[] {
    const { frames } = this.#stored;
    return frames.gaps(this.origin, frames.end);
  }

  get stats(): StreamRecorderStats {
    return {
      writtenFrames: this.#written,
      storedFrames: this.#storedHere,
      waitingFrames: this.#waitingFrames,
      duplicateFrames: this.#duplicates,
      refusedFrames: this.#refused,
    };
  }

  /** True while more than 1 MiB waits to be written: await the last `write` before the next one. */
  get isFull(): boolean {
    return this.#waitingBytes > MAX_WAITING_BYTES;
  }

  /**
   * Writes a chunk. Frames that are already present are left out; a packet that is present in part is left out entirely. The promise
   * also waits for frames that are already waiting to be written.
   * @param chunk the chunk; its bytes must not change until the promise settles
   * @returns a promise that resolves when the chunk is stored: after at most `flushMs`, and the time that the disk takes
   * @throws MicwireError `recording` when the chunk cannot be written; later writes then fail too; `closed` after `close`
   * @throws TypeError or RangeError for bytes that are not `frames` frames, or a frame that is too far ahead
   */
  write(chunk: {
    readonly frame: number;
    readonly frames: number;
    readonly bytes: Uint8Array;
  }): Promise<void> {
    checkObject('chunk must be a chunk of a stream', chunk);
    const { frame, frames, bytes } = this.#checked(chunk);
    if (this.#closing !== null) {
      return Promise.reject(new MicwireError('closed', `The recording ${this.path} is closed.`));
    }
    this.#written += frames;
    if (this.#failure !== null) {
      this.#refused += frames;
      return Promise.reject(this.#failure);
    }
    const early = Math.min(frames, Math.max(0, this.origin - frame));
    this.#refused += early;
    const frameBytes = bytesPerFrame(this.stream);
    if (early === frames || (early > 0 && frameBytes === 0)) {
      this.#refused += frames - early;
      return Promise.resolve();
    }
    const parts =
      frameBytes === 0
        ? this.#wholePacket(frame, frames)
        : this.#known.add(frame + early, frames - early);
    let fresh = 0;
    for (const part of parts) fresh += part.frames;
    this.#duplicates += frames - early - fresh;
    for (const part of parts) {
      const from = (part.frame - frame) * frameBytes;
      const to = from + part.frames * frameBytes;
      this.#wait(part, frameBytes === 0 ? bytes : bytes.subarray(from, to));
    }
    // Frames that were already present may be waiting as well.
    const batch = this.#waiting.pieces.length > 0 ? this.#waiting : this.#flushing;
    return batch === null ? Promise.resolve() : batch.written.promise;
  }

  /** Writes waiting audio. @returns a promise that resolves when it is stored, or has failed; does not reject */
  async flush(): Promise<void> {
    for (;;) {
      if (this.#flushing === null) this.#flush();
      if (this.#flushing === null) return;
      await this.#flushing.written.promise.catch(() => {});
    }
  }

  /**
   * Completes the file, and writes its description, including gaps, beside it: `path` + `.json`.
   * @throws MicwireError `recording` when this fails, or a write has failed; stored audio is kept for `open` and `recover`
   */
  close(): Promise<Recording> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Ends without completing the file: `open` continues it later. Does not reject. */
  async suspend(): Promise<void> {
    if (this.#closing !== null) {
      await this.#closing.catch(() => {});
      return;
    }
    const ended = Promise.reject(
      new MicwireError('closed', `The recording ${this.path} is suspended.`),
    );
    ended.catch(() => {});
    this.#closing = ended;
    await this.flush();
    await this.#closeFiles();
  }

  #checked(chunk: { readonly frame: number; readonly frames: number; readonly bytes: Uint8Array }) {
    const frame = integerIn('frame', chunk.frame, 0, MAX_FRAME);
    const frames = integerIn('frames', chunk.frames, 0, 2 ** 32 - 1);
    const bytes = checkBytes('bytes', chunk.bytes);
    const frameBytes = bytesPerFrame(this.stream);
    if (frameBytes > 0 && bytes.length !== frames * frameBytes) {
      throw new RangeError(
        `bytes must be ${frames * frameBytes} for ${frames} frames, got ${bytes.length}.`,
      );
    }
    const end = Math.max(this.#known.end, this.origin);
    const aheadMs = ((frame - end) / this.stream.sampleRate) * 1000;
    if (aheadMs > this.#settings.maxGapMs) {
      throw new RangeError(
        `frame must be at most maxGapMs (${this.#settings.maxGapMs}) ahead of the frames before, got ${Math.round(aheadMs)} ms.`,
      );
    }
    return { frame, frames, bytes };
  }

  /** Returns the new range of a packet. A packet cannot be cut: it is new only if none of its frames are known. */
  #wholePacket(frame: number, frames: number): readonly FrameRange[] {
    const isNew = this.#known.gaps(frame, frame + frames)[0]?.frames === frames;
    return isNew ? this.#known.add(frame, frames) : [];
  }

  #wait(part: FrameRange, bytes: Uint8Array): void {
    this.#waiting.pieces.push({ ...part, bytes });
    this.#waitingBytes += bytes.length;
    this.#waitingFrames += part.frames;
    if (this.#flushing !== null) return;
    if (this.#waitingBytes >= FLUSH_BYTES) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), untilNext(this.#settings.flushMs));
  }

  /** Begins to write waiting audio, unless a write is in progress. */
  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#flushing !== null || this.#waiting.pieces.length === 0) return;
    const batch = this.#waiting;
    this.#waiting = emptyBatch();
    this.#flushing = batch;
    void this.#writeBatch(batch);
  }

  /** Writes a batch. Does not reject; the batch's promise does. */
  async #writeBatch({ pieces, written }: Batch): Promise<void> {
    let failure = this.#failure;
    try {
      if (failure === null) {
        if (this.#wav !== null) await this.#writeSamples(this.#wav, pieces);
        else await this.#writePackets(pieces);
        if (this.#settings.sync) await this.#journal.datasync();
      }
    } catch (error) {
      failure = asRecordingError(this.path, error);
      this.#failure = failure;
    }
    for (const { frame, frames, bytes } of pieces) {
      this.#waitingFrames -= frames;
      this.#waitingBytes -= bytes.length;
      if (failure === null) {
        this.#stored.add({ frame, frames });
        this.#storedHere += frames;
      } else this.#refused += frames;
    }
    this.#flushing = null;
    // Audio that arrived in the meantime has waited as long as the disk took.
    this.#flush();
    if (failure === null) written.resolve();
    else written.reject(failure);
  }

  /** Writes samples to their positions first, and then records them in the journal. */
  async #writeSamples(
    wav: { readonly file: FileHandle; readonly head: number },
    batch: readonly Waiting[],
  ): Promise<void> {
    const frameBytes = bytesPerFrame(this.stream);
    const records: Uint8Array[] = [];
    const sorted = batch.toSorted((a, b) => a.frame - b.frame);
    for (let i = 0; i < sorted.length;) {
      const { frame } = sorted[i]!;
      let end = frame;
      const buffers: Uint8Array[] = [];
      for (; i < sorted.length && sorted[i]!.frame === end; i++) {
        buffers.push(sorted[i]!.bytes);
        end += sorted[i]!.frames;
      }
      await writeAll(wav.file, buffers, wav.head + (frame - this.origin) * frameBytes);
      for (let at = frame; at < end; at += 2 ** 31) {
        records.push(encodeRecord(at, Math.min(end - at, 2 ** 31), NOTHING));
      }
    }
    if (this.#settings.sync) await wav.file.datasync();
    this.#journalEnd += await writeAll(this.#journal, records, this.#journalEnd);
  }

  async #writePackets(batch: readonly Waiting[]): Promise<void> {
    const records = batch.map(({ frame, frames, bytes }) => encodeRecord(frame, frames, bytes));
    this.#journalEnd += await writeAll(this.#journal, records, this.#journalEnd);
  }

  async #close(): Promise<Recording> {
    await this.flush();
    if (this.#failure !== null) {
      await this.#closeFiles();
      throw this.#failure;
    }
    const { path, stream, origin, startedAt, frames, gaps } = this;
    const recording: Recording = { path, stream, origin, startedAt, frames, gaps };
    const indexPath = `${path}.json`;
    const [audio, index] = [temporaryOf(path), temporaryOf(indexPath)];
    try {
      const { path: _, ...said } = recording;
      await writeFile(index, `${JSON.stringify(said)}\n`);
      if (this.#wav === null) await this.#makeOgg(audio);
      await claimJournal(path, this.#journal);
      if (this.#wav === null) await rename(audio, path);
      else await this.#finishSamples(this.#wav);
      await rename(index, indexPath);
      await this.#closeFiles();
      await rm(closingOf(path), { force: true });
    } catch (error) {
      await this.#closeFiles();
      for (const left of [audio, index]) await rm(left, { force: true }).catch(() => {});
      throw asRecordingError(path, error);
    }
    return recording;
  }

  async #finishSamples({
    file,
    writer,
    head,
  }: {
    readonly file: FileHandle;
    readonly writer: WavWriter;
    readonly head: number;
  }): Promise<void> {
    const frameBytes = bytesPerFrame(this.stream);
    const { silence = 0 } = FORMATS[this.stream.format as SampleFormat];
    // Parts of the file that were never written read as 0, which is silence in most formats.
    for (const { frame, frames } of silence === 0 ? [] : this.gaps) {
      const bytes = new Uint8Array(Math.min(COPY_BYTES, frames * frameBytes)).fill(silence);
      const from = head + (frame - this.origin) * frameBytes;
      const to = from + frames * frameBytes;
      for (let at = from; at < to; at += bytes.length) {
        await file.write(bytes, 0, Math.min(bytes.length, to - at), at);
      }
    }
    const dataBytes = this.frames * frameBytes;
    writer.add(dataBytes);
    const finished = writer.finish();
    // This also removes samples written after the last frame in the journal.
    await file.truncate(head + dataBytes);
    if (finished.tail.length > 0) {
      await file.write(finished.tail, 0, finished.tail.length, head + dataBytes);
    }
    if (this.#settings.sync) await file.datasync();
    // The sizes are written once the data that they count is present.
    await file.write(finished.head, 0, finished.head.length, 0);
    if (this.#settings.sync) await file.datasync();
  }

  async #makeOgg(path: string): Promise<void> {
    const { origin } = this;
    const out = await open(path, 'wx');
    try {
      let muxer: RecordingMuxer | undefined;
      let pieces: Uint8Array[] = [];
      let bytes = 0;
      let at = 0;
      const write = async (): Promise<void> => {
        at += await writeAll(out, pieces, at);
        pieces = [];
        bytes = 0;
      };
      const give = (made: Iterable<Uint8Array>): void => {
        for (const piece of made) {
          pieces.push(piece);
          bytes += piece.length;
        }
      };
      const add = ({ frame, frames }: FrameRange, packet: Uint8Array): Promise<void> | void => {
        muxer ??= this.#oggMuxer(packet);
        // The muxer keeps the packet until its page is full.
        give(muxer.add({ frame: frame - origin, frames, bytes: Uint8Array.from(packet) }));
        return bytes >= COPY_BYTES ? write() : undefined;
      };
      if (this.#stored.isInOrder) await scanOpenJournal(this.#journal, add);
      else {
        const records: JournalRecord[] = [];
        await scanOpenJournal(this.#journal, (record) => void records.push(record));
        records.sort((a, b) => a.frame - b.frame);
        for (const record of records) {
          const packet = new Uint8Array(record.bytes);
          await this.#journal.read(packet, 0, packet.length, record.offset);
          await add(record, packet);
        }
      }
      if (muxer !== undefined) give(muxer.end(false));
      await write();
      if (this.#settings.sync) await out.datasync();
    } finally {
      await out.close();
    }
  }

  /** @param packet the first packet; all others have the same length */
  #oggMuxer(packet: Uint8Array): RecordingMuxer {
    const chunkDurationMs = (opusPacketFrames(packet) / OPUS_RATE) * 1000;
    const serial = 1 + Math.floor(Math.random() * (2 ** 32 - 2));
    const { preSkip } = this.#settings;
    return recordingMuxer(
      { container: 'ogg', stream: this.stream, preSkip, chunkDurationMs },
      serial,
    );
  }

  async #closeFiles(): Promise<void> {
    clearTimeout(this.#timer);
    openPaths.delete(this.path);
    await this.#journal.close().catch(() => {});
    await this.#wav?.file.close().catch(() => {});
  }
}

const NOTHING = new Uint8Array(0);

/** The content of a journal, in a form whose size does not grow with the journal's length. */
class JournalContent {
  readonly frames: FrameSet = new FrameSet();
  #isInOrder = true;

  /** True if each record begins after all earlier ones. */
  get isInOrder(): boolean {
    return this.#isInOrder;
  }

  add({ frame, frames }: FrameRange): void {
    if (frame < this.frames.end) this.#isInOrder = false;
    this.frames.add(frame, frames);
  }
}

/**
 * Reads the description of a complete recording from the file beside it.
 * @throws MicwireError `recording` when the file cannot be read
 */
export async function readRecording(path: string): Promise<Recording> {
  try {
    const index = JSON.parse(await readFile(`${path}.json`, 'utf8')) as Omit<Recording, 'path'>;
    checkStream(index.stream);
    return { ...index, path };
  } catch (error) {
    throw asRecordingError(`${path}.json`, error);
  }
}

function checked(path: string, options: StreamRecorderOptions) {
  checkOptions('StreamRecorder', options, OPTION_NAMES);
  const stream = checkStream(options.stream);
  const extension = typeof path === 'string' ? extname(path) : '';
  const wanted = isSampled(stream) ? ['.wav'] : ['.ogg', '.opus'];
  if (!wanted.includes(extension)) {
    throw new TypeError(
      `path must end in ${wanted.join(' or ')} for ${stream.format}, got ${describe(path)}.`,
    );
  }
  const head: JournalHead = {
    micwire: 1,
    stream,
    origin: integerIn('origin', options.origin ?? 0, 0, MAX_FRAME),
    startedAt: numberIn('startedAt', options.startedAt ?? Date.now(), 0, Number.MAX_SAFE_INTEGER),
  };
  const lookAhead = Math.round((OPUS_LOOK_AHEAD * stream.sampleRate) / OPUS_RATE);
  const settings = {
    sync: booleanOf('sync', options.sync ?? false),
    flushMs: numberIn('flushMs', options.flushMs ?? 100, 0, 60_000),
    preSkip: integerIn('preSkip', options.preSkip ?? lookAhead, 0, 2 ** 16 - 1),
    maxGapMs: numberIn('maxGapMs', options.maxGapMs ?? 3_600_000, 0, Number.MAX_SAFE_INTEGER),
  };
  return { settings, head };
}

/** Scans the journal of an unfinished recording, or of one that a crash has interrupted during its completion. */
async function scanEither(
  path: string,
  visit: Parameters<typeof scanJournal>[1],
): Promise<FoundJournal | undefined> {
  return (await scanJournal(journalOf(path), visit)) ?? (await scanJournal(closingOf(path), visit));
}

/** Writes buffers one after the other. @returns the number of bytes written */
async function writeAll(
  file: FileHandle,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<number> {
  // Copying them costs less than a call for each, or a call with many buffers.
  const bytes = buffers.length === 1 ? buffers[0]! : Buffer.concat(buffers);
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
  return bytes.length;
}

/** Creates a batch. Callers that do not await it get a failure at the next write, and from `close`. */
function emptyBatch(): Batch {
  return { pieces: [], written: deferred() };
}

function asRecordingError(path: string, cause: unknown): MicwireError {
  if (cause instanceof MicwireError) return cause;
  const message = errorText(cause);
  return new MicwireError(
    'recording',
    `${path} cannot be recorded: ${message}. Look whether its folder is there, may be written to, and has room.`,
    { cause },
  );
}
