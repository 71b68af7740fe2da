import type { ServiceRequest } from '../services/service.ts';
import { Fifo } from './fifo.ts';

interface Queued {
  readonly request: ServiceRequest;
  /** Serial number of what the outbox has to send before; see `Outbox.nextSerial`. */
  readonly after: number;
  /** Bytes that the connection had been handed at most, with it. */
  handedBytes: number;
  /** The end of the audio that had been sent before it. */
  sentEnd: number;
  /** It may have reached the service by a connection that was lost. */
  isDoubtful: boolean;
}

/** Most requests that wait, and most that are remembered after they were sent. */
const MAX_REQUESTS = 64;

/**
 * Requests beside the audio: messages of the app's, marks, interruptions. They wait while there is no connection, and those that
 * never left the socket of a lost one wait again. Each arrives once at most. The size is bounded: the oldest request is dropped.
 *
 * Repeatable requests are kept until the service shows that it has them, and wait again after a lost connection. A service that
 * does not know the session does not get those that may have arrived.
 */
export class RequestQueue {
  readonly #isRepeatable: (request: ServiceRequest) => boolean;
  #waiting = new Fifo<Queued>();
  /** Handed to the connection, and perhaps still in its socket; repeatable ones also afterwards. */
  #handed = new Fifo<Queued>();
  /** Bytes of the connection that may have left its socket. */
  #leftBytes = 0;

  /** @param isRepeatable what the service may get more than once. @default nothing */
  constructor(isRepeatable: (request: ServiceRequest) => boolean = () => false) {
    this.#isRepeatable = isRepeatable;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** The last request that waits. */
  get last(): ServiceRequest | undefined {
    return this.#waiting.at(this.#waiting.length - 1)?.request;
  }

  /** @returns how many requests were dropped for it: 0 or 1 */
  push(request: ServiceRequest, after: number): number {
    this.#waiting.push({ request, after, handedBytes: 0, sentEnd: 0, isDoubtful: false });
    return this.#bound();
  }

  /** What is to be sent next, when the outbox has sent everything before `nextSerial`; null: nothing. */
  peek(nextSerial: number): ServiceRequest | null {
    const next = this.#waiting.at(0);
    return next !== undefined && next.after < nextSerial ? next.request : null;
  }

  /**
   * What `peek` gave is being sent. Where it was encoded to nothing, or could not be, it is not held.
   * @param handedBytes bytes that the connection has been handed so far at most, with it
   * @param sentEnd the end of the audio that was sent so far
   */
  shift(handedBytes: number, sentEnd: number, isHeld: boolean): void {
    const next = this.#waiting.shift();
    if (next === undefined || !isHeld) return;
    next.handedBytes = handedBytes;
    next.sentEnd = sentEnd;
    this.#handed.push(next);
    if (this.#handed.length > MAX_REQUESTS) this.#handed.shift();
  }

  /** So many bytes of what the connection was handed may have left the socket. */
  left(bytes: number): void {
    this.#leftBytes = bytes;
    for (let next = this.#handed.at(0); next !== undefined; next = this.#handed.at(0)) {
      if (!this.#hasLeft(next) || this.#isRepeatable(next.request)) return;
      this.#handed.shift();
    }
  }

  /** The service has all audio before `frame`, and so what was sent before that audio. */
  confirm(frame: number): void {
    const isOpen = (one: Queued): boolean => one.sentEnd >= frame;
    this.#handed = filtered(this.#handed, isOpen);
    this.#waiting = filtered(this.#waiting, (one) => !one.isDoubtful || isOpen(one));
  }

  /**
   * The connection is lost.
   * @param mayArrive what had not left the socket may arrive all the same
   * @returns how many requests were dropped
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

  /** A connection is ready. @param isKnown the service knows the session, and takes repeated requests once */
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
