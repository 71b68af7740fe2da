import { numberIn } from '../../core/arguments.ts';
import { checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { isFinalClose } from '../../core/close-codes.ts';
import { MicwireError } from '../../core/errors.ts';
import type { CallRole, SignalMessage } from '../../core/webrtc/signal-message.ts';
import { SignallingClient } from '../../core/webrtc/signalling-client.ts';
import { isRoomName } from '../../core/webrtc/signalling-protocol.ts';
import type { PingRequest } from '../../core/webrtc/signalling-protocol.ts';
import type { WebSocketLike } from '../../core/socket.ts';
import { checkSignal, onAbort } from '../abort.ts';
import { BACK_OFF_NAMES } from '../transport/back-off.ts';
import type { BackOffOptions } from '../transport/back-off.ts';
import { RECONNECT_NAMES, ReconnectingTransport } from '../transport/reconnecting.ts';
import type { ReconnectOptions } from '../transport/reconnecting.ts';
import { createGlobalSocket, socketAddress } from '../transport/socket.ts';
import { BaseSignalling } from './signalling.ts';
import type { SignallingState } from './signalling.ts';

/** Options of a {@link WebSocketSignalling}. */
export interface WebSocketSignallingOptions extends BackOffOptions {
  /** Both peers name the same room: 1 to 64 of `A–Z a–z 0–9 _ -`. */
  readonly room: string;
  /**
   * Makes the socket, for the first connection and for each further one, or a promise of it, for example after fetching a token.
   * (Throwing at the very first attempt, it throws from `create`.)
   * @default the global WebSocket
   */
  readonly createSocket?: (
    url: string,
    protocols: readonly string[],
  ) => WebSocketLike | Promise<WebSocketLike>;
  /** An attempt to connect that has not succeeded after this many ms has failed. @default 10000 */
  readonly connectTimeoutMs?: number;
  /**
   * When nothing has arrived for this many ms, the server is asked for a `pong`. Without one in 5 s the connection is replaced: a
   * network that is gone may leave it open for minutes.
   * @default 10000
   */
  readonly pingIntervalMs?: number;
  /** Uniform numbers in [0, 1), for the jitter of the back-off. @default Math.random */
  readonly random?: () => number;
  /**
   * Closes the signalling when it is aborted before it is `'ready'`. Without effect afterwards. An `AbortController`'s
   * `signal`. @default none
   */
  readonly signal?: AbortSignal | undefined;
}
const NAMES = {
  ...BACK_OFF_NAMES,
  room: 1,
  createSocket: 1,
  connectTimeoutMs: 1,
  pingIntervalMs: 1,
  random: 1,
  signal: 1,
} satisfies OptionNames<WebSocketSignallingOptions>;

/** Nothing is dropped: a description may be longer than what a transport of audio lets wait. */
const HIGH_WATER_BYTES = 2 ** 24;
const PING: PingRequest = { type: 'ping' };
const PONG_TIMEOUT_MS = 5000;

/**
 * Signalling through a WebSocket server that speaks the protocol of `SignallingRequest` and `SignallingReply`. It is for one call.
 *
 * Once it has joined the room it survives its connection: it connects again with bounded exponential back-off and jitter, and
 * immediately when the system is online again; a server that has become silent is asked whether it is there. `state` is
 * `'connecting'` meanwhile. Its place in the room is kept for it, so that ICE can restart then. Messages that are sent while the
 * other peer cannot be reached are kept, up to 256, and go out when it is there again. It does not come back when the server
 * refuses it, or closes the connection with a code that says so: 1000, 1002, 1003, 1007 to 1010, 3000 or 3003 (RFC 6455 §7.4.1).
 */
export class WebSocketSignalling extends BaseSignalling {
  /** The address in full. */
  readonly url: string;
  readonly room: string;
  readonly #client: SignallingClient;
  readonly #transport: SignallingTransport;
  #current: SignallingState = 'connecting';
  /** Ends the watch over the option `signal`. */
  #endAbort: (() => void) | undefined;

  /**
   * Starts to connect. @param url `ws:`, `wss:`, `http:` or `https:`, absolute or relative to the page. What else the
   * server must know, such as a token, goes into its query
   * @throws TypeError or RangeError for a wrong address, room or option; MicwireError `'unsupported'` where there is no
   *   WebSocket; the reason of a `signal` that is aborted already
   */
  static create(url: string | URL, options: WebSocketSignallingOptions): WebSocketSignalling {
    return new WebSocketSignalling(url, options);
  }

  private constructor(url: string | URL, options: WebSocketSignallingOptions) {
    super();
    checkOptions('WebSocketSignalling', options, NAMES);
    const { room, createSocket = createGlobalSocket, signal, ...connection } = options;
    if (!isRoomName(room)) {
      throw new TypeError(`room must be 1 to 64 of A–Z, a–z, 0–9, _ and -, got '${room}'.`);
    }
    checkSignal(signal);
    this.url = socketAddress(url);
    this.room = room;
    this.#client = new SignallingClient(room);
    const transport = new SignallingTransport(() => createSocket(this.url, []), connection);
    this.#transport = transport;
    transport.addEventListener('statechange', () => this.#connection());
    transport.addEventListener('message', ({ data }) => {
      const message = this.#client.receive(data);
      if (message === null) this.#follow();
      else this.take(message);
    });
    this.#endAbort = onAbort(signal, () => void this.close());
  }

  get state(): SignallingState {
    return this.#current;
  }

  get role(): CallRole | null {
    return this.#client.role;
  }

  get error(): Error | null {
    return this.#client.failure;
  }

  send(message: SignalMessage): void {
    if (this.#client.send(message)) this.#flush();
  }

  /** @internal */
  protected async end(): Promise<void> {
    this.#client.close(null);
    this.#follow();
    await this.#transport.close();
  }

  /** The connection has come or gone. */
  #connection(): void {
    const { state, reason } = this.#transport.status;
    const client = this.#client;
    if (client.state === 'closed') return;
    if (state === 'open') {
      // Once: it is also 'open' again after it was congested.
      if (client.state === 'connecting') this.#transport.send(JSON.stringify(client.opened()));
    } else if (state === 'closed') {
      client.close(this.#lost(reason));
      this.#follow();
    } else if (state === 'waiting') {
      const error = this.#lost(reason);
      if (client.comesBack) client.lost();
      else client.close(error);
      this.#follow();
      if (client.state === 'connecting') this.#report(error);
    }
  }

  #lost(reason: string): MicwireError {
    return new MicwireError('transport', `${reason} Is ${this.url} right, and up?`);
  }

  /** Tells what has become of it, and sends what can be sent now. */
  #follow(): void {
    const { state, failure } = this.#client;
    if (state !== this.#current) {
      if (state === 'ready' || state === 'closed') this.#endAbort?.();
      this.#current = state;
      if (state === 'closed') {
        if (failure === null) this.clear();
        void this.#transport.close();
      }
      this.changed();
      if (state === 'closed' && failure !== null) this.#report(failure);
    }
    this.#flush();
  }

  #flush(): void {
    for (const message of this.#client.take()) this.#transport.send(JSON.stringify(message));
  }

  #report(error: Error): void {
    this.dispatchEvent(new CustomEvent('error', { detail: error }));
  }
}

