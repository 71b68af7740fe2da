import type { OpusModule } from '../core/codec/opus-library.ts';
import { deferred } from '../core/deferred.ts';
import type { Deferred } from '../core/deferred.ts';
import { MicwireError, errorCode, errorText } from '../core/errors.ts';
import { isSampleFormat } from '../core/format/formats.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import type { MessagePortLike, PlayoutHandover } from '../core/messages.ts';
import { checkObject, checkOptions } from '../core/option-names.ts';
import { createOpusReader } from '../core/playout/opus-reader.ts';
import type { PacketReader } from '../core/playout/packet-reader.ts';
import type { PlayoutMark, PlayoutPosition } from '../core/playout/playout-position.ts';
import { checkConnection, CONNECTION_NAMES } from '../core/session/connection-options.ts';
import type { SessionConnectionOptions } from '../core/session/connection-options.ts';
import type { ReplySink } from '../core/session/replies.ts';
import { SessionEngine } from '../core/session/session-engine.ts';
import type { SessionNews } from '../core/session/session-engine.ts';
import type { SessionScope } from '../core/session/session-scope.ts';
import type {
  SessionHandover,
  SessionPortCommand,
  SessionPortNews,
} from '../core/session/worker-messages.ts';
import { socketUrl } from '../core/socket.ts';
import type { CreateSocket } from '../core/socket.ts';
import { PlayoutPort } from './playout-port.ts';
import { receiveCapture } from './receive-capture.ts';
import type { ReceivedCapture } from './receive-capture.ts';

/** Interval at which the page gets the statistics, in ms. */
const STATS_MS = 100;

/**
 * Serves a page's session that was opened with `Session.open({ worker, … })`. The connection is in this Worker, and audio travels
 * between the audio thread and this Worker without passing through the page.
 *
 * @example
 * onmessage = (event) => {
 *   serveSession(event, { service: openaiRealtime(), url, token });
 * };
 *
 * @param event any `message` event of the Worker
 * @returns true if the message opened a session; false for an unrelated message
 * @throws TypeError or RangeError for an invalid option
 */
export function serveSession(
  event: { readonly data: unknown },
  options: SessionConnectionOptions,
): boolean {
  checkObject('serveSession: event must be a MessageEvent', event, 'data');
  checkOptions('serveSession', options, CONNECTION_NAMES);
  checkConnection('serveSession', options);
  const { data } = event;
  if (typeof data !== 'object' || data === null) return false;
  const handover = data as Partial<SessionHandover>;
  if (handover.type !== 'micwire-session') return false;
  new ServedSession(handover as SessionHandover, options).start();
  return true;
}

/** A page's session whose connection is in this Worker. */
class ServedSession {
  readonly #handover: SessionHandover;
  readonly #connection: SessionConnectionOptions;
  readonly #port: MessagePortLike;
  readonly #engine: SessionEngine;
  /** The pending request for a playout of the page. */
  #opening: (Deferred<ReplySink> & { readonly stream: StreamFormat }) | null = null;
  /** libopus, for replies in Opus. */
  #opus: OpusModule | null = null;
  /** Resolves when all captured audio has arrived here. */
  #captured: Promise<void> = Promise.resolve();
  /** When the page last got the statistics. */
  #toldAt = -Infinity;
  /** True once the connection has ended permanently. */
  #closed = false;
  /** True once replies can no longer be heard. */
  #finished = false;
  /** Releases the lock. */
  #release = (): void => {};

