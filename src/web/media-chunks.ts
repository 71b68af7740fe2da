import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { describe, numberIn } from '../core/arguments.ts';
import { MicwireError } from '../core/errors.ts';
import { encodeBase64 } from '../core/base64/base64.ts';
import { checkSignal } from './abort.ts';
import type { AbortOptions } from './abort.ts';
import { deferred } from './patience.ts';
import { TypedEventTarget } from './typed-event-target.ts';

/** Options of a {@link MediaChunks}. */
export interface MediaChunksOptions extends AbortOptions {
  /** Requested length of a chunk in milliseconds. Browsers may deviate from it: WebKit delivers one chunk a second. @default 100 */
  readonly chunkDurationMs?: number;
  /** MIME type of the file. @default the first of WebM, Ogg and MP4 with Opus or AAC that the browser supports */
  readonly mimeType?: string;
  /** Bitrate in bits per second. @default the browser's default */
  readonly bitrate?: number;
}
const NAMES = {
  chunkDurationMs: 1,
  mimeType: 1,
  bitrate: 1,
  signal: 1,
} satisfies OptionNames<MediaChunksOptions>;

/** A piece of the browser's file. Only the first can be read on its own: later ones continue it. */
export interface MediaChunk {
  /** Number of the chunk, from 0. Empty chunks from the browser are not numbered. */
  readonly sequence: number;
  /** MIME type of the complete file. */
  readonly type: string;
  /** When the chunk arrived, in µs since the start; the browser does not say which samples are in it. */
  readonly timestamp: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The bytes as Base64 text (RFC 4648 §4), computed on first use. */
  readonly base64: string;
}

/** States of a {@link MediaChunks}. */
export type MediaChunksState = 'recording' | 'paused' | 'closed';

/** Events of a {@link MediaChunks}. */
export interface MediaChunksEventMap {
  /** `mediaChunks.state` has changed. */
  readonly statechange: Event;
  /** The browser's recorder failed, in `detail`; reading ends with the same error. */
  readonly error: CustomEvent<MicwireError>;
}

/** Types that browsers support, those with the smallest chunks first. */
const TYPES = [
  'audio/webm;codecs=opus',
  'audio/ogg;codecs=opus',
  'audio/mp4;codecs=opus',
  'audio/mp4',
];

/**
 * Chunks of the browser's `MediaRecorder`, for comparison. They are not precisely timed and differ between engines, and
 * one lost chunk makes all later ones unplayable.
 */
