import { TokenBucket } from '../token-bucket.ts';
import type { DeviceId } from './device-choice.ts';

/** An opening that has no answer by then does not hold up another one any more. */
const FORGOTTEN_MS = 60_000;
/** Openings that may wait for an answer: a device that hangs must not hold up another one. */
const MOST_IN_FLIGHT = 2;
/** Openings that may follow each other without a pause, and how many more there may be a second. */
const BURST = 8;
const PER_SECOND = 0.2;

/** An opening that waits for an answer. */
export interface OpenRequest {
  readonly request: number;
  /** Null: the default. */
  readonly deviceId: DeviceId;
  readonly sinceMs: number;
  /** Whether the page was hidden then. */
  readonly wasHidden: boolean;
}

/** The openings that wait for an answer. A call of `getUserMedia` cannot be taken back: each is answered some day, or never. */
export class OpenRequests {
  /**
   * A list of devices that changes all the time must not become a storm of `getUserMedia`. Openings that a call asked for are counted
   * too, but not held up.
   */
  readonly #budget = new TokenBucket({ depth: BURST, perSecond: PER_SECOND, maxDebt: BURST }, 0);
  readonly #waiting = new Map<number, OpenRequest>();
  #last = 0;

  /** When an opening that no call asked for is allowed. */
  allowedMs(nowMs: number): number {
    return this.#budget.dueMs(1, nowMs);
  }

  /** An opening has led to a device that was in use for a while: it does not count any more. */
  giveBack(): void {
    this.#budget.giveBack();
  }

  /** Whether another one may be begun: while a prompt may be open, there is to be no second one behind it. */
  mayOpen(nowMs: number, mayPrompt: boolean): boolean {
    const most = mayPrompt ? 1 : MOST_IN_FLIGHT;
    let count = 0;
    for (const { sinceMs } of this.#waiting.values()) {
      if (mayPrompt || nowMs - sinceMs < FORGOTTEN_MS) count++;
    }
    return count < most;
  }

  /** When one of those that hold up the next is forgotten; Infinity: not by time. */
  forgottenMs(nowMs: number): number {
    let due = Infinity;
    for (const { sinceMs } of this.#waiting.values()) {
      if (sinceMs + FORGOTTEN_MS > nowMs) due = Math.min(due, sinceMs + FORGOTTEN_MS);
    }
    return due;
  }

  begin(deviceId: DeviceId, nowMs: number, wasHidden: boolean): OpenRequest {
    this.#budget.take(1, nowMs);
    const opening = { request: ++this.#last, deviceId, sinceMs: nowMs, wasHidden };
    this.#waiting.set(opening.request, opening);
    return opening;
  }

  /** Since when an opening waits; Infinity: it does not. */
  sinceMs(request: number): number {
    return this.#waiting.get(request)?.sinceMs ?? Infinity;
  }

  /** Takes out the one that was answered; undefined: it was answered before. */
  answer(request: number): OpenRequest | undefined {
    const opening = this.#waiting.get(request);
    this.#waiting.delete(request);
    return opening;
  }
}
