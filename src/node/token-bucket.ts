/** Seconds of its rate that a bucket holds: what may come at once. */
const DEPTH_SECONDS = 2;

/**
 * Limits a rate by a bucket of tokens. What has come cannot be refused any more, so the bucket may owe tokens: then nothing more is
 * read until it has been filled.
 */
export class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #filledMs: number;

  /** @param nowMs ms of a monotonic clock */
  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#tokens = DEPTH_SECONDS * perSecond;
    this.#filledMs = nowMs;
  }

  /** Takes tokens. @returns ms until the bucket owes none; 0: continue */
  take(count: number, nowMs: number): number {
    const filled = this.#tokens + ((nowMs - this.#filledMs) / 1000) * this.#perSecond;
    this.#tokens = Math.min(DEPTH_SECONDS * this.#perSecond, filled) - count;
    this.#filledMs = nowMs;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1000;
  }
}
