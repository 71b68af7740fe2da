/** A promise with its ends in hand, as of ES2024's `Promise.withResolvers`, which Node 20 lacks. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** A promise that nobody has settled yet. Its rejection does not count as unhandled; callers that await it still get it. */
export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** Resolves after that many ms. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

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

/** A context that renders answers within a quantum. */
const ASK_EVERY_MS = 1000;

/** What a {@link Watchdog} does. */
export interface WatchdogOptions {
  /** Asks the audio thread for a sign of life: `answered` is to follow from its next quantum. */
  readonly ask: () => void;
  /** Called once per stall. */
  readonly stalled: () => void;
}

/** Finds out that a running context renders nothing. Asks once a second. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Asked, and no answer yet. */
  #waiting = false;
  #reported = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  /** Watches from now on: for when the context begins to run. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#waiting = false;
    this.#reported = false;
    this.#look();
  }

  /** For when the context is suspended, and at the end. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** A quantum was rendered. */
  answered(): void {
    this.#waiting = false;
    this.#reported = false;
  }

  #look(): void {
    if (!this.#waiting) {
      this.#waiting = true;
      this.#options.ask();
    } else if (!this.#reported) {
      this.#reported = true;
      this.#options.stalled();
    }
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(() => this.#look(), GRACE_MS);
    }, ASK_EVERY_MS);
  }
}
