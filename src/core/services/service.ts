import type { ChunkEncoding } from '../capture/chunk.ts';
import type { StreamFormat } from '../format/stream-format.ts';

/** A message of a connection: text, or bytes. */
export type WireMessage = string | Uint8Array<ArrayBuffer>;

/** Where to connect. Structured-cloneable. */
export interface ServiceAddress {
  /** `ws:` or `wss:`, in full. */
  readonly url: string;
  /** Subprotocols to offer (RFC 6455 §1.9). */
  readonly protocols: readonly string[];
}

/**
 * How a session mutes towards a service: `'silence'`: sends silence of the same length, for services that take a gap as no
 * time at all, or hang up without audio; `'nothing'`: sends nothing; `'keep-alive'`: sends nothing but keep-alive messages.
 */
export type ServiceMute = 'silence' | 'nothing' | 'keep-alive';

/** Whether a session comes back after a connection has closed: `'stop'` where the service would refuse it again. */
export type AfterClose = 'retry' | 'stop';

/**
 * A speech service as a session sees it: plain data, and functions without sockets or clocks. Made by the function of its
 * file, such as `openaiRealtime({ … })`. One service object serves one session, however often it connects.
 */
export interface Service {
  /** Name of its file: `'openai-realtime'`. */
  readonly id: string;
  /**
   * What carries its messages. Over `'tcp'` they are bytes, written one after the other, and `decode` takes the stream in slices
   * as they come, with any number of messages and pieces of messages: it keeps a copy of the piece that waits for its end.
   */
  readonly transport: 'websocket' | 'tcp';
  /** What it takes: a session captures this. */
  readonly input: StreamFormat;
  /** What it sends unless an `'audio'` event says otherwise; null for services that only listen. */
  readonly output: StreamFormat | null;
  /** Length of the chunks that it likes best, ms. */
  readonly chunkDurationMs: number;
  /** `'base64'` where its messages carry Base64, so that the audio thread makes the text. */
  readonly encoding: ChunkEncoding;
  /**
   * Whether it acknowledges audio: all of it within a few seconds, also when nothing follows, and keep-alive messages with any
   * message. Otherwise a session takes the connection for half-open. Where it does not acknowledge, what was handed to the
   * connection counts as acknowledged once it is `overlapMs` old, and is otherwise sent again after a reconnection.
   */
  readonly acknowledges: boolean;
  /**
   * How much of what a lost connection was handed is sent again, ms, at most back to the last `'settled'` event. 0 where the
   * service acknowledges audio and continues the session on the next connection.
   */
  readonly overlapMs: number;
  /** Audio is replayed at most so many times as fast as real time. Above 1. */
  readonly replaySpeed: number;
  /** How it likes to be muted. */
  readonly muteAs: ServiceMute;
  /** A keep-alive message is due when nothing was sent for so many ms; 0: it has none. */
  readonly keepAliveMs: number;
  /** Whether audio may follow the messages of `'open'` at once; else a `'ready'` event comes first. */
  readonly readyOnOpen: boolean;
  /**
   * Whether it sends what is left after the messages of `'end'`, and then an `'ended'` event or closes the connection: a session
   * that closes waits for that.
   */
  readonly answersEnd: boolean;
  /**
   * The address to connect to.
   * @param url as the app gave it
   * @param token as the app's function gave it; undefined if there is none
   */
  address(url: string, token: string | undefined): ServiceAddress;
  /** A connection has been made. Each has its own state, such as numbers that its acknowledgements count. */
  connect(): ServiceConnection;
  /** What a closing code means (RFC 6455 §7.4). A connection that is lost has 1006. */
  afterClose(code: number, reason: string): AfterClose;
}

/** The messages of one connection to a service. */
export interface ServiceConnection {
  /**
   * The messages that carry out a request, in order; none where the service has no such thing.
   * @throws TypeError or RangeError for a wrong argument, such as a value that JSON cannot carry
   */
  encode(request: ServiceRequest): readonly WireMessage[];
  /**
   * What a message from the service says, in order; none where it says nothing to a session.
   * @throws PacketError, and nothing else, whatever comes. The connection remains usable
   */
  decode(message: string | Uint8Array): readonly ServiceEvent[];
}

/** Audio on its way to a service. A `Chunk` is one. */
export interface UpAudio {
  /** First frame, counted from the start of the session at the rate of `service.input`. */
  readonly frame: number;
  readonly frames: number;
  /** Interleaved samples, or one packet of a codec. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same as Base64 (RFC 4648 §4). */
  readonly base64: string;
}

