import type { StreamFormat } from '../../format/stream-format.ts';
import type { HeardItem, WireMessage } from '../../services/service.ts';
import type { ServerSession } from './server-session.ts';

/** A connection of a server, such as a WebSocket whose subprotocol is `micwire.1`. */
export interface SessionWire {
  /** Bytes that were sent but have not left yet. */
  readonly bufferedBytes: number;
  send(message: WireMessage): void;
  /** Closes the connection after all sent data has left. Called once, as the last call. */
  close(code: number, reason: string): void;
}

/** Data about a connection's client. */
export interface SessionClient {
  /** Token of the client, such as `tokenOf(protocols)`. */
  readonly token?: string | undefined;
  /** Free for the host's own data about the connection. */
  readonly data?: unknown;
}

/** A client's request to begin a session, or to continue it on a new connection. */
export interface SessionArrival {
  /** 1 to 64 characters of `A–Z a–z 0–9 _ -`. A client that knows it can continue the session. */
  readonly session: string;
  /** See `tokenOf`. */
  readonly token: string | undefined;
  /** The client as passed to `connect`. */
  readonly client: SessionClient;
  /** Format of the client's audio. */
  readonly input: StreamFormat;
  /** Format that the client would like to receive. */
  readonly output: StreamFormat | null;
  /** The oldest frame that the client still has to send. */
  readonly frame: number;
  /** Whether the server still has the session: false on its first connection, and after a restart of the server. */
  readonly known: boolean;
}

/** Accepts a session that begins or continues. */
export interface SessionAnswer {
  /**
   * The first frame that the host does not have: the end of the stored audio.
   * @default the position in the server's memory; 0 for an unknown session
   */
  readonly frame?: number;
  /**
   * Format of the host's audio; null for no audio. Used only for an unknown session.
   * @default the format that the client would like
   */
  readonly output?: StreamFormat | null;
  /** Present only in a refusal. */
  readonly code?: never;
}

/** Refuses to begin or continue a session. */
export interface SessionRefusal {
  /** One of `CLOSING`, or a custom code: a client does not reconnect after codes from 4400 to 4499. */
  readonly code: number;
  /** The reason, at most 123 bytes of UTF-8. */
  readonly reason: string;
}

/** New audio of the user, in order. */
export interface SessionAudio {
  /** First frame, counted from the start of the session. */
  readonly frame: number;
  readonly frames: number;
  /** Interleaved samples of the session's `input`, or one packet. A view of the message: copy it to keep it. */
  readonly bytes: Uint8Array;
  /**
   * Frames directly before this audio that will never arrive: the user was muted, or the client lost them. `frame` includes them.
   */
  readonly missing: number;
}

/** A place in played audio. */
export interface PlayedPlace {
  /** Name of the host's item. */
  readonly item: string;
  /** Name of the mark; null for the item's end. */
  readonly name: string | null;
  /** Number of frames from the item's start. */
  readonly frames: number;
}

/** Why a session has ended: the client ended it, the client did not reconnect in time, or the host closed it. */
export type SessionEnding = 'bye' | 'expired' | 'closed';

/**
 * The host's handlers for sessions. They are called while the server is in a consistent state, so they may call any of its methods.
 * Exceptions are passed to `failed`.
 */
export interface SessionHost {
  /** Called when a client has connected. Check its token here, and return how far its audio is stored. */
  open(
    arrival: SessionArrival,
  ): SessionAnswer | SessionRefusal | Promise<SessionAnswer | SessionRefusal>;
  /** Called with new audio. It is acknowledged when this returns, unless the host acknowledges it by `stored`. */
  audio(session: ServerSession, audio: SessionAudio): void;
  /** Called when a function of the host has thrown. The connection is closed with 1011, so that the client reconnects. */
  failed(error: unknown, session: string | undefined): void;
  /** Called when a connection is ready. `known`: the session continues where it was. */
  connected?(session: ServerSession, known: boolean, client: SessionClient): void;
  /** Called when the connection is lost. The client may reconnect. */
  disconnected?(session: ServerSession): void;
  /** Called when the session has ended; the last call for the session. */
  ended?(session: ServerSession, ending: SessionEnding): void;
  /**
   * Called when the user's turn is over: all audio before `frame` has arrived. Called once for each frame, as long as the server
   * remembers it.
   */
  commit?(session: ServerSession, frame: number): void;
  /**
   * Called when the user has interrupted, or the client has answered `interrupt()`. Audio that was not heard is removed from the
   * queue.
   */
  interrupted?(session: ServerSession, heard: HeardItem): void;
  /** Called when a mark of the host, or the end of an item, was heard. */
  played?(session: ServerSession, place: PlayedPlace): void;
  muted?(session: ServerSession, muted: boolean): void;
  /** Called when the client asks for a report once its audio before `frame` has been played: answer by `session.played(name)`. */
  mark?(session: ServerSession, mark: { readonly name: string; readonly frame: number }): void;
  /** Called when the client's audio before `frame` must no longer be played. */
  clear?(session: ServerSession, frame: number): void;
  /** Called with a message from the app: an object from JSON, text or bytes. */
  message?(session: ServerSession, value: unknown): void;
}
