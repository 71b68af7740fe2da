import type { CallRole, SignalMessage } from '../../core/webrtc/signal-message.ts';
import { SignalInbox } from './signal-inbox.ts';
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
