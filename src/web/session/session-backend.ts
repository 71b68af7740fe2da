import type { PayloadFormat } from '../../core/format/formats.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';
import { SessionEngine } from '../../core/session/session-engine.ts';
import type { SessionCommand, SessionNews } from '../../core/session/session-engine.ts';
import type { SessionStats } from '../../core/session/session-messages.ts';
import type { SessionScope } from '../../core/session/session-scope.ts';
import type { CreateSocket } from '../../core/socket.ts';
import type { ServedStreams } from '../../core/session/worker-messages.ts';
import type { Capture } from '../capture.ts';
import type { Playout } from '../playout.ts';
import { createGlobalSocket, socketAddress } from '../transport/socket.ts';
import { playoutSink } from './playout-sink.ts';
import type { SessionOptions } from './session-options.ts';

/** What a session does for its connection. */
export interface BackendListener {
  news(news: SessionNews): void;
  /** Makes a playout in place of the one before. */
  openPlayout(stream: StreamFormat): Promise<Playout>;
}

/** The connection of a session, on the page or in a Worker. */
export interface SessionBackend extends ServedStreams {
  readonly stats: SessionStats;
  /** Resolves when replies can be played. */
  readonly ready: Promise<void>;
  do(command: SessionCommand): void;
  /** Takes everything that a capture delivers. Resolves when it has ended. Never rejects. */
  hear(capture: Capture<PayloadFormat>): Promise<void>;
  /** The Worker is gone, and with it the connection. */
  lose?(): void;
}

/** A connection on the page. It connects at once. */
export class PageBackend implements SessionBackend {
  readonly input: StreamFormat;
  readonly output: StreamFormat | null;
  readonly chunkDurationMs: number;
  readonly encoding: ServedStreams['encoding'];
  readonly ready: Promise<void>;
  readonly #engine: SessionEngine;

  constructor(options: SessionOptions, session: string, listener: BackendListener) {
    const { service, createSocket = createGlobalSocket, halfDuplex = false } = options;
    this.input = service.input;
    this.output = service.output;
    this.chunkDurationMs = service.chunkDurationMs;
    this.encoding = service.encoding;
    const engine = new SessionEngine({
      connection: options,
      scope: pageScope(createSocket),
      session,
      halfDuplex,
      openSink: async (stream) => playoutSink(await listener.openPlayout(stream), engine),
      tell: (news) => listener.news(news),
    });
    this.#engine = engine;
    engine.start();
    this.ready = engine.prepare();
  }

  get stats(): SessionStats {
    return this.#engine.stats;
  }

  do(command: SessionCommand): void {
    this.#engine.do(command);
  }

  async hear(capture: Capture<PayloadFormat>): Promise<void> {
    try {
      for await (const chunk of capture) this.#engine.take(chunk);
    } catch {
      // The capture's error event has told it.
    }
    this.#engine.captureEnded(capture.stats.droppedFrames);
  }
}

function pageScope(createSocket: CreateSocket): SessionScope {
  return {
    now: () => performance.now(),
    setTimer: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    random: () => Math.random(),
    absolute: (url) => socketAddress(url),
    createSocket,
  };
}
