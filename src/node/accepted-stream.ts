import { numberIn } from '../core/arguments.ts';
import { deferred } from '../core/deferred.ts';
import { MicwireError } from '../core/errors.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import type { ServerSession } from '../core/session/server/server-session.ts';
import { ChunkQueue } from './chunk-queue.ts';

/** Audio of a client, new and in order. */
export interface StreamChunk {
  /** First frame, counted from the start of the stream. */
  readonly frame: number;
  readonly frames: number;
  /** Interleaved samples of the stream's format, or one packet. The reader's own: nothing else uses them. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Frames just before that never come: the user was muted, or the client lost them. `frame` includes them. */
  readonly missing: number;
}

/**
 * Running totals of a stream, in frames: received = delivered + queued + dropped.
 */
export interface AcceptedStreamStats {
  /** New frames that came. */
  readonly receivedFrames: number;
  /** Frames that the reader has taken. */
  readonly deliveredFrames: number;
  /** Frames that wait for the reader. */
  readonly queuedFrames: number;
  /** Frames that waited when the reader stopped. */
  readonly droppedFrames: number;
  /** Frames that came once more, and were left out. */
  readonly duplicateFrames: number;
  /** Frames that never came. */
  readonly missingFrames: number;
  /** The end of what is acknowledged, or would be: the first frame that the reader does not have for good. */
  readonly storedFrame: number;
  /** Connections so far. */
  readonly connections: number;
}

/**
 * Why a stream is over. `'bye'`: the client said so. `'expired'`: it did not come back in time. `'lost'`: its connection was closed,
 * and it has no protocol to come back with. `'closed'`: this side closed it.
 */
export type StreamEnding = 'bye' | 'expired' | 'lost' | 'closed';

/** What a stream needs of its server. @internal */
export interface StreamOwner {
  /** The reader has everything before `frame`. */
  stored(frame: number): void;
  /** The queue got shorter. */
  taken(): void;
  /** This side ends the stream. */
  close(): void;
}

/**
 * A client's audio, as it comes: an async iterable of chunks for one reader. It outlives connections where the client speaks
 * `micwire.1`; its chunks continue where they were.
 */
export class AcceptedStream implements AsyncIterable<StreamChunk> {
  /** The session's name, or one that was made for a client without sessions. */
  readonly id: string;
  /** What the client sends. */
  readonly format: StreamFormat;
  /** Address of the client that began the stream. */
  readonly address: string;
  /** What talks to a client of `micwire.1`: replies, marks, messages. Null for one that only sends. */
  readonly session: ServerSession | null;
  /** For the app: whatever belongs to the stream. */
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
  /** The end of what the reader has taken, and of what it has for good. */
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
      /** First frame that is new. */
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

  /** Null while the stream is not over. Chunks may still wait. */
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
   * Says that all audio before `frame` is safe, for servers with `acknowledge: 'stored'`: the client forgets it.
   * @throws RangeError for a frame that the reader has not taken
   */
  stored(frame: number): void {
    numberIn('frame', frame, 0, this.#taken);
    if (frame <= this.#stored) return;
    this.#stored = frame;
    this.#owner.stored(frame);
  }

  /** Ends the stream: the client is told that it is over, and does not come back. Chunks that wait can still be read. */
  close(): void {
    if (this.#ending === null) this.#owner.close();
  }

  /**
   * Reads the chunks. Where the server acknowledges what is read, a chunk is acknowledged when the next one is asked for. A reader
   * that stops before the end gives up what waits.
   * @throws MicwireError `closed` when the stream has a reader already
   */
  [Symbol.asyncIterator](): AsyncIterator<StreamChunk, void> {
    if (this.#hasReader) {
      throw new MicwireError('closed', 'The stream has a reader already. A stream has one.');
    }
    this.#hasReader = true;
    return { next: () => this.#next(), return: () => this.#return() };
  }

  /** Settles when nobody reads any more: the reader has got everything, or has stopped. @internal */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /** Whether somebody reads it, or has. @internal */
  get hasReader(): boolean {
    return this.#hasReader;
  }

  /** Whether no more should come for now. @internal */
  get isFull(): boolean {
    return this.#queue.frames > this.#maxFrames || this.#queue.bytes > this.#maxBytes;
  }

  /** Whether more may come after it was full. @internal */
  get hasRoom(): boolean {
    return this.#queue.frames * 2 <= this.#maxFrames && this.#queue.bytes * 2 <= this.#maxBytes;
  }

  /** @internal */
  connected(): void {
    this.#connections++;
  }

  /** Audio came once more. @internal */
  repeated(frames: number): void {
    this.#duplicates += frames;
  }

  /** New audio has come. @param bytes copied @internal */
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

  /** No more comes. @internal */
  end(ending: StreamEnding): void {
    this.#ending ??= ending;
    this.#notify();
  }

  /** Nobody reads any more. @internal */
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
