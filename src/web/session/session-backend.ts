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

/** What the connection requires of its session. */
export interface BackendListener {
  news(news: SessionNews): void;
  /** Creates a playout that replaces the previous one. */
  openPlayout(stream: StreamFormat): Promise<Playout>;
}

/** The connection of a session, on the page or in a Worker. */
export interface SessionBackend extends ServedStreams {
  readonly stats: SessionStats;
  /** Resolves when replies can be played. */
  readonly ready: Promise<void>;
  do(command: SessionCommand): void;
  /** Passes on all chunks of a capture. Resolves when the capture has ended. Never rejects. */
  hear(capture: Capture<PayloadFormat>): Promise<void>;
  /** Called when the Worker is gone, and the connection with it. */
  lose?(): void;
}

/** A connection on the page. Starts connecting immediately. */
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
      // The capture's error event has reported it.
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
