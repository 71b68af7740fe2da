import type { ReaderAccount } from '../core/capture/chunk-queue.ts';
import { MicwireError } from '../core/errors.ts';
import type { MessagePortLike, ReaderCommand, ReaderEvent } from '../core/messages.ts';

/** How often the Worker is asked for its account, ms. */
const ASK_MS = 400;
/** Questions without an answer after which a Worker that holds no lock is taken for gone. */
const MISSED = 3;
/** How long a Worker may take to load its script and take the capture, ms. */
const TAKE_MS = 10_000;

/** Nothing was read. */
const NOTHING: ReaderAccount = { deliveredFrames: 0, droppedFrames: 0 };

/** Numbers the readers of a page. */
let readersMade = 0;

/**
 * Watches the Worker that reads a capture. The Worker holds a Web Lock as long as it lives, and this side waits for it; where
 * there are no locks, a Worker that leaves three questions unanswered is gone. Either works while no chunk flows.
 */
export class RemoteReader {
  /** For the Worker: its end of the control channel, and the lock's name. */
  readonly control: MessagePort;
  readonly lock: string;
  readonly #port: MessagePort;
  readonly #worker: Worker | MessagePort;
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
    lost: (read: ReaderAccount, error: MicwireError) => void,
  ) {
    const { port1, port2 } = new MessageChannel();
    this.control = port2;
    this.lock = `micwire-reader-${++readersMade}-${Math.random().toString(36).slice(2)}`;
    this.#port = port1;
    this.#worker = worker;
    this.#lost = lost;
    port1.onmessage = ({ data }: MessageEvent<ReaderEvent>): void => this.#hear(data);
  }

  /** For when the Worker has been sent the capture. */
  watch(): void {
    this.#worker.addEventListener?.('error', this.#onError);
    this.#timer = setTimeout(() => this.#lose(NOT_TAKEN), TAKE_MS);
  }

  /** The capture has ended. @param captured frames in all, if they are known */
  end(captured: number | null): void {
    if (this.#ended) return;
    this.#stop();
    this.#port.postMessage({ type: 'end', captured } satisfies ReaderCommand);
    this.#port.close();
  }

  #hear(event: ReaderEvent): void {
    if (this.#ended) return;
    this.#missed = 0;
    if (event.type === 'read') this.#read = event.account;
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
      .request(this.lock, { signal }, () => this.#lose(GONE))
      .catch(() => (this.#locked = false));
  }

  #ask(): void {
    if (!this.#locked && this.#missed >= MISSED) return this.#lose(GONE);
    this.#missed++;
    this.#port.postMessage({ type: 'ask' } satisfies ReaderCommand);
  }

  /** An event without a message: the script could not be loaded. */
  readonly #onError = (event: Event): void => {
    if (!this.#taken && !('message' in event)) this.#lose(NOT_LOADED);
  };

  #lose(reason: string): void {
    if (this.#ended) return;
    const error = new MicwireError('worker-gone', `${reason} ${CURE}`);
    // It may be late only: then it is to leave the capture alone.
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

const GONE = 'The Worker that reads the capture is gone: it was terminated, or it has crashed.';
const NOT_TAKEN =
  'The Worker has not taken the capture: it does not call receiveCapture(event), or is gone.';
const NOT_LOADED = 'The script of the Worker that is to read the capture could not be loaded.';
const CURE =
  'What it left unread is counted as dropped. Read the capture on the page, or call pipeToWorker() with another Worker.';

/** The fields of a handover by which a Worker shows that it lives. */
export function readerFields(reader: RemoteReader): {
  readonly control: MessagePortLike;
  readonly lock: string;
} {
  return { control: reader.control as MessagePortLike, lock: reader.lock };
}
