import type { OpusModule } from '../../core/codec/opus-library.ts';
import { MicwireError, errorCode, errorText } from '../../core/errors.ts';
import { isSampleFormat } from '../../core/format/formats.ts';
import type { PayloadFormat } from '../../core/format/formats.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';
import type { SessionCommand } from '../../core/session/session-engine.ts';
import type { SessionStats } from '../../core/session/session-messages.ts';
import type {
  ServedStreams,
  SessionHandover,
  SessionPortCommand,
  SessionPortNews,
} from '../../core/session/worker-messages.ts';
import type { MessagePortLike } from '../../core/messages.ts';
import type { Capture } from '../capture.ts';
import { deferred, Patience } from '../patience.ts';
import type { BackendListener, SessionBackend } from './session-backend.ts';
import type { WorkerSessionOptions } from './session-options.ts';

/** How long a Worker may take to load its script and to serve the session, in ms. */
const SERVE_MS = 10_000;
/** How long the last message of a Worker may take after it has released its lock, in ms: the two arrive in either order. */
const LAST_WORD_MS = 1000;

const NO_STATS: SessionStats = {
  capturedFrames: 0,
  acknowledgedFrames: 0,
  inFlightFrames: 0,
  waitingFrames: 0,
  droppedFrames: 0,
  replayedFrames: 0,
  outboxBytes: 0,
  connections: 0,
};

/** A connection in a Worker: chunks travel there from the audio thread, and replies back to the audio thread. */
export class WorkerBackend implements SessionBackend {
  readonly input: StreamFormat;
  readonly output: StreamFormat | null;
  readonly chunkDurationMs: number;
  readonly encoding: ServedStreams['encoding'];
  readonly ready: Promise<void>;
  readonly #port: MessagePort;
  readonly #listener: BackendListener;
  readonly #opusUrl: string | URL | undefined;
  readonly #ready = deferred<void>();
  /** Ends the wait for the Worker's lock. */
  readonly #watch = new AbortController();
  readonly #lastWord = new Patience();
  #stats = NO_STATS;
  /** True once the connection has ended and replies can no longer be heard. */
  #closed = false;
  #finished = false;

  /** @throws MicwireError `'worker-gone'` when the Worker does not serve the session */
  static async open(
    { worker, halfDuplex = false, opusUrl }: WorkerSessionOptions,
    session: string,
    listener: BackendListener,
  ): Promise<WorkerBackend> {
    const { port1, port2 } = new MessageChannel();
    const lock = `micwire-session-${session}`;
    const serving = deferred<{ readonly streams: ServedStreams; readonly locked: boolean }>();
    const early: SessionPortNews[] = [];
    port1.onmessage = ({ data }: MessageEvent<SessionPortNews>): void => {
      if (data.type === 'serving') serving.resolve(data);
      else early.push(data);
    };
    const giveUp = (): void => serving.reject(new MicwireError('worker-gone', NOT_SERVED));
    // An event without a message: the script could not be loaded.
    const onError = (event: Event): void => {
      if (!('message' in event)) giveUp();
    };
    worker.addEventListener('error', onError);
    const patience = new Patience();
    patience.wait(SERVE_MS, giveUp);
    const port = port2 as MessagePortLike;
    const handover: SessionHandover = { type: 'micwire-session', session, halfDuplex, port, lock };
    try {
      worker.postMessage(handover, [port2]);
      const { streams, locked } = await serving.promise;
      const backend = new WorkerBackend(port1, streams, listener, opusUrl);
      for (const news of early) backend.#hear(news);
      if (locked) backend.#awaitLock(lock);
      return backend;
    } catch (error) {
      port1.close();
      throw error;
    } finally {
      patience.end();
      worker.removeEventListener('error', onError);
    }
  }

  private constructor(
    port: MessagePort,
    streams: ServedStreams,
    listener: BackendListener,
    opusUrl: string | URL | undefined,
  ) {
    const { input, output, chunkDurationMs, encoding } = streams;
    this.input = input;
    this.output = output;
    this.chunkDurationMs = chunkDurationMs;
    this.encoding = encoding;
    this.#listener = listener;
    this.#opusUrl = opusUrl;
    this.#port = port;
    this.ready = this.#ready.promise;
    if (output === null) this.#ready.resolve();
    port.onmessage = ({ data }: MessageEvent<SessionPortNews>): void => this.#hear(data);
  }

