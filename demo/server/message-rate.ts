/** Lets so many messages through a second, and as many at once as come in two seconds: a bucket of tokens. */
export class MessageRate {
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: number;

  /** @param now ms on any clock that only goes forward */
  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#tokens = 2 * perSecond;
    this.#filledAt = now;
  }

  /** @returns whether one more may pass now */
  take(now: number): boolean {
    const filled = this.#tokens + ((now - this.#filledAt) / 1000) * this.#perSecond;
    this.#tokens = Math.min(2 * this.#perSecond, filled);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
