import { ChannelMixer } from '../dsp/channel-mixer.ts';
import { planar, warmUpBlock } from '../dsp/planar.ts';
import { MISSING, PAUSED, PRESENT } from '../microphone/presence.ts';
import type { PresenceGate } from './presence-gate.ts';
import type { ResamplerPlan } from '../resampler/resampler-plan.ts';
import { createResampler } from '../resampler/resampler-stream.ts';
import type { StreamResampler } from '../resampler/resampler-stream.ts';

/**
 * Makes chunks from frames at the wire rate: samples (`ChunkWriter`), or packets of a codec. While there is no slot for a chunk,
 * drops and counts frames; `frame` = delivered + dropped + those in the unfinished chunk, at every instant. Allocates in its
 * constructor only.
 */
export interface FrameWriter {
  /** The wire rate, Hz. */
  readonly sampleRate: number;
  /** The number of the next frame: frames captured so far. */
  readonly frame: number;
  /** Frames in chunks that the sink has taken. */
  readonly delivered: number;
  /** Frames that were dropped. */
  readonly dropped: number;
  /** Sets the context time of the next frame, in seconds; later frames follow at the wire rate. An unfinished chunk keeps its time. */
  beginRun(contextTime: number): void;
  /** Forgets the unfinished first chunk. @returns false, and does nothing, if frames were delivered or dropped */
  restart(): boolean;
  /** Counts frames that never arrived as dropped. Only between chunks. @param frames a negative number counts as 0 */
  skip(frames: number): void;
  /** Takes the first `frames` frames of `input`. */
  write(input: readonly Float32Array[], frames: number): void;
  /** Sends the unfinished chunk as it is, if there is one. */
  finishChunk(): void;
  /** Frees memory. Afterwards only the counts may be read. */
  close?(): void;
}

/** Most frames processed at once: a longer quantum is processed in slices, so that scratch memory does not grow with it. */
const SLICE_FRAMES = 512;

/** Frames per quantum in `warmUp`. Quanta of other lengths take the same paths. */
export const WARM_UP_QUANTUM = 128;

/** Options of a {@link CapturePipeline}. */
export interface CapturePipelineOptions {
  /** The context's rate, Hz. */
  readonly inputRate: number;
  /** Channels on the wire, 1–32. */
  readonly channels: number;
  /** From the context's rate to the wire's; null if they are equal. */
  readonly resampler: ResamplerPlan | null;
  /** Makes the chunks. */
  readonly writer: FrameWriter;
}

/**
 * The path of a render quantum on the audio thread: channel mixer → resampler → writer of chunks. Independent of the platform.
 * Allocates in its constructor only; work per quantum is constant.
 */
export class CapturePipeline {
  readonly #inputRate: number;
  readonly #mixer: ChannelMixer;
  readonly #mixed: Float32Array[];
  readonly #resampler: StreamResampler | undefined;
  readonly #resampled: Float32Array[];
  #writer: FrameWriter;
  /** False before the first quantum, and while paused. */
  #running = false;
  /** True while audio is missing. */
  #missing = false;
  /** Number of quanta since the start, and of pauses. */
  #quanta = 0;
  /** The context frame at which the next quantum begins, unless quanta were not rendered. */
  #nextContextFrame = 0;
  /** Start of the run (at the start, or after the last pause): the context's frame, and ours. */
  #originContextFrame = 0;
  #originFrame = 0;

  constructor(options: CapturePipelineOptions) {
    const { channels } = options;
    this.#inputRate = options.inputRate;
    this.#mixer = new ChannelMixer({ outputChannels: channels });
    this.#mixed = planar(channels, SLICE_FRAMES);
    this.#writer = options.writer;
    if (options.resampler !== null) {
      const resampler = createResampler(options.resampler, channels);
      this.#resampler = resampler;
      const longest = Math.max(resampler.outputFramesMax(SLICE_FRAMES), resampler.flushFramesMax);
      this.#resampled = planar(channels, longest);
    } else {
      this.#resampler = undefined;
      this.#resampled = this.#mixed;
    }
  }

  /** Frames captured so far, at the wire rate: delivered, dropped or in the unfinished chunk. */
  get captured(): number {
    return this.#writer.frame;
  }

  /** Whether a run is in progress: false before the first quantum, and while paused. */
  get running(): boolean {
    return this.#running;
  }

  /** Returns the number of frames captured up to this context frame, including those in the resampler. */
  capturedAt(contextFrame: number): number {
    return this.#running ? this.#frameAt(contextFrame) : this.#writer.frame;
  }

  /** Frames in chunks that the sink has taken. */
  get delivered(): number {
    return this.#writer.delivered;
  }

  /** Frames that found no free slot, never arrived, or were missing. */
  get dropped(): number {
    return this.#writer.dropped;
  }

