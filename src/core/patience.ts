/** Runs something in so many ms, unless the function that it returns is called before. */
export type SetTimer = (ms: number, run: () => void) => () => void;

/** How long the audio thread may take to answer on a machine that is busy, ms. It answers in suspended contexts too. */
export const ANSWER_MS = 5000;
/** Time for an answer that was waiting behind the timer while this thread was blocked, ms. */
export const GRACE_MS = 100;

/** One wait for an answer from another thread or from the network, which may never come. */
export class AnswerWait {
  readonly #setTimer: SetTimer;
  #cancel: (() => void) | null = null;

  constructor(setTimer: SetTimer) {
    this.#setTimer = setTimer;
  }

  /**
   * Waits, in place of the wait before.
   * @param ms Infinity: for ever
   * @param late called when no `end()` has come by then
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

  /** Whether an answer is waited for. */
  get isWaiting(): boolean {
    return this.#cancel !== null;
  }

  /** The answer is here, or is not wanted any more. */
  end(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
