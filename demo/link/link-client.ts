import { decodeBase64 } from '../../src/core/base64/base64.ts';
import type { ControlReply, ControlRequest, LinkStatistics, SpliceAddress } from './protocol.ts';
import { LinkControlError } from './protocol.ts';
import type { RouterSettings } from './router-settings.ts';
import type { LinkSettings } from './settings.ts';
import type { RouterServers } from './simulated-router.ts';

/** What a client needs of a WebSocket: that of a browser, or of the package `ws`. */
export interface ClientSocket {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(): void;
}

/** A request without its number. */
type Ask = ControlRequest extends infer Request
  ? Request extends ControlRequest
    ? Omit<Request, 'id'>
    : never
  : never;

interface Waiting {
  resolve(reply: ControlReply): void;
  reject(error: LinkControlError): void;
}

/** A page's session with the simulated network. It ends with its connection, and its lanes with it. */
export class LinkClient {
  /** Called once when the connection has ended, on either side. */
  onclose: (() => void) | null = null;
  /** The session's name: its lanes can be used only with it. */
  readonly session: string;
  readonly #base: string;
  readonly #socket: ClientSocket;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #closed = false;

  private constructor(base: string, socket: ClientSocket, session: string) {
    this.#base = base;
    this.#socket = socket;
    this.session = session;
    socket.onmessage = (event: { readonly data: unknown }) => {
      const reply = replyOf(event.data);
      if (reply === null || !('id' in reply) || reply.id === null) return;
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.type !== 'error') waiting?.resolve(reply);
      else waiting?.reject(new LinkControlError(reply.code, reply.message));
    };
    socket.onclose = () => this.#end();
  }

  /**
   * Opens a session.
   * @param base where the lab is served, such as `ws://localhost:5173`
   * @param createSocket @default the scope's own WebSocket
   * @throws LinkControlError `failed` when there is no connection
   */
  static connect(
    base: string,
    createSocket: (url: string) => ClientSocket = createGlobalSocket,
  ): Promise<LinkClient> {
    return new Promise((resolve, reject) => {
      const socket = createSocket(`${base}/link/control`);
      const fail = (): void => {
        reject(new LinkControlError('failed', 'The simulated network cannot be reached.'));
      };
      socket.onerror = fail;
      socket.onclose = fail;
      // The first message has the session's name.
      socket.onmessage = (event: { readonly data: unknown }) => {
        const reply = replyOf(event.data);
        if (reply?.type === 'session') resolve(new LinkClient(base, socket, reply.session));
      };
    });
  }

  /**
   * The address of a WebSocket over the link: messages sent there come back, once over the link. The lane begins and ends
   * with the connection.
   * @param lane its name, 1 to 32 of A–Z, a–z, 0–9, _ and -; '' for any
   */
  laneUrl(lane: string): string {
    return `${this.#base}/link/lane/${this.session}${lane === '' ? '' : `/${lane}`}`;
  }

  /**
   * The address of a port of a `PortGateway`: messages of a data channel that are handed to it come back, once over the link, or are
   * lost. The lane ends with `closeLane`.
   */
  datagramsUrl(lane: string): string {
    return `${this.#base}/link/datagrams/${this.session}/${lane}`;
  }

  /** The name that the lab's signalling knows a call's lane by; '' for any lane. */
  callLink(lane: string): string {
    return lane === '' ? this.session : `${this.session}-${lane}`;
  }

  /** Where both peers of a call meet so that it goes over the link as the lane of that name; '' for any. */
  signallingUrl(lane: string): string {
    return `${this.#base}/signal?link=${this.callLink(lane)}`;
  }

  /**
   * Sets the link of all lanes, from the next packet on.
   * @param back of the other direction, where it differs
   */
  async configure(settings: LinkSettings, back: LinkSettings | null = null): Promise<void> {
    await this.#ask({ type: 'configure', settings, back });
  }

  /** Begins a run: chance from the seed (an integer below 2³²), the link's time at 0, statistics at nothing. */
  async restart(seed: number): Promise<void> {
    await this.#ask({ type: 'restart', seed });
  }

  /** What has been carried since the last restart. */
  async statistics(): Promise<LinkStatistics> {
    const reply = await this.#ask({ type: 'statistics' });
    if (reply.type !== 'statistics') throw new LinkControlError('failed', 'No statistics came.');
    return reply.statistics;
  }

  /** Opens a lane for the two peers of a call, where no signalling does. */
  openSplice(lane: string): Promise<SpliceAddress> {
    return this.#openSplice({ type: 'open-splice', lane });
  }

  /** Opens a lane to the lab's server of WebTransport: the page connects to the first port. */
  openQuic(lane: string): Promise<SpliceAddress> {
    return this.#openSplice({ type: 'open-quic', lane });
  }

  /** Has the peers of a call leave the network that they were on: the call continues when ICE restarts. */
  async cutSplice(lane: string): Promise<void> {
    await this.#ask({ type: 'cut-splice', lane });
  }

  /** Records the packets of calls that are opened from now on; earlier files are dropped. */
  async record(): Promise<void> {
    await this.#ask({ type: 'record' });
  }

  /** The packets of a call, as a file for Wireshark: STUN, DTLS and SRTP as they were delivered, its first 512 KiB. */
  async capture(lane: string): Promise<Uint8Array> {
    const reply = await this.#ask({ type: 'capture', lane });
    if (reply.type !== 'capture') throw new LinkControlError('failed', 'No file came.');
    return decodeBase64(reply.pcapng);
  }

  /**
   * Opens a router in front of this page: give `RTCPeerConnection` the servers, and hide candidates of type `host` from the other side. The
   * other side needs a router too.
   */
  async openRouter(
    lane: string,
    router: RouterSettings,
  ): Promise<{ readonly lane: string; readonly iceServers: readonly RouterServers[] }> {
    const reply = await this.#ask({ type: 'open-router', lane, router });
    if (reply.type !== 'router') throw new LinkControlError('failed', 'No router came.');
    return { lane: reply.lane, iceServers: reply.iceServers };
  }

  /** Closes a lane of any kind. */
  async closeLane(lane: string): Promise<void> {
    await this.#ask({ type: 'close-lane', lane });
  }

  close(): void {
    this.#socket.close();
    this.#end();
  }

  async #openSplice(request: Ask): Promise<SpliceAddress> {
    const reply = await this.#ask(request);
    if (reply.type !== 'splice') throw new LinkControlError('failed', 'No splice came.');
    return { lane: reply.lane, address: reply.address, ports: reply.ports };
  }

  #ask(request: Ask): Promise<ControlReply> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(
          new LinkControlError('failed', 'The connection to the simulated network has ended.'),
        );
        return;
      }
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ ...request, id }));
    });
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    const error = new LinkControlError(
      'failed',
      'The connection to the simulated network has ended.',
    );
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    this.onclose?.();
  }
}

/** A message of the engine; null for anything else, so that no message throws within the socket. */
function replyOf(data: unknown): ControlReply | null {
  if (typeof data !== 'string') return null;
  try {
    const fields: unknown = JSON.parse(data);
    return typeof fields === 'object' && fields !== null ? (fields as ControlReply) : null;
  } catch {
    return null;
  }
}

function createGlobalSocket(url: string): ClientSocket {
  const scope = globalThis as unknown as { readonly WebSocket: new (url: string) => ClientSocket };
  return new scope.WebSocket(url);
}
