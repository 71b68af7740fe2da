import { MicwireError } from '../core/errors.ts';
import type { StreamChunk } from './accepted-stream.ts';
import { ChunkQueue } from './chunk-queue.ts';

/**
 * Queues chunks for one reader, for senders that cannot be slowed down: when the queue is full, the oldest chunks are dropped, and
 * the next chunk reports them as missing. Received = delivered + queued + dropped.
 */
export class ChunkFeed implements AsyncIterable<StreamChunk> {
  readonly #maxFrames: number;
  readonly #maxBytes: number;
  readonly #queue = new ChunkQueue();
  /** Frames that the next chunk must report as missing, in addition to its own. */
  #skipped = 0;
  #received = 0;
  #delivered = 0;
  #dropped = 0;
  #missing = 0;
  #hasReader = false;
  #isEnded = false;
  #isDone = false;
  readonly #waiting: (() => void)[] = [];

  constructor(maxFrames: number, maxBytes: number) {
    this.#maxFrames = maxFrames;
    this.#maxBytes = maxBytes;
  }

  /** Statistics of the feed, in frames. */
  get stats(): Readonly<
    Record<'received' | 'delivered' | 'queued' | 'dropped' | 'missing', number>
  > {
    return {
      received: this.#received,
      delivered: this.#delivered,
      queued: this.#queue.frames,
      dropped: this.#dropped,
      missing: this.#missing,
    };
  }

  /** Adds new audio. @param bytes the audio; it is copied */
  push(frame: number, frames: number, bytes: Uint8Array, missing: number): void {
    this.#received += frames;
    this.#missing += missing;
    if (this.#isDone) {
      this.#dropped += frames;
      return;
    }
    this.#queue.push(frame, frames, bytes, missing);
    while (
      this.#queue.length > 1 &&
      (this.#queue.frames > this.#maxFrames || this.#queue.bytes > this.#maxBytes)
    ) {
      const oldest = this.#queue.shift()!;
      this.#dropped += oldest.frames;
      this.#skipped += oldest.missing + oldest.frames;
    }
    this.#notify();
  }

  /** Ends the feed. Waiting chunks can still be read. */
  end(): void {
    this.#isEnded = true;
    this.#notify();
  }

  /** @throws MicwireError `closed` when the feed already has a reader */
  [Symbol.asyncIterator](): AsyncIterator<StreamChunk, void> {
    if (this.#hasReader) {
      throw new MicwireError('closed', 'The socket has a reader already. A socket has one.');
    }
    this.#hasReader = true;
    return { next: () => this.#next(), return: () => this.#return() };
  }

  async #next(): Promise<IteratorResult<StreamChunk, void>> {
    for (;;) {
      const chunk = this.#queue.shift();
      if (chunk !== undefined) {
        this.#delivered += chunk.frames;
        const missing = chunk.missing + this.#skipped;
        this.#skipped = 0;
        return { done: false, value: { ...chunk, missing } };
      }
      if (this.#isDone || this.#isEnded) return { done: true, value: undefined };
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Handles the end of the reader: waiting and future chunks are discarded. */
  #return(): Promise<IteratorResult<StreamChunk, void>> {
    this.#isDone = true;
    this.#dropped += this.#queue.clear();
    this.#notify();
    return Promise.resolve({ done: true, value: undefined });
  }

  #notify(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
