/** How long the audio thread may take to answer on a machine that is busy, ms. It answers in suspended contexts too. */
export const ANSWER_MS = 5000;
/** Time for an answer that was waiting behind the timer while this thread was blocked, ms. */
const GRACE_MS = 100;

/** One wait for an answer of another thread, which may not come. */
export class Patience {
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Waits, in place of the wait before.
   * @param ms Infinity: for ever
   * @param late called when no `end()` has come by then
   */
  wait(ms: number, late: () => void): void {
    this.end();
    if (ms === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(late, GRACE_MS);
    }, ms);
  }

  /** The answer is here, or is not wanted any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
