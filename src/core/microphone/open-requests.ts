import { TokenBucket } from '../token-bucket.ts';
import type { DeviceId } from './device-choice.ts';

/** After this time without an answer, a request does not hold up another one any more. */
const FORGOTTEN_MS = 60_000;
/** Most requests that may wait for an answer: a device that hangs must not hold up another one. */
const MOST_IN_FLIGHT = 2;
/** How many requests may follow each other without a pause, and how many more per second. */
const BURST = 8;
const PER_SECOND = 0.2;

/** A request to open a device that waits for an answer. */
export interface OpenRequest {
  readonly request: number;
  /** Null: the default. */
  readonly deviceId: DeviceId;
  readonly sinceMs: number;
  /** Whether the page was hidden at that time. */
  readonly wasHidden: boolean;
}

/** The requests that wait for an answer. A call of `getUserMedia` cannot be cancelled: its answer comes at any time, or never. */
export class OpenRequests {
  /**
   * Limits the requests, so that a list of devices that changes all the time does not cause a storm of `getUserMedia` calls.
   * Requests that a call asked for count too, but are not held up.
   */
  readonly #budget = new TokenBucket({ depth: BURST, perSecond: PER_SECOND, maxDebt: BURST }, 0);
  readonly #waiting = new Map<number, OpenRequest>();
  #last = 0;

  /** Returns when a request that no call asked for is allowed. */
  allowedMs(nowMs: number): number {
    return this.#budget.dueMs(1, nowMs);
  }

  /** Takes back the count of a request: its device was in use for a while. */
  giveBack(): void {
    this.#budget.giveBack();
  }

  /** Returns whether another request may begin: while a prompt may be open, a second one must not queue behind it. */
  mayOpen(nowMs: number, mayPrompt: boolean): boolean {
    const most = mayPrompt ? 1 : MOST_IN_FLIGHT;
    let count = 0;
    for (const { sinceMs } of this.#waiting.values()) {
      if (mayPrompt || nowMs - sinceMs < FORGOTTEN_MS) count++;
    }
    return count < most;
  }

  /** Returns when one of the requests that hold up the next is forgotten; Infinity: at no time. */
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

  /** Returns since when a request has waited; Infinity: it does not wait. */
  sinceMs(request: number): number {
    return this.#waiting.get(request)?.sinceMs ?? Infinity;
  }

  /** Removes the request that was answered; undefined: it was answered before. */
  answer(request: number): OpenRequest | undefined {
    const opening = this.#waiting.get(request);
    this.#waiting.delete(request);
    return opening;
  }
}
