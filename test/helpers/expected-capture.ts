import { PAUSED, PAUSED_MISSING, PRESENT } from '../../src/core/microphone/presence.ts';

/** What is to become of the context's frames: the number of each that is captured, and which of them are there. */
export class ExpectedCapture {
  /** By context frame; −1 where it is not captured. */
  readonly numbers: number[] = [];
  readonly present: boolean[] = [];
  captured = 0;
  readonly #preRollFrames: number;
  #paused = false;
  #kept: number[] = [];
  /** The capture's own pause, or nothing came before. */
  #idle = true;

  constructor(preRollFrames: number) {
    this.#preRollFrames = preRollFrames;
  }

  quantum(contextFrame: number, frames: number, presence: number): void {
    const paused = presence === PAUSED || presence === PAUSED_MISSING;
    const jumped = this.numbers.length < contextFrame;
    if (jumped) {
      this.#kept = [];
      // Between two quanta that are captured, the gap is captured too.
      const counts = !this.#idle && !this.#paused && !paused;
      while (this.numbers.length < contextFrame) this.#note(counts, false);
    }
    if (paused) {
      if (presence === PAUSED_MISSING) this.#kept = [];
      for (let i = 0; i < frames; i++) {
        if (presence === PAUSED) this.#kept.push(contextFrame + i);
        this.#note(false, false);
      }
      if (this.#preRollFrames === 0) this.#kept = [];
      else this.#kept = this.#kept.slice(-this.#preRollFrames);
    } else {
      for (const kept of this.#kept) {
        this.numbers[kept] = this.captured++;
        this.present[kept] = true;
      }
      this.#kept = [];
      for (let i = 0; i < frames; i++) this.#note(true, presence === PRESENT);
    }
    this.#paused = paused;
    this.#idle = false;
  }

  /** The capture's own pause. */
  pause(): void {
    this.#kept = [];
    this.#paused = false;
    this.#idle = true;
  }

  /** Time in which nothing is captured. */
  idle(frames: number): void {
    for (let i = 0; i < frames; i++) this.#note(false, false);
  }

  #note(counts: boolean, present: boolean): void {
    this.numbers.push(counts ? this.captured++ : -1);
    this.present.push(present);
  }
}
