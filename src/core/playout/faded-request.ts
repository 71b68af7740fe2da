import { deferred } from '../deferred.ts';
import type { Deferred } from '../deferred.ts';
import { MicwireError } from '../errors.ts';
import { ANSWER_MS, AnswerWait } from '../patience.ts';
import type { SetTimer } from '../patience.ts';

/** How long after its fade a request may be answered, in ms, before the context is assumed not to render. */
const FADED_MS = 1000;

/**
 * A request to the audio thread, which answers after a fade. If the context does not render, the fade is left out; if the audio
 * thread does not answer, the request is rejected.
 */
export class FadedRequest<T> {
  readonly #wait: AnswerWait;
  readonly #cut: () => void;
  /** The last request, pending or answered; null if there was none, or it is forgotten. */
  #last: Deferred<T> | null = null;
  #isPending = false;

  /** @param cut requests the end of the fade */
  constructor(setTimer: SetTimer, cut: () => void) {
    this.#wait = new AnswerWait(setTimer);
    this.#cut = cut;
  }

  /** The pending request, which another call joins. */
  get pending(): Promise<T> | null {
    return this.#isPending ? this.#last!.promise : null;
  }

  /** The last request; null if there is none, or it is forgotten. */
  get last(): Promise<T> | null {
    return this.#last && this.#last.promise;
  }

  /**
   * Notes that the audio thread has been asked.
   * @param fadeMs length of the fade in a context that renders
   */
  begin(fadeMs: number): Promise<T> {
    this.#last = deferred();
    this.#isPending = true;
    this.#wait.wait(fadeMs + FADED_MS, () => this.hasten());
    return this.#last.promise;
  }

  /** Ends the fade: the context does not render, so nobody hears the cut. */
  hasten(): void {
    if (!this.#isPending) return;
    this.#cut();
    this.#wait.wait(ANSWER_MS, () => {
      this.#isPending = false;
      this.#last?.reject(stalled());
      this.#last = null;
    });
  }

  /** Takes the answer. It counts even if the request was rejected: `last` then resolves. */
  answer(value: T): void {
    this.#wait.end();
    this.#isPending = false;
    this.#last ??= deferred();
    this.#last.resolve(value);
  }

  forget(): void {
    this.#last = null;
  }

  /** Rejects the pending request. */
  close(error: unknown): void {
    this.#wait.end();
    if (this.#isPending) this.#last!.reject(error);
  }
}

export function stalled(): MicwireError {
  return new MicwireError(
    'stalled',
    'The audio thread does not answer. The audio device may be gone: close the context and create a new one.',
  );
}
