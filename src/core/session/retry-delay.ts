/**
 * Computes the delays between attempts to connect: exponential, with full jitter, so that the clients of a server that restarts do not
 * all come back at once (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
 */
export class RetryDelay {
  readonly #random: () => number;
  readonly #firstMs: number;
  readonly #maxMs: number;
  #failures = 0;

  /** @param random uniform in [0, 1) */
  constructor(random: () => number, firstMs: number, maxMs: number) {
    this.#random = random;
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
  }

  /** An attempt has failed, or a connection is lost. @returns how long to wait for the next attempt, ms */
  nextMs(): number {
    const limit = Math.min(this.#maxMs, this.#firstMs * 2 ** this.#failures);
    // 2 ** 1024 is Infinity, and 0 * Infinity is NaN.
    this.#failures = Math.min(this.#failures + 1, 64);
    return this.#random() * limit;
  }

  /** Starts with the first delay again: a connection has lasted, or the cause of the failures is gone. */
  reset(): void {
    this.#failures = 0;
  }
}
