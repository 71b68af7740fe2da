import { messageBytes } from './transport.ts';
import type { TransportMessage } from './transport.ts';

/** Approximate memory that a message takes besides its bytes, so that the bound also holds for tiny messages. */
const MESSAGE_BYTES = 128;

interface Held {
  readonly message: TransportMessage;
  readonly sentAt: number;
}

/** Holds messages that wait for a connection, in order; bounded in bytes and in time. */
export class HeldMessages {
  readonly #maxBytes: number;
  readonly #maxMs: number;
  readonly #dropped: (message: TransportMessage) => void;
  #held: Held[] = [];
  #bytes = 0;

  /**
   * @param maxMs how long messages are held, in ms; 0 to hold no messages
   * @param dropped called to count a message that has waited too long
   */
  constructor(maxBytes: number, maxMs: number, dropped: (message: TransportMessage) => void) {
    this.#maxBytes = maxBytes;
    this.#maxMs = maxMs;
    this.#dropped = dropped;
  }

  /** Total size of the waiting messages, in bytes. */
  get bytes(): number {
    this.expire();
    return this.#bytes;
  }

  /**
   * @param message the message; it is copied
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

  /** Removes and returns all waiting messages. */
  take(): TransportMessage[] {
    this.expire();
    this.#bytes = 0;
    return this.#held.splice(0).map(({ message }) => message);
  }

  /** Drops messages that have waited too long. */
  expire(): void {
    const oldest = performance.now() - this.#maxMs;
    while (this.#held.length > 0 && this.#held[0]!.sentAt < oldest) {
      const { message } = this.#held.shift()!;
      this.#bytes -= messageBytes(message);
      this.#dropped(message);
    }
  }
}
