import type { GapCause, LifeAction } from './life-messages.ts';
import type { LifeTrack } from './life-track.ts';

/**
 * The track in use and the one that will follow it: at most two. Stops every track that it releases. Knows whether audio is
 * missing, so that a gap begins only once.
 */
export class TrackPair {
  readonly #push: (action: LifeAction) => void;
  #current: LifeTrack | null = null;
  #next: LifeTrack | null = null;
  #connectedAtMs = 0;
  /** A microphone begins without audio. */
  #missing = true;
  #cause: GapCause = 'ended';

  constructor(push: (action: LifeAction) => void) {
    this.#push = push;
  }

  get current(): LifeTrack | null {
    return this.#current;
  }

  /** The track that is connected and not heard yet; the current one if that is connected again. */
  get next(): LifeTrack | null {
    return this.#next;
  }

  /** Since when `next` is connected. */
  get connectedAtMs(): number {
    return this.#connectedAtMs;
  }

  /** Whether audio of the current track arrives. */
  get isLive(): boolean {
    return this.#current !== null && !this.#current.givenUp;
  }

  /** Whether the current track is connected again and not heard yet. */
  get isReturning(): boolean {
    return this.#next !== null && this.#next === this.#current;
  }

  find(request: number): LifeTrack | null {
    if (this.#next?.request === request) return this.#next;
    return this.#current?.request === request ? this.#current : null;
  }

  /** Begins a gap: audio is missing from now on. */
  lose(cause: GapCause): void {
    if (this.#missing) return;
    this.#missing = true;
    this.#cause = cause;
    this.#push({ type: 'lose', cause });
    if (this.isReturning) this.#next = null;
    const next = this.#next;
    // `lose` has cancelled it, or the audio thread took it before it learns of the loss.
    if (next !== null) this.#push({ type: 'connect', request: next.request });
  }

  /** Connects a track, in place of an earlier one that was not heard yet. */
  connect(track: LifeTrack, nowMs: number): void {
    const before = this.#next;
    this.#next = track;
    this.#connectedAtMs = nowMs;
    this.#push({ type: 'connect', request: track.request });
    if (before !== null && before !== track && before !== this.#current) this.#stop(before);
  }

  /** Makes the next track, which is heard, the current one, and stops the previous one. */
  promote(nowMs: number): void {
    const next = this.#next;
    if (next === null) return;
    const before = this.#current;
    this.#current = next;
    this.#next = null;
    this.#missing = false;
    next.givenUp = false;
    next.heardAtMs = nowMs;
    if (before !== null && before !== next) this.#stop(before);
  }

  /** Releases the next track. The current one continues if it is live. */
  dropNext(nowMs: number): void {
    const next = this.#next;
    if (next === null || next === this.#current) return;
    this.#next = null;
    // The audio thread waits for the next track: this cancels the wait.
    if (this.isLive) this.connect(this.#current!, nowMs);
    else this.#takeBack();
    this.#stop(next);
  }

  /** Releases the current track. The next one, if there is one, continues. */
  dropCurrent(cause: GapCause): void {
    const current = this.#current;
    if (current === null) return;
    if (this.#next === current) {
      this.#next = null;
      if (this.#missing) this.#takeBack();
    }
    this.#current = null;
    this.lose(cause);
    this.#stop(current);
  }

  /** Stops the audio thread from waiting for the track that was connected last. */
  #takeBack(): void {
    this.#push({ type: 'lose', cause: this.#cause });
  }

  #stop({ request }: LifeTrack): void {
    this.#push({ type: 'stop', request });
  }
}
