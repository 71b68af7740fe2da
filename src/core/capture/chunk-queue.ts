import type { PayloadFormat } from '../format/formats.ts';
import type { Chunk } from './chunk.ts';

/** Counts of frames at the wire rate, as seen by the reading side: captured = delivered + queued + dropped. */
export interface CaptureStats {
  /** Frames captured, as reported with the last chunk or at the end. */
  readonly capturedFrames: number;
  /** Frames in chunks that were passed to the reader. */
  readonly deliveredFrames: number;
  /** Frames in chunks that wait to be read. */
  readonly queuedFrames: number;
  /**
   * Frames lost on the audio thread (no buffer was free, quanta were not rendered, or a `Microphone` had no device), or in this
   * queue, which drops the oldest chunk when it is full. Frames lost after the last chunk count only when the capture ends.
   */
  readonly droppedFrames: number;
}

/** What a reader on another thread has received, as far as is known. */
export interface ReaderAccount extends Pick<CaptureStats, 'deliveredFrames' | 'droppedFrames'> {
  /** Number of the next chunk that it would have received; undefined or −1 if it received no chunk, or did not report. */
  readonly sequence?: number;
}

/**
 * Holds chunks that have arrived from another thread until they are read. Bounded: when it is full, it drops the oldest chunk,
 * whose frames count in `dropped` of the next one. Numbers chunks as they are read, so that a dropped one leaves no gap. Read by
 * one iterator at a time.
 */
export class ChunkQueue<Format extends PayloadFormat = PayloadFormat> implements AsyncIterable<
  Chunk<Format>
