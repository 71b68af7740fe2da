import type { ServiceRequest } from '../services/service.ts';
import { Fifo } from './fifo.ts';

interface Queued {
  readonly request: ServiceRequest;
  /** Serial number that the outbox must have passed before; see `Outbox.nextSerial`. */
  readonly after: number;
  /** Maximum bytes passed to the connection so far, including this request. */
  handedBytes: number;
  /** End of the audio that had been sent before it. */
  sentEnd: number;
  /** Whether it may have reached the service on a lost connection. */
  isDoubtful: boolean;
}

/** Maximum number of waiting requests, and of requests remembered after they were sent. */
const MAX_REQUESTS = 64;

/**
 * Requests besides the audio: the app's messages, marks, interruptions. They wait while there is no connection, and those that
 * never left the socket of a lost connection wait again. Except repeatable ones, each arrives at most once. The size is bounded:
 * the oldest is dropped.
 *
 * Repeatable requests are kept until the service shows that it has them, and wait again after a lost connection. A service that
 * does not know the session does not receive those that may have arrived.
 */
export class RequestQueue {
  readonly #isRepeatable: (request: ServiceRequest) => boolean;
  #waiting = new Fifo<Queued>();
  /** Requests passed to the connection that may still be in its socket; repeatable ones also after that. */
  #handed = new Fifo<Queued>();
  /** Bytes of the connection that may have left its socket. */
  #leftBytes = 0;

  /** @param isRepeatable whether the service may receive a request more than once. @default never */
  constructor(isRepeatable: (request: ServiceRequest) => boolean = () => false) {
    this.#isRepeatable = isRepeatable;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** The last waiting request. */
  get last(): ServiceRequest | undefined {
    return this.#waiting.at(this.#waiting.length - 1)?.request;
  }

  /** @returns the number of requests dropped to make room: 0 or 1 */
  push(request: ServiceRequest, after: number): number {
    this.#waiting.push({ request, after, handedBytes: 0, sentEnd: 0, isDoubtful: false });
    return this.#bound();
  }

  /** Returns the next request if the outbox has sent everything before `nextSerial`, without removing it; null without one. */
  peek(nextSerial: number): ServiceRequest | null {
    const next = this.#waiting.at(0);
    return next !== undefined && next.after < nextSerial ? next.request : null;
  }

  /**
   * Notes that the request returned by `peek` is being sent. If it was encoded to nothing, or could not be encoded, it is not kept.
   * @param handedBytes maximum bytes passed to the connection so far, including this request
   * @param sentEnd end of the audio sent so far
   */
  shift(handedBytes: number, sentEnd: number, isHeld: boolean): void {
    const next = this.#waiting.shift();
    if (next === undefined || !isHeld) return;
    next.handedBytes = handedBytes;
    next.sentEnd = sentEnd;
    this.#handed.push(next);
    if (this.#handed.length > MAX_REQUESTS) this.#handed.shift();
  }

  /** Notes how many bytes of those passed to the connection may have left the socket. */
  left(bytes: number): void {
    this.#leftBytes = bytes;
    for (let next = this.#handed.at(0); next !== undefined; next = this.#handed.at(0)) {
      if (!this.#hasLeft(next) || this.#isRepeatable(next.request)) return;
      this.#handed.shift();
    }
  }

  /** The service has all audio before `frame`, and so the requests that were sent before that audio. */
  confirm(frame: number): void {
    const isOpen = (one: Queued): boolean => one.sentEnd >= frame;
    this.#handed = filtered(this.#handed, isOpen);
    this.#waiting = filtered(this.#waiting, (one) => !one.isDoubtful || isOpen(one));
  }

  /**
   * The connection is lost.
   * @param mayArrive whether data still in the socket may arrive
   * @returns the number of requests dropped
   */
  rewind(mayArrive: boolean): number {
    for (const one of this.#handed) one.isDoubtful ||= mayArrive || this.#hasLeft(one);
    this.#handed = filtered(this.#handed, (one) => {
      return !one.isDoubtful || this.#isRepeatable(one.request);
    });
    this.#leftBytes = 0;
    this.#waiting.prepend(this.#handed);
    return this.#bound();
  }

  /** A connection is ready. @param isKnown whether the service knows the session, and handles repeated requests once */
  resume(isKnown: boolean): void {
    if (!isKnown) this.#waiting = filtered(this.#waiting, ({ isDoubtful }) => !isDoubtful);
  }

  #hasLeft({ handedBytes }: Queued): boolean {
    return handedBytes <= this.#leftBytes;
  }

  #bound(): number {
    const tooMany = Math.max(0, this.#waiting.length - MAX_REQUESTS);
    for (let i = 0; i < tooMany; i++) this.#waiting.shift();
    return tooMany;
  }
}

function filtered(queue: Fifo<Queued>, isKept: (one: Queued) => boolean): Fifo<Queued> {
  const kept = new Fifo<Queued>();
  for (const one of queue) if (isKept(one)) kept.push(one);
  return kept;
}
