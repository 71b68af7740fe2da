import type { ReaderAccount } from '../core/capture/chunk-queue.ts';
import { MicwireError } from '../core/errors.ts';
import type { WatchCommand, WatchEvent } from '../core/messages.ts';

/** How often the Worker is asked for its account, ms. */
const ASK_MS = 400;
/** Questions without an answer after which a Worker that holds no lock is taken for gone. */
const MISSED = 3;
/** How long a Worker may take to load its script and take what it is sent, ms. */
const TAKE_MS = 10_000;

/** Nothing was read. */
const NOTHING: ReaderAccount = { deliveredFrames: 0, droppedFrames: 0 };

/** Numbers the watches of a page. */
let watchesMade = 0;

/** What an error of a {@link WorkerWatch} says. */
export interface WatchWords {
  /** It was terminated, or has crashed. */
  readonly gone: string;
  /** It has not taken what it was sent; null where it may do so at any time. */
  readonly notTaken: string | null;
  readonly notLoaded: string;
  readonly cure: string;
}

/**
 * Watches the Worker that reads a capture or writes to a playout. The Worker holds a Web Lock as long as it lives, and this
 * side waits for it; where there are no locks, a Worker that leaves three questions unanswered is gone. Either works while no
 * audio flows.
 */
export class WorkerWatch {
  /** For the Worker: its end of the control channel, and the lock's name. */
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

  /** @param lost called once when the Worker is gone, with what it has read as far as is known */
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

  /** For when the Worker has been sent what it is to have. */
  watch(): void {
    this.#worker.addEventListener?.('error', this.#onError);
    const { notTaken } = this.#words;
    if (notTaken !== null) this.#timer = setTimeout(() => this.#lose(notTaken), TAKE_MS);
  }

  /** What the Worker has is over. @param captured frames of a capture in all, if they are known */
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
    // It may be late only: then it is to leave what it was sent alone.
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

/** Of a Worker that reads a capture. */
export const READER_WORDS: WatchWords = {
  gone: 'The Worker that reads the capture is gone: it was terminated, or it has crashed.',
  notTaken:
    'The Worker has not taken the capture: it does not call receiveCapture(event), or is gone.',
  notLoaded: 'The script of the Worker that is to read the capture could not be loaded.',
  cure: 'What it left unread is counted as dropped. Read the capture on the page, or call pipeToWorker() with another Worker.',
};

/** Of a Worker that writes to a playout. */
export const WRITER_WORDS: WatchWords = {
  gone: 'The Worker that writes to the playout is gone: it was terminated, or it has crashed.',
  // Meanwhile nothing that the page has is lost.
  notTaken: null,
  notLoaded: 'The script of the Worker that is to write to the playout could not be loaded.',
  cure: 'What it has written is played. Close this playout and make another one.',
};
