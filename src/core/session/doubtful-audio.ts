import { Fifo } from './fifo.ts';

/** Number of stretches that are remembered. Older ones count as lost. */
const MAX_STRETCHES = 64;

/**
 * Stretches of audio that were dropped although they may have arrived: they were sent on a connection that was lost before the other
 * side could acknowledge them. The next connection tells.
 */
export class DoubtfulAudio {
  readonly #stretches = new Fifo<{ frame: number; frames: number }>();
  readonly #onlost: (frame: number, frames: number) => void;

  constructor(onlost: (frame: number, frames: number) => void) {
    this.#onlost = onlost;
  }

  /** Adds a stretch, which follows those that were added before. */
  add(frame: number, frames: number): void {
    const last = this.#stretches.at(this.#stretches.length - 1);
    if (last !== undefined && last.frame + last.frames === frame) last.frames += frames;
    else this.#stretches.push({ frame, frames });
    if (this.#stretches.length > MAX_STRETCHES) this.#loseFirst();
  }

  /** The other side has everything before `frame`. @returns frames that have arrived */
  believe(frame: number): number {
    let arrived = 0;
    for (let next = this.#stretches.at(0); next !== undefined; next = this.#stretches.at(0)) {
      const frames = Math.min(next.frames, frame - next.frame);
      if (frames <= 0) break;
      arrived += frames;
      next.frame += frames;
      next.frames -= frames;
      if (next.frames > 0) break;
      this.#stretches.shift();
    }
    return arrived;
  }

  /** What has not arrived by now never will. */
  tell(): void {
    while (this.#stretches.length > 0) this.#loseFirst();
  }

  #loseFirst(): void {
    const { frame, frames } = this.#stretches.shift()!;
    this.#onlost(frame, frames);
  }
}
