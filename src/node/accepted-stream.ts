import { numberIn } from '../core/arguments.ts';
import { deferred } from '../core/deferred.ts';
import { MicwireError } from '../core/errors.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import type { ServerSession } from '../core/session/server/server-session.ts';
import { ChunkQueue } from './chunk-queue.ts';

/** A chunk of a client's audio. Chunks arrive in order and without repetition. */
export interface StreamChunk {
  /** First frame, counted from the start of the stream. */
  readonly frame: number;
  readonly frames: number;
  /** Interleaved samples in the stream's format, or one packet. The bytes belong to the reader. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * Frames directly before this chunk that will never arrive: the user was muted, or the client lost them. `frame` includes them.
   */
  readonly missing: number;
}

/**
 * Running totals of a stream, in frames: received = delivered + queued + dropped.
 */
export interface AcceptedStreamStats {
  /** New frames that arrived. */
  readonly receivedFrames: number;
  /** Frames that the reader has taken. */
  readonly deliveredFrames: number;
  /** Frames that wait for the reader. */
  readonly queuedFrames: number;
  /** Frames that waited when the reader stopped. */
  readonly droppedFrames: number;
  /** Frames that arrived again, and were left out. */
  readonly duplicateFrames: number;
  /** Frames that never arrived. */
  readonly missingFrames: number;
  /** The first frame that the reader has not stored: all frames before it are acknowledged, or could be. */
  readonly storedFrame: number;
  /** Connections so far. */
  readonly connections: number;
}

/**
 * Why a stream has ended. `'bye'`: the client ended it. `'expired'`: the client did not reconnect in time. `'lost'`: the connection
 * was closed, and the client's protocol does not support reconnecting. `'closed'`: this side closed it.
 */
export type StreamEnding = 'bye' | 'expired' | 'lost' | 'closed';

/** What a stream requires of its server. @internal */
export interface StreamOwner {
  /** Called when the reader has stored everything before `frame`. */
  stored(frame: number): void;
  /** Called when the queue got shorter. */
  taken(): void;
  /** Called when this side ends the stream. */
  close(): void;
}

/**
 * A client's audio as it arrives: an async iterable of chunks for one reader. If the client speaks `micwire.1`, the stream outlives
 * connections, and its chunks continue where they stopped.
 */
export class AcceptedStream implements AsyncIterable<StreamChunk> {
  /** Name of the session, or a generated name for a client without sessions. */
  readonly id: string;
  /** Format of the client's audio. */
  readonly format: StreamFormat;
  /** Network address of the client that began the stream. */
  readonly address: string;
  /** Sends replies, marks and messages to a client of `micwire.1`. Null for a client that only sends. */
  readonly session: ServerSession | null;
  /** Free for the app's own data about the stream. */
  data: unknown;
  readonly #owner: StreamOwner;
  readonly #acknowledgesReads: boolean;
  readonly #maxFrames: number;
  readonly #maxBytes: number;
  readonly #queue = new ChunkQueue();
  #received = 0;
  #delivered = 0;
  #dropped = 0;
  #duplicates = 0;
  #missing = 0;
  #connections = 0;
  /** The end of the audio that the reader has taken, and of the audio that it has stored. */
  #taken = 0;
  #stored = 0;
  #ending: StreamEnding | null = null;
  #hasReader = false;
  #isDone = false;
  #wake: (() => void) | null = null;
  readonly #finished = deferred<void>();

  /** @internal */
  constructor(
    stream: {
      readonly id: string;
      readonly format: StreamFormat;
      readonly address: string;
      readonly session: ServerSession | null;
      /** First new frame. */
      readonly frame: number;
    },
    limits: {
      readonly acknowledgesReads: boolean;
      readonly queuedMs: number;
      readonly queuedBytes: number;
    },
    owner: StreamOwner,
  ) {
    this.id = stream.id;
    this.format = stream.format;
    this.address = stream.address;
    this.session = stream.session;
    this.#owner = owner;
    this.#acknowledgesReads = limits.acknowledgesReads;
    this.#maxFrames = (limits.queuedMs / 1000) * stream.format.sampleRate;
    this.#maxBytes = limits.queuedBytes;
    this.#taken = stream.frame;
    this.#stored = stream.frame;
  }