  /**
   * Takes one render quantum.
   * @param input any number of channels; 0 means silence
   * @param frames length of the quantum, any number
   * @param contextFrame the context's `currentFrame`. If it has jumped, quanta were not rendered here: the gap counts as
   * captured and dropped
   * @param start where the quantum begins in `input`
   */
  process(input: readonly Float32Array[], frames: number, contextFrame: number, start = 0): void {
    if (!this.#running) this.#begin(contextFrame);
    else if (this.#missing || contextFrame !== this.#nextContextFrame) this.#jumpTo(contextFrame);
    this.#quanta++;
    this.#nextContextFrame = contextFrame + frames;
    for (let from = 0; from < frames; from += SLICE_FRAMES) {
      const rest = frames - from;
      const count = rest < SLICE_FRAMES ? rest : SLICE_FRAMES;
      this.#mixer.mix(input, start + from, count, this.#mixed, 0);
      const produced =
        this.#resampler === undefined
          ? count
          : this.#resampler.process(this.#mixed, this.#resampled, count);
      this.#writer.write(this.#resampled, produced);
    }
  }

  /**
   * Takes one render quantum whose audio is missing: it counts as captured and dropped. Sends the audio captured before it.
   * @param contextFrame the context's `currentFrame`
   */
  miss(contextFrame: number, frames: number): void {
    if (!this.#missing) {
      if (this.#running) this.#flushResampler();
      else this.#begin(contextFrame);
      this.#missing = true;
      this.#writer.finishChunk();
    }
    this.#quanta++;
    this.#nextContextFrame = contextFrame + frames;
    this.#skipTo(this.#nextContextFrame);
  }

  /**
   * Writes the resampler's tail and sends the unfinished, shorter chunk. The next quantum begins a new run. For a pause and for
   * the end.
   */
  flush(): void {
    this.hold();
    this.#writer.finishChunk();
  }

  /**
   * Like `flush`, but keeps the unfinished chunk, to fill it with what follows. For audio whose pauses are cut out: an Opus packet
   * filled with silence would be heard at its full length.
   */
  hold(): void {
    this.#quanta++;
    if (!this.#running) return;
    this.#running = this.#missing = false;
    this.#flushResampler();
  }

  /**
   * Takes every path once, so that the first quantum finds compiled code, and restores the initial state. For constructors,
   * before the first quantum. Allocates.
   * @param writer takes the audio of the warm-up. Of the same class as the pipeline's own
   * @param quanta number of quanta
   * @param gate passes the quanta to this pipeline
   */
  warmUp(writer: FrameWriter, quanta: number, gate: PresenceGate): void {
    const own = this.#writer;
    this.#writer = writer;
    const block = warmUpBlock(2, WARM_UP_QUANTUM);
    const inputs = [block, block.slice(0, 1), [], this.#mixed];
    let frame = 0;
    for (let quantum = 0; quantum < quanta; quantum++) {
      // Some quanta, including the second, come late, audio is missing, and the capture pauses.
      const step = quantum % 16;
      if (step === 1) frame += WARM_UP_QUANTUM;
      const presence = step === 4 ? MISSING : step > 7 && step < 10 ? PAUSED : PRESENT;
      gate.process(inputs[quantum % inputs.length]!, WARM_UP_QUANTUM, frame, presence);
      frame += WARM_UP_QUANTUM;
    }
    gate.settle();
    this.flush();
    this.#resampler?.reset();
    this.#writer = own;
    this.#quanta = this.#nextContextFrame = this.#originContextFrame = this.#originFrame = 0;
  }

  /** Frees memory. Afterwards only the counts may be read. */
  close(): void {
    this.#resampler?.close();
    this.#writer.close?.();
  }

  #begin(contextFrame: number): void {
    this.#running = true;
    this.#missing = false;
    this.#originContextFrame = contextFrame;
    this.#originFrame = this.#writer.frame;
    this.#writer.beginRun(contextFrame / this.#inputRate);
  }

  #jumpTo(contextFrame: number): void {
    // Chromium 156 renders a new node's first quantum, then moves its rendering to another thread and continues a few quanta
    // later: the capture begins only then.
    if (this.#quanta === 1 && this.#writer.restart()) {
      this.#resampler?.reset();
      this.#begin(contextFrame);
      return;
    }
    if (!this.#missing) {
      this.#flushResampler();
      this.#writer.finishChunk();
    }
    this.#missing = false;
    this.#skipTo(contextFrame);
    this.#writer.beginRun(contextFrame / this.#inputRate);
  }

  /** Counts the frames up to this context frame as dropped. */
  #skipTo(contextFrame: number): void {
    this.#writer.skip(this.#frameAt(contextFrame) - this.#writer.frame);
  }

  /** Returns our frame at a context frame of this run. */
  #frameAt(contextFrame: number): number {
    const elapsed = (contextFrame - this.#originContextFrame) / this.#inputRate;
    return this.#originFrame + Math.round(elapsed * this.#writer.sampleRate);
  }

  #flushResampler(): void {
    if (this.#resampler === undefined) return;
    this.#writer.write(this.#resampled, this.#resampler.flush(this.#resampled));
  }
}
