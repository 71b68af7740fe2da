import { deferred } from '../core/deferred.ts';
import { ANSWER_MS, AnswerWait, GRACE_MS } from '../core/patience.ts';

export { deferred } from '../core/deferred.ts';
export type { Deferred } from '../core/deferred.ts';
export { ANSWER_MS } from '../core/patience.ts';

/** The page's timer. */
export function setTimer(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** Resolves after that many ms. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** How long a processor may take for its last word, ms; a moment of grace follows. */
const LAST_WORD_MS = 900;

/** One wait for an answer of another thread, which may not come. */
export class Patience extends AnswerWait {
  constructor() {
    super(setTimer);
  }

  /**
   * Waits for the last word of a processor: {@link LAST_WORD_MS}, and as long again while its context renders, up to
   * {@link ANSWER_MS}. A busy thread is waited for; one that is suspended, closed or gone is not.
   */
  waitForLastWord(context: BaseAudioContext, late: () => void, waitedMs = 0): void {
    const { currentTime } = context;
    this.wait(LAST_WORD_MS, () => {
      const afterMs = waitedMs + LAST_WORD_MS;
      const renders = context.state !== 'closed' && context.currentTime !== currentTime;
      if (renders && afterMs < ANSWER_MS) this.waitForLastWord(context, late, afterMs);
      else late();
    });
  }
}

/** The end of a processor that is told to close: it answers with a last word, and its port is closed after that. */
export class LastWord {
  readonly #heard = deferred<void>();
  readonly #patience = new Patience();

  /** Resolves when the port is closed. */
  get heard(): Promise<void> {
    return this.#heard.promise;
  }

  /** Closes the port when the last word has come, or never will. */
  await({ port, context }: AudioWorkletNode): void {
    this.#patience.waitForLastWord(context, () => this.hear(port));
  }

  /** The last word is here, or cannot come: closes the port. */
  hear(port: MessagePort): void {
    this.#patience.end();
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
