import type { IncomingMessage } from 'node:http';
import type { StreamFormat } from '../core/format/stream-format.ts';
import type { HeardItem } from '../core/services/service.ts';
import type { PlayedPlace, SessionRefusal } from '../core/session/server/session-host.ts';
import type { AcceptedStream, StreamEnding } from './accepted-stream.ts';

/** A client asks to begin a stream, or to continue it on a new connection. */
export interface StreamArrival {
  /** The session's name, or one that was made for a client without sessions. */
  readonly id: string;
  /** What the client sends. */
  readonly format: StreamFormat;
  /** What it would like to get; null: no audio. */
  readonly output: StreamFormat | null;
  /** The token that the client offered with its subprotocols, or in its header `Authorization: Bearer`. */
  readonly token: string | undefined;
  /** The client's address. */
  readonly address: string;
  /** The request of the WebSocket, where the server was given it. */
  readonly request: IncomingMessage | null;
  /** The oldest frame that it still has to send. */
  readonly frame: number;
  /** Whether the stream is known: it continues. */
  readonly known: boolean;
}

/** A stream may begin, or continue. */
export interface StreamAnswer {
  /**
   * The first frame that the host does not have, such as the end of its file.
   * @default of a stream that is known: the end of what the reader has. Else the first that the client still has
   */
  readonly frame?: number;
  /** What the host sends back; null: no audio. @default what the client would like */
  readonly output?: StreamFormat | null;
  /** A refusal has one. */
  readonly code?: never;
}

/** What an app does with the streams of a {@link StreamServer}. */
export interface StreamHost {
  /**
   * A stream begins. Read its chunks; the stream is closed when this returns. When it throws, the client is told to come back, and
   * what was not acknowledged comes again in a new stream.
   */
  stream(stream: AcceptedStream): Promise<void> | void;
  /**
   * Decides whether a client may begin or continue a stream. Called for each connection, so that a token that has expired is found.
   * @returns how the stream begins; or `{ code, reason }`: a client does not come back after codes from 4400 to 4499
   */
  authorize?(
    arrival: StreamArrival,
  ): StreamAnswer | SessionRefusal | Promise<StreamAnswer | SessionRefusal>;
  /** A function of the host has thrown, or a stream's `stream`. @default prints the error */
  failed?(error: unknown, id: string | undefined): void;
  /** A connection is ready. `known`: the stream continues. */
  connected?(stream: AcceptedStream, known: boolean): void;
  /** The connection is lost. The client may come back. */
  disconnected?(stream: AcceptedStream): void;
  /** The stream is over. Chunks may still wait for the reader. */
  ended?(stream: AcceptedStream, ending: StreamEnding): void;
  /** The user's turn is over: everything before `frame` has come. */
  commit?(stream: AcceptedStream, frame: number): void;
  /** The user has interrupted, or the client has answered `session.interrupt()`. */
  interrupted?(stream: AcceptedStream, heard: HeardItem): void;
  /** A mark of the host's, or an item's end, was heard. */
  played?(stream: AcceptedStream, place: PlayedPlace): void;
  muted?(stream: AcceptedStream, muted: boolean): void;
  /** A message of the app's: an object of JSON, text or bytes. */
  message?(stream: AcceptedStream, value: unknown): void;
}
