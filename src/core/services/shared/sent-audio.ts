import type { ServiceEvent, UpAudio } from '../service.ts';

/** Maximum number of stretches that are remembered. One ends where audio was left out, so a few are enough. */
const MAX_STRETCHES = 256;

/** Audio without a gap. */
interface Stretch {
  /** Where it begins, in frames from the start of the connection. */
  readonly position: number;
  /** Where it begins in the session. */
  readonly frame: number;
  readonly frames: number;
}

/**
 * The audio sent on a connection, as the service counts it: from the first frame of the connection. The session's count differs where
 * audio was left out, as while muted, or where silence was inserted to keep the connection alive.
 */
export class SentAudio {
  /** Ascending. The last one grows. */
  readonly #stretches: Stretch[] = [];
  #length = 0;
  /** Whether silence was sent after the last stretch. */
  #padded = false;
  /** The frame of the last `'settled'` event. */
  #settled = -1;

  /** Frames that were sent on this connection. */
  get length(): number {
    return this.#length;
  }

  /** Counts audio that is sent. */
  add({ frame, frames }: Pick<UpAudio, 'frame' | 'frames'>): void {
    const last = this.#stretches.at(-1);
    if (last !== undefined && !this.#padded && frame === last.frame + last.frames) {
      this.#stretches[this.#stretches.length - 1] = { ...last, frames: last.frames + frames };
    } else {
      this.#stretches.push({ position: this.#length, frame, frames });
      if (this.#stretches.length > MAX_STRETCHES) this.#stretches.shift();
    }
    this.#padded = false;
    this.#length += frames;
  }

  /** Counts silence that is sent and does not belong to the session's audio. */
  pad(frames: number): void {
    this.#padded = true;
    this.#length += frames;
  }

  /**
   * Returns the frame of the session up to which the first `position` frames of the connection reach; undefined if it is not known. A
   * position beyond the end counts as the end, since services round times.
   */
  frameAt(position: number): number | undefined {
    const within = Math.round(position);
    const stretch = this.#stretches.findLast((one) => one.position < within);
    if (stretch === undefined) return undefined;
    return stretch.frame + Math.min(within - stretch.position, stretch.frames);
  }

  /** Returns the event that the text of the first `position` frames is final; no event if the session knows it already. */
  settled(position: number): readonly ServiceEvent[] {
    const frame = this.frameAt(position);
    if (frame === undefined || frame <= this.#settled) return [];
    this.#settled = frame;
    return [{ type: 'settled', frame }];
  }
}