  /** Why the stream has ended; null while it has not. Chunks may still wait to be read. */
  get ending(): StreamEnding | null {
    return this.#ending;
  }

  get stats(): AcceptedStreamStats {
    return {
      receivedFrames: this.#received,
      deliveredFrames: this.#delivered,
      queuedFrames: this.#queue.frames,
      droppedFrames: this.#dropped,
      duplicateFrames: this.session?.stats.duplicateFrames ?? this.#duplicates,
      missingFrames: this.#missing,
      storedFrame: this.#stored,
      connections: this.#connections,
    };
  }

  /**
   * Declares that all audio before `frame` is stored, for servers with `acknowledge: 'stored'`. The client then discards it.
   * @throws RangeError for a frame that the reader has not taken
   */
  stored(frame: number): void {
    numberIn('frame', frame, 0, this.#taken);
    if (frame <= this.#stored) return;
    this.#stored = frame;
    this.#owner.stored(frame);
  }

  /** Ends the stream. The client is informed, and does not reconnect. Waiting chunks can still be read. */
  close(): void {
    if (this.#ending === null) this.#owner.close();
  }

  /**
   * Reads the chunks. If the server acknowledges chunks that were read, a chunk is acknowledged when the next one is requested. A
   * reader that stops before the end discards the waiting chunks.
   * @throws MicwireError `closed` when the stream already has a reader
   */
  [Symbol.asyncIterator](): AsyncIterator<StreamChunk, void> {
    if (this.#hasReader) {
      throw new MicwireError('closed', 'The stream has a reader already. A stream has one.');
    }
    this.#hasReader = true;
    return { next: () => this.#next(), return: () => this.#return() };
  }

  /** Settles when reading has ended: the reader has received everything, or has stopped. @internal */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /** True if the stream has or had a reader. @internal */
  get hasReader(): boolean {
    return this.#hasReader;
  }

  /** True if no more audio should arrive for now. @internal */
  get isFull(): boolean {
    return this.#queue.frames > this.#maxFrames || this.#queue.bytes > this.#maxBytes;
  }

  /** True if more audio may arrive after the queue was full. @internal */
  get hasRoom(): boolean {
    return this.#queue.frames * 2 <= this.#maxFrames && this.#queue.bytes * 2 <= this.#maxBytes;
  }

  /** @internal */
  connected(): void {
    this.#connections++;
  }

  /** Counts audio that arrived again. @internal */
  repeated(frames: number): void {
    this.#duplicates += frames;
  }

  /** Adds new audio. @param bytes the audio; it is copied @internal */
  push(frame: number, frames: number, bytes: Uint8Array, missing: number): void {
    this.#received += frames;
    this.#missing += missing;
    if (this.#isDone) {
      this.#dropped += frames;
      return;
    }
    this.#queue.push(frame, frames, bytes, missing);
    this.#notify();
  }

  /** Ends the stream: no more audio will arrive. @internal */
  end(ending: StreamEnding): void {
    this.#ending ??= ending;
    this.#notify();
  }

  /** Discards the waiting chunks, because the reader is gone. @internal */
  abandon(): void {
    this.#isDone = true;
    this.#dropped += this.#queue.clear();
    this.#finished.resolve();
    this.#notify();
  }

  async #next(): Promise<IteratorResult<StreamChunk, void>> {
    if (this.#acknowledgesReads) this.stored(this.#taken);
    for (;;) {
      const chunk = this.#isDone ? undefined : this.#queue.shift();
      if (chunk !== undefined) {
        this.#delivered += chunk.frames;
        this.#taken = chunk.frame + chunk.frames;
        this.#owner.taken();
        return { done: false, value: chunk };
      }
      if (this.#isDone || this.#ending !== null) {
        this.#isDone = true;
        this.#finished.resolve();
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #return(): Promise<IteratorResult<StreamChunk, void>> {
    this.abandon();
    this.#owner.taken();
    return Promise.resolve({ done: true, value: undefined });
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
