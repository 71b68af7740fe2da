import { ChannelMixer } from '../dsp/channel-mixer.ts';
import { planar } from '../dsp/planar.ts';
import { MISSING, PAUSED, PRESENT } from '../microphone/presence.ts';
import type { CapturePipeline } from './capture-pipeline.ts';

/** How much faster than real time a pre-roll is sent: the end of N ms is sent N / (4 − 1) ms after the press. */
const CATCH_UP = 4;
/** Most spans that can wait behind a pre-roll. There are more only if presence changes every few quanta. */
const MAX_SPANS = 16;
/** Index of each number of a span, and their count. */
const START = 1;
const FRAMES = 2;
const SPAN = 3;

/** Options of a {@link PresenceGate}. */
export interface PresenceGateOptions {
  /** Channels of the pipeline. */
  readonly channels: number;
  /** Context frames that are kept from before each press of push-to-talk; may be 0. */
  readonly preRollFrames: number;
  /** Keeps the unfinished chunk while nobody talks, to fill it with what follows. */
  readonly holdPauses: boolean;
}

/**
 * Passes a microphone's quanta to a capture's pipeline by their presence: missing audio counts as captured and dropped; while
 * nobody talks, the pipeline pauses and the gate keeps the last audio.
 *
 * After a press the gate sends that audio first, faster than real time but never all at once. Newer audio waits behind it, as
 * spans in order with the samples in the ring; each quantum adds less than it removes, so the ring never overflows. Allocates in
 * its constructor only.
 */
export class PresenceGate {
  readonly #pipeline: CapturePipeline;
  readonly #holdPauses: boolean;
  readonly #mixer: ChannelMixer;
  /** Frames that wait, followed by those that are kept. */
  readonly #ring: readonly Float32Array[];
  readonly #capacity: number;
  #read = 0;
  #count = 0;
  /** Number of frames kept from before a press, and the context frame that follows them. */
  #kept = 0;
  #keptEnd = 0;
  /** Whether nobody talked in the last quantum. */
  #paused = false;
  /** Waiting spans, the oldest first: presence, first context frame and frames of each; and where they end. */
  readonly #spans = new Float64Array(MAX_SPANS * SPAN);
  #spansEnd = 0;

  constructor(pipeline: CapturePipeline, options: PresenceGateOptions) {
    const { channels, preRollFrames, holdPauses } = options;
    this.#pipeline = pipeline;
    this.#holdPauses = holdPauses;
    this.#capacity = preRollFrames;
    this.#mixer = new ChannelMixer({ outputChannels: channels });
    this.#ring = planar(channels, preRollFrames);
  }

  /**
   * Takes one render quantum.
   * @param input any number of channels; 0 means silence
   * @param frames length of the quantum, any number
   * @param contextFrame the context's `currentFrame`
   * @param presence a value of `presence.ts`
   */
  process(
    input: readonly Float32Array[],
    frames: number,
    contextFrame: number,
    presence: number,
  ): void {
    // Kept frames are useful only if this quantum follows them directly.
    if (this.#keptEnd !== contextFrame) this.#forget();
    const paused = presence !== PRESENT && presence !== MISSING;
    if (!paused && this.#kept > 0) {
      this.#add(PRESENT, contextFrame - this.#kept, this.#kept);
      this.#kept = 0;
    }
    this.#drain(CATCH_UP * frames);
    if (!paused) this.#pass(presence, input, frames, contextFrame);
    else if (!this.#paused) this.#pass(PAUSED, input, 0, contextFrame);
    this.#paused = paused;
    if (presence === PAUSED && this.#capacity > 0) this.#keep(input, frames, contextFrame);
  }

  /** Sends all waiting frames and forgets the kept ones: for the capture's own pause and its end. Not for `process()`. */
  settle(): void {
    this.#forget();
    this.#drain(Infinity);
  }

  /** Passes a span on, or queues it behind the others. */
  #pass(
    presence: number,
    input: readonly Float32Array[],
    frames: number,
    contextFrame: number,
  ): void {
    if (this.#spansEnd > 0) {
      this.#add(presence, contextFrame, frames);
      if (presence === PRESENT) this.#write(input, 0, frames);
    } else if (presence === PRESENT) this.#pipeline.process(input, frames, contextFrame);
    else this.#skip(presence, contextFrame, frames);
  }

  #skip(presence: number, contextFrame: number, frames: number): void {
    if (presence !== PAUSED) this.#pipeline.miss(contextFrame, frames);
    else if (this.#holdPauses) this.#pipeline.hold();
    else this.#pipeline.flush();
  }

  #add(presence: number, contextFrame: number, frames: number): void {
    const spans = this.#spans;
    if (this.#spansEnd > 0) {
      const last = this.#spansEnd - SPAN;
      if (
        spans[last] === presence &&
        spans[last + START]! + spans[last + FRAMES]! === contextFrame
      ) {
        spans[last + FRAMES]! += frames;
        return;
      }
      // There are too many spans: their audio counts as dropped.
      if (this.#spansEnd === spans.length) this.#drain(Infinity, false);
    }
    const next = this.#spansEnd;
    this.#spansEnd = next + SPAN;
    spans[next] = presence;
    spans[next + START] = contextFrame;
    spans[next + FRAMES] = frames;
  }

  /**
   * Passes waiting spans on, up to `budget` frames of audio.
   * @param deliver false: drops the audio
   */
  #drain(budget: number, deliver = true): void {
    const spans = this.#spans;
    let left = budget;
    while (this.#spansEnd > 0) {
      const start = spans[START]!;
      const frames = spans[FRAMES]!;
      if (spans[0] !== PRESENT) this.#skip(spans[0]!, start, frames);
      else {
        const count = Math.min(frames, left, this.#capacity - this.#read);
        if (count === 0) return;
        if (deliver) this.#pipeline.process(this.#ring, count, start, this.#read);
        else this.#pipeline.miss(start, count);
        this.#read = (this.#read + count) % this.#capacity;
        this.#count -= count;
        left -= count;
        spans[START] = start + count;
        spans[FRAMES] = frames - count;
        if (count < frames) continue;
      }
      spans.copyWithin(0, SPAN);
      this.#spansEnd -= SPAN;
    }
  }

  #forget(): void {
    this.#count -= this.#kept;
    this.#kept = 0;
  }

  /** Keeps the last frames, which follow those already kept. */
  #keep(input: readonly Float32Array[], frames: number, contextFrame: number): void {
    const count = Math.min(frames, this.#capacity);
    const excess = this.#count + count - this.#capacity;
    if (excess > 0) {
      // The ring holds only kept frames then.
      this.#read = (this.#read + excess) % this.#capacity;
      this.#count -= excess;
      this.#kept -= excess;
    }
    this.#write(input, frames - count, count);
    this.#kept += count;
    this.#keptEnd = contextFrame + frames;
  }

  #write(input: readonly Float32Array[], from: number, frames: number): void {
    const at = (this.#read + this.#count) % this.#capacity;
    const first = Math.min(frames, this.#capacity - at);
    this.#mixer.mix(input, from, first, this.#ring, at);
    this.#mixer.mix(input, from + first, frames - first, this.#ring, 0);
    this.#count += frames;
  }
}
