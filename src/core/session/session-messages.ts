import type { MicwireError } from '../errors.ts';
import type {
  HeardItem,
  ServiceAddress,
  ServiceEvent,
  UpAudio,
  WireMessage,
} from '../services/service.ts';

/**
 * What the deciding part of a session (`SessionLife`) is told, and what it asks for. It has no clock and no socket: the driver
 * brings events with their time and carries out actions, and so does the simulation.
 */

/**
 * State of a session:
 * `'connecting'`: an attempt is in progress; `'replaying'`: connected, and audio from before is being sent, faster than real time;
 * `'open'`: connected, and audio is sent as it is captured; `'waiting'`: the connection is lost, and the next attempt follows;
 * `'closed'`: by `close()`, by the service, or because coming back is no use.
 */
export type SessionState = 'connecting' | 'replaying' | 'open' | 'waiting' | 'closed';

/** Captured audio on its way into the outbox. `dropped`: frames that the capture lost just before it. */
export interface CapturedAudio extends UpAudio {
  readonly dropped: number;
}

/** What happens. Times are ms of a monotonic clock. */
export type SessionEvent =
  /** `Session.open`: once, first. */
  | { readonly type: 'start' }
  /** The answer to the action `address`. */
  | { readonly type: 'address'; readonly attempt: number; readonly address: ServiceAddress }
  /** The answer to the action `address`: the app's function threw. */
  | { readonly type: 'address-failed'; readonly attempt: number; readonly cause: unknown }
  /** The socket is open. */
  | { readonly type: 'opened'; readonly attempt: number }
  | { readonly type: 'message'; readonly attempt: number; readonly data: string | Uint8Array }
  /** The socket has closed, or could not be made: 1006. `bufferedBytes` never left it. */
  | {
      readonly type: 'closed';
      readonly attempt: number;
      readonly code: number;
      readonly reason: string;
    }
  /** Audio was captured. */
  | { readonly type: 'audio'; readonly audio: CapturedAudio }
  /** Frames were lost by the capture, and no audio follows for now: the capture has ended. */
  | { readonly type: 'lost'; readonly frames: number }
  /** The system is online again: the next attempt starts now. */
  | { readonly type: 'online' }
  | { readonly type: 'commit' }
  | { readonly type: 'mute'; readonly muted: boolean }
  /** `session.send(value)`. */
  | { readonly type: 'send'; readonly value: unknown }
  /** `session.interrupt()`. */
  | { readonly type: 'interrupt' }
  /** The answer to the action `interrupt`: what was heard. */
  | { readonly type: 'interrupted'; readonly heard: HeardItem }
  /** Whether a reply is being heard: half-duplex. */
  | { readonly type: 'playing'; readonly playing: boolean }
  /** A mark of the service's was heard, or the end of an item (`name` null). */
  | {
      readonly type: 'played';
      readonly item: string;
      readonly name: string | null;
      readonly frames: number;
    }
  /** `session.markSent(name)`: telephony. */
  | { readonly type: 'mark'; readonly name: string }
  /** `session.clear()`: telephony. What waits is thrown away, and the service is told to do the same. */
  | { readonly type: 'clear' }
  /** `dueMs` has come. */
  | { readonly type: 'tick' }
  /** `close()`. What waits is sent first, for at most `drainMs`. */
  | { readonly type: 'close'; readonly drainMs: number };

/** What the driver does, in order. */
export type SessionAction =
  /** Calls the app's functions for an address and a token. Answered by `address` or `address-failed`. */
  | { readonly type: 'address'; readonly attempt: number }
  /** Makes the socket. Answered by `opened` or `closed`. */
  | { readonly type: 'connect'; readonly attempt: number; readonly address: ServiceAddress }
  | { readonly type: 'send'; readonly attempt: number; readonly message: WireMessage }
  /** Closes the socket and forgets it. Whatever it still tells is ignored. */
  | { readonly type: 'disconnect'; readonly attempt: number; readonly code: number }
  /** `state` has changed. */
  | { readonly type: 'state'; readonly state: SessionState }
  /** An event of the service for the player and the app, in order. Those that concern only the connection are left out. */
  | { readonly type: 'service'; readonly event: ServiceEvent }
  /** Silences what is playing. Answered by `interrupted`. */
  | { readonly type: 'interrupt' }
  /** An interruption is complete, and the service was told. */
  | { readonly type: 'interrupted'; readonly heard: HeardItem }
  /** Audio will never be sent: it was too old, or the capture lost it. */
  | { readonly type: 'gap'; readonly gap: SessionGap }
  /** A failure, for the app. */
  | { readonly type: 'error'; readonly error: MicwireError }
  /** Everything is done: no event is looked at any more. */
  | { readonly type: 'closed' };

/**
 * Why audio is missing: `'capture'`: the capture lost it; `'overflow'`: it waited in the outbox until there was no room;
 * `'cleared'`: `clear()` threw it away; `'closed'`: the session ended before it was known to have arrived.
 */
export type SessionGapCause = 'capture' | 'overflow' | 'cleared' | 'closed';

/** A stretch of audio that the service will not hear. */
export interface SessionGap {
  /** First missing frame. */
  readonly frame: number;
  readonly frames: number;
  readonly cause: SessionGapCause;
}

/** Running totals in frames of `service.input`: captured = acknowledged + in flight + waiting + dropped, at every instant. */
export interface SessionStats {
  readonly capturedFrames: number;
  /** The service has them; of a service that acknowledges nothing, they were handed to the connection `overlapMs` ago. */
  readonly acknowledgedFrames: number;
  /** Sent, and not acknowledged yet. */
  readonly inFlightFrames: number;
  /** In the outbox, to be sent. */
  readonly waitingFrames: number;
  /** Lost: by the capture, because the outbox was full, by `clear()`, or at the end of the session. */
  readonly droppedFrames: number;
  /** Frames that were sent again, counted each time. `acknowledgedFrames` does not count them twice. */
  readonly replayedFrames: number;
  /** Bytes that the outbox holds. */
  readonly outboxBytes: number;
  /** Connections that became ready, the first one included. */
  readonly connections: number;
}
