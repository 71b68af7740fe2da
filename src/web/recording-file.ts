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

/** A file that grows. Calls must not overlap. */
export class RecordingFile {
  /** Size so far, in bytes. */
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

  /** Writes out the packets that wait to share a page; called for a pause. */
  flush(): Promise<void> {
    return this.#write(this.#muxer.flush());
  }

  /** Completes the file. @returns the file, unless it went to a stream */
  async close(): Promise<Blob | undefined> {
    const { mendable } = this.#sink;
    await this.#write(this.#muxer.end(mendable));
    const head = mendable ? this.#muxer.finishedHead() : undefined;
    return this.#sink.close(head, this.type);
  }

  /** Gives the file up. */
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

/** Destination of a recording's bytes. Calls must not overlap. */
export interface RecordingSink {
  /** Whether `close` can overwrite the beginning with a new header. */
  readonly mendable: boolean;
  /** Appends bytes. */
  write(bytes: Uint8Array<ArrayBuffer>): void | Promise<void>;
  /**
   * Completes the recording.
   * @param head the new header, which overwrites as many bytes at the beginning if `mendable`
   * @returns the file, if the sink holds it
   */
  close(head: Uint8Array<ArrayBuffer> | undefined, type: string): Promise<Blob | undefined>;
  /** Gives the file up. */
  abort(reason: unknown): void;
}

/** Number of bytes after which pieces are joined into one Blob, which the browser may keep outside of memory. */
const MEMORY_BYTES = 2 ** 20;

/** Collects all bytes and returns them as a Blob at the end. */
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

/** How long a stream may take for one write, and for closing, when browsers copy and scan the file. In seconds. */
const WRITE_SECONDS = 10;
const CLOSE_SECONDS = 30;

/** Writes to a stream: to one of the file system, where the header can be rewritten, or to any other stream. */
export class StreamSink implements RecordingSink {
  readonly mendable: boolean;
  readonly #writer: WritableStreamDefaultWriter;

  /** @throws TypeError when the stream is locked */
  constructor(stream: WritableStream) {
    // Only a FileSystemWritableFileStream can go back (File System §2.6).
    this.mendable = 'seek' in stream;
    this.#writer = stream.getWriter();
    // Each write reports the same error.
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
 * Waits for `act`, counting only seconds in which this thread ran: time in which the machine was asleep does not count.
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