/** How far an item has been heard, when it was interrupted. Frames of `service.output`. */
export interface HeardItem {
  /** Undefined when nothing was playing. */
  readonly item: string | undefined;
  /** From the item's start to the first frame that was not heard. */
  readonly frames: number;
  /** `frames` in whole ms, rounded down. */
  readonly ms: number;
  /** Names of the items after it of which nothing was heard. */
  readonly unheard: readonly string[];
}

/** What a session asks of a service. */
export type ServiceRequest =
  /**
   * The socket is open. The first request of every connection; the messages that configure the service.
   * `session` is the same for all connections of a session, and unique. `handle` is the last one of a `'handle'` event;
   * null: none. `frame` is the oldest frame that the session still has to send; `connections` counts from 0.
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
  /** The user is muted, or not any more. */
  | { readonly type: 'mute'; readonly muted: boolean }
  /** Tell me when what was sent so far has been heard: for telephony, where the service plays what the session sends. */
  | { readonly type: 'mark'; readonly name: string }
  /** Forget what was sent and not played: for telephony. */
  | { readonly type: 'clear' }
  /** A mark of the service's was heard, or an item's end (`name` null). */
  | {
      readonly type: 'played';
      readonly item: string;
      readonly name: string | null;
      readonly frames: number;
    }
  /** Nothing was sent for `keepAliveMs`. */
  | { readonly type: 'keep-alive' }
  /** A message of the app's own: an object becomes JSON; text and bytes go as they are. */
  | { readonly type: 'message'; readonly value: unknown }
  /** The session ends for good: nothing follows. */
  | { readonly type: 'end' };

/** What a message of a service says. */
export type ServiceEvent =
  /**
   * Audio may be sent. Without `readyOnOpen`, nothing but the messages of `'open'`, and replies, goes out before.
   * `resumed`: the service knows the session, and takes each `'played'` and `'interrupted'` once: those that may not have arrived
   * are sent again.
   */
  | { readonly type: 'ready'; readonly resumed?: boolean }
  /**
   * Audio to play. `item`: the reply that it belongs to; a name is never used again for another one.
   * `stream`: where it is not of the service's `output`.
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
  /** The service has found that the user interrupts: nothing more of what was sent so far is to be heard. */
  | { readonly type: 'interrupted' }
  /** The service hears the user speak, or not any more. */
  | { readonly type: 'speech'; readonly active: boolean }
  /** Text of what was said. `final`: it does not change any more. */
  | {
      readonly type: 'transcript';
      readonly who: 'user' | 'agent';
      readonly text: string;
      readonly final: boolean;
      readonly item?: string;
    }
  /** Text of a stretch of an item's audio, ms from the item's start. */
  | {
      readonly type: 'caption';
      readonly item: string;
      readonly text: string;
      readonly startMs: number;
      readonly endMs?: number;
    }
  /** The service wants to know when `item` was heard up to `frame` (undefined: up to what has come so far). Answered by `'played'`. */
  | { readonly type: 'mark'; readonly item: string; readonly name: string; readonly frame?: number }
  /** A mark of the session's own was heard (telephony). */
  | { readonly type: 'marked'; readonly name: string }
  /**
   * The service has all audio before `frame`. `received`: that before this frame has reached it on earlier connections, and is
   * not safe yet.
   */
  | { readonly type: 'acknowledged'; readonly frame: number; readonly received?: number }
  /**
   * The service takes no audio for now, or takes it again: what waits stays in the outbox. A new connection takes it, and marks,
   * commits and the like go out all the same.
   */
  | { readonly type: 'flow'; readonly open: boolean }
  /**
   * All that was said before `frame` has its final text. A recognizer starts from nothing on a new connection, also where it
   * had acknowledged the audio: a session sends it again from here, at most `overlapMs`, so that no word is lost or doubled.
   */
  | { readonly type: 'settled'; readonly frame: number }
  /** With this handle the next connection continues this session; null: with none. */
  | { readonly type: 'handle'; readonly handle: string | null }
  /** The service will close the connection in so many ms: the session makes a new one before. */
  | { readonly type: 'going-away'; readonly inMs: number }
  /** Send this back now: the answer to a ping. */
  | { readonly type: 'reply'; readonly message: WireMessage }
  /** An error that the service tells. `retry` false: coming back is no use. */
  | {
      readonly type: 'error';
      readonly code: string;
      readonly message: string;
      readonly fatal: boolean;
      readonly retry: boolean;
    }
  /** The service has ended the session: do not come back. */
  | { readonly type: 'ended' }
  /** The message as it came, for the app: an object of JSON, text or bytes. Not for those that only carry audio. */
  | { readonly type: 'message'; readonly value: unknown };
