/**
 * How to handle audio that waits longer than the target: `'catch-up'` removes the backlog, for live streams; `'keep'` plays all of
 * it, for replies that arrive faster than real time.
 */
export type BacklogMode = 'catch-up' | 'keep';

export interface BacklogPolicyOptions {
  /** Sample rate of the wire in Hz; all frames here are wire frames. */
  readonly sampleRate: number;
  /** How long a frame should wait. */
  readonly targetFrames: number;
  readonly mode: BacklogMode;
}

/** Above this surplus nothing is sped up: the surplus is left out at once. */
const SKIP_SECONDS = 1;
/** Surplus at which catching up starts; with a lower value, jitter would start it all the time. */
const START_SECONDS = 0.01;
/** Catching up stops when this little is left: less than a period of a high voice cannot be cut out. */
const STOP_SECONDS = 0.0025;
/** How long the troughs are watched, once to twice, before their surplus counts. */
const WATCH_SECONDS = 0.5;

/**
 * Decides when playback starts and how much waiting audio is too much. It has no clock: the frames that it is notified of are its time.
 *
 * It measures the trough: the frames still waiting when new ones arrive. That is the slack that protects from an underrun, whatever
 * the size of chunks; the level after an arrival says nothing, because one chunk may be longer than the target.
 */
export class BacklogPolicy {
  targetFrames: number;
  readonly #mode: BacklogMode;
  readonly #skipFrames: number;
  readonly #startFrames: number;
  readonly #stopFrames: number;
  readonly #watchFrames: number;
  /** The lowest trough of the previous watch; infinite if there was none. */
  #previous = Infinity;
  /** The lowest trough of this watch so far. */
  #current = Infinity;
  #arrivals = 0;
  #elapsed = 0;
  #working = false;

  constructor(options: BacklogPolicyOptions) {
    const { sampleRate } = options;
    this.targetFrames = options.targetFrames;
    this.#mode = options.mode;
    this.#skipFrames = SKIP_SECONDS * sampleRate;
    this.#startFrames = START_SECONDS * sampleRate;
    this.#stopFrames = STOP_SECONDS * sampleRate;
    this.#watchFrames = WATCH_SECONDS * sampleRate;
  }

  /**
   * Returns whether to start with `level` frames available.
   * @param trough frames that were available when the last ones arrived
   * @param waitedFrames how long the first of them has waited
   * @param complete whether they include the item's end
   */
  ready(level: number, trough: number, waitedFrames: number, complete: boolean): boolean {
    const target = this.targetFrames;
    if (complete || waitedFrames >= target || trough >= target) return true;
    return this.#mode === 'keep' && level >= target;
  }

  /** Playback starts: troughs seen while waiting say nothing about the slack from now on. */
  started(): void {
    this.#previous = Infinity;
    this.#current = Infinity;
    this.#arrivals = 0;
    this.#elapsed = 0;
    this.#working = false;
  }

  /** Notes that frames arrived when `trough` frames were still waiting. */
  arrived(trough: number): void {
    this.#arrivals++;
    if (trough < this.#current) this.#current = trough;
  }

  /** Notes that `frames` were played. */
  played(frames: number): void {
    this.#elapsed += frames;
    // At least two arrivals, otherwise a chunk longer than the watch would pass for a backlog.
    if (this.#elapsed < this.#watchFrames || this.#arrivals < 2) return;
    this.#previous = this.#current;
    this.#current = Infinity;
    this.#arrivals = 0;
    this.#elapsed = 0;
  }

  /** Notes that `frames` were left out. */
  removed(frames: number): void {
    this.#previous -= frames;
    this.#current -= frames;
  }

  /** Returns how many of the `level` waiting frames should be left out, at once or gradually; 0 for none. */
  surplus(level: number): number {
    if (this.#mode === 'keep' || this.#previous === Infinity) return 0;
    const trough = Math.min(this.#previous, this.#current, level);
    const surplus = Math.floor(trough - this.targetFrames);
    this.#working = surplus > (this.#working ? this.#stopFrames : this.#startFrames);
    return this.#working ? surplus : 0;
  }

  /** Returns whether this surplus is skipped at once instead of played faster. */
  skips(surplus: number): boolean {
    return surplus > this.#skipFrames;
  }
}
