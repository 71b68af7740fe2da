import type { ReaderAccount } from '../core/capture/chunk-queue.ts';
import { MicwireError } from '../core/errors.ts';
import type { WatchCommand, WatchEvent } from '../core/messages.ts';

/** Interval at which the Worker is asked for its account, in ms. */
const ASK_MS = 400;
/** Number of unanswered questions after which a Worker without a lock counts as gone. */
const MISSED = 3;
/** How long a Worker may take to load its script and to accept what it is sent, in ms. */
const TAKE_MS = 10_000;

/** The account of a Worker that has read no chunks. */
const NOTHING: ReaderAccount = { deliveredFrames: 0, droppedFrames: 0 };

/** Number of watches that the page has created. */
let watchesMade = 0;

/** Error messages of a {@link WorkerWatch}. */
export interface WatchWords {
  /** Message when the Worker was terminated, or has crashed. */
  readonly gone: string;
  /** Message when the Worker has not accepted what it was sent; null if it may do so at any time. */
  readonly notTaken: string | null;
  readonly notLoaded: string;
  readonly cure: string;
}

/**
 * Watches the Worker that reads a capture or writes to a playout. The Worker holds a Web Lock for its whole life, and this side
 * waits for that lock; where there are no locks, a Worker that leaves three questions unanswered counts as gone. Both work even
 * while no audio flows.
 */
export class WorkerWatch {
  /** The Worker's end of the control channel, and the name of the lock. */
  readonly control: MessagePort;
  readonly lock: string;
  readonly #port: MessagePort;
  readonly #worker: Worker | MessagePort;
  readonly #words: WatchWords;
  readonly #lost: (read: ReaderAccount, error: MicwireError) => void;
  readonly #waiting = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #taken = false;
  #locked = false;
  #missed = 0;
  #read = NOTHING;
  #ended = false;

  /** @param lost called once when the Worker is gone, with the last known account of what it has read */
  constructor(
    worker: Worker | MessagePort,
    words: WatchWords,
    lost: (read: ReaderAccount, error: MicwireError) => void,
  ) {
    const { port1, port2 } = new MessageChannel();
    this.control = port2;
    this.lock = `micwire-watch-${++watchesMade}-${Math.random().toString(36).slice(2)}`;
    this.#port = port1;
    this.#worker = worker;
    this.#words = words;
    this.#lost = lost;
    port1.onmessage = ({ data }: MessageEvent<WatchEvent>): void => this.#hear(data);
  }

  /** Starts watching. Called when the Worker has been sent everything it needs. */
  watch(): void {
    this.#worker.addEventListener?.('error', this.#onError);
    const { notTaken } = this.#words;
    if (notTaken !== null) this.#timer = setTimeout(() => this.#lose(notTaken), TAKE_MS);
  }

  /** Ends the watch, when the Worker's capture or playout has ended. @param captured total frames of the capture, if known */
  end(captured: number | null): void {
    if (this.#ended) return;
    this.#stop();
    this.#port.postMessage({ type: 'end', captured } satisfies WatchCommand);
    this.#port.close();
  }

  #hear(event: WatchEvent): void {
    if (this.#ended) return;
    this.#missed = 0;
    if (event.type === 'read') this.#read = event.account;
    else if (event.type === 'released') this.end(null);
    else if (!this.#taken) {
      this.#taken = true;
      clearTimeout(this.#timer);
      this.#timer = setInterval(() => this.#ask(), ASK_MS);
      if (event.locked) this.#awaitLock();
    }
  }

  #awaitLock(): void {
    const { locks } = globalThis.navigator ?? {};
    if (locks === undefined) return;
    this.#locked = true;
    const { signal } = this.#waiting;
    locks
      .request(this.lock, { signal }, () => this.#lose(this.#words.gone))
      .catch(() => (this.#locked = false));
  }

  #ask(): void {
    if (!this.#locked && this.#missed >= MISSED) return this.#lose(this.#words.gone);
    this.#missed++;
    this.#port.postMessage({ type: 'ask' } satisfies WatchCommand);
  }

  /** An event without a message: the script could not be loaded. */
  readonly #onError = (event: Event): void => {
    if (!this.#taken && !('message' in event)) this.#lose(this.#words.notLoaded);
  };

  #lose(reason: string): void {
    if (this.#ended) return;
    const error = new MicwireError('worker-gone', `${reason} ${this.#words.cure}`);
    // The Worker may merely be late: it must then ignore what it was sent.
    this.end(null);
    this.#lost(this.#read, error);
  }

  #stop(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    clearInterval(this.#timer);
    this.#waiting.abort();
    this.#worker.removeEventListener?.('error', this.#onError);
    this.#port.onmessage = null;
  }
}

/** Messages for a Worker that reads a capture. */
export const READER_WORDS: WatchWords = {
  gone: 'The Worker that reads the capture is gone: it was terminated, or it has crashed.',
  notTaken:
    'The Worker has not taken the capture: it does not call receiveCapture(event), or is gone.',
  notLoaded: 'The script of the Worker that is to read the capture could not be loaded.',
  cure: 'What it left unread is counted as dropped. Read the capture on the page, or call pipeToWorker() with another Worker.',
};

/** Messages for a Worker that writes to a playout. */
export const WRITER_WORDS: WatchWords = {
  gone: 'The Worker that writes to the playout is gone: it was terminated, or it has crashed.',
  // In the meantime no data of the page is lost.
  notTaken: null,
  notLoaded: 'The script of the Worker that is to write to the playout could not be loaded.',
  cure: 'What it has written is played. Close this playout and make another one.',
};
