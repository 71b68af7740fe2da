import { checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { MicwireError } from '../../core/errors.ts';
import type { CallRole, SignalMessage } from '../../core/webrtc/signal-message.ts';
import type { SignallingReply, SignallingRequest } from '../../core/webrtc/signalling-protocol.ts';
import { isRoomName, parseSignallingReply } from '../../core/webrtc/signalling-protocol.ts';
import { createGlobalSocket, socketAddress } from '../transport/socket.ts';
import { madeSocket } from '../../core/socket.ts';
import type { WebSocketLike } from '../../core/socket.ts';
import { checkSignal, onAbort } from '../abort.ts';
import { BaseSignalling } from './signalling.ts';
import type { SignallingState } from './signalling.ts';

/** Options of a {@link WebSocketSignalling}. */
export interface WebSocketSignallingOptions {
  /** Both peers name the same room: 1 to 64 of `A–Z a–z 0–9 _ -`. */
  readonly room: string;
  /**
   * Makes the socket.
   * @default the global WebSocket
   */
  readonly createSocket?: (url: string, protocols: readonly string[]) => WebSocketLike;
  /**
   * Closes the signalling when it is aborted before it is `'ready'`. Without effect afterwards. An `AbortController`'s
   * `signal`. @default none
   */
  readonly signal?: AbortSignal | undefined;
}
const NAMES = {
  room: 1,
  createSocket: 1,
  signal: 1,
} satisfies OptionNames<WebSocketSignallingOptions>;

/**
 * Signalling through a WebSocket server that speaks the protocol of `SignallingRequest` and `SignallingReply`. It is for one
 * call: when the connection is lost it is closed; a call that is up continues, but its ICE cannot restart.
 */
export class WebSocketSignalling extends BaseSignalling {
  /** The address in full. */
  readonly url: string;
  readonly room: string;
  readonly #socket: WebSocketLike;
  #current: SignallingState = 'connecting';
  #currentRole: CallRole | null = null;
  #failure: Error | null = null;
  /** Ends the watch over the option `signal`. */
  #endAbort: (() => void) | undefined;

  /**
   * Starts to connect. @param url `ws:`, `wss:`, `http:` or `https:`, absolute or relative to the page. What else the
   * server must know, such as a token, goes into its query
   * @throws TypeError for a wrong address or room; MicwireError `'unsupported'` where there is no WebSocket; the reason of a
   *   `signal` that is aborted already
   */
  static create(url: string | URL, options: WebSocketSignallingOptions): WebSocketSignalling {
    return new WebSocketSignalling(url, options);
  }

  private constructor(url: string | URL, options: WebSocketSignallingOptions) {
    super();
    checkOptions('WebSocketSignalling', options, NAMES);
    const { room, createSocket = createGlobalSocket } = options;
    if (!isRoomName(room)) {
      throw new TypeError(`room must be 1 to 64 of A–Z, a–z, 0–9, _ and -, got '${room}'.`);
    }
    checkSignal(options.signal);
    this.url = socketAddress(url);
    this.room = room;
    const socket = madeSocket(createSocket(this.url, []));
    this.#socket = socket;
    socket.onopen = () => this.#tell({ type: 'join', room });
    socket.onmessage = (event: { readonly data: unknown }) => this.#arrived(event.data);
    socket.onclose = () => this.#lost();
    // A close follows; but `ws` throws without a handler.
    socket.onerror = () => {};
    this.#endAbort = onAbort(options.signal, () => void this.close());
  }

  get state(): SignallingState {
    return this.#current;
  }

  get role(): CallRole | null {
    return this.#currentRole;
  }

  get error(): Error | null {
    return this.#failure;
  }

  send(message: SignalMessage): void {
    if (this.#current === 'ready') this.#tell(message);
  }

  /** @internal */
  protected async end(): Promise<void> {
    this.#shut(null);
  }

  #tell(request: SignallingRequest): void {
    this.#socket.send(JSON.stringify(request));
  }

  #arrived(data: unknown): void {
    if (this.#current === 'closed') return;
    let reply: SignallingReply;
    try {
      reply = parseSignallingReply(typeof data === 'string' ? data : '');
    } catch (error) {
      this.#shut(error as Error);
      return;
    }
    switch (reply.type) {
      case 'joined':
        this.#become('waiting');
        return;
      case 'ready':
        this.#currentRole = reply.role;
        this.#become('ready');
        return;
      case 'error':
        // The peer has just gone: its `bye` is on the way.
        if (reply.code !== 'no-peer') this.#shut(new MicwireError('transport', reply.message));
        return;
      default:
        this.take(reply);
    }
  }

  #lost(): void {
    const reason =
      this.#current === 'connecting'
        ? 'The signalling server cannot be reached, or refused the connection.'
        : 'The connection to the signalling server was cut.';
    this.#shut(new MicwireError('transport', `${reason} Is ${this.url} right, and up?`));
  }

  #shut(error: Error | null): void {
    if (this.#current === 'closed') return;
    this.#failure = error;
    const socket = this.#socket;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.onerror = () => {};
    socket.close();
    if (error === null) this.clear();
    this.#become('closed');
    if (error !== null) this.dispatchEvent(new CustomEvent('error', { detail: error }));
  }

  #become(state: SignallingState): void {
    if (state === this.#current) return;
    if (state === 'ready' || state === 'closed') this.#endAbort?.();
    this.#current = state;
    this.changed();
  }
}
