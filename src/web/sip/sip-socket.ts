import { errorText } from '../../core/errors.ts';
import { MAX_SIP_BYTES } from '../../core/sip/sip-message.ts';
import { madeSocket } from '../../core/socket.ts';
import type { CreateSocket, WebSocketLike } from '../../core/socket.ts';

/** Close code of a connection that ended without one (RFC 6455 §7.4.1). */
const ABNORMAL_CLOSURE = 1006;

/** Options of a {@link SipSocket}. */
interface SipSocketOptions {
  /** The absolute address. */
  readonly url: string;
  readonly createSocket: CreateSocket;
  /** Called with each message that passes through. */
  readonly seen: (direction: 'out' | 'in', data: string | Uint8Array) => void;
}

/**
 * SIP over a WebSocket (RFC 7118), with the interface and the names that JsSIP requires of a socket. Each message that passes
 * through is reported.
 */
export class SipSocket {
  readonly url: string;
  readonly sip_uri: string;
  via_transport: string;
  onconnect: () => void = () => {};
  ondisconnect: (isError: boolean, code?: number, reason?: string) => void = () => {};
  ondata: (data: string) => void = () => {};
  readonly #options: SipSocketOptions;
  #socket: WebSocketLike | null = null;
  #isOpen = false;
  #wasMade = false;
  #hasEnded = false;

  constructor(options: SipSocketOptions) {
    this.#options = options;
    const { protocol, host } = new URL(options.url);
    this.url = options.url;
    this.sip_uri = `sip:${host};transport=ws`;
    this.via_transport = protocol === 'wss:' ? 'WSS' : 'WS';
  }

  isConnected(): boolean {
    return this.#isOpen;
  }

  isConnecting(): boolean {
    return this.#socket !== null && !this.#isOpen;
  }

  connect(): void {
    if (this.#socket !== null || this.#hasEnded) return;
    let socket: WebSocketLike;
    try {
      socket = madeSocket(this.#options.createSocket(this.url, ['sip']));
    } catch (error) {
      // At the first attempt, the caller of `open()` gets the error.
      if (!this.#wasMade) throw error;
      // JsSIP then tries again. Reported later, as sockets do: JsSIP assumes that it is connecting until this call has returned.
      setTimeout(() => {
        if (!this.#hasEnded) this.ondisconnect(true, ABNORMAL_CLOSURE, errorText(error));
      });
      return;
    }
    this.#wasMade = true;
    this.#socket = socket;
    // The app's function may have closed the phone.
    if (this.#hasEnded) return this.disconnect();
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.#isOpen = true;
      this.onconnect();
    };
    socket.onmessage = ({ data }: { readonly data: unknown }) => this.#arrived(data);
    socket.onclose = ({ wasClean, code, reason }: Partial<CloseEvent>) => {
      this.#let(socket);
      this.ondisconnect(wasClean !== true, code, reason);
    };
    // A close event follows; but `ws` throws without a handler.
    socket.onerror = () => {};
  }

  disconnect(): void {
    const socket = this.#socket;
    if (socket === null) return;
    this.#let(socket);
    socket.close();
  }

  /** Disconnects permanently. */
  end(): void {
    this.#hasEnded = true;
    this.disconnect();
  }

  /** @returns whether it was sent */
  send(data: string): boolean {
    if (this.#socket === null || !this.#isOpen) return false;
    this.#options.seen('out', data);
    this.#socket.send(data);
    return true;
  }

  #arrived(data: unknown): void {
    const isText = typeof data === 'string';
    if (!isText && !(data instanceof ArrayBuffer)) return;
    const bytes = isText ? null : new Uint8Array(data);
    // Messages that no server would send are not worth parsing.
    if ((bytes?.length ?? (data as string).length) > MAX_SIP_BYTES) return;
    this.#options.seen('in', bytes ?? (data as string));
    try {
      this.ondata(bytes === null ? (data as string) : new TextDecoder().decode(bytes));
    } catch {
      // A message that JsSIP cannot handle is ignored: the ladder shows it.
    }
  }

  #let(socket: WebSocketLike): void {
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.onerror = () => {};
    this.#socket = null;
    this.#isOpen = false;
  }
}
