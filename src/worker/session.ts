import { checkObject, checkOptions } from '../core/option-names.ts';
import type { MessagePortLike } from '../core/messages.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import { checkConnection, CONNECTION_NAMES } from '../core/session/connection-options.ts';
import type { SessionConnectionOptions } from '../core/session/connection-options.ts';
import type { HeardItem } from '../core/services/service.ts';
import type { ReplySink } from '../core/session/replies.ts';
import { SessionEngine } from '../core/session/session-engine.ts';
import type { SessionScope } from '../core/session/session-scope.ts';
import { socketUrl } from '../core/socket.ts';
import type { CreateSocket } from '../core/socket.ts';
import type {
  SessionHandover,
  SessionPortCommand,
  SessionPortNews,
} from '../core/session/worker-messages.ts';
import { openPlayoutPort } from './playout-port.ts';
import { receiveCapture } from './receive-capture.ts';
import type { ReceivedCapture } from './receive-capture.ts';

/** How often the page is told the figures, ms. */
const STATS_MS = 100;

/** A session of a page, whose connection is here. */
class ServedSession {
  readonly #port: MessagePortLike;
  readonly #engine: SessionEngine;
  /** The playout that the page was asked for. */
  #opening: {
    readonly resolve: (sink: ReplySink) => void;
    readonly reject: (error: Error) => void;
  } | null = null;
  #statsAt = -Infinity;
  #closed = false;
  #finished = false;
  readonly #ended: () => void;

  constructor(
    { session, halfDuplex, port, lock }: SessionHandover,
    connection: SessionConnectionOptions,
  ) {
    this.#port = port;
    this.#engine = new SessionEngine({
      connection,
      scope: workerScope(connection.createSocket),
      session,
      halfDuplex,
      openSink: (stream) => this.#openSink(stream),
      tell: (news) => this.#tell(news),
    });
    let release = (): void => {};
    const ended = new Promise<void>((resolve) => (release = resolve));
    this.#ended = release;
    port.addEventListener('message', ({ data }) => this.#hear(data));
    port.start();
    const { input, output, chunkDurationMs, encoding } = connection.service;
    const streams = { input, output, chunkDurationMs, encoding };
    const serve = (locked: boolean): void => this.#post({ type: 'serving', streams, locked });
    const { locks } = globalThis.navigator ?? {};
    const hold = (): Promise<void> => {
      serve(true);
      return ended;
    };
    // Refused in a page without an origin.
    if (locks === undefined) serve(false);
    else locks.request(lock, hold).catch(() => serve(false));
    this.#engine.start();
    // The page is told why by the one who could not make it: itself.
    this.#engine.prepare().catch(() => {});
  }

  #hear(data: unknown): void {
    const event = { data };
    const capture = receiveCapture(event);
    if (capture !== undefined) return void this.#take(capture);
    const playout = openPlayoutPort(event, {
      onmark: (mark) => this.#engine.marked(mark),
      onended: (place) => this.#engine.ended(place),
      oninterrupted: (heard) => this.#interrupted(heard),
    });
    void playout;
  }
}
