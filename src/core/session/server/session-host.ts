import type { StreamFormat } from '../../format/stream-format.ts';
import type { HeardItem, WireMessage } from '../../services/service.ts';
import type { ServerSession } from './server-session.ts';

/** A connection of a server, such as a WebSocket whose subprotocol is `micwire.1`. */
export interface SessionWire {
  /** Bytes that were sent and have not left yet. */
  readonly bufferedBytes: number;
  send(message: WireMessage): void;
  /** Sends what was sent before, then closes. Called once, and last. */
  close(code: number, reason: string): void;
}

/** What is known of a connection's client. */
export interface SessionClient {
  /** What it has shown, such as `tokenOf(protocols)`. */
  readonly token?: string | undefined;
  /** For the host: whatever belongs to the connection. */
  readonly data?: unknown;
}

/** A client asks for a session: to begin it, or to continue it on a new connection. */
export interface SessionArrival {
  /** 1 to 64 characters of `A–Z a–z 0–9 _ -`. A client that knows it can continue the session. */
  readonly session: string;
  /** See `tokenOf`. */
  readonly token: string | undefined;
  /** What `connect` was given. */
  readonly client: SessionClient;
  /** What the client sends. */
  readonly input: StreamFormat;
  /** What it would like to get. */
  readonly output: StreamFormat | null;
  /** The oldest frame that it still has to send. */
  readonly frame: number;
  /** Whether the server still has the session: false on its first connection, and after a restart of the server. */
  readonly known: boolean;
}

/** A session may begin, or continue. */
export interface SessionAnswer {
  /**
   * The first frame that the host does not have: the end of what it has stored.
   * @default where the server's memory says that the session is; 0 of one that it does not know
   */
  readonly frame?: number;
  /** What the host sends; null: no audio. Looked at for a session that is not known. @default what the client would like */
  readonly output?: StreamFormat | null;
  /** A refusal has one. */
  readonly code?: never;
}

/** A session may not begin, or not continue. */
export interface SessionRefusal {
  /** One of `CLOSING`, or a code of the host's own: a client does not come back after those from 4400 to 4499. */
  readonly code: number;
  /** At most 123 bytes of UTF-8. */
  readonly reason: string;
}

/** Audio of the user's that is new, in order. */
export interface SessionAudio {
  /** First frame, counted from the start of the session. */
  readonly frame: number;
  readonly frames: number;
  /** Interleaved samples of the session's `input`, or one packet. A view of the message: copy it to keep it. */
  readonly bytes: Uint8Array;
  /** Frames just before that never come: the user was muted, or the client lost them. `frame` includes them. */
  readonly missing: number;
}

/** A place in audio that was played. */
export interface PlayedPlace {
  /** Item of the host's. */
  readonly item: string;
  /** The mark; null: the item's end. */
  readonly name: string | null;
  /** Frames from the item's start. */
  readonly frames: number;
}

/** Why a session is over: the client said so, it did not come back in time, or the host closed it. */
export type SessionEnding = 'bye' | 'expired' | 'closed';

/**
 * What a server does with sessions. Its functions are called with the server in a sound state: they may call whatever they like
 * of it. What one throws goes to `failed`.
 */
export interface SessionHost {
  /** A client is there. The place to check its token, and to say how far its audio is stored. */
  open(
    arrival: SessionArrival,
  ): SessionAnswer | SessionRefusal | Promise<SessionAnswer | SessionRefusal>;
  /** Audio has come. It is acknowledged when this returns, unless the server acknowledges what the host tells it to. */
  audio(session: ServerSession, audio: SessionAudio): void;
  /** A function of the host has thrown. Its connection is closed with 1011, so that the client comes back. */
  failed(error: unknown, session: string | undefined): void;
  /** A connection is ready. `known`: the session continues where it was. */
  connected?(session: ServerSession, known: boolean, client: SessionClient): void;
  /** The connection is lost. The client may come back. */
  disconnected?(session: ServerSession): void;
  /** No function is called for the session any more. */
  ended?(session: ServerSession, ending: SessionEnding): void;
  /** The user's turn is over: everything before `frame` has come. Once for each frame, as long as the server remembers. */
  commit?(session: ServerSession, frame: number): void;
  /** The user has interrupted, or the client has answered `interrupt()`. What was not heard is gone from the queue. */
  interrupted?(session: ServerSession, heard: HeardItem): void;
  /** A mark of the host's, or an item's end, was heard. */
  played?(session: ServerSession, place: PlayedPlace): void;
  muted?(session: ServerSession, muted: boolean): void;
  /** The client asks to be told when its audio before `frame` has been played: `session.played(name)`. */
  mark?(session: ServerSession, mark: { readonly name: string; readonly frame: number }): void;
  /** Nothing of the client's audio before `frame` is to be played any more. */
  clear?(session: ServerSession, frame: number): void;
  /** A message of the app's: an object of JSON, text or bytes. */
  message?(session: ServerSession, value: unknown): void;
}
