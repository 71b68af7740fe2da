import { TypedEventTarget } from '../typed-event-target.ts';
import type { CallRole, SignalMessage } from '../../core/webrtc/signal-message.ts';

/**
 * - `'connecting'`: connecting or reconnecting to the server;
 * - `'waiting'`: connected; the other peer is not present yet, or has lost its connection;
 * - `'ready'`: the other peer is present; `role` is known and messages are delivered;
 * - `'closed'`: closed permanently; `error` says whether there was a failure.
 */
export type SignallingState = 'connecting' | 'waiting' | 'ready' | 'closed';

/** Events of a {@link Signalling}. */
export interface SignallingEventMap {
  /** A message from the other peer, in `data`. Messages that arrive before the first listener are kept for it. */
  readonly message: MessageEvent<SignalMessage>;
  /** `signalling.state` has changed. */
  readonly statechange: Event;
  /** The connection was lost, or the signalling failed, in `detail`. `state` says whether the signalling reconnects. */
  readonly error: CustomEvent<Error>;
}

/**
 * Carries the messages of one call between its two peers, reliably and in order. Implement it over any channel between the two, as
 * a class that extends `TypedEventTarget<SignallingEventMap>`: {@link WebSocketSignalling} uses a server, {@link memorySignalling}
 * connects two calls in one page.
 */
export interface Signalling extends TypedEventTarget<SignallingEventMap> {
  readonly state: SignallingState;
  /** Whether this side is the caller or the callee; null until `'ready'`. */
  readonly role: CallRole | null;
  /** Why the signalling was closed; null unless it failed. */
  readonly error: Error | null;
  /**
   * Sends a message to the other peer. Has no effect before the signalling was `'ready'` for the first time; later it may keep
   * messages that it cannot send. The call sends its latest messages again when it is `'ready'` again.
   */
  send(message: SignalMessage): void;
  /** Closes the signalling permanently: `'statechange'` to `'closed'` is the last event. A second call returns the same promise. */
  close(): Promise<void>;
}

/** More messages than a call needs. Beyond this the newest are dropped, so that a hostile peer cannot fill the memory. */
const MAX_KEPT = 256;

/** Base class of this library's signallings. Keeps messages until there is a listener. */
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

  /** Closes the signalling deliberately. @internal */
  protected abstract end(): Promise<void>;

  /** @internal */
  protected override willListen(type: string): void {
    if (type !== 'message' || this.#heard) return;
    // Deferred until the listener is added; later messages arrive in a later task.
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

  /** Drops messages that no listener has received. @internal */
  protected clear(): void {
    this.#kept = [];
  }

  /** @internal */
  protected changed(): void {
    this.dispatchEvent(new Event('statechange'));
  }
}

/**
 * Creates two connected signallings within a page, for a call from the page to itself: for tests, and to hear how WebRTC affects
 * audio.
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
    // After the messages that were sent earlier.
    setTimeout(() => void peer.close());
  }

  #arrive(message: SignalMessage): void {
    if (this.peer !== null) this.take(message);
  }
}
