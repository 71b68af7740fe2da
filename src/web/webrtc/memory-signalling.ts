import type { CallRole, SignalMessage } from '../../core/webrtc/signal-message.ts';
import { BaseSignalling } from './base-signalling.ts';
import type { Signalling, SignallingState } from './signalling.ts';

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

class MemorySignalling extends BaseSignalling {
  readonly role: CallRole;
  readonly error: null = null;
  peer: MemorySignalling | null = null;

  constructor(role: CallRole) {
    super();
    this.role = role;
  }

  get state(): SignallingState {
    return this.peer === null ? 'closed' : 'ready';
  }

  send(message: SignalMessage): void {
    const { peer } = this;
    // In a later task, as from a network; the peer may have closed by then.
    if (peer !== null) setTimeout(() => peer.#arrive(message));
  }

  protected async end(): Promise<void> {
    const { peer } = this;
    if (peer === null) return;
    this.peer = null;
    this.clear();
    this.changed();
    // After what was sent before.
    setTimeout(() => void peer.close());
  }

  #arrive(message: SignalMessage): void {
    if (this.peer !== null) this.take(message);
  }
}
