import type { PlayoutFigures } from '../core/messages.ts';

/** Memory to begin with, seconds. */
const FIRST_SECONDS = 2;

/**
 * How much the processor has room for, as this thread can know it: what was sent, less what was reported as passed. Reports
 * lag behind, so there is never less room than this says.
 */
export class PlayoutRoom {
  readonly #maxFrames: number;
  /** Wire frames that the processor's memory holds. */
  capacityFrames: number;
  #sent = 0;
  /** Sent frames that were passed or refused. */
  #passed = 0;
  /** Sent frames that the processor holds no more. */
  #released = 0;
  /** Frames that an undo under way may bring back. */
  #reserved = 0;

  constructor(sampleRate: number, maxBufferMs: number) {
    this.#maxFrames = Math.ceil((maxBufferMs / 1000) * sampleRate);
    this.capacityFrames = Math.min(this.#maxFrames, FIRST_SECONDS * sampleRate);
  }

  /** Frames that may be sent. */
  get frames(): number {
    return Math.max(0, this.#maxFrames - (this.#sent - this.#passed) - this.#reserved);
  }

  /** Frames that the memory must be able to hold before `frames` more are sent; no more than `capacityFrames` if it can. */
  capacityFor(frames: number): number {
    const needed = this.#sent - this.#released + frames;
    if (needed <= this.capacityFrames) return this.capacityFrames;
    return Math.min(this.#maxFrames, Math.max(needed, 2 * this.capacityFrames));
  }

  send(frames: number): void {
    this.#sent += frames;
  }

  report(figures: PlayoutFigures): void {
    const { heard, skipped, interrupted, dropped, floor } = figures;
    this.#passed = heard + skipped + interrupted + dropped;
    this.#released = floor + dropped;
  }

  /** Until it is answered, an undo may bring `frames` back. */
  reserve(frames: number): void {
    this.#reserved = frames;
  }
}
