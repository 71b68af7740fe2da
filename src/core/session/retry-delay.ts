/**
 * Computes the delays between connection attempts: exponential, with full jitter, so that the clients of a restarting server do not
 * all reconnect at once (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
 */
export class RetryDelay {
  readonly #random: () => number;
  readonly #firstMs: number;
  readonly #maxMs: number;
  #failures = 0;

  /** @param random returns a uniform number in [0, 1) */
  constructor(random: () => number, firstMs: number, maxMs: number) {
    this.#random = random;
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
  }

  /** Notes a failed attempt, or a lost connection. @returns the delay before the next attempt in ms */
  nextMs(): number {
    const limit = Math.min(this.#maxMs, this.#firstMs * 2 ** this.#failures);
    // 2 ** 1024 is Infinity, and 0 * Infinity is NaN.
    this.#failures = Math.min(this.#failures + 1, 64);
    return this.#random() * limit;
  }

  /** Restarts with the first delay: a connection has lasted, or the cause of the failures is gone. */
  reset(): void {
    this.#failures = 0;
  }
}
