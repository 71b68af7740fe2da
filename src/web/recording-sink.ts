/** Where the bytes of a recording go. Calls come one after the other. */
export interface RecordingSink {
  /** Appends. */
  write(bytes: Uint8Array<ArrayBuffer>): void | Promise<void>;
  /**
   * The recording is complete.
   * @param head to be put in place of as many bytes at the beginning, where that can be done
   * @returns the file, where it is here
   */
  close(head: Uint8Array<ArrayBuffer> | undefined, type: string): Promise<Blob | undefined>;
}

/** Bytes after which pieces become one Blob, which the browser may keep outside of memory. */
const MEMORY_BYTES = 2 ** 20;

/** Keeps everything for a Blob at the end. */
export class BlobSink implements RecordingSink {
  readonly #blobs: Blob[] = [];
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

  #gather(): void {
    this.#blobs.push(new Blob(this.#pieces));
    this.#pieces = [];
    this.#pieceBytes = 0;
  }
}

/** Writes to a stream: one of the file system, where the head can be mended, or any other. */
export class StreamSink implements RecordingSink {
  readonly #stream: WritableStream;
  readonly #writer: WritableStreamDefaultWriter;

  constructor(stream: WritableStream) {
    this.#stream = stream;
    this.#writer = stream.getWriter();
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#writer.ready;
    await this.#writer.write(bytes);
  }

  async close(head: Uint8Array<ArrayBuffer> | undefined): Promise<undefined> {
    // Only a FileSystemWritableFileStream can go back (File System §2.6).
    if (head !== undefined && 'seek' in this.#stream) {
      await this.#writer.write({ type: 'write', position: 0, data: head });
    }
    await this.#writer.close();
  }
}
