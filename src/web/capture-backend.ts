import type { CaptureStats, ChunkQueue } from '../core/capture/chunk-queue.ts';
import type { ChunkOptions } from '../core/capture/chunk.ts';
import type { OpusAdjustment } from '../core/codec/opus-options.ts';
import type { PayloadFormat } from '../core/format/formats.ts';
import type { SourceFeed } from './capture-source.ts';
import type { MicwireError } from '../core/errors.ts';

/** Events of a {@link CaptureBackend}. */
export interface CaptureListener {
  /** Called when a render quantum has answered `ping()`. */
  answered(): void;
  /** Called when the processor has thrown, or something else that it needs is gone. No more chunks follow. */
  failed(error: MicwireError): void;
  /** Called when the Worker that read the capture is gone. From here on, chunks wait in the queue again. */
  readerLost(error: MicwireError): void;
}

/** Produces the chunks of a `Capture`: the processor, and everything that follows it. */
export interface CaptureBackend<Format extends PayloadFormat = PayloadFormat> {
  readonly node: AudioWorkletNode;
  readonly queue: ChunkQueue<Format>;
  /** The resampler's look-ahead, in frames of the context. */
  readonly latencyFrames: number;
  /** Frames so far, as this thread has seen them. */
  readonly stats: CaptureStats;
  /** Time that encoding has taken so far, in ms; absent where encoding is not timed. */
  readonly encodeMs?: number | null;
  /** True once `end()` was called or it has failed. */
  readonly ended: boolean;
  /** Asks the next render quantum for an answer. */
  ping(): void;
  /**
   * Pauses the capture. Resolves when the captured audio has been sent.
   * @param hold keeps the unfinished chunk, to be filled with the audio that follows the pause
   * @throws MicwireError `'stalled'` when the audio thread does not answer
   */
  pause(hold?: boolean): Promise<void>;
  resume(): void;
  /**
   * Prepares for another source, which is about to be connected. @param tellsPresence whether the source signals presence on the
   * node's second input
   */
  follow(tellsPresence: boolean): void;
  /**
   * Makes a Worker the reader: one message carries the queued chunks and the port that the later ones arrive on.
   * @throws MicwireError `'closed'` when the capture ends during the call, `'stalled'` when the audio thread does not answer: this
   * thread then stays the reader
   */
  pipeTo(worker: Worker | MessagePort): Promise<void>;
  /**
   * Changes the Opus encoder's settings, from its next packet on. Absent for PCM, which has no encoder.
   * @throws TypeError or RangeError for a value out of its range; MicwireError 'unsupported' where the encoder cannot be changed
   */
  adjust?(options: OpusAdjustment): void;
  /**
   * Makes the processor send its remaining audio, and ends it. Resolves when the last chunk has arrived, or can no longer arrive.
   */
  end(): Promise<void>;
}

/** Where chunks are produced: on the audio thread, in a Worker with libopus, or in a Worker with the engine's own encoder. */
export type EncodedIn = 'worklet' | 'worker' | 'webcodecs';

/** Everything that a `Capture` of one format needs, loaded and checked. */
export interface OpenCapture<Format extends PayloadFormat> extends ChunkOptions<Format> {
  /** Length of a chunk, in milliseconds. */
  readonly chunkDurationMs: number;
  /** Pre-skip, in frames at the wire rate. */
  readonly preSkip: number;
  /** Where chunks are produced. */
  readonly encodedIn: EncodedIn;
  /** Creates the node; called once. @param feed how the node hears a source that outlives its tracks */
  createBackend(listener: CaptureListener, feed?: SourceFeed): CaptureBackend<Format>;
  /** Releases what was loaded, when `createBackend` will not be called. */
  discard?(): void;
}
