/** So much audio may go out at once, ms: what a network or a busy thread holds up in everyday life. */
const BURST_MS = 200;

/**
 * Bounds how fast audio goes out: in any stretch of time at most `speed` times as much, and a burst (or one chunk, where that is
 * longer). Services refuse, or overflow, when a backlog comes at once.
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

  /** A connection begins: with a whole burst. */
  restart(nowMs: number): void {
    this.#left = this.burstFrames;
    this.#atMs = nowMs;
  }

  /** When a chunk of so many frames may go out: now or later. */
  nextMs(frames: number, nowMs: number): number {
    this.#refill(nowMs);
    const missing = Math.min(frames, this.burstFrames) - this.#left;
    return missing <= 0 ? nowMs : nowMs + missing / this.#framesPerMs;
  }

  /** A chunk goes out. One that is longer than a burst takes from what comes. */
  take(frames: number): void {
    this.#left -= frames;
  }

  #refill(nowMs: number): void {
    this.#left = Math.min(this.burstFrames, this.#left + (nowMs - this.#atMs) * this.#framesPerMs);
    this.#atMs = nowMs;
  }
}
