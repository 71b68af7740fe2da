import type { TypedEventTarget } from '../typed-event-target.ts';
import type { CallRole, SignalMessage } from '../../core/webrtc/signal-message.ts';

/**
 * - `'connecting'`: on the way to the server, or back to it;
 * - `'waiting'`: connected; the other peer is not there yet;
 * - `'ready'`: the other peer is there; `role` is known and messages go through;
 * - `'closed'`: for good; `error` says whether something failed.
 */
export type SignallingState = 'connecting' | 'waiting' | 'ready' | 'closed';

/** What a {@link Signalling} dispatches. */
export interface SignallingEventMap {
  /** A message of the other peer, in `data`. Messages that arrive before the first listener are kept for it. */
  readonly message: MessageEvent<SignalMessage>;
  /** `signalling.state` has changed. */
  readonly statechange: Event;
  /** The signalling failed, in `detail`; it is closed. */
  readonly error: CustomEvent<Error>;
}

/**
 * Carries the messages of one call between its two peers, reliably and in order. Implement it over whatever the two have in
 * common, as a class that extends `TypedEventTarget<SignallingEventMap>`: {@link WebSocketSignalling} talks to a server,
 * {@link memorySignalling} joins two calls of one page.
 */
export interface Signalling extends TypedEventTarget<SignallingEventMap> {
  readonly state: SignallingState;
  /** Who of the two calls; null until `'ready'`. */
  readonly role: CallRole | null;
  /** Why it was closed; null unless something failed. */
  readonly error: Error | null;
  /** Sends a message to the other peer. Without effect unless `'ready'`. */
  send(message: SignalMessage): void;
  /** Ends it for good: `'statechange'` to `'closed'` is the last event. A second call returns the same promise. */
  close(): Promise<void>;
}
