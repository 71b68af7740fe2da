/** How a {@link TokenBucket} limits a rate. */
export interface TokenBucketOptions {
  /** Tokens that the bucket holds: what may pass at once. */
  readonly depth: number;
  /** Tokens that it gains. */
  readonly perSecond: number;
  /** Tokens that it may owe. @default no limit */
  readonly maxDebt?: number;
}

/** Seconds of its rate that a bucket holds, where nothing else is said. */
const DEPTH_SECONDS = 2;

/**
 * Limits a rate: the bucket gains tokens with time, and what passes takes some. What can neither be refused nor wait may leave a debt,
 * which later tokens pay off.
 */
export class TokenBucket {
  /** Tokens that it holds at most. */
  readonly depth: number;
  readonly #perSecond: number;
  readonly #maxDebt: number;
  #tokens: number;
  #atMs: number;

  /** Starts full. @param nowMs ms of a monotonic clock, here and below */
  constructor({ depth, perSecond, maxDebt = Infinity }: TokenBucketOptions, nowMs: number) {
    this.depth = depth;
    this.#perSecond = perSecond;
    this.#maxDebt = maxDebt;
    this.#tokens = depth;
    this.#atMs = nowMs;
  }

  /** Lets so many pass a second, and as many at once as in two seconds. */
  static perSecond(count: number, nowMs: number): TokenBucket {
    return new TokenBucket({ depth: DEPTH_SECONDS * count, perSecond: count }, nowMs);
  }

  /** The time at which so many tokens are there, or all that the bucket holds if that is less: now or later. */
  dueMs(count: number, nowMs: number): number {
    this.#gain(nowMs);
    const missing = Math.min(count, this.depth) - this.#tokens;
    return missing <= 0 ? nowMs : nowMs + (1000 * missing) / this.#perSecond;
  }

  /** Takes tokens, whether they are there or not. */
  take(count: number, nowMs: number): void {
    this.#gain(nowMs);
    this.#tokens = Math.max(-this.#maxDebt, this.#tokens - count);
  }

  /** Takes one token if it is there. @returns whether it was */
  tryTake(nowMs: number): boolean {
    this.#gain(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Returns a token that was taken. */
  giveBack(): void {
    this.#tokens = Math.min(this.depth, this.#tokens + 1);
  }

  /** Fills the bucket at once. */
  fill(nowMs: number): void {
    this.#tokens = this.depth;
    this.#atMs = nowMs;
  }

  #gain(nowMs: number): void {
    // Some clocks of callers stand still, or are set back.
    const gained = (Math.max(0, nowMs - this.#atMs) * this.#perSecond) / 1000;
    this.#tokens = Math.min(this.depth, this.#tokens + gained);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}
