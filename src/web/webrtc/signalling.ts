import type { CallRole, SignalMessage } from '../../core/webrtc/signal-message.ts';

/**
 * - `'connecting'`: on the way to the server, or back to it;
 * - `'waiting'`: connected; the other peer is not there yet;
 * - `'ready'`: the other peer is there; `role` is known and messages go through;
 * - `'closed'`: for good; `error` says whether something failed.
 */
export type SignallingState = 'connecting' | 'waiting' | 'ready' | 'closed';

/**
 * Carries the messages of one call between its two peers, reliably and in order. Implement it over whatever the two have in
 * common: {@link WebSocketSignalling} talks to a server, {@link memorySignalling} joins two calls of one page.
 */
export interface Signalling {
  readonly state: SignallingState;
  /** Who of the two calls; null until `'ready'`. */
  readonly role: CallRole | null;
  /** Why it was closed; null unless something failed. */
  readonly error: Error | null;
  /** Called for each message of the other peer. What arrives while it is null is kept until it is set. */
  onmessage: ((message: SignalMessage) => void) | null;
  /** Called after each change of `state`. */
  onstatechange: ((state: SignallingState) => void) | null;
  /** Sends a message to the other peer. Without effect unless `'ready'`. */
  send(message: SignalMessage): void;
  /** Ends it for good: nothing is reported afterwards but `'closed'`. Safe to call again. */
  close(): void;
}
