/** Delays between rounds of opening a device by itself, in ms; the last one repeats. */
const DELAYS_MS = [500, 1000, 2000, 4000, 8000, 15_000, 30_000] as const;

/** The delay after so many failed rounds in a row, from 1 on. */
export function backOffMs(failures: number): number {
  return DELAYS_MS[Math.min(failures, DELAYS_MS.length) - 1]!;
}

/** Openings that may follow each other without a pause. */
const BURST = 8;
/** One more each so often. */
const REFILL_MS = 5000;

/**
 * Bounds how often devices are opened, whatever happens: a list of devices that changes all the time must not become a storm
 * of `getUserMedia`. Openings that a call asked for are counted too, but not held up.
 */
export class OpenBudget {
  #left: number = BURST;
  #atMs = 0;

  /** When the next opening is allowed: now or later. */
  nextMs(nowMs: number): number {
    this.#refill(nowMs);
    return this.#left >= 1 ? nowMs : nowMs + (1 - this.#left) * REFILL_MS;
  }

  take(nowMs: number): void {
    this.#refill(nowMs);
    // Calls can overdraw it, by no more than one burst.
    this.#left = Math.max(-BURST, this.#left - 1);
  }

  giveBack(): void {
    this.#left = Math.min(BURST, this.#left + 1);
  }

  #refill(nowMs: number): void {
    this.#left = Math.min(BURST, this.#left + Math.max(0, nowMs - this.#atMs) / REFILL_MS);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}
