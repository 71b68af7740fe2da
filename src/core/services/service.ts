import type { ChunkEncoding } from '../capture/chunk.ts';
import type { StreamFormat } from '../format/stream-format.ts';

/** A message of a connection: text, or bytes. */
export type WireMessage = string | Uint8Array<ArrayBuffer>;

/** The address of a connection. Structured-cloneable. */
export interface ServiceAddress {
  /** Absolute URL: `ws:` or `wss:`, or `tcp:` for a service over TCP. */
  readonly url: string;
  /** Subprotocols to offer (RFC 6455 §1.9). */
  readonly protocols: readonly string[];
}

/**
 * How a session mutes the user for a service: `'silence'` sends silence of the same length, for services that ignore the duration
 * of gaps, or hang up without audio; `'nothing'` sends no messages; `'keep-alive'` sends only keep-alive messages.
 */
export type ServiceMute = 'silence' | 'nothing' | 'keep-alive';

/** Whether a session reconnects after a connection has closed; `'stop'` if the service would refuse it again. */
export type AfterClose = 'retry' | 'stop';

/**
 * A speech service as a session sees it: plain data, and functions without sockets or clocks. Created by the function of its
 * module, such as `openaiRealtime({ … })`. One service object serves one session, however often it connects.
 */
export interface Service {
  /** Name of its module, such as `'openai-realtime'`. */
  readonly id: string;
  /**
   * Transport of the messages. Over `'tcp'` they are bytes, written one after the other, and `decode` takes the stream in slices as
   * they arrive, with any number of complete and partial messages: it keeps a copy of an incomplete message.
   */
  readonly transport: 'websocket' | 'tcp';
  /** Format of the audio that the service accepts, in which a session captures. */
  readonly input: StreamFormat;
  /** Format of the service's audio, unless an `'audio'` event says otherwise; null for services that only listen. */
  readonly output: StreamFormat | null;
  /** Preferred length of the chunks, in ms. */
  readonly chunkDurationMs: number;
  /** `'base64'` if the messages carry Base64, so that the audio thread produces the text. */
  readonly encoding: ChunkEncoding;
  /**
   * Whether the service acknowledges audio: all of it within a few seconds, even if no more audio follows; and keep-alive messages
   * with a message of any content. If such acknowledgements are missing, a session considers the connection half-open. If the
   * service does not acknowledge audio, audio that was handed to the connection counts as acknowledged once it is `overlapMs` old;
   * newer audio is sent again after a reconnection.
   */
  readonly acknowledges: boolean;
  /**
   * How much of the audio that was handed to a lost connection is sent again, in ms, at most back to the last `'settled'` event. 0
   * if the service acknowledges audio and continues the session on the next connection.
   */
  readonly overlapMs: number;
  /** Maximum speed of a replay, as a multiple of real time; above 1. */
  readonly replaySpeed: number;
  /** How a session mutes the user for this service. */
  readonly muteAs: ServiceMute;
  /** Time without messages after which a keep-alive message is due, in ms; 0 for services without such messages. */
  readonly keepAliveMs: number;
  /** Whether audio may follow the messages of `'open'` immediately; otherwise a session waits for a `'ready'` event. */
  readonly readyOnOpen: boolean;
  /**
   * Whether the service sends its remaining results after the messages of `'end'`, followed by an `'ended'` event or the closing of
   * the connection. A session that closes waits for this.
   */
  readonly answersEnd: boolean;
  /**
   * Returns the address to connect to.
   * @param url the app's address
   * @param token the app's token; undefined if there is no token
   */
  address(url: string, token: string | undefined): ServiceAddress;
  /** Creates the state of a new connection, such as the numbers to which its acknowledgements refer. */
  connect(): ServiceConnection;
  /** Interprets a close code (RFC 6455 §7.4). A lost connection has 1006. */
  afterClose(code: number, reason: string): AfterClose;
}

/** The messages of one connection to a service. */
export interface ServiceConnection {
  /**
   * Returns the messages that carry out a request, in order; an empty list if the service does not support the request.
   * @throws TypeError or RangeError for an invalid argument, such as a value that JSON cannot carry
   */
  encode(request: ServiceRequest): readonly WireMessage[];
  /**
   * Returns the events in a message from the service, in order; an empty list if the message does not concern a session.
   * @throws PacketError, and no other error, whatever the message. The connection remains usable
   */
  decode(message: string | Uint8Array): readonly ServiceEvent[];
}

/** Audio for a service, such as a `Chunk`. */
export interface UpAudio {
  /** First frame, counted from the start of the session at the rate of `service.input`. */
  readonly frame: number;
  readonly frames: number;
  /** Interleaved samples, or one packet of a codec. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same as Base64 (RFC 4648 §4). */
  readonly base64: string;
}

/** How far an item had been heard when it was interrupted, in frames of `service.output`. */
export interface HeardItem {
  /** Name of the item; undefined if no item was playing. */
  readonly item: string | undefined;
  /** Number of frames from the item's start to the first frame that was not heard. */
  readonly frames: number;
  /** `frames` in whole ms, rounded down. */
  readonly ms: number;
  /** Names of the later items, no part of which was heard. */
  readonly unheard: readonly string[];
}

