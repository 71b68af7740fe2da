import { bytesPerSample } from '../format/formats.ts';
import { SampleEncoder } from '../format/sample-format.ts';
import type { SampleFormat } from '../format/formats.ts';
import type { Dither } from '../format/sample-format.ts';
import { Base64Writer } from '../base64/base64.ts';
import { ChunkAccount, ChunkClock, HEADER } from './chunk.ts';
import type { ChunkSink, ChunkSlot } from './chunk-sinks.ts';
import type { ChunkOptions } from './chunk.ts';
import type { FrameWriter } from './capture-pipeline.ts';

/** Frames that are encoded at once before Base64. */
const SCRATCH_FRAMES = 256;

/** Options of a {@link ChunkWriter}. */
export interface ChunkWriterOptions extends ChunkOptions<SampleFormat> {
  readonly dither: Dither;
  /** Milliseconds. */
  readonly chunkDurationMs: number;
  readonly sink: ChunkSink;
}

/**
 * Splits frames at the wire rate into chunks in the sink's slots. While the sink has no free slot, drops and counts frames;
 * `frame` = delivered + dropped + those in the unfinished chunk, at every instant. Allocates in its constructor only.
 */
export class ChunkWriter implements FrameWriter {
  readonly sampleRate: number;
  readonly #sink: ChunkSink;
  readonly #encoder: SampleEncoder;
  readonly #clock: ChunkClock;
  readonly #base64: Base64Writer | undefined;
  readonly #scratch: Uint8Array;
  /** The unfinished chunk: its slot, its full length, and its frames and bytes so far. */
  #slot: ChunkSlot | undefined;
  /** A slot that was acquired for a chunk that `restart` has forgotten. */
  #unused: ChunkSlot | undefined;
  #chunkFrames = 0;
  #filledFrames = 0;
  #filledBytes = 0;
  #frame = 0;
  readonly #account = new ChunkAccount();
  /** The run's first frame, and its context time in seconds. */
  #runFrame = 0;
  #runTime = 0;

  constructor(options: ChunkWriterOptions) {
    const { stream, encoding } = options;
    const { format, channels, sampleRate } = stream;
    this.sampleRate = sampleRate;
    this.#sink = options.sink;
    this.#encoder = new SampleEncoder({ format, channels, dither: options.dither });
    this.#clock = new ChunkClock(sampleRate, options.chunkDurationMs);
    const streamed = encoding === 'base64';
    this.#base64 = streamed ? new Base64Writer() : undefined;
    this.#scratch = new Uint8Array(
      streamed ? SCRATCH_FRAMES * channels * bytesPerSample(format) : 0,
    );
  }

  /** The number of the next frame: frames captured so far. */
  get frame(): number {
    return this.#frame;
  }

  /** Frames in chunks that the sink has taken. */
  get delivered(): number {
    return this.#account.delivered;
  }

  /** Frames that were dropped. */
  get dropped(): number {
    return this.#account.dropped;
  }

  /** Sets the context time of the next frame, in seconds; later frames follow at the wire rate. An unfinished chunk keeps its time. */
  beginRun(contextTime: number): void {
    this.#runFrame = this.#frame;
    this.#runTime = contextTime;
    this.#clock.reset();
  }

  /** Forgets the unfinished first chunk. @returns false, and does nothing, if frames were delivered or dropped */
  restart(): boolean {
    if (!this.#account.restart()) return false;
    this.#unused = this.#slot;
    this.#slot = undefined;
    this.#frame = 0;
    this.#base64?.reset();
    return true;
  }

  /** Counts frames that never arrived as dropped. Only between chunks. @param frames a negative number counts as 0 */
  skip(frames: number): void {
    if (frames > 0) this.#drop(frames);
  }

  /** Takes the first `frames` frames of `input`. */
  write(input: readonly Float32Array[], frames: number): void {
    let at = 0;
    while (at < frames) {
      const rest = frames - at;
      if (this.#slot === undefined && !this.#beginChunk()) {
        this.#drop(rest);
        return;
      }
      const room = this.#chunkFrames - this.#filledFrames;
      const count = rest < room ? rest : room;
      this.#encode(input, at, count);
      this.#filledFrames += count;
      this.#frame += count;
      at += count;
      if (count === room) this.finishChunk();
    }
  }

  /** Sends the unfinished chunk as it is, if there is one. */
  finishChunk(): void {
    const slot = this.#slot;
    if (slot === undefined) return;
    this.#slot = undefined;
    if (this.#base64 !== undefined) {
      this.#filledBytes += this.#base64.finish(slot.bytes, this.#filledBytes);
    }
    slot.header[HEADER.frames] = this.#filledFrames;
    slot.header[HEADER.byteLength] = this.#filledBytes;
    this.#account.deliver(this.#filledFrames);
    this.#sink.commit();
  }

  #beginChunk(): boolean {
    const slot = this.#unused ?? this.#sink.acquire();
    if (slot === undefined) return false;
    this.#unused = undefined;
    this.#slot = slot;
    this.#chunkFrames = this.#clock.next();
    this.#filledFrames = 0;
    this.#filledBytes = 0;
    const { header } = slot;
    header[HEADER.frame] = this.#frame;
    header[HEADER.contextTime] = this.#runTime + (this.#frame - this.#runFrame) / this.sampleRate;
    this.#account.number(header);
    return true;
  }

  #encode(input: readonly Float32Array[], from: number, frames: number): void {
    const { bytes } = this.#slot!;
    if (this.#base64 === undefined) {
      this.#filledBytes += this.#encoder.encode(input, from, frames, bytes, this.#filledBytes);
      return;
    }
    for (let done = 0; done < frames; done += SCRATCH_FRAMES) {
      const rest = frames - done;
      const count = rest < SCRATCH_FRAMES ? rest : SCRATCH_FRAMES;
      const length = this.#encoder.encode(input, from + done, count, this.#scratch, 0);
      this.#filledBytes += this.#base64.write(this.#scratch, 0, length, bytes, this.#filledBytes);
    }
  }

  #drop(frames: number): void {
    this.#frame += frames;
    this.#account.drop(frames);
  }
}
