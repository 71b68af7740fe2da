/**
 * What makes chunks of frames at the wire rate: samples as they are (`ChunkWriter`), or packets of a codec. While there is no
 * slot for a chunk, frames are dropped and counted; `frame` = delivered + dropped + those in the unfinished chunk, at every
 * instant. Allocates in its constructor only.
 */
export interface FrameWriter {
  /** The wire's, Hz. */
  readonly sampleRate: number;
  /** The number of the next frame: frames captured so far. */
  readonly frame: number;
  /** Frames in chunks that the sink has taken. */
  readonly delivered: number;
  /** Frames that were dropped. */
  readonly dropped: number;
  /** The next frame stands at this context time, in seconds; those after it follow at the wire rate. An unfinished chunk keeps its own. */
  beginRun(contextTime: number): void;
  /** Forgets the unfinished first chunk. @returns false, with nothing done, when frames have left or were dropped */
  restart(): boolean;
  /** Counts frames that never came as dropped. Between chunks only. @param frames negative counts as 0 */
  skip(frames: number): void;
  /** Takes the first `frames` frames of `input`. */
  write(input: readonly Float32Array[], frames: number): void;
  /** Sends the unfinished chunk as it is, if there is one. */
  finishChunk(): void;
  /** Gives memory back. Nothing but the counts may be asked after. */
  close?(): void;
}