  constructor(handover: SessionHandover, connection: SessionConnectionOptions) {
    this.#handover = handover;
    this.#connection = connection;
    this.#port = handover.port;
    this.#engine = new SessionEngine({
      connection,
      scope: workerScope(connection.createSocket),
      session: handover.session,
      halfDuplex: handover.halfDuplex,
      openSink: (stream) => this.#openSink(stream),
      tell: (news) => this.#tell(news),
    });
  }

  start(): void {
    this.#port.addEventListener('message', ({ data }) => this.#hear(data));
    this.#port.start();
    this.#showLife();
    this.#engine.start();
    // The page knows the reason: it could not create the playout, or was informed.
    this.#engine.prepare().catch(() => {});
  }

  /** Informs the page that the session is served, and lets it notice when this Worker is gone. */
  #showLife(): void {
    const { input, output, chunkDurationMs, encoding } = this.#connection.service;
    const streams = { input, output, chunkDurationMs, encoding };
    const serve = (locked: boolean): void => this.#post({ type: 'serving', streams, locked });
    const ended = new Promise<void>((resolve) => (this.#release = resolve));
    const { locks } = globalThis.navigator ?? {};
    const hold = (): Promise<void> => {
      serve(true);
      return ended;
    };
    // Refused in a page without an origin.
    if (locks === undefined) serve(false);
    else locks.request(this.#handover.lock, hold).catch(() => serve(false));
  }

  #hear(data: unknown): void {
    const capture = receiveCapture({ data });
    if (capture !== undefined) {
      this.#captured = this.#take(capture);
      return;
    }
    const command = data as SessionPortCommand | PlayoutHandover;
    switch (command.type) {
      case 'micwire-playout':
        this.#opened(command);
        break;
      case 'opus':
        this.#opus = command.module;
        break;
      case 'not-opened':
        this.#opening?.reject(new MicwireError(command.code, command.message));
        break;
      case 'close':
        // The last chunks arrive on a separate port.
        void this.#captured.then(() => this.#engine.do(command));
        break;
      default:
        this.#engine.do(command);
    }
  }

  async #take(capture: ReceivedCapture): Promise<void> {
    for await (const chunk of capture) {
      this.#engine.take(chunk);
      if (performance.now() - this.#toldAt >= STATS_MS) this.#tellStats();
    }
    this.#engine.captureEnded(capture.stats.droppedFrames);
  }

  #openSink(stream: StreamFormat): Promise<ReplySink> {
    this.#post({ type: 'open', stream });
    this.#opening = { ...deferred<ReplySink>(), stream };
    return this.#opening.promise;
  }

  /** Takes the requested playout from the page. */
  #opened(handover: PlayoutHandover): void {
    const opening = this.#opening;
    if (opening === null) return;
    let reader: PacketReader | undefined;
    try {
      const isPacked = !isSampleFormat(opening.stream.format);
      reader = isPacked ? createOpusReader(this.#opus!, opening.stream) : undefined;
      const options = {
        onmark: (mark: PlayoutMark) => this.#engine.marked(mark),
        onended: (place: PlayoutPosition) => this.#engine.ended(place),
        onclosed: () => this.#engine.lost(),
      };
      opening.resolve(playoutSink(PlayoutPort.make(handover, options, reader)));
      this.#post({ type: 'opened' });
    } catch (error) {
      reader?.close();
      opening.reject(error);
      this.#post({ type: 'not-opened', code: errorCode(error), message: errorText(error) });
    }
  }

  #tell(news: SessionNews): void {
    this.#tellStats();
    this.#post(news);
    if (news.type === 'closed') this.#closed = true;
    if (news.type === 'finished') this.#finished = true;
    if (!this.#closed || !this.#finished) return;
    this.#release();
    this.#port.close();
  }

  #tellStats(): void {
    this.#toldAt = performance.now();
    this.#post({ type: 'stats', stats: this.#engine.stats });
  }

  #post(news: SessionPortNews): void {
    try {
      this.#port.postMessage(news, []);
    } catch {
      // The value that the app's function has thrown may contain anything.
      if (news.type === 'error') this.#post({ ...news, cause: String(news.cause) });
    }
  }
}

function playoutSink(playout: PlayoutPort): ReplySink {
  return {
    write: (bytes, options) => void playout.write(bytes, options),
    end: (item) => playout.end(item),
    mark: (name, place) => void playout.mark(name, place),
    interrupt: () => playout.interrupt(),
    close: () => playout.close(),
  };
}

function workerScope(createSocket: CreateSocket | undefined): SessionScope {
  return {
    now: () => performance.now(),
    setTimer: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    random: () => Math.random(),
    absolute: (url) => socketUrl(new URL(url, globalThis.location?.href)),
    createSocket: createSocket ?? ((url, protocols) => new WebSocket(url, [...protocols])),
  };
}