export class MediaChunks
  extends TypedEventTarget<MediaChunksEventMap>
  implements AsyncIterable<MediaChunk>
{
  /** MIME type of the chunks. */
  readonly type: string;
  readonly #recorder: MediaRecorder;
  readonly #chunks: ReadableStream<MediaChunk>;
  readonly #ended = deferred<void>();
  #cancelled = false;
  #state: MediaChunksState = 'recording';

  /**
   * Starts recording. @throws TypeError or RangeError for an invalid argument; MicwireError 'unsupported' when the browser has no
   * recorder, or does not support the type
   */
  static create(stream: MediaStream, options: MediaChunksOptions = {}): MediaChunks {
    return new MediaChunks(stream, options);
  }

  private constructor(stream: MediaStream, options: MediaChunksOptions) {
    super();
    checkOptions('MediaChunks', options, NAMES);
    checkSignal(options.signal);
    if (typeof stream !== 'object' || stream === null || !('getAudioTracks' in stream)) {
      throw new TypeError(`stream must be a MediaStream, got ${describe(stream)}.`);
    }
    const chunkDurationMs = numberIn('chunkDurationMs', options.chunkDurationMs ?? 100, 10, 60_000);
    const mimeType = options.mimeType ?? supportedType();
    const { bitrate } = options;
    try {
      this.#recorder = new MediaRecorder(new MediaStream(stream.getAudioTracks()), {
        ...(mimeType === undefined ? {} : { mimeType }),
        ...(bitrate === undefined ? {} : { audioBitsPerSecond: bitrate }),
      });
    } catch (cause) {
      const what = mimeType ?? `any of ${TYPES.join(', ')}`;
      throw new MicwireError('unsupported', `This browser does not record ${what}.`, { cause });
    }
    this.#chunks = new ReadableStream({
      start: (controller) => this.#listen(controller),
      cancel: () => {
        this.#cancelled = true;
        void this.close();
      },
    });
    try {
      this.#recorder.start(chunkDurationMs);
    } catch (cause) {
      throw new MicwireError('unsupported', 'This browser cannot record the stream.', { cause });
    }
    this.type = this.#recorder.mimeType || (mimeType ?? '');
  }

  /** State of the recorder. Each change fires `'statechange'`. */
  get state(): MediaChunksState {
    return this.#state;
  }

  /** The chunks as a stream. Cancelling it ends the recording. */
  get readable(): ReadableStream<MediaChunk> {
    return this.#chunks;
  }

  /** Reads the chunks until `close()`, or until the stream ends. */
  [Symbol.asyncIterator](): AsyncIterableIterator<MediaChunk> {
    const reader = this.#chunks.getReader();
    const done = { done: true, value: undefined } as const;
    let released = false;
    const iterator: AsyncIterableIterator<MediaChunk> = {
      next: async () => {
        try {
          return released ? done : ((await reader.read()) as IteratorResult<MediaChunk>);
        } catch (error) {
          // Read after the loop was left.
          if (released) return done;
          throw error;
        }
      },
      return: () => {
        released = true;
        reader.releaseLock();
        return Promise.resolve(done);
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Pauses recording until `resume()`. After the end it does nothing. */
  async pause(): Promise<void> {
    if (this.#recorder.state === 'inactive') return;
    this.#recorder.pause();
    this.#become('paused');
  }

  /** Continues recording. After the end it does nothing. */
  async resume(): Promise<void> {
    if (this.#recorder.state === 'inactive') return;
    this.#recorder.resume();
    this.#become('recording');
  }

  /**
   * Ends the recording: the last chunk is delivered, then reading ends. Resolves when that chunk can be read; a second call returns
   * the same promise.
   */
  close(): Promise<void> {
    // The end of a track ends the recorder too, but this thread is notified later.
    if (this.#recorder.state !== 'inactive') this.#recorder.stop();
    return this.#ended.promise;
  }

  #become(state: MediaChunksState): void {
    if (state === this.#state || this.#state === 'closed') return;
    this.#state = state;
    this.dispatchEvent(new Event('statechange'));
  }

  #listen(controller: ReadableStreamDefaultController<MediaChunk>): void {
    const recorder = this.#recorder;
    const begun = performance.now();
    let sequence = 0;
    // One after the other, because reading a Blob takes time.
    let last: Promise<void> = Promise.resolve();
    const fail = (cause: unknown): void => {
      const why = cause instanceof Error ? cause.message : 'it does not say why';
      const text = `The browser's recorder failed: ${why}`;
      const detail = new MicwireError('recording', text, { cause });
      controller.error(detail);
      void this.close();
      this.dispatchEvent(new CustomEvent('error', { detail }));
    };
    // Null once the recorder has failed.
    const open = (): boolean => !this.#cancelled && controller.desiredSize !== null;
    recorder.ondataavailable = ({ data }): void => {
      if (data.size === 0 || !open()) return;
      const timestamp = Math.round((performance.now() - begun) * 1000);
      last = last.then(async () => {
        try {
          const bytes = new Uint8Array(await data.arrayBuffer());
          if (open()) controller.enqueue(mediaChunk(sequence++, this.type, timestamp, bytes));
        } catch (error) {
          fail(error);
        }
      });
    };
    recorder.onstop = (): void =>
      void last.then(() => {
        if (open()) controller.close();
        this.#become('closed');
        this.#ended.resolve();
      });
    recorder.onerror = (event): void => fail((event as { readonly error?: unknown }).error);
  }
}

function mediaChunk(
  sequence: number,
  type: string,
  timestamp: number,
  bytes: Uint8Array<ArrayBuffer>,
): MediaChunk {
  let base64: string | undefined;
  return {
    sequence,
    type,
    timestamp,
    bytes,
    get base64(): string {
      return (base64 ??= encodeBase64(bytes));
    },
  };
}

/** Returns the first supported type; undefined leaves the choice to the browser. */
function supportedType(): string | undefined {
  if (typeof MediaRecorder !== 'function') {
    throw new MicwireError('unsupported', 'This browser has no MediaRecorder. Use a Recorder.');
  }
  return TYPES.find((candidate) => MediaRecorder.isTypeSupported(candidate));
}
