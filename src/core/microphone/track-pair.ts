import type { GapCause, LifeAction } from './life-messages.ts';
import type { LifeTrack } from './life-track.ts';

/**
 * The track in use and the one that is to follow it: at most two, and whatever is let go is stopped. Knows whether audio is
 * missing, so that a gap begins once.
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

  /** Connected and not heard yet. It is the current one where that is connected again. */
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

  /** The current track is connected again, and not heard yet. */
  get isReturning(): boolean {
    return this.#next !== null && this.#next === this.#current;
  }

  find(request: number): LifeTrack | null {
    if (this.#next?.request === request) return this.#next;
    return this.#current?.request === request ? this.#current : null;
  }

  /** Audio is missing from now on. */
  lose(cause: GapCause): void {
    if (this.#missing) return;
    this.#missing = true;
    this.#cause = cause;
    this.#push({ type: 'lose', cause });
    if (this.isReturning) this.#next = null;
    const next = this.#next;
    // It was taken back with that; or the audio thread has taken it already, before it learns of the loss.
    if (next !== null) this.#push({ type: 'connect', request: next.request });
  }

  /** Connects a track, in place of one that was connected before and not heard. */
  connect(track: LifeTrack, nowMs: number): void {
    const before = this.#next;
    this.#next = track;
    this.#connectedAtMs = nowMs;
    this.#push({ type: 'connect', request: track.request });
    if (before !== null && before !== track && before !== this.#current) this.#stop(before);
  }

  /** The next track is heard: it is the current one, and the one before is stopped. */
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

  /** Lets the next track go. The current one continues, if it is live. */
  dropNext(nowMs: number): void {
    const next = this.#next;
    if (next === null || next === this.#current) return;
    this.#next = null;
    // The audio thread waits for the next one: this takes it back.
    if (this.isLive) this.connect(this.#current!, nowMs);
    else this.#takeBack();
    this.#stop(next);
  }

  /** Lets the current track go; the next one, if there is one, continues. */
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

  /** The audio thread is not to wait for the track that was connected last. */
  #takeBack(): void {
    this.#push({ type: 'lose', cause: this.#cause });
  }

  #stop({ request }: LifeTrack): void {
    this.#push({ type: 'stop', request });
  }
}
