import type { MicwireError } from '../errors.ts';
import type {
  HeardItem,
  ServiceAddress,
  ServiceEvent,
  UpAudio,
  WireMessage,
} from '../services/service.ts';

/**
 * The events of a session's decision logic (`SessionLife`), and the actions that it requests. It has no clock and no socket: the
 * driver, or the simulation, passes events with their time and carries out actions.
 */

/**
 * State of a session: `'connecting'`: an attempt is in progress; `'replaying'`: connected, and earlier audio is being sent, faster
 * than real time; `'open'`: connected, and audio is sent as it is captured; `'waiting'`: the connection is lost, and the next
 * attempt follows; `'closed'`: closed by `close()`, by the service, or because a reconnection would be useless.
 */
export type SessionState = 'connecting' | 'replaying' | 'open' | 'waiting' | 'closed';

/** Captured audio on its way into the outbox. `dropped`: frames that the capture lost directly before it. */
export interface CapturedAudio extends UpAudio {
  readonly dropped: number;
}

/** An event. Times are in ms of a monotonic clock. */
export type SessionEvent =
  /** `Session.open`: once, as the first event. */
  | { readonly type: 'start' }
  /** The answer to the action `address`. */
  | { readonly type: 'address'; readonly attempt: number; readonly address: ServiceAddress }
  /** The answer to the action `address`: the app's function threw. */
  | { readonly type: 'address-failed'; readonly attempt: number; readonly cause: unknown }
  /** The socket is open. */
  | { readonly type: 'opened'; readonly attempt: number }
  | { readonly type: 'message'; readonly attempt: number; readonly data: string | Uint8Array }
  /** The socket has closed, or could not be created: 1006. `bufferedBytes` never left it. */
  | {
      readonly type: 'closed';
      readonly attempt: number;
      readonly code: number;
      readonly reason: string;
    }
  /** Audio was captured. */
  | { readonly type: 'audio'; readonly audio: CapturedAudio }
  /** The capture lost frames, and no audio follows for now: it has ended. */
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
  /** A mark of the service, or the end of an item (`name` null), was heard. */
  | {
      readonly type: 'played';
      readonly item: string;
      readonly name: string | null;
      readonly frames: number;
    }
  /** `session.markSent(name)`: telephony. */
  | { readonly type: 'mark'; readonly name: string }
  /** `session.clear()`: telephony. Waiting data is discarded, and the service is told to do the same. */
  | { readonly type: 'clear' }
  /** `dueMs` has passed. */
  | { readonly type: 'tick' }
  /** `close()`. Waiting data is sent first, for at most `drainMs`. */
  | { readonly type: 'close'; readonly drainMs: number };

/** An action of the driver; actions are carried out in order. */
export type SessionAction =
  /** Calls the app's functions for an address and a token. Answered by `address` or `address-failed`. */
  | { readonly type: 'address'; readonly attempt: number }
  /** Creates the socket. Answered by `opened` or `closed`. */
  | { readonly type: 'connect'; readonly attempt: number; readonly address: ServiceAddress }
  | { readonly type: 'send'; readonly attempt: number; readonly message: WireMessage }
  /** Closes the socket and forgets it. Its later events are ignored. */
  | { readonly type: 'disconnect'; readonly attempt: number; readonly code: number }
  /** `state` has changed. */
  | { readonly type: 'state'; readonly state: SessionState }
  /** An event of the service for the player and the app, in order. Events that concern only the connection are left out. */
  | { readonly type: 'service'; readonly event: ServiceEvent }
  /** Silences what is playing. Answered by `interrupted`. */
  | { readonly type: 'interrupt' }
  /** An interruption is complete, and the service was told. */
  | { readonly type: 'interrupted'; readonly heard: HeardItem }
  /** Audio will never be sent: it was too old, or the capture lost it. */
  | { readonly type: 'gap'; readonly gap: SessionGap }
  /** A failure, for the app. */
  | { readonly type: 'error'; readonly error: MicwireError }
  /** Everything is done: later events are ignored. */
  | { readonly type: 'closed' };

/**
 * Why audio is missing: `'capture'`: the capture lost it; `'overflow'`: it waited in the outbox until there was no room;
 * `'cleared'`: `clear()` discarded it; `'closed'`: the session ended before it was known to have arrived.
 */
export type SessionGapCause = 'capture' | 'overflow' | 'cleared' | 'closed';

/** A range of audio that the service will not hear. */
export interface SessionGap {
  /** First missing frame. */
  readonly frame: number;
  readonly frames: number;
  readonly cause: SessionGapCause;
}

/** Running totals in frames of `service.input`: captured = acknowledged + in flight + waiting + dropped, at every instant. */
export interface SessionStats {
  readonly capturedFrames: number;
  /**
   * Frames that the service has acknowledged; for a service without acknowledgements, frames that were handed to the connection at
   * least `overlapMs` ago.
   */
  readonly acknowledgedFrames: number;
  /** Frames that were sent and are not acknowledged yet. */
  readonly inFlightFrames: number;
  /** Frames in the outbox that are still to be sent. */
  readonly waitingFrames: number;
  /** Frames that were lost by the capture, by overflow of the outbox, by `clear()`, or at the end of the session. */
  readonly droppedFrames: number;
  /** Frames that were sent again, counted each time. `acknowledgedFrames` does not count them twice. */
  readonly replayedFrames: number;
  /** Number of bytes in the outbox. */
  readonly outboxBytes: number;
  /** Number of connections that became ready, including the first. */
  readonly connections: number;
}
