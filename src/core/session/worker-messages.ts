import type { ChunkEncoding } from '../capture/chunk.ts';
import type { MicwireErrorCode } from '../errors.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { OpusModule } from '../codec/opus-library.ts';
import type { MessagePortLike } from '../messages.ts';
import type { SessionCommand, SessionNews } from './session-engine.ts';
import type { SessionStats } from './session-messages.ts';

/** From a page to its Worker: the start of a session. Everything else is sent through `port`. */
export interface SessionHandover {
  readonly type: 'micwire-session';
  /** Unique name of the session, the same for all its connections. */
  readonly session: string;
  readonly halfDuplex: boolean;
  readonly port: MessagePortLike;
  /** The Web Lock that the Worker holds while it lives. */
  readonly lock: string;
}

/** The streams of a service, as far as the page needs to know them. */
export interface ServedStreams {
  readonly input: StreamFormat;
  readonly output: StreamFormat | null;
  readonly chunkDurationMs: number;
  readonly encoding: ChunkEncoding;
}

/** From the page, through the port, besides the captures and playouts that it passes on. */
export type SessionPortCommand =
  | SessionCommand
  /** Sent before a playout for an Opus stream, which the Worker decodes: libopus. */
  | { readonly type: 'opus'; readonly module: OpusModule }
  /** The answer to `open` instead of a playout: it cannot be created. */
  | NotOpened;

/** A playout, or its decoder, cannot be created. */
interface NotOpened {
  readonly type: 'not-opened';
  readonly code: MicwireErrorCode;
  readonly message: string;
}

/** From the Worker, through the port. */
export type SessionPortNews =
  | SessionNews
  /** The first message. `locked`: whether the Worker holds the lock. */
  | { readonly type: 'serving'; readonly streams: ServedStreams; readonly locked: boolean }
  /** Requests a playout for this stream, which replaces the previous one. */
  | { readonly type: 'open'; readonly stream: StreamFormat }
  /** The answer to a playout: the Worker can write to it, or cannot. */
  | { readonly type: 'opened' }
  | NotOpened
  | { readonly type: 'stats'; readonly stats: SessionStats };
