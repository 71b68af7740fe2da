import type { CaptureStats, ChunkQueue } from '../core/capture/chunk-queue.ts';
import type { ChunkOptions } from '../core/capture/chunk.ts';
import type { OpusAdjustment } from '../core/codec/opus-options.ts';
import type { PayloadFormat } from '../core/format/formats.ts';
import type { SourceFeed } from './capture-source.ts';
import type { MicwireError } from '../core/errors.ts';

/** Events of a {@link CaptureBackend}. */
export interface CaptureListener {
  /** A render quantum has answered `ping()`. */
  answered(): void;
  /** The processor has thrown, or something else that it needs is gone; nothing more comes. */
  failed(error: MicwireError): void;
  /** The Worker that read is gone; what follows waits in the queue again. */
  readerLost(error: MicwireError): void;
}

/** Produces the chunks of a `Capture`: its processor, and everything behind it. */
export interface CaptureBackend<Format extends PayloadFormat = PayloadFormat> {
  readonly node: AudioWorkletNode;
  readonly queue: ChunkQueue<Format>;
  /** The resampler's look-ahead, in frames of the context. */
  readonly latencyFrames: number;
  /** Frames so far, as this thread has seen them. */
  readonly stats: CaptureStats;
  /** What encoding has taken so far, ms; left out where nobody times it. */
  readonly encodeMs?: number | null;
  /** True once `end()` was called or it has failed. */
  readonly ended: boolean;
  /** Asks the next render quantum for an answer. */
  ping(): void;
  /**
   * Resolves when the captured audio has been sent.
   * @param hold keeps the unfinished chunk: what follows fills it
   * @throws MicwireError `'stalled'` when the audio thread does not answer
   */
  pause(hold?: boolean): Promise<void>;
  resume(): void;
  /** Another source is being connected. @param tellsPresence whether the node's second input is to be heard */
  follow(tellsPresence: boolean): void;
  /**
   * Makes a Worker the reader, by one message with the chunks that wait here and the way to the rest.
   * @throws MicwireError `'closed'` when the capture ends meanwhile, `'stalled'` when the audio thread does not answer: this
   * thread stays the reader
   */
  pipeTo(worker: Worker | MessagePort): Promise<void>;
  /**
   * Changes the encoder of Opus from its next packet on; samples have none.
   * @throws TypeError or RangeError for a value out of its range; MicwireError 'unsupported' where the encoder cannot
   */
  adjust?(options: OpusAdjustment): void;
  /**
   * Makes the processor send its remaining audio, and ends it. Resolves when the last chunk is here, or will never be.
   */
  end(): Promise<void>;
}

/** Where chunks are made: on the audio thread, in a Worker with libopus, in a Worker with the engine's own encoder. */
export type EncodedIn = 'worklet' | 'worker' | 'webcodecs';

/** Everything that a `Capture` of one format needs, loaded and checked. */
export interface OpenCapture<Format extends PayloadFormat> extends ChunkOptions<Format> {
  /** Milliseconds. */
  readonly chunkDurationMs: number;
  /** Frames at the wire rate. */
  readonly preSkip: number;
  /** Where chunks are made. */
  readonly encodedIn: EncodedIn;
  /** Makes the node, once. @param feed how it hears a source that outlives its tracks */
  createBackend(listener: CaptureListener, feed?: SourceFeed): CaptureBackend<Format>;
  /** Gives back what was loaded, in place of `createBackend`. */
  discard?(): void;
}