  get stats(): SessionStats {
    return this.#stats;
  }

  do(command: SessionCommand): void {
    try {
      this.#post(command);
    } catch (cause) {
      throw new TypeError('value cannot be sent to a Worker (structured clone).', { cause });
    }
    // The Worker is gone and cannot answer.
    if (!this.#closed) return;
    if (command.type === 'finish' || command.type === 'hush') this.#finish();
  }

  async hear(capture: Capture<PayloadFormat>): Promise<void> {
    try {
      await capture.pipeToWorker(this.#port);
    } catch (error) {
      // A capture that ends in the meantime has no more chunks.
      if (!(error instanceof MicwireError) || error.code === 'closed') return;
      const { code, message, cause } = error;
      this.#listener.news({ type: 'error', code, message, cause });
    }
  }

  /** Ends a connection that is no longer needed. */
  abandon(): void {
    this.do({ type: 'hush' });
    this.do({ type: 'close', drainMs: 0 });
  }

  #hear(news: SessionPortNews): void {
    switch (news.type) {
      case 'serving':
        break;
      case 'stats':
        this.#stats = news.stats;
        break;
      case 'open':
        void this.#open(news.stream);
        break;
      case 'opened':
        this.#ready.resolve();
        break;
      case 'not-opened':
        this.#ready.reject(new MicwireError(news.code, news.message));
        break;
      case 'finished':
        this.#finish();
        break;
      case 'closed':
        this.#closed = true;
        this.#watch.abort();
        this.#lastWord.end();
        this.#listener.news(news);
        break;
      default:
        this.#listener.news(news);
    }
  }

  async #open(stream: StreamFormat): Promise<void> {
    try {
      const isPacked = !isSampleFormat(stream.format);
      // The Worker decodes it, so that packets do not pass through this thread either.
      if (isPacked) this.#post({ type: 'opus', module: await this.#loadOpus() });
      const playout = await this.#listener.openPlayout(
        isPacked ? { ...stream, format: 'f32' } : stream,
      );
      playout.pipeFromWorker(this.#port);
    } catch (error) {
      this.#ready.reject(error);
      this.#post({ type: 'not-opened', code: errorCode(error), message: errorText(error) });
    }
  }

  async #loadOpus(): Promise<OpusModule> {
    const options = { url: this.#opusUrl };
    // Loaded on demand: few services reply in Opus.
    const { loadOpusModule, passableOpusModule } = await import('../opus-module.ts');
    return passableOpusModule(await loadOpusModule(options), options);
  }

  /** Waits for the lock, which becomes free when the Worker is gone. */
  #awaitLock(lock: string): void {
    const { signal } = this.#watch;
    navigator.locks.request(lock, { signal }, () => this.lose()).catch(() => {});
  }

  /** Handles the end of the Worker: messages that it sent earlier may still arrive, but no new ones. */
  lose(): void {
    if (!this.#closed) this.#lastWord.wait(LAST_WORD_MS, () => this.#loseNow());
  }

  #loseNow(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.news({
      type: 'error',
      code: 'worker-gone',
      message: GONE,
      cause: undefined,
    });
    this.#listener.news({ type: 'state', state: 'closed' });
    this.#listener.news({ type: 'closed' });
    this.#finish();
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    // There will be no further reply that would need a playout.
    this.#ready.resolve();
    this.#listener.news({ type: 'finished' });
    if (this.#closed) this.#port.close();
  }

  #post(command: SessionPortCommand): void {
    this.#port.postMessage(command);
  }
}

const NOT_SERVED =
  'The Worker does not serve the session. Call serveSession(event, { service, url, token }) of micwire/worker in its onmessage.';
const GONE =
  'The Worker with the session is gone, and what waited there is lost. Start another Worker, and open another session.';