> {
  readonly maxChunks: number;
  readonly #chunks: Chunk<Format>[] = [];
  /** Calls that wait for a chunk; only while `#chunks` is empty. */
  readonly #waiting: {
    readonly resolve: (result: IteratorResult<Chunk<Format>, undefined>) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  #ended = false;
  #error: unknown;
  #reading = false;
  readonly #firstFrame: number;
  /** The frame after those that are accounted for. */
  #nextFrame: number;
  /** Chunks dropped here or earlier: the audio thread had numbered them, so numbers are lower by that count. */
  #droppedChunks: number;
  /** Number of the next chunk to be read; −1 before the first. */
  #nextSequence = -1;
  /** The number for the next chunk that arrives; −1: its own number counts. */
  #resumeSequence = -1;
  #delivered = 0;
  #queued = 0;
  #dropped = 0;
  /** What `drain` passed on: its first frame, and its counts of frames. */
  #handed = { frame: 0, delivered: 0, dropped: 0 };

  /**
   * @param maxChunks at least 1
   * @param firstFrame where counting begins: earlier frames were another reader's
   * @param droppedChunks how many chunks that the audio thread had numbered were already dropped
   */
  constructor(maxChunks: number, firstFrame = 0, droppedChunks = 0) {
    this.maxChunks = maxChunks;
    this.#firstFrame = firstFrame;
    this.#nextFrame = firstFrame;
    this.#droppedChunks = droppedChunks;
  }

  get stats(): CaptureStats {
    return {
      capturedFrames: this.#nextFrame - this.#firstFrame,
      deliveredFrames: this.#delivered,
      queuedFrames: this.#queued,
      droppedFrames: this.#dropped,
    };
  }

  /** Whether the queue has ended: no more chunks can arrive. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Takes the next chunk in order. */
  push(chunk: Chunk<Format>): void {
    if (this.#ended) return;
    if (this.#resumeSequence >= 0) {
      this.#droppedChunks = chunk.sequence - this.#resumeSequence;
      this.#resumeSequence = -1;
    }
    // Frames that a reader on another thread received but never reported.
    const gap = chunk.frame - chunk.dropped - this.#nextFrame;
    if (gap > 0) chunk.addDropped(gap);
    this.#nextFrame = chunk.frame + chunk.frames;
    this.#dropped += chunk.dropped;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value: this.#give(chunk) });
      return;
    }
    this.#chunks.push(chunk);
    this.#queued += chunk.frames;
    if (this.#chunks.length > this.maxChunks) this.#dropOldest();
  }

  /**
   * Ends the queue; the waiting chunks can still be read.
   * @param captured frames of the whole capture, as far as is known: those that did not arrive count as dropped
   */
  end(captured: number = this.#nextFrame): void {
    if (this.#ended) return;
    this.#ended = true;
    const missing = Math.max(0, captured - this.#nextFrame);
    this.#dropped += missing;
    this.#nextFrame += missing;
    for (const { resolve } of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
  }

  /** Ends with an error, which the reader gets after the waiting chunks. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    const [first, ...others] = this.#waiting.splice(0);
    if (first === undefined) return;
    this.#error = undefined;
    first.reject(error);
    for (const { resolve } of others) resolve({ done: true, value: undefined });
  }

  /** Where a reader on another thread begins that takes over the waiting chunks: the first frame that no reader here knows of. */
  get handoverFrame(): number {
    const next = this.#chunks[0];
    return next === undefined ? this.#nextFrame : next.frame - next.dropped;
  }

  /** How many chunks that the audio thread had numbered were dropped so far. */
  get droppedChunks(): number {
    return this.#droppedChunks;
  }

  /** What this queue's reader has received, for the queue that takes over. */
  get account(): ReaderAccount {
    return {
      deliveredFrames: this.#delivered,
      droppedFrames: this.#dropped,
      sequence: this.#nextSequence,
    };
  }

  /** Removes the waiting chunks, for that reader. */
  drain(): Chunk<Format>[] {
    let dropped = 0;
    for (const chunk of this.#chunks) dropped += chunk.dropped;
    this.#handed = { frame: this.handoverFrame, delivered: this.#queued, dropped };
    this.#delivered += this.#queued;
    this.#queued = 0;
    return this.#chunks.splice(0);
  }

  /** Takes back what `drain` has just removed: that reader could not be reached. */
  restore(chunks: readonly Chunk<Format>[]): void {
    this.#delivered -= this.#handed.delivered;
    this.#queued = this.#handed.delivered;
    this.#chunks.push(...chunks);
  }

  /**
   * Takes the chunks again after the reader on another thread is gone. Chunks that were on the way to it count as dropped, with
   * the next chunk.
   * @param read its account, as far as is known
   */
  reclaim({ deliveredFrames: delivered, droppedFrames: dropped, sequence }: ReaderAccount): void {
    const handed = this.#handed;
    this.#delivered += delivered - handed.delivered;
    this.#dropped += dropped - handed.dropped;
    this.#nextFrame = handed.frame + delivered + dropped;
    const next = sequence ?? -1;
    this.#resumeSequence = next < 0 ? Math.max(0, this.#nextSequence) : next;
  }

  /**
   * Reads the queue until it ends. `return()`, which a `for await` loop calls when it is left, frees the queue for another
   * iterator; chunks that arrive meanwhile wait.
   * @throws TypeError while another iterator reads: each chunk goes to one reader
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Chunk<Format>> {
    if (this.#reading) {
      throw new TypeError('The capture is already being read: each chunk goes to one reader.');
    }
    this.#reading = true;
    let open = true;
    const finish = (): void => {
      if (open) this.#reading = false;
      open = false;
    };
    const iterator: AsyncIterableIterator<Chunk<Format>> = {
      next: () => (open ? this.#next() : Promise.resolve({ done: true, value: undefined })),
      return: () => {
        finish();
        for (const { resolve } of this.#waiting.splice(0))
          resolve({ done: true, value: undefined });
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  #next(): Promise<IteratorResult<Chunk<Format>, undefined>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#queued -= chunk.frames;
      return Promise.resolve({ done: false, value: this.#give(chunk) });
    }
    if (this.#error !== undefined) {
      const error = this.#error;
      this.#error = undefined;
      return Promise.reject(error);
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #give(chunk: Chunk<Format>): Chunk<Format> {
    this.#delivered += chunk.frames;
    chunk.setSequence(chunk.sequence - this.#droppedChunks);
    this.#nextSequence = chunk.sequence + 1;
    return chunk;
  }

  #dropOldest(): void {
    const oldest = this.#chunks.shift()!;
    this.#droppedChunks++;
    this.#queued -= oldest.frames;
    this.#dropped += oldest.frames;
    // The queue holds at least one chunk, so there is a next one for the count.
    this.#chunks[0]!.addDropped(oldest.dropped + oldest.frames);
  }
}
