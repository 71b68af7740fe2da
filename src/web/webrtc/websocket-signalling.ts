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
  /** Name of the room, the same for both peers: 1 to 64 characters of `A–Z a–z 0–9 _ -`. */
  readonly room: string;
  /**
   * Creates the socket, or a promise of one, for the first connection and each further one, for example after fetching a token. (An
   * exception at the very first attempt is thrown by `create`.)
   * @default the global WebSocket
   */
  readonly createSocket?: (
    url: string,
    protocols: readonly string[],
  ) => WebSocketLike | Promise<WebSocketLike>;
  /** How long an attempt to connect may take before it counts as failed, in ms. @default 10000 */
  readonly connectTimeoutMs?: number;
  /**
   * When no message has arrived for this time, in ms, the server is asked for a `pong`. If it does not answer within 5 s, the
   * connection is replaced: when the network is gone, a connection may stay open for minutes.
   * @default 10000
   */
  readonly pingIntervalMs?: number;
  /** Returns uniformly distributed numbers in [0, 1), for the jitter of the back-off. @default Math.random */
  readonly random?: () => number;
  /**
   * Closes the signalling if the signal is aborted before the signalling is `'ready'`. Has no effect afterwards. Pass an
   * `AbortController`'s `signal`. @default none
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

/** High enough that no message is dropped: a description may be longer than a transport of audio allows to wait. */
const HIGH_WATER_BYTES = 2 ** 24;
const PING: PingRequest = { type: 'ping' };
const PONG_TIMEOUT_MS = 5000;

/**
 * Signalling for one call through a WebSocket server that speaks the protocol of `SignallingRequest` and `SignallingReply`.
 *
 * Once it has joined the room, it survives lost connections: it reconnects with bounded exponential back-off and jitter, and
 * immediately when the system is online again; a server that has become silent is probed. In the meantime `state` is
 * `'connecting'`. The server keeps its place in the room, so that ICE can restart afterwards. Messages that are sent while the
 * other peer cannot be reached are kept, up to 256, and are sent when it can be reached again. The signalling does not reconnect
 * when the server refuses it, or closes the connection with a code that forbids it: 1000, 1002, 1003, 1007 to 1010, 3000 or 3003
 * (RFC 6455 §7.4.1).
 */
export class WebSocketSignalling extends BaseSignalling {
  /** The absolute address. */
  readonly url: string;
  readonly room: string;
  readonly #client: SignallingClient;
  readonly #transport: SignallingTransport;
  #current: SignallingState = 'connecting';
  /** Stops watching the option `signal`. */
  #endAbort: (() => void) | undefined;

  /**
   * Creates the signalling and starts connecting. @param url `ws:`, `wss:`, `http:` or `https:`, absolute or relative to the page.
   * Further data for the server, such as a token, goes into its query
   * @throws TypeError or RangeError for an invalid address, room or option; MicwireError `'unsupported'` where there is no
   *   WebSocket; the reason of a `signal` that is already aborted
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

  /** Handles the opening or the loss of the connection. */
  #connection(): void {
    const { state, reason } = this.#transport.status;
    const client = this.#client;
    if (client.state === 'closed') return;
    if (state === 'open') {
      // Only once: the state also becomes 'open' again after congestion.
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

  /** Reports the new state, and sends the messages that can be sent now. */
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
 * Close code that tells the server, if it arrives, that the connection was abandoned: without a code the server would assume the
 * end of the call. From the range for applications (RFC 6455 §7.4.2).
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
