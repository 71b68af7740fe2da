import { messageBytes } from './transport.ts';
import type { TransportMessage } from './transport.ts';

/** About the memory that a message takes beside its bytes, so that the bound on bytes also holds for tiny ones. */
const MESSAGE_BYTES = 128;

interface Held {
  readonly message: TransportMessage;
  readonly sentAt: number;
}

/** Messages that wait for a connection, in order; bounded in bytes and in time. */
export class HeldMessages {
  readonly #maxBytes: number;
  readonly #maxMs: number;
  readonly #dropped: (message: TransportMessage) => void;
  #held: Held[] = [];
  #bytes = 0;

  /**
   * @param maxMs 0: none is held
   * @param dropped counts a message that has waited too long
   */
  constructor(maxBytes: number, maxMs: number, dropped: (message: TransportMessage) => void) {
    this.#maxBytes = maxBytes;
    this.#maxMs = maxMs;
    this.#dropped = dropped;
  }

  /** Bytes of the messages that wait. */
  get bytes(): number {
    this.expire();
    return this.#bytes;
  }

  /**
   * @param message is copied
   * @returns whether there is room for it
   */
  add(message: TransportMessage): boolean {
    if (this.#maxMs === 0) return false;
    const bytes = messageBytes(message);
    const taken = this.bytes + this.#held.length * MESSAGE_BYTES;
    if (taken + bytes + MESSAGE_BYTES > this.#maxBytes) return false;
    const copy = typeof message === 'string' ? message : new Uint8Array(message);
    this.#held.push({ message: copy, sentAt: performance.now() });
    this.#bytes += bytes;
    return true;
  }

  /** The messages that wait; none waits any more. */
  take(): TransportMessage[] {
    this.expire();
    this.#bytes = 0;
    return this.#held.splice(0).map(({ message }) => message);
  }

  /** Drops what has waited too long. */
  expire(): void {
    const oldest = performance.now() - this.#maxMs;
    while (this.#held.length > 0 && this.#held[0]!.sentAt < oldest) {
      const { message } = this.#held.shift()!;
      this.#bytes -= messageBytes(message);
      this.#dropped(message);
    }
  }
}
