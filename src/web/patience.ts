import { deferred } from '../core/deferred.ts';
import { ANSWER_MS, AnswerWait, GRACE_MS } from '../core/patience.ts';

export { deferred } from '../core/deferred.ts';
export type { Deferred } from '../core/deferred.ts';
export { ANSWER_MS } from '../core/patience.ts';

/** Starts a timer of the page. */
export function setTimer(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** Resolves after the given time, in ms. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** How long a processor may take for its final report, in ms; a short grace period follows. */
const LAST_WORD_MS = 900;

/** A wait for an answer from another thread or from the network, which may never come. */
export class Patience extends AnswerWait {
  constructor() {
    super(setTimer);
  }

  /**
   * Waits for a processor's final report: for {@link LAST_WORD_MS}, repeated while its context renders, up to {@link ANSWER_MS}. So
   * a busy thread gets time; a thread that is suspended, closed or gone does not.
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

/** Ends a processor that was asked to close: it answers with a final report, and its port is closed afterwards. */
export class LastWord {
  readonly #heard = deferred<void>();
  readonly #patience = new Patience();

  /** Resolves when the port is closed. */
  get heard(): Promise<void> {
    return this.#heard.promise;
  }

  /** Closes the port when the final report has arrived, or can no longer arrive. */
  await({ port, context }: AudioWorkletNode): void {
    this.#patience.waitForLastWord(context, () => this.hear(port));
  }

  /** Closes the port. Called when the final report has arrived, or cannot arrive. */
  hear(port: MessagePort): void {
    this.#patience.end();
    port.close();
    this.#heard.resolve();
  }
}

/** Interval at which the audio thread is asked, in ms. A context that renders answers within a quantum. */
const ASK_EVERY_MS = 1000;

/** Callbacks of a {@link Watchdog}. */
export interface WatchdogOptions {
  /** Asks the audio thread for a sign of life: `answered` must be called after its next quantum. */
  readonly ask: () => void;
  /** Called once per stall. */
  readonly stalled: () => void;
}

/** Detects that a running context no longer renders. Asks once a second. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** True while a question waits for its answer. */
  #waiting = false;
  #reported = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  /** Starts watching; called when the context begins to run. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#waiting = false;
    this.#reported = false;
    this.#look();
  }

  /** Stops watching; called when the context is suspended, and at the end. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Records that a quantum was rendered. */
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
