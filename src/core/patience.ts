/** Runs a function after so many ms, unless the function that it returns is called first. */
export type SetTimer = (ms: number, run: () => void) => () => void;

/** How long the audio thread may take to answer on a busy machine, ms. It answers in suspended contexts too. */
export const ANSWER_MS = 5000;
/** Time for an answer that queued behind the timer while this thread was blocked, ms. */
export const GRACE_MS = 100;

/** A wait for an answer from another thread or from the network, which may never come. */
export class AnswerWait {
  readonly #setTimer: SetTimer;
  #cancel: (() => void) | null = null;

  constructor(setTimer: SetTimer) {
    this.#setTimer = setTimer;
  }

  /**
   * Starts a wait, in place of the previous one.
   * @param ms Infinity: forever
   * @param late called if `end()` has not been called by then
   */
  wait(ms: number, late: () => void): void {
    this.end();
    if (ms === Infinity) return;
    this.#cancel = this.#setTimer(ms, () => {
      this.#cancel = this.#setTimer(GRACE_MS, () => {
        this.#cancel = null;
        late();
      });
    });
  }

  /** Whether a wait is in progress. */
  get isWaiting(): boolean {
    return this.#cancel !== null;
  }

  /** Ends the wait: the answer is here, or is not wanted any more. */
  end(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
