/** How a {@link TokenBucket} limits a rate. */
export interface TokenBucketOptions {
  /** Tokens that the bucket holds: how much may pass at once. */
  readonly depth: number;
  /** Tokens that it gains per second. */
  readonly perSecond: number;
  /** Tokens that it may owe. @default no limit */
  readonly maxDebt?: number;
}

/** How many seconds of its rate a bucket holds by default. */
const DEPTH_SECONDS = 2;

/**
 * Limits a rate: the bucket gains tokens with time, and whatever passes takes some. Traffic that can neither be refused nor wait
 * may leave a debt, which later tokens pay off.
 */
export class TokenBucket {
  /** Most tokens that it holds. */
  readonly depth: number;
  readonly #perSecond: number;
  readonly #maxDebt: number;
  #tokens: number;
  #atMs: number;

  /** Creates a full bucket. @param nowMs ms of a monotonic clock, here and below */
  constructor({ depth, perSecond, maxDebt = Infinity }: TokenBucketOptions, nowMs: number) {
    this.depth = depth;
    this.#perSecond = perSecond;
    this.#maxDebt = maxDebt;
    this.#tokens = depth;
    this.#atMs = nowMs;
  }

  /** Creates a bucket that lets `count` pass per second, and two seconds' worth at once. */
  static perSecond(count: number, nowMs: number): TokenBucket {
    return new TokenBucket({ depth: DEPTH_SECONDS * count, perSecond: count }, nowMs);
  }

  /** Returns when the bucket will have `count` tokens, or be full if it holds fewer: now or later. */
  dueMs(count: number, nowMs: number): number {
    this.#gain(nowMs);
    const missing = Math.min(count, this.depth) - this.#tokens;
    return missing <= 0 ? nowMs : nowMs + (1000 * missing) / this.#perSecond;
  }

  /** Takes tokens, whether the bucket has them or not. */
  take(count: number, nowMs: number): void {
    this.#gain(nowMs);
    this.#tokens = Math.max(-this.#maxDebt, this.#tokens - count);
  }

  /** Takes one token if the bucket has one. @returns whether it had */
  tryTake(nowMs: number): boolean {
    this.#gain(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Puts back a token that was taken. */
  giveBack(): void {
    this.#tokens = Math.min(this.depth, this.#tokens + 1);
  }

  /** Fills the bucket at once. */
  fill(nowMs: number): void {
    this.#tokens = this.depth;
    this.#atMs = nowMs;
  }

  #gain(nowMs: number): void {
    // Some callers' clocks stop, or are set back.
    const gained = (Math.max(0, nowMs - this.#atMs) * this.#perSecond) / 1000;
    this.#tokens = Math.min(this.depth, this.#tokens + gained);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}
