import type { IncomingMessage } from 'node:http';
import type { StreamFormat } from '../core/format/stream-format.ts';
import type { HeardItem } from '../core/services/service.ts';
import type { PlayedPlace, SessionRefusal } from '../core/session/server/session-host.ts';
import type { AcceptedStream, StreamEnding } from './accepted-stream.ts';

/** A client's request to begin a stream, or to continue it on a new connection. */
export interface StreamArrival {
  /** Name of the session, or a generated name for a client without sessions. */
  readonly id: string;
  /** Format of the client's audio. */
  readonly format: StreamFormat;
  /** Format that the client would like to receive; null for no audio. */
  readonly output: StreamFormat | null;
  /** The token that the client offered with its subprotocols, or in its header `Authorization: Bearer`. */
  readonly token: string | undefined;
  /** The client's address. */
  readonly address: string;
  /** The WebSocket's upgrade request, if the server has it. */
  readonly request: IncomingMessage | null;
  /** The oldest frame that the client still has to send. */
  readonly frame: number;
  /** True if the stream is known and continues. */
  readonly known: boolean;
}

/** Accepts a stream that begins or continues. */
export interface StreamAnswer {
  /**
   * The first frame that the host does not have, such as the end of its file.
   * @default for a known stream, the end of the received audio; otherwise the first frame that the client still has
   */
  readonly frame?: number;
  /** Format that the host sends back; null for no audio. @default the format that the client would like */
  readonly output?: StreamFormat | null;
  /** Present only in a refusal. */
  readonly code?: never;
}

/** The app's handlers for the streams of a {@link StreamServer}. */
export interface StreamHost {
  /**
   * Called when a stream begins. Read its chunks; the stream is closed when this returns. If this throws, the client is asked to
   * reconnect, and sends unacknowledged audio again in a new stream.
   */
  stream(stream: AcceptedStream): Promise<void> | void;
  /**
   * Decides whether a client may begin or continue a stream. Called for each connection, so an expired token is noticed.
   * @returns how the stream begins; or `{ code, reason }` to refuse it: a client does not reconnect after codes from 4400 to 4499
   */
  authorize?(
    arrival: StreamArrival,
  ): StreamAnswer | SessionRefusal | Promise<StreamAnswer | SessionRefusal>;
  /** Called when a function of the host has thrown, including `stream`. @default prints the error */
  failed?(error: unknown, id: string | undefined): void;
  /** Called when a connection is ready. @param known whether the stream continues */
  connected?(stream: AcceptedStream, known: boolean): void;
  /** Called when the connection is lost. The client may reconnect. */
  disconnected?(stream: AcceptedStream): void;
  /** Called when the stream has ended. Chunks may still wait for the reader. */
  ended?(stream: AcceptedStream, ending: StreamEnding): void;
  /** Called when the user's turn is over: all audio before `frame` has arrived. */
  commit?(stream: AcceptedStream, frame: number): void;
  /** Called when the user has interrupted, or the client has answered `session.interrupt()`. */
  interrupted?(stream: AcceptedStream, heard: HeardItem): void;
  /** Called when a mark of the host, or the end of an item, was heard. */
  played?(stream: AcceptedStream, place: PlayedPlace): void;
  muted?(stream: AcceptedStream, muted: boolean): void;
  /** Called with a message from the app: an object from JSON, text or bytes. */
  message?(stream: AcceptedStream, value: unknown): void;
}
