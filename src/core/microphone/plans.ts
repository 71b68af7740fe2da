import type { GapCause } from './life-messages.ts';

/** Delays between rounds of attempts to open a device, in ms; the last one repeats. */
const DELAYS_MS = [500, 1000, 2000, 4000, 8000, 15_000, 30_000] as const;

/** Returns the delay after `failures` failed rounds in a row, at least 1. */
function backOffMs(failures: number): number {
  return DELAYS_MS[Math.min(failures, DELAYS_MS.length) - 1]!;
}

/** Least time between refreshes of a device whose format has changed. */
const REFRESH_MS = 10_000;
/** The same after a refresh has failed. */
const LATER_MS = 30_000;
/** If the system opens one device at a time: after this many failed moves, the device in use is released for a last try. */
const LAST_TRY = 5;
/** This many moves to the default that end at the same device prove that it is the engine's default, whatever it lists. */
const PROOF = 4;

/** Plans when a microphone acts by itself. */
export class Plans {
  /** When to look for a device; Infinity: at no time. */
  retryAtMs: number = Infinity;
  /** When to move to a device that suits better than the one in use. */
  moveAtMs: number = Infinity;
  /** When to open the device in use again. */
  refreshAtMs: number = Infinity;
  /** When the system has muted the track for too long. */
  muteDueMs: number = Infinity;
  #refreshCause: GapCause = 'changed';
  #refreshedAtMs = 0;
  /** Failed rounds and failed moves in a row. */
  #failures = 0;
  #moveFailures = 0;
  #mayLetGo = false;

  /** Restarts the delays: the device is gone for the first time, or something has changed. */
  forgive(): void {
    this.#failures = 0;
  }

  retryNow(nowMs: number): void {
    this.#failures = 0;
    this.retryAtMs = nowMs;
  }

  /** Plans a retry, later each time. */
  retryLater(nowMs: number): void {
    this.#failures++;
    this.retryAtMs = nowMs + backOffMs(this.#failures);
  }

  /** Plans a move at once: a better device has appeared. */
  moveNow(nowMs: number): void {
    this.#moveFailures = 0;
    this.#mayLetGo = true;
    this.moveAtMs = nowMs;
  }

  /** Plans a move, later each time. @param opensOne whether the system opens one device at a time */
  moveLater(nowMs: number, opensOne: boolean): void {
    this.#moveFailures++;
    this.#mayLetGo = opensOne && this.#moveFailures === LAST_TRY;
    this.moveAtMs = nowMs + backOffMs(this.#moveFailures);
  }

  moveNever(): void {
    this.#moveFailures = 0;
    this.#mayLetGo = false;
    this.moveAtMs = Infinity;
  }

  /** Begins the move. @returns whether the device in use may be released for it, and whether its result is a proof */
  moving(): { readonly mayLetGo: boolean; readonly isProof: boolean } {
    const mayLetGo = this.#mayLetGo;
    this.#mayLetGo = false;
    this.moveAtMs = Infinity;
    return { mayLetGo, isProof: this.#moveFailures >= PROOF };
  }

  refresh(cause: GapCause, nowMs: number): void {
    this.#refreshCause = cause;
    this.refreshAtMs = Math.max(nowMs, this.#refreshedAtMs + REFRESH_MS);
  }

  /** Plans another refresh: the last one has failed, and its reason remains. */
  refreshLater(nowMs: number): void {
    this.refreshAtMs = nowMs + LATER_MS;
  }

  /** Called when the device in use was opened, or is about to be. @returns the cause of the refresh */
  refreshed(nowMs: number): GapCause {
    this.refreshAtMs = Infinity;
    this.#refreshedAtMs = nowMs;
    return this.#refreshCause;
  }

  /** Cancels all plans. */
  forget(): void {
    this.retryAtMs = Infinity;
    this.moveAtMs = Infinity;
    this.refreshAtMs = Infinity;
    this.muteDueMs = Infinity;
  }
}
