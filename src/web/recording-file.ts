import { recordingMuxer } from '../core/container/recording-muxer.ts';
import type {
  RecordedChunk,
  RecordingOptions,
  RecordingMuxer,
} from '../core/container/recording-muxer.ts';
import { MicwireError } from '../core/errors.ts';

function randomSerial(): number {
  return 1 + Math.floor(Math.random() * (2 ** 32 - 1));
}

/** A file that grows. Calls come one after the other. */
export class RecordingFile {
  /** Bytes so far. */
  size = 0;
  readonly #muxer: RecordingMuxer;
  readonly #sink: RecordingSink;

  constructor(format: RecordingOptions, sink: RecordingSink) {
    this.#muxer = recordingMuxer(format, randomSerial());
    this.#sink = sink;
  }

  /** MIME type. */
  get type(): string {
    return this.#muxer.type;
  }

  add(chunk: RecordedChunk): Promise<void> {
    return this.#write(this.#muxer.add(chunk));
  }

  /** Lets go of what waits to share a page, for a pause. */
  flush(): Promise<void> {
    return this.#write(this.#muxer.flush());
  }

  /** Completes it. @returns the file, unless it went to a stream */
  async close(): Promise<Blob | undefined> {
    const { mendable } = this.#sink;
    await this.#write(this.#muxer.end(mendable));
    const head = mendable ? this.#muxer.finishedHead() : undefined;
    return this.#sink.close(head, this.type);
  }

  /** There will be no file. */
  abort(reason: unknown): void {
    this.#sink.abort(reason);
  }

  async #write(pieces: Iterable<Uint8Array<ArrayBuffer>>): Promise<void> {
    for (const bytes of pieces) {
      if (bytes.length === 0) continue;
      this.size += bytes.length;
      await this.#sink.write(bytes);
    }
  }
}

/** Destination of a recording's bytes. Calls come one after the other. */
export interface RecordingSink {
  /** Whether `close` can put a head in the place of the beginning. */
  readonly mendable: boolean;
  /** Appends. */
  write(bytes: Uint8Array<ArrayBuffer>): void | Promise<void>;
  /**
   * The recording is complete.
   * @param head to be put in place of as many bytes at the beginning, where that can be done
   * @returns the file, where it is here
   */
  close(head: Uint8Array<ArrayBuffer> | undefined, type: string): Promise<Blob | undefined>;
  /** There will be no file. */
  abort(reason: unknown): void;
}

/** Bytes after which pieces become one Blob, which the browser may keep outside of memory. */
const MEMORY_BYTES = 2 ** 20;

/** Keeps everything for a Blob at the end. */
export class BlobSink implements RecordingSink {
  readonly mendable = true;
  #blobs: Blob[] = [];
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #pieceBytes = 0;

  write(bytes: Uint8Array<ArrayBuffer>): void {
    this.#pieces.push(bytes);
    this.#pieceBytes += bytes.length;
    if (this.#pieceBytes >= MEMORY_BYTES) this.#gather();
  }

  close(head: Uint8Array<ArrayBuffer> | undefined, type: string): Promise<Blob> {
    this.#gather();
    const all = new Blob(this.#blobs);
    const parts = head === undefined ? [all] : [head, all.slice(head.length)];
    return Promise.resolve(new Blob(parts, { type }));
  }

  abort(): void {
    this.#blobs = [];
    this.#pieces = [];
  }

  #gather(): void {
    this.#blobs.push(new Blob(this.#pieces));
    this.#pieces = [];
    this.#pieceBytes = 0;
  }
}

/** How long a stream may take over one write, and over closing, for which browsers copy and scan the file. Seconds. */
const WRITE_SECONDS = 10;
const CLOSE_SECONDS = 30;

/** Writes to a stream: one of the file system, where the head can be mended, or any other. */
export class StreamSink implements RecordingSink {
  readonly mendable: boolean;
  readonly #writer: WritableStreamDefaultWriter;

  /** @throws TypeError when the stream is locked */
  constructor(stream: WritableStream) {
    // Only a FileSystemWritableFileStream can go back (File System §2.6).
    this.mendable = 'seek' in stream;
    this.#writer = stream.getWriter();
    // Each write tells it as well.
    this.#writer.closed.catch(() => {});
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const writer = this.#writer;
    await within(WRITE_SECONDS, 'taken no bytes', async () => {
      await writer.ready;
      await writer.write(bytes);
    });
  }

  async close(head: Uint8Array<ArrayBuffer> | undefined): Promise<undefined> {
    const writer = this.#writer;
    if (head !== undefined && this.mendable) {
      await within(WRITE_SECONDS, 'taken no bytes', () =>
        writer.write({ type: 'write', position: 0, data: head }),
      );
    }
    await within(CLOSE_SECONDS, 'not closed', () => writer.close());
  }

  abort(reason: unknown): void {
    this.#writer.abort(reason).catch(() => {});
  }
}

/**
 * Counts seconds in which this thread ran: a machine that was asleep has not waited.
 * @throws MicwireError 'recording' when `act` does not settle in time
 */
async function within(seconds: number, what: string, act: () => Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setInterval> | undefined;
  try {
    await Promise.race([
      act(),
      new Promise<never>((_, reject) => {
        let passed = 0;
        timer = setInterval(() => {
          if (++passed < seconds) return;
          const text = `The stream has ${what} for ${seconds} s. Give one that settles each write, or none: stop() then gives the file.`;
          reject(new MicwireError('recording', text));
        }, 1000);
      }),
    ]);
  } finally {
    clearInterval(timer);
  }
}
