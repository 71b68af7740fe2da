import type { SessionGapCause } from './session-messages.ts';

/** Maximum number of stretches remembered. Older ones count as lost. */
const MAX_STRETCHES = 64;

interface Stretch {
  frame: number;
  frames: number;
}

/**
 * Stretches of audio that were dropped although they may have arrived: they were sent on a connection that was lost before the
 * other side could acknowledge them. The next connection shows whether they arrived.
 */
export class DoubtfulAudio {
  /** The stretches, in order. */
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
    // Audio that was in flight on a lost connection may be older than the audio that waited after it.
    if (last !== undefined && frame < last.frame) stretches.sort((a, b) => a.frame - b.frame);
    if (stretches.length > MAX_STRETCHES) this.#lose(stretches.shift()!, 'overflow');
  }

  /** The other side has received everything before `frame`. @returns the number of frames that turn out to have arrived */
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

  /** Counts everything from frame `from` on that has not arrived as lost. Earlier audio is still in doubt. */
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
