import type { SessionGapCause } from './session-messages.ts';

/** Number of stretches that are remembered. Older ones count as lost. */
const MAX_STRETCHES = 64;

interface Stretch {
  frame: number;
  frames: number;
}

/**
 * Stretches of audio that were dropped although they may have arrived: they were sent on a connection that was lost before the other
 * side could acknowledge them. The next connection tells.
 */
export class DoubtfulAudio {
  /** In order. */
  #stretches: Stretch[] = [];
  readonly #onlost: (frame: number, frames: number, cause: SessionGapCause) => void;

  constructor(onlost: (frame: number, frames: number, cause: SessionGapCause) => void) {
    this.#onlost = onlost;
  }

  /** Adds a stretch. */
  add(frame: number, frames: number): void {
    const stretches = this.#stretches;
    const last = stretches.at(-1);
    if (last !== undefined && last.frame + last.frames === frame) last.frames += frames;
    else stretches.push({ frame, frames });
    // What was in flight on a connection that is lost may be older than what waited behind it.
    if (last !== undefined && frame < last.frame) stretches.sort((a, b) => a.frame - b.frame);
    if (stretches.length > MAX_STRETCHES) this.#lose(stretches.shift()!, 'overflow');
  }

  /** The other side has everything before `frame`. @returns frames that have arrived */
  believe(frame: number): number {
    let arrived = 0;
    while (this.#stretches.length > 0) {
      const next = this.#stretches[0]!;
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

  /** What has not arrived by now never will: all from frame `from` on. What is before is still in doubt. */
  tell(from: number, cause: SessionGapCause): void {
    const kept: Stretch[] = [];
    for (const { frame, frames } of this.#stretches) {
      const before = Math.min(frames, Math.max(0, from - frame));
      if (before > 0) kept.push({ frame, frames: before });
      if (before < frames) this.#lose({ frame: frame + before, frames: frames - before }, cause);
    }
    this.#stretches = kept;
  }

  #lose({ frame, frames }: Stretch, cause: SessionGapCause): void {
    this.#onlost(frame, frames, cause);
  }
}
