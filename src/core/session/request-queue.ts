import type { ServiceRequest } from '../services/service.ts';
import { Fifo } from './fifo.ts';

interface Queued {
  readonly request: ServiceRequest;
  /** Serial number of what the outbox has to send before; see `Outbox.nextSerial`. */
  readonly after: number;
  /** Bytes that the connection had been handed, with it. */
  handedBytes: number;
}

/** Most requests that wait, and most that are remembered until they have left the socket. */
const MAX_REQUESTS = 64;

/**
 * Requests beside the audio: messages of the app's, marks, interruptions. They wait while there is no connection, and those that
 * never left the socket of a lost one wait again. Each arrives once at most. The size is bounded: the oldest request is dropped.
 */
export class RequestQueue {
  readonly #waiting = new Fifo<Queued>();
  /** Handed to the connection, and perhaps still in its socket. */
  readonly #handed = new Fifo<Queued>();

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** @returns how many requests were dropped for it: 0 or 1 */
  push(request: ServiceRequest, after: number): number {
    this.#waiting.push({ request, after, handedBytes: 0 });
    return this.#bound();
  }

  /** What is to be sent next, when the outbox has sent everything before `nextSerial`; null: nothing. */
  peek(nextSerial: number): ServiceRequest | null {
    const next = this.#waiting.at(0);
    return next !== undefined && next.after < nextSerial ? next.request : null;
  }

  /**
   * What `peek` gave is being sent. Where it was encoded to nothing, or could not be, it is not held.
   * @param handedBytes bytes that the connection has been handed so far, with it
   */
  shift(handedBytes: number, isHeld: boolean): void {
    const next = this.#waiting.shift();
    if (next === undefined || !isHeld) return;
    next.handedBytes = handedBytes;
    this.#handed.push(next);
    if (this.#handed.length > MAX_REQUESTS) this.#handed.shift();
  }

  /** So many bytes of what the connection was handed have left the socket. */
  left(bytes: number): void {
    for (let next = this.#handed.at(0); next !== undefined; next = this.#handed.at(0)) {
      if (next.handedBytes > bytes) return;
      this.#handed.shift();
    }
  }

  /**
   * The connection is lost.
   * @param mayArrive what had not left the socket may arrive all the same: it is not sent again, since nobody would know it twice
   * @returns how many requests were dropped
   */
  rewind(mayArrive: boolean): number {
    if (mayArrive) this.#handed.clear();
    this.#waiting.prepend(this.#handed);
    return this.#bound();
  }

  #bound(): number {
    const tooMany = Math.max(0, this.#waiting.length - MAX_REQUESTS);
    for (let i = 0; i < tooMany; i++) this.#waiting.shift();
    return tooMany;
  }
}
