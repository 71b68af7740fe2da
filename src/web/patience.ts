import { deferred } from './deferred.ts';

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

/** The end of a processor that is told to close: it answers with a last word, and its port is closed after that. */
export class LastWord {
  readonly #heard = deferred<void>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Resolves when the port is closed. */
  get heard(): Promise<void> {
    return this.#heard.promise;
  }

  /** Closes the port when the last word has come, or never will. */
  await(port: MessagePort): void {
    this.#timer = setTimeout(() => this.hear(port), CLOSE_MS);
  }

  /** The last word is here, or cannot come: closes the port. */
  hear(port: MessagePort): void {
    clearTimeout(this.#timer);
    port.close();
    this.#heard.resolve();
  }
}
