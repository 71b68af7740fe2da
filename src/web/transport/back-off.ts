import { numberIn } from '../../core/arguments.ts';
import type { OptionNames } from '../../core/option-names.ts';

/** Options for the waits between attempts to connect. */
export interface BackOffOptions {
  /**
   * Longest wait after the first failure, in ms; it doubles with every further failure.
   * @default 500
   */
  readonly firstDelayMs?: number;
  /**
   * Upper bound of every wait, in ms.
   * @default 10000
   */
  readonly maxDelayMs?: number;
}
export const BACK_OFF_NAMES: OptionNames<BackOffOptions> = { firstDelayMs: 1, maxDelayMs: 1 };

const DEFAULT_FIRST_DELAY_MS = 500;
const DEFAULT_MAX_DELAY_MS = 10_000;
const LONGEST_DELAY_MS = 3_600_000;

/**
 * Bounded exponential back-off with jitter: half of each wait is fixed and half is random, so that clients that lost the same
 * server do not all reconnect at once.
 */
export class BackOff {
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;

  constructor(options: BackOffOptions) {
    this.firstDelayMs = numberIn(
      'firstDelayMs',
      options.firstDelayMs ?? DEFAULT_FIRST_DELAY_MS,
      1,
      LONGEST_DELAY_MS,
    );
    this.maxDelayMs = numberIn(
      'maxDelayMs',
      options.maxDelayMs ?? Math.max(DEFAULT_MAX_DELAY_MS, this.firstDelayMs),
      this.firstDelayMs,
      LONGEST_DELAY_MS,
    );
  }

  /**
   * @param failedAttempts number of failures in a row, from 1
   * @param random a random number in [0, 1)
   * @returns the wait before the next attempt, in ms
   */
  delayMs(failedAttempts: number, random: number): number {
    const longest = Math.min(this.maxDelayMs, this.firstDelayMs * 2 ** (failedAttempts - 1));
    return Math.round((longest / 2) * (1 + random));
  }
}
