import type { OptionNames } from '../../core/option-names.ts';
import type { WebSocketLike } from '../../core/socket.ts';
import type { ReconnectOptions } from './reconnecting.ts';
import { RECONNECT_NAMES, ReconnectingTransport } from './reconnecting.ts';
import { createGlobalSocket, socketAddress } from './socket.ts';

/** Options of a {@link WebSocketTransport}. */
export interface WebSocketTransportOptions extends ReconnectOptions {
  /** Subprotocols to offer (RFC 6455 §1.9). */
  readonly protocols?: readonly string[];
  /**
   * Creates the socket, or a promise of one, for example after fetching a token. If it throws or rejects, the attempt has failed,
   * and the next one follows. (An exception at the very first attempt is thrown by `create`.)
   * @default the global WebSocket
   */
  readonly createSocket?: (
    url: string,
    protocols: readonly string[],
  ) => WebSocketLike | Promise<WebSocketLike>;
}
const NAMES: OptionNames<WebSocketTransportOptions> = {
  ...RECONNECT_NAMES,
  protocols: 1,
  createSocket: 1,
};

/**
 * Carries messages over a WebSocket (RFC 6455) that reconnects by itself: with bounded exponential back-off and jitter, and
 * immediately when the system is online again. A slow network never makes latency grow without bound: above the high water mark,
 * messages are dropped and counted. Messages sent while the transport is not connected are also dropped and counted, unless
 * `holdMs` holds them for a while.
 */
export class WebSocketTransport extends ReconnectingTransport {
  /** The absolute address, `ws:` or `wss:`. */
  readonly url: string;

  /**
   * Creates a transport and starts connecting. @param url `ws:`, `wss:`, `http:` or `https:`, absolute or relative to the page
   * @throws MicwireError `'unsupported'` where there is no WebSocket; TypeError or RangeError for an invalid address or option; the
   *   reason of a `signal` that is already aborted
   */
  static create(url: string | URL, options: WebSocketTransportOptions = {}): WebSocketTransport {
    return new WebSocketTransport(url, options);
  }

  private constructor(url: string | URL, options: WebSocketTransportOptions) {
    super('WebSocketTransport', options, NAMES);
    const address = socketAddress(url);
    const { protocols = [], createSocket = createGlobalSocket } = options;
    this.url = address;
    this.start(() => createSocket(address, protocols), options);
  }

  /** Explains a close code (RFC 6455 §7.4.1). @internal */
  protected closeReason(wasOpen: boolean, code: number, reason: string): string {
    if (!wasOpen) return 'The server cannot be reached, or refused the connection.';
    const said = reason === '' ? `code ${code}` : `${reason} (code ${code})`;
    if (code === 1000 || code === 1001) return `The server closed the connection: ${said}.`;
    if (code === 1006) return 'The connection was cut.';
    return `The server ended the connection: ${said}.`;
  }
}
