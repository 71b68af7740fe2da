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

/** How long a processor may take for its last word, ms. */
const CLOSE_MS = 1000;

/** Closes a port whose processor was told to close: when it has said so, or never will. @returns for when it has */
export function closeAfterLastWord(port: MessagePort): () => void {
  const timer = setTimeout(() => port.close(), CLOSE_MS);
  return () => {
    clearTimeout(timer);
    port.close();
  };
}
