import type { PayloadFormat } from '../format/formats.ts';
import type { Chunk } from './chunk.ts';

/** Frames at the wire rate, as the reading side has seen them: captured = delivered + queued + dropped. */
export interface CaptureStats {
  /** As told with the last chunk that came, or at the end. */
  readonly capturedFrames: number;
  /** In chunks that were handed to the reader. */
  readonly deliveredFrames: number;
  /** In chunks that wait to be read. */
  readonly queuedFrames: number;
  /**
   * Lost on the audio thread (no buffer was free, quanta were not rendered, or a `Microphone` had no device), or here: the queue was
   * full, and the oldest chunk was dropped. Those after the last chunk, which no chunk tells about, count when the capture ends.
   */
  readonly droppedFrames: number;
}

/** What a reader elsewhere has had, as far as it is known. */
export interface ReaderAccount extends Pick<CaptureStats, 'deliveredFrames' | 'droppedFrames'> {
  /** Number of the next chunk that it would have been given; undefined or −1 where it had none, or said nothing. */
  readonly sequence?: number;
}

/**
 * Chunks between the thread's edge and their reader. Bounded: when it is full the oldest chunk is dropped, and its frames count in
 * `dropped` of the next one. Chunks are numbered as they are given out, so that a dropped one leaves no gap. Read by one iterator at a
 * time.
 */
export class ChunkQueue<Format extends PayloadFormat = PayloadFormat> implements AsyncIterable<
  Chunk<Format>
> {
  readonly maxChunks: number;
  readonly #chunks: Chunk<Format>[] = [];
  /** Those who asked for a chunk while there was none; only when `#chunks` is empty. */
  readonly #waiting: {
    readonly resolve: (result: IteratorResult<Chunk<Format>, undefined>) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  #ended = false;
  #error: unknown;
  #reading = false;
  readonly #firstFrame: number;
  /** The frame that follows those that are accounted for. */
  #nextFrame: number;
  /** Chunks that were dropped here or before: the audio thread had numbered them, and numbers are so much less. */
  #droppedChunks: number;
  /** Number of the next chunk that is given out; −1 before the first. */
  #nextSequence = -1;
  /** The next chunk that comes has this number; −1 where its own says it. */
  #resumeSequence = -1;
  #delivered = 0;
  #queued = 0;
  #dropped = 0;
  /** What `drain` gave away: where it began, and its frames. */
  #handed = { frame: 0, delivered: 0, dropped: 0 };

  /**
   * @param maxChunks at least 1
   * @param firstFrame where counting begins: what came before was another reader's
   * @param droppedChunks chunks that were dropped before, of those that the audio thread numbered
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

  /** True once nothing more can come. */
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
    // What a reader elsewhere was given, and never told of.
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
   * Nothing more comes; what waits can still be read.
   * @param captured frames of the whole capture, as far as they are known: what did not come of them counts as dropped
   */
  end(captured: number = this.#nextFrame): void {
    if (this.#ended) return;
    this.#ended = true;
    const missing = Math.max(0, captured - this.#nextFrame);
    this.#dropped += missing;
    this.#nextFrame += missing;
    for (const { resolve } of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
  }

  /** Ends with an error, which the reader gets after what waits. */
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

  /** Where a reader elsewhere begins that takes over what waits: the first frame that no reader here was told of. */
  get handoverFrame(): number {
    const next = this.#chunks[0];
    return next === undefined ? this.#nextFrame : next.frame - next.dropped;
  }

  /** Chunks that were dropped so far, of those that the audio thread numbered. */
  get droppedChunks(): number {
    return this.#droppedChunks;
  }

  /** What this queue's reader has had, for the queue that takes over. */
  get account(): ReaderAccount {
    return {
      deliveredFrames: this.#delivered,
      droppedFrames: this.#dropped,
      sequence: this.#nextSequence,
    };
  }

  /** Takes out what waits, for that reader. */
  drain(): Chunk<Format>[] {
    let dropped = 0;
    for (const chunk of this.#chunks) dropped += chunk.dropped;
    this.#handed = { frame: this.handoverFrame, delivered: this.#queued, dropped };
    this.#delivered += this.#queued;
    this.#queued = 0;
    return this.#chunks.splice(0);
  }

  /** Takes back what `drain` has just given away: that reader could not be reached. */
  restore(chunks: readonly Chunk<Format>[]): void {
    this.#delivered -= this.#handed.delivered;
    this.#queued = this.#handed.delivered;
    this.#chunks.push(...chunks);
  }

  /**
   * The reader elsewhere is gone, and this queue takes what follows. What was on its way to it counts as dropped, with the
   * next chunk.
   * @param read its account, as far as it is known
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
   * Reads the queue until it ends. `return()`, which leaving a `for await` loop calls, gives the queue free for another
   * iterator; what comes meanwhile waits.
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
    // Room for one at least, so there is a next one to tell.
    this.#chunks[0]!.addDropped(oldest.dropped + oldest.frames);
  }
}
