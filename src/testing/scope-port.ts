import { domException, host } from './platform.ts';
import type { PortMessageEvent } from './platform.ts';
import { toDictionary, toSequence } from './web-idl.ts';

/** A handler of a port's messages: a function or an object with `handleEvent`. */
export type PortListener =
  | ((event: PortMessageEvent) => void)
  | { handleEvent(event: PortMessageEvent): void };

/**
 * One end of the channel between a page and a processor. It behaves like a `MessagePort`: messages are structured clones made when
 * they are posted, transferred objects are detached immediately, messages are not delivered before `start()` or before `onmessage`
 * is set, and their order is kept. Unlike a real port, it delivers on demand, which makes tests repeatable; and it cannot be
 * transferred itself.
 */
export class ScopePort {
  /** Called when a message cannot be read. The stand-in never calls it; it exists because code may set it. */
  onmessageerror: ((event: PortMessageEvent) => void) | null = null;

  /** Listeners, and whether each is called only once. */
  readonly #listeners = new Map<PortListener, boolean>();
  readonly #queue: PortMessageEvent[] = [];
  #handler: ((event: PortMessageEvent) => void) | null = null;
  #started = false;
  #closed = false;
  #peer: ScopePort | undefined;
  #onPosted: () => void = () => {};

  /**
   * Creates two connected ends.
   *
   * @param onPosted called after a message was posted at either end, so that delivery can be scheduled.
   * @internal
   */
  static pair(onPosted: () => void): readonly [ScopePort, ScopePort] {
    const one = new ScopePort();
    const two = new ScopePort();
    one.#peer = two;
    two.#peer = one;
    one.#onPosted = onPosted;
    two.#onPosted = onPosted;
    return [one, two];
  }

  /** The handler of messages. Setting it starts the port, as on a `MessagePort`. */
  get onmessage(): ((event: PortMessageEvent) => void) | null {
    return this.#handler;
  }
  set onmessage(handler: ((event: PortMessageEvent) => void) | null) {
    this.#handler = typeof handler === 'function' ? handler : null;
    if (this.#handler) this.start();
  }

  /**
   * Sends a structured clone to the other end.
   *
   * @param transfer objects to transfer instead of copying, or `{ transfer }`; they are detached on return.
   * @throws DataCloneError if the message contains anything that cannot be cloned.
   */
  postMessage(
    message: unknown,
    transfer?: readonly unknown[] | { readonly transfer?: readonly unknown[] },
  ): void {
    // Web IDL counts arguments: undefined is a message, but a missing argument is not.
    checkCount('postMessage', arguments.length, 1);
    const list = transferList(transfer);
    if (list.includes(this) || list.includes(this.#peer)) {
      throw domException('DataCloneError', "A stand-in scope's port cannot be transferred.");
    }
    // Ports among the transferred objects are found again by their identity in the clone of the list.
    const clone = host().structuredClone({ message, list: [...list] }, { transfer: list });
    const ports = clone.list.filter((entry) => isPort(entry));
    const peer = this.#peer;
    if (!peer || this.#closed || peer.#closed) return;
    peer.#queue.push(new (host().MessageEvent)('message', { data: clone.message, ports }));
    this.#onPosted();
  }

  /** Begins delivery to listeners added with `addEventListener`. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    if (this.#queue.length > 0) this.#onPosted();
  }

  /** Ends the channel; messages that are still queued at this end are dropped. */
  close(): void {
    this.#closed = true;
    this.#queue.length = 0;
    const peer = this.#peer;
    if (peer) peer.#closed = true;
  }

  addEventListener(
    type: string,
    listener: PortListener | null,
    options?: { readonly once?: boolean } | boolean,
  ): void {
    checkCount('addEventListener', arguments.length, 2);
    if (type !== 'message' || !listener || this.#listeners.has(listener)) return;
    this.#listeners.set(listener, typeof options === 'object' && options.once === true);
  }

  removeEventListener(type: string, listener: PortListener | null): void {
    checkCount('removeEventListener', arguments.length, 2);
    if (type === 'message' && listener) this.#listeners.delete(listener);
  }

  /**
   * Delivers every message that has arrived to the handlers, including messages that they cause at this end. A handler that throws does
   * not prevent others from getting their messages.
   *
   * @param report called with errors from handlers
   * @returns the number of delivered messages.
   * @internal
   */
  deliver(report: (error: unknown) => void): number {
    if (!this.#started || this.#queue.length === 0) return 0;
    let count = 0;
    for (;;) {
      const event = this.#queue.shift();
      if (!event) return count;
      count++;
      if (this.#handler) this.#call(this.#handler, event, report);
      for (const [listener, once] of [...this.#listeners]) {
        if (once) this.#listeners.delete(listener);
        this.#call(listener, event, report);
      }
    }
  }

  #call(listener: PortListener, event: PortMessageEvent, report: (error: unknown) => void): void {
    try {
      if (typeof listener === 'function') listener.call(this, event);
      else listener.handleEvent(event);
    } catch (error) {
      report(error);
    }
  }
}

/** @throws TypeError, as browsers do for a call with too few arguments (Web IDL §3.6) */
function checkCount(method: string, got: number, wanted: number): void {
  if (got < wanted) {
    const words = `${wanted} argument${wanted === 1 ? '' : 's'}`;
    throw new TypeError(`MessagePort.${method} takes at least ${words}, got ${got}.`);
  }
}

/** Converts a sequence, or a dictionary that may contain one. @throws TypeError for anything else */
function transferList(transfer: unknown): readonly unknown[] {
  if (transfer === undefined || transfer === null) return [];
  const isSequence =
    typeof (transfer as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function';
  if (isSequence) return toSequence('transfer', transfer);
  const list = toDictionary('options', transfer)['transfer'];
  return list === undefined ? [] : toSequence('options.transfer', list);
}

function isPort(value: unknown): boolean {
  const candidate = value as { postMessage?: unknown; start?: unknown } | null;
  return typeof candidate?.postMessage === 'function' && typeof candidate.start === 'function';
}
