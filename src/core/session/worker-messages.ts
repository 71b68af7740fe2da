import type { ChunkEncoding } from '../capture/chunk.ts';
import type { MicwireErrorCode } from '../errors.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { OpusModule } from '../codec/opus-library.ts';
import type { MessagePortLike } from '../messages.ts';
import type { SessionCommand, SessionNews } from './session-engine.ts';
import type { SessionStats } from './session-messages.ts';

/** From a page to its Worker: the start of a session. Everything else goes by `port`. */
export interface SessionHandover {
  readonly type: 'micwire-session';
  /** Unique, and the same for all connections of the session. */
  readonly session: string;
  readonly halfDuplex: boolean;
  readonly port: MessagePortLike;
  /** The Web Lock that the Worker holds while it lives. */
  readonly lock: string;
}

/** What a service takes and sends, as far as the page has to know. */
export interface ServedStreams {
  readonly input: StreamFormat;
  readonly output: StreamFormat | null;
  readonly chunkDurationMs: number;
  readonly encoding: ChunkEncoding;
}

/** From the page, by the port; besides the captures and playouts that it hands over. */
export type SessionPortCommand =
  | SessionCommand
  /** Before a playout for a stream of Opus, which the Worker decodes: libopus. */
  | { readonly type: 'opus'; readonly module: OpusModule }
  /** The answer to `open` in place of a playout: it cannot be made. */
  | NotOpened;

/** A playout, or what decodes for it, cannot be made. */
interface NotOpened {
  readonly type: 'not-opened';
  readonly code: MicwireErrorCode;
  readonly message: string;
}

/** From the Worker, by the port. */
export type SessionPortNews =
  | SessionNews
  /** The first word. `locked`: it holds the lock. */
  | { readonly type: 'serving'; readonly streams: ServedStreams; readonly locked: boolean }
  /** A playout of this stream is wanted, in place of the one before. */
  | { readonly type: 'open'; readonly stream: StreamFormat }
  /** The answer to a playout: the Worker can write to it, or cannot. */
  | { readonly type: 'opened' }
  | NotOpened
  | { readonly type: 'stats'; readonly stats: SessionStats };
