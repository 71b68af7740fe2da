import type { GapCause } from './life-messages.ts';

/** Delays between rounds of opening a device by itself, in ms; the last one repeats. */
const DELAYS_MS = [500, 1000, 2000, 4000, 8000, 15_000, 30_000] as const;

/** The delay after so many failed rounds in a row, from 1 on. */
function backOffMs(failures: number): number {
  return DELAYS_MS[Math.min(failures, DELAYS_MS.length) - 1]!;
}

/** Refreshes of a device whose format has changed are no more frequent. */
const REFRESH_MS = 10_000;
/** The same after a refresh has failed. */
const LATER_MS = 30_000;
/** Where the system opens one device at a time, so many moves fail before the one in use is let go for a last try. */
const LAST_TRY = 5;
/** So many moves to the default that end at the same device prove that it is the engine's default, whatever it lists. */
const PROOF = 4;

/** When a microphone does something by itself. */
export class Plans {
  /** When a device is looked for; Infinity: not by time. */
  retryAtMs: number = Infinity;
  /** When a device that suits better takes the place of the one in use. */
  moveAtMs: number = Infinity;
  /** When the device in use is opened again. */
  refreshAtMs: number = Infinity;
  /** When the system has muted the track for too long. */
  muteDueMs: number = Infinity;
  #refreshCause: GapCause = 'changed';
  #refreshedAtMs = 0;
  /** Failed rounds and failed moves in a row. */
  #failures = 0;
  #moveFailures = 0;
  #mayLetGo = false;

  /** The device is gone for the first time, or something has changed: the delays begin again. */
  forgive(): void {
    this.#failures = 0;
  }

  retryNow(nowMs: number): void {
    this.#failures = 0;
    this.retryAtMs = nowMs;
  }

  /** Later each time. */
  retryLater(nowMs: number): void {
    this.#failures++;
    this.retryAtMs = nowMs + backOffMs(this.#failures);
  }

  /** A better device has appeared. */
  moveNow(nowMs: number): void {
    this.#moveFailures = 0;
    this.#mayLetGo = true;
    this.moveAtMs = nowMs;
  }

  /** Later each time. @param opensOne whether the system opens one device at a time */
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

  /** The move begins. @returns whether the device in use may be let go for it, and whether its end proves anything */
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

  /** Opening the device in use again has failed, and there is still a reason to. */
  refreshLater(nowMs: number): void {
    this.refreshAtMs = nowMs + LATER_MS;
  }

  /** The device in use was opened, or is about to be. @returns why it was to be */
  refreshed(nowMs: number): GapCause {
    this.refreshAtMs = Infinity;
    this.#refreshedAtMs = nowMs;
    return this.#refreshCause;
  }

  /** Nothing is planned any more. */
  forget(): void {
    this.retryAtMs = Infinity;
    this.moveAtMs = Infinity;
    this.refreshAtMs = Infinity;
    this.muteDueMs = Infinity;
  }
}
