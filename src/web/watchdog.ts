/** A context that renders answers within a quantum. */
const PATIENCE_MS = 1000;
/** Time for an answer that was waiting behind the timer while this thread was blocked. */
const GRACE_MS = 100;

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
    }, PATIENCE_MS);
  }
}
