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
  /** Whether this side is the caller or the callee; null until `'ready'`. */
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

/** More than a call has messages: beyond it the newest are dropped, so that a hostile peer fills no memory. */
const MAX_KEPT = 256;

/** Hands messages to a callback, and keeps them as long as there is none. */
export class SignalInbox {
  private kept: SignalMessage[] = [];
  private callback: ((message: SignalMessage) => void) | null = null;

  get onmessage(): ((message: SignalMessage) => void) | null {
    return this.callback;
  }

  set onmessage(callback: ((message: SignalMessage) => void) | null) {
    this.callback = callback;
    while (this.kept.length > 0 && this.callback !== null) {
      const message = this.kept.shift();
      if (message !== undefined) this.callback(message);
    }
  }

  take(message: SignalMessage): void {
    if (this.callback !== null) this.callback(message);
    else if (this.kept.length < MAX_KEPT) this.kept.push(message);
  }

  clear(): void {
    this.kept = [];
    this.callback = null;
  }
}

/**
 * Two ends of one signalling within a page, for a call with oneself: for tests, and to hear what WebRTC does.
 * @returns the caller's end and the callee's, both ready
 */
export function memorySignalling(): [caller: Signalling, callee: Signalling] {
  const caller = new MemorySignalling('caller');
  const callee = new MemorySignalling('callee');
  caller.peer = callee;
  callee.peer = caller;
  return [caller, callee];
}

class MemorySignalling implements Signalling {
  readonly role: CallRole;
  readonly error: null = null;
  onstatechange: ((state: SignallingState) => void) | null = null;
  peer: MemorySignalling | null = null;
  private readonly inbox = new SignalInbox();

  constructor(role: CallRole) {
    this.role = role;
  }

  get state(): SignallingState {
    return this.peer === null ? 'closed' : 'ready';
  }

  get onmessage(): ((message: SignalMessage) => void) | null {
    return this.inbox.onmessage;
  }

  set onmessage(callback: ((message: SignalMessage) => void) | null) {
    this.inbox.onmessage = callback;
  }

  send(message: SignalMessage): void {
    const { peer } = this;
    // In a later task, as from a network; the peer may have closed by then.
    if (peer !== null) setTimeout(() => peer.arrive(message));
  }

  close(): void {
    const { peer } = this;
    if (peer === null) return;
    this.peer = null;
    this.inbox.clear();
    this.onstatechange?.('closed');
    this.onstatechange = null;
    // After what was sent before.
    setTimeout(() => peer.close());
  }

  private arrive(message: SignalMessage): void {
    if (this.peer !== null) this.inbox.take(message);
  }
}
