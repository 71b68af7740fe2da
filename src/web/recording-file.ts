import { recordingMuxer } from '../core/container/recording-muxer.ts';
import type {
  RecordedChunk,
  RecordingOptions,
  RecordingMuxer,
} from '../core/container/recording-muxer.ts';
import type { RecordingSink } from './recording-sink.ts';

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