/**
 * Tells the server, should it hear of it, that the connection was given up: without a code it would take it for the end of the call.
 * One of those that are an app's own (RFC 6455 §7.4.2).
 */
const GIVEN_UP = 4000;

type ConnectionOptions = Omit<WebSocketSignallingOptions, 'room' | 'createSocket' | 'signal'>;

/** The connections of one signalling. */
class SignallingTransport extends ReconnectingTransport {
  constructor(
    connect: () => WebSocketLike | Promise<WebSocketLike>,
    { pingIntervalMs = 10_000, ...options }: ConnectionOptions,
  ) {
    const all: ReconnectOptions = {
      ...options,
      highWaterBytes: HIGH_WATER_BYTES,
      heartbeat: {
        message: JSON.stringify(PING),
        intervalMs: numberIn('pingIntervalMs', pingIntervalMs, 1, 600_000),
        timeoutMs: PONG_TIMEOUT_MS,
      },
    };
    super('WebSocketSignalling', all, RECONNECT_NAMES, 'text');
    this.start(connect, all);
  }

  /** @internal */
  protected override isFinal(code: number): boolean {
    return isFinalClose(code);
  }

  /** @internal */
  protected override get lostCode(): number {
    return GIVEN_UP;
  }

  /** @internal */
  protected closeReason(wasOpen: boolean, code: number, reason: string): string {
    if (!wasOpen) return 'The signalling server cannot be reached, or refused the connection.';
    if (!isFinalClose(code)) return 'The connection to the signalling server was cut.';
    const said = reason === '' ? `code ${code}` : `${reason} (code ${code})`;
    return `The signalling server ended the connection for good: ${said}.`;
  }
}
