import type { SignalMessage } from '../../core/webrtc/signal-message.ts';

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