/** A request of a session to a service. */
export type ServiceRequest =
  /**
   * The socket is open. The first request of every connection; its messages configure the service. `session` is the same for all
   * connections of a session, and unique. `handle` is the one from the last `'handle'` event; null if there was none. `frame` is the
   * oldest frame that the session still has to send; `connections` counts from 0.
   */
  | {
      readonly type: 'open';
      readonly session: string;
      readonly handle: string | null;
      readonly frame: number;
      readonly connections: number;
    }
  /** Audio, in order. `replayed`: it may have been sent before, on a connection that was lost. */
  | { readonly type: 'audio'; readonly audio: UpAudio; readonly replayed: boolean }
  /** The user's turn is over: everything before `frame` was sent. Commit, finalize, end of speech. */
  | { readonly type: 'commit'; readonly frame: number }
  /** The user, or the service, has interrupted what was playing. */
  | { readonly type: 'interrupted'; readonly heard: HeardItem }
  /** The user is muted, or no longer muted. */
  | { readonly type: 'mute'; readonly muted: boolean }
  /**
   * Asks for a `'marked'` event when all audio sent so far has been heard: for telephony, where the service plays what the session
   * sends.
   */
  | { readonly type: 'mark'; readonly name: string }
  /** Discards audio that was sent and has not been played; for telephony. */
  | { readonly type: 'clear' }
  /** A mark of the service, or the end of an item (`name` null), was heard. */
  | {
      readonly type: 'played';
      readonly item: string;
      readonly name: string | null;
      readonly frames: number;
    }
  /** Nothing was sent for `keepAliveMs`. */
  | { readonly type: 'keep-alive' }
  /** A custom message of the app: an object becomes JSON; text and bytes are sent unchanged. */
  | { readonly type: 'message'; readonly value: unknown }
  /** The session ends permanently: no further requests follow. */
  | { readonly type: 'end' };

/** An event in a message of a service. */
export type ServiceEvent =
  /**
   * Audio may be sent. Without `readyOnOpen`, only the messages of `'open'` and `'reply'` are sent before this. `resumed`: the
   * service knows the session, and handles each `'played'` and `'interrupted'` only once, so that those that may not have arrived
   * are sent again.
   */
  | { readonly type: 'ready'; readonly resumed?: boolean }
  /**
   * Audio to play. `item`: the reply that it belongs to; a name is never reused for another reply. `lostFrames`: frames that were lost
   * just before it. `stream`: its format, if that is not the service's `output`.
   */
  | {
      readonly type: 'audio';
      readonly item: string;
      readonly bytes: Uint8Array;
      readonly lostFrames?: number;
      readonly stream?: StreamFormat;
    }
  /** All of an item's audio has arrived. */
  | { readonly type: 'item-end'; readonly item: string }
  /** The service has detected that the user interrupts: audio sent so far must no longer be heard. */
  | { readonly type: 'interrupted' }
  /** The service hears the user speak, or no longer does. */
  | { readonly type: 'speech'; readonly active: boolean }
  /** Recognized or generated text. `final`: it does not change any more. */
  | {
      readonly type: 'transcript';
      readonly who: 'user' | 'agent';
      readonly text: string;
      readonly final: boolean;
      readonly item?: string;
    }
  /** Text of a part of an item's audio; times are in ms from the item's start. */
  | {
      readonly type: 'caption';
      readonly item: string;
      readonly text: string;
      readonly startMs: number;
      readonly endMs?: number;
    }
  /**
   * The service asks when `item` was heard up to `frame` (undefined: up to the end of the audio received so far). Answered by
   * `'played'`.
   */
  | { readonly type: 'mark'; readonly item: string; readonly name: string; readonly frame?: number }
  /** A mark of the session was heard (telephony). */
  | { readonly type: 'marked'; readonly name: string }
  /**
   * The service has all audio before `frame`. `received`: audio before this frame has reached it on earlier connections, but is not
   * safe yet.
   */
  | { readonly type: 'acknowledged'; readonly frame: number; readonly received?: number }
  /**
   * The service stops accepting audio, or accepts it again. Waiting audio stays in the outbox. A new connection accepts audio;
   * marks, commits and similar requests are sent in any case.
   */
  | { readonly type: 'flow'; readonly open: boolean }
  /**
   * Everything said before `frame` has its final text. A recognizer starts without history on a new connection, even if it had
   * acknowledged the audio: a session sends audio again from here, at most `overlapMs`, so that no word is lost or doubled.
   */
  | { readonly type: 'settled'; readonly frame: number }
  /** The handle with which the next connection continues this session; null if there is no handle. */
  | { readonly type: 'handle'; readonly handle: string | null }
  /** The service will close the connection in `inMs` ms: the session opens a new one before that. */
  | { readonly type: 'going-away'; readonly inMs: number }
  /** A message to send back immediately, such as the answer to a ping. */
  | { readonly type: 'reply'; readonly message: WireMessage }
  /** An error reported by the service. `retry` is false if a reconnection would be useless. */
  | {
      readonly type: 'error';
      readonly code: string;
      readonly message: string;
      readonly fatal: boolean;
      readonly retry: boolean;
    }
  /** The service has ended the session: it must not reconnect. */
  | { readonly type: 'ended' }
  /** The original message, for the app: an object from JSON, text or bytes. Absent for messages that only carry audio. */
  | { readonly type: 'message'; readonly value: unknown };
