import type { PlayoutCommand, PlayoutFigures } from '../core/messages.ts';
import { FrameBlocks } from '../core/playout/frame-blocks.ts';

/** The processor's memory to begin with, seconds. */
const FIRST_SECONDS = 2;

export interface PlayoutFeedOptions {
  /** Of the wire. */
  readonly bytesPerFrame: number;
  /** Of the wire, Hz. */
  readonly sampleRate: number;
  /** How much may wait, ms. */
  readonly maxBuffer: number;
  readonly send: (command: PlayoutCommand, transfer: ArrayBuffer[]) => void;
}

/**
 * Sends audio to the processor, and no more than it has room for. What this thread knows of that is what was sent less what
 * was reported as passed; reports lag behind, so there is never less room than this says.
 */
export class PlayoutFeed {
  /** Frames that found no room, and of late audio that nobody wants. */
  droppedFrames = 0;
  /** Frames that were lost before they came here. */
  lostFrames = 0;
  /** Frames that have reached the processor. */
  receivedFrames = 0;
  readonly #options: PlayoutFeedOptions;
  readonly #blocks: FrameBlocks;
  readonly #maxFrames: number;
  #capacityFrames: number;
  #sent = 0;
  /** Sent frames that were passed or refused, and those that the processor holds no more. */
  #passed = 0;
  #released = 0;
  /** Whether something is missing before the next frame. */
  #gap = false;
  /** Frames that an undo under way may bring back. */
  #reserved = 0;

  constructor(options: PlayoutFeedOptions) {
    const { sampleRate } = options;
    this.#options = options;
    this.#blocks = new FrameBlocks(options.bytesPerFrame);
    this.#maxFrames = Math.ceil((options.maxBuffer / 1000) * sampleRate);
    this.#capacityFrames = Math.min(this.#maxFrames, FIRST_SECONDS * sampleRate);
  }

  /** Wire frames that the processor's memory holds. */
  get capacityFrames(): number {
    return this.#capacityFrames;
  }

  /** Forgets the bytes of a frame that is not complete. */
  reset(): void {
    this.#blocks.reset();
  }

  /** `frames` frames are missing before what is written next. */
  lose(frames: number): void {
    this.lostFrames += frames;
    if (frames > 0) this.#gap = true;
  }

  /** Sends bytes of `item`, split anywhere; they stay the caller's. @returns frames sent; the others are dropped */
  write(item: number, bytes: Uint8Array): number {
    const { send } = this.#options;
    const offered = this.#blocks.framesWith(bytes.length);
    const room = this.#maxFrames - (this.#sent - this.#passed) - this.#reserved;
    const frames = this.#grow(Math.max(0, Math.min(offered, room)));
    this.droppedFrames += offered - frames;
    this.#sent += frames;
    this.#blocks.push(bytes, frames, (block) => {
      send({ type: 'write', item, bytes: block, afterGap: this.#gap }, [block.buffer]);
      this.#gap = false;
    });
    if (frames < offered) this.#gap = true;
    return frames;
  }

  /** Counts bytes of an item that is not wanted any more. */
  drop(bytes: Uint8Array): void {
    this.droppedFrames += Math.floor(bytes.length / this.#options.bytesPerFrame);
  }

  /** Writes bytes that were dropped before. @returns as `write` does */
  retry(item: number, bytes: Uint8Array): number {
    this.droppedFrames -= Math.floor(bytes.length / this.#options.bytesPerFrame);
    return this.write(item, bytes);
  }

  /** Whole frames that there will be with `bytes`, which are not written yet. */
  framesWith(bytes: Uint8Array): number {
    return this.#blocks.framesWith(bytes.length);
  }

  report(figures: PlayoutFigures): void {
    const { heard, skipped, interrupted, dropped, floor } = figures;
    this.#passed = heard + skipped + interrupted + dropped;
    this.#released = floor + dropped;
  }

  /** A buffer comes back, when the processor has received that many frames. */
  giveBack(buffer: ArrayBuffer, received: number): void {
    this.receivedFrames = received;
    this.#blocks.giveBack(buffer);
  }

  /** Until it is answered, an undo may bring `frames` back. */
  reserve(frames: number): void {
    this.#reserved = frames;
  }

  /** Sees to memory for what the processor holds and `frames` more. @returns how many of them there is memory for */
  #grow(frames: number): number {
    const { send, bytesPerFrame } = this.#options;
    const needed = this.#sent - this.#released + frames;
    const most = Math.min(this.#maxFrames, Math.max(needed, 2 * this.#capacityFrames));
    if (needed <= this.#capacityFrames || most === this.#capacityFrames) return frames;
    for (const capacity of [most, Math.min(this.#maxFrames, needed)]) {
      const storage = allocate(capacity * bytesPerFrame);
      if (storage === null) continue;
      this.#capacityFrames = capacity;
      send({ type: 'grow', storage }, [storage]);
      return frames;
    }
    return Math.max(0, frames - (needed - this.#capacityFrames));
  }
}

/** Null when the page has no such memory. */
function allocate(byteLength: number): ArrayBuffer | null {
  try {
    return new ArrayBuffer(byteLength);
  } catch {
    return null;
  }
}
