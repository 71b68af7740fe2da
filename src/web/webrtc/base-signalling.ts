import type { CallRole, SignalMessage } from '../../core/webrtc/signal-message.ts';
import { TypedEventTarget } from '../typed-event-target.ts';
import type { Signalling, SignallingEventMap, SignallingState } from './signalling.ts';

/** More than a call has messages: beyond it the newest are dropped, so that a hostile peer fills no memory. */
const MAX_KEPT = 256;

/** What all signallings of this library have in common: their events. Keeps messages as long as nobody listens. */
export abstract class BaseSignalling
  extends TypedEventTarget<SignallingEventMap>
  implements Signalling
{
  #kept: SignalMessage[] = [];
  #heard = false;
  #closing: Promise<void> | undefined;

  abstract readonly state: SignallingState;
  abstract readonly role: CallRole | null;
  abstract readonly error: Error | null;
  abstract send(message: SignalMessage): void;

  close(): Promise<void> {
    return (this.#closing ??= this.end());
  }

  /** Ends it, of one's own will. */
  protected abstract end(): Promise<void>;

  /** @internal */
  protected override willListen(type: string): void {
    if (type !== 'message' || this.#heard) return;
    // Once the listener is there; what comes meanwhile comes in a later task.
    queueMicrotask(() => {
      this.#heard = true;
      for (const message of this.#kept.splice(0)) this.take(message);
    });
  }

  protected take(data: SignalMessage): void {
    if (this.#heard) this.dispatchEvent(new MessageEvent('message', { data }));
    else if (this.#kept.length < MAX_KEPT) this.#kept.push(data);
  }

  /** Drops what nobody has heard. */
  protected clear(): void {
    this.#kept = [];
  }

  protected changed(): void {
    this.dispatchEvent(new Event('statechange'));
  }
}
