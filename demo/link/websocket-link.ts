import { TokenBucket } from '../../src/core/token-bucket.ts';
import type { Carrier, CarrierParts } from './carrier.ts';
import type { MessageSocket } from '../server/message-socket.ts';
import type { TcpModelCounts } from './tcp-model.ts';
import { TcpModel } from './tcp-model.ts';

/** What a lane runs on: `forward` carries segments, `back` acknowledgements. A fault cuts this lane. */
export interface WebSocketLinkOptions extends CarrierParts {
  /** A client that sends more is cut (close code 1008). @default 1000 */
  readonly maxMessagesPerSecond?: number;
  /** Bytes sent and not acknowledged, above which nothing further is read from the client. @default 262144 */
  readonly maxBufferedBytes?: number;
}

interface Message {
  readonly data: Uint8Array;
  readonly binary: boolean;
}

/** How far below the limit reading resumes: a slow link must not look like a stalled one. */
const RESUME_BYTES = 2 ** 14;

/** RFC 6455 §7.4.1. */
const POLICY_VIOLATION = 1008;

/**
 * Puts a connection of messages onto the link: every message comes back to its client unchanged and in order, once, when a message sent
 * over TCP through the link would have arrived at its far end. What is between client and here is the machine's own
 * loopback, both ways; messages pass the link in one direction only, as a call's audio does.
 */
export class WebSocketLink implements Carrier {
  readonly kind = 'websocket';
  readonly refused = 0;
  readonly #socket: MessageSocket;
  readonly #options: WebSocketLinkOptions;
  readonly #tcp: TcpModel<Message>;
  /** The counts of `tcp` at the last restart. */
  #base: TcpModelCounts;
  readonly #rate: TokenBucket;
  readonly #maxBufferedBytes: number;

  constructor(socket: MessageSocket, options: WebSocketLinkOptions) {
    const { clock, forward, back, boundary, maxMessagesPerSecond = 1000 } = options;
    this.#socket = socket;
    this.#options = options;
    this.#maxBufferedBytes = options.maxBufferedBytes ?? 2 ** 18;
    this.#rate = TokenBucket.perSecond(maxMessagesPerSecond, performance.now());
    this.#tcp = new TcpModel({
      clock: clock.guarded(() => this.close()),
      forward,
      back,
      deliver: (message) => this.#deliver(message),
      onacknowledge: () => this.#regulate(),
    });
    this.#base = this.#tcp.counts;
    const onMessage = (data: Uint8Array, binary: boolean): void => this.#take(data, binary);
    const cut = (): void => this.close();
    socket.on('message', boundary.guard(onMessage, cut));
    socket.on(
      'close',
      boundary.guard(() => this.#tcp.close()),
    );
    // A message that is too long or not UTF-8: `ws` closes the connection with the right code by itself.
    socket.on('error', () => {});
  }

  /** What the modelled connection has done since the last restart. */
  get tcp(): TcpModelCounts {
    const counts: Record<string, number> = { ...this.#tcp.counts };
    for (const [name, before] of Object.entries(this.#base)) counts[name]! -= before as number;
    return counts as unknown as TcpModelCounts;
  }

  /** Bytes on the wire of segments that were sent again, with headers; since the connection was opened. */
  get repeatedWireBytes(): number {
    return this.#tcp.repeatedWireBytes;
  }

  restart(): void {
    this.#base = this.#tcp.counts;
  }

  /** Cuts the connection. */
  close(): void {
    this.#tcp.close();
    this.#socket.terminate();
  }

  #take(data: Uint8Array, binary: boolean): void {
    const { clock, forward } = this.#options;
    clock.catchUp();
    if (!this.#rate.tryTake(performance.now())) {
      this.#socket.close(POLICY_VIOLATION, 'too many messages');
      return;
    }
    const bytes = data.length;
    forward.addPayload(bytes);
    this.#tcp.send({ data, binary }, bytes + frameHeaderBytes(bytes));
    this.#regulate();
  }

  /** Stops reading while too much waits for the link, or for a client that does not read: the sender gets back-pressure. */
  #regulate(): void {
    const socket = this.#socket;
    const waiting = Math.max(this.#tcp.bufferedBytes, socket.bufferedAmount);
    if (waiting > this.#maxBufferedBytes) socket.pause();
    else if (socket.isPaused && waiting <= this.#maxBufferedBytes - RESUME_BYTES) socket.resume();
  }

  #deliver({ data, binary }: Message): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    this.#options.lateness.add(performance.now() - this.#options.clock.nowMs);
    socket.send(data, { binary }, () => this.#regulate());
  }
}

/** RFC 6455 §5.2: what a client puts before a message, mask included. */
function frameHeaderBytes(bytes: number): number {
  return 2 + 4 + (bytes <= 125 ? 0 : bytes <= 0xffff ? 2 : 8);
}
