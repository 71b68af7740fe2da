/** How much audio may go out at once, ms: as much as a network or a busy thread holds up in everyday use. */
const BURST_MS = 200;

/**
 * Bounds how fast audio goes out: in any stretch of time at most `speed` times as much audio, plus a burst (or one chunk, if that is
 * longer). Services refuse a backlog that comes all at once, or overflow.
 */
export class Pacer {
  readonly burstFrames: number;
  readonly #framesPerMs: number;
  #left = 0;
  #atMs = 0;

  constructor(sampleRate: number, speed: number) {
    this.burstFrames = (sampleRate * BURST_MS) / 1000;
    this.#framesPerMs = (sampleRate * speed) / 1000;
  }

  /** Starts a connection, with a whole burst. */
  restart(nowMs: number): void {
    this.#left = this.burstFrames;
    this.#atMs = nowMs;
  }

  /** The time at which a chunk of so many frames may go out: now or later. */
  nextMs(frames: number, nowMs: number): number {
    this.#refill(nowMs);
    const missing = Math.min(frames, this.burstFrames) - this.#left;
    return missing <= 0 ? nowMs : nowMs + missing / this.#framesPerMs;
  }

  /** Counts a chunk that goes out. A chunk longer than a burst delays the next ones. */
  take(frames: number): void {
    this.#left -= frames;
  }

  #refill(nowMs: number): void {
    this.#left = Math.min(this.burstFrames, this.#left + (nowMs - this.#atMs) * this.#framesPerMs);
    this.#atMs = nowMs;
  }
}
