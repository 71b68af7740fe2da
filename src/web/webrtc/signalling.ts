import { TypedEventTarget } from '../typed-event-target.ts';
import type { CallRole, SignalMessage } from '../../core/webrtc/signal-message.ts';

/**
 * - `'connecting'`: on the way to the server, or back to it;
 * - `'waiting'`: connected; the other peer is not there yet, or has lost its connection;
 * - `'ready'`: the other peer is there; `role` is known and messages go through;
 * - `'closed'`: for good; `error` says whether something failed.
 */
export type SignallingState = 'connecting' | 'waiting' | 'ready' | 'closed';

/** Events of a {@link Signalling}. */
export interface SignallingEventMap {
  /** A message of the other peer, in `data`. Messages that arrive before the first listener are kept for it. */
  readonly message: MessageEvent<SignalMessage>;
  /** `signalling.state` has changed. */
  readonly statechange: Event;
  /** The connection was lost, or the signalling failed, in `detail`. `state` says whether it comes back. */
  readonly error: CustomEvent<Error>;
}

/**
 * Carries the messages of one call between its two peers, reliably and in order. Implement it over whatever the two have in
 * common, as a class that extends `TypedEventTarget<SignallingEventMap>`: {@link WebSocketSignalling} talks to a server,
 * {@link memorySignalling} joins two calls of one page.
 */
export interface Signalling extends TypedEventTarget<SignallingEventMap> {
  readonly state: SignallingState;
  /** Whether this side is the caller or the callee; null until `'ready'`. */
  readonly role: CallRole | null;
  /** Why it was closed; null unless something failed. */
  readonly error: Error | null;
  /**
   * Sends a message to the other peer. Without effect before it was `'ready'` for the first time; later it may keep what it cannot
   * send. The call sends its latest messages again when it is `'ready'` again.
   */
  send(message: SignalMessage): void;
  /** Ends it for good: `'statechange'` to `'closed'` is the last event. A second call returns the same promise. */
  close(): Promise<void>;
}

/** More than a call has messages: beyond it the newest are dropped, so that a hostile peer fills no memory. */
const MAX_KEPT = 256;

/** Base of this library's signallings: their events. Keeps messages as long as nobody listens. */
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

  /** Ends it, of one's own will. @internal */
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

  /** @internal */
  protected take(data: SignalMessage): void {
    if (this.#heard) this.dispatchEvent(new MessageEvent('message', { data }));
    else if (this.#kept.length < MAX_KEPT) this.#kept.push(data);
  }

  /** Drops what nobody has heard. @internal */
  protected clear(): void {
    this.#kept = [];
  }

  /** @internal */
  protected changed(): void {
    this.dispatchEvent(new Event('statechange'));
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

  /** @internal */
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
