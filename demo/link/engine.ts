import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import { refuseUpgrade } from '../../src/node/refuse-upgrade.ts';
import { ErrorBoundary } from '../server/error-boundary.ts';
import type { LinkSessionsOptions } from './link-sessions.ts';
import { LinkSessions } from './link-sessions.ts';
import { Heartbeat } from '../server/heartbeat.ts';
import type { MessageSocket } from '../server/message-socket.ts';
import type { SpliceAddress } from './protocol.ts';
import { LinkControlError, MAX_REQUEST_LENGTH } from './protocol.ts';
import type { RealClock } from './real-clock.ts';
import type { Session } from './session.ts';
import { UdpCarriers } from './udp-carriers.ts';
import type { ServerAddress } from './udp-splice.ts';

/** What the engine allows. */
export interface LinkEngineOptions extends LinkSessionsOptions {
  /** A longer message on a lane ends its connection (close code 1009). @default 262144 */
  readonly maxMessageBytes?: number;
  /** A longer request ends its connection: a trace may be long. @default 8388608 */
  readonly maxRequestBytes?: number;
  /** Interval of pings to each page, in ms. Its session ends if it shows no sign of life between two pings. @default 10000 */
  readonly pingIntervalMs?: number;
  /** The address that splices and routers are bound to. @default '127.0.0.1' */
  readonly spliceAddress?: string;
}

/** The head of a request to become a WebSocket, as it passes between processes. */
export interface UpgradeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Where pages reach the engine: `/link/control` for a session, `/link/lane/SESSION/NAME` for a WebSocket lane of it. */
const LINK_PATH = '/link/';

/** A call's link: a session, and the name of the lane if there is one. */
const CALL_LINK = /^([0-9a-f]{24})(?:-([A-Za-z0-9_-]{1,32}))?$/;

/** Sessions over WebSockets of `ws` and UDP ports of this machine. Knows nothing of processes. */
export class LinkEngine {
  readonly #clock: RealClock;
  readonly #sessions: LinkSessions;
  readonly #controls: WebSocketServer;
  readonly #laneSockets: WebSocketServer;
  readonly #heartbeat: Heartbeat;
  readonly #boundary: ErrorBoundary;
  readonly #ports: UdpCarriers;

  constructor(
    clock: RealClock,
    options: LinkEngineOptions = {},
    boundary: ErrorBoundary = new ErrorBoundary('simulated network'),
  ) {
    this.#clock = clock;
    this.#boundary = boundary;
    const ports = new UdpCarriers(options.spliceAddress ?? '127.0.0.1');
    this.#ports = ports;
    this.#sessions = new LinkSessions({ clock, boundary, ports }, options);
    const {
      maxMessageBytes = 2 ** 18,
      maxRequestBytes = MAX_REQUEST_LENGTH,
      pingIntervalMs = 10_000,
    } = options;
    const common = { noServer: true, perMessageDeflate: false } as const;
    this.#controls = new WebSocketServer({ ...common, maxPayload: maxRequestBytes });
    this.#laneSockets = new WebSocketServer({ ...common, maxPayload: maxMessageBytes });
    this.#heartbeat = new Heartbeat(this.#controls, pingIntervalMs);
  }

  /** Sessions that are open now. */
  get sessionCount(): number {
    return this.#sessions.count;
  }

  /** The lab's server of QUIC, which pages may open lanes to. */
  set quicServer(server: ServerAddress) {
    this.#ports.quicServer = server;
  }

  /** Makes a WebSocket of a connection, or refuses it. The caller must have checked who may connect. */
  upgrade(request: UpgradeRequest, socket: Socket, head: Buffer): void {
    socket.on('error', () => {});
    this.#boundary.run(
      () => this.#upgraded(request, socket, head),
      () => socket.destroy(),
    );
  }

  #upgraded(request: UpgradeRequest, socket: Socket, head: Buffer): void {
    const path = request.url.split('?', 1)[0]!.slice(LINK_PATH.length);
    const admission = this.#sessions.admit(path);
    if (admission.kind === 'refused') return refuseUpgrade(socket, admission.status);
    const message = request as unknown as IncomingMessage;
    const isControl = admission.kind === 'control';
    const server = isControl ? this.#controls : this.#laneSockets;
    // Within the same turn, the admission still holds.
    server.handleUpgrade(message, socket, head, (client) => {
      // By its `binaryType` every message is a Buffer.
      admission.take(client as unknown as MessageSocket);
      if (isControl) this.#watch(client);
    });
  }

  /**
   * Opens a splice for a call.
   * @param link a session's name; or that, a hyphen and a lane's name
   * @throws LinkControlError
   */
  openSplice(link: string): Promise<SpliceAddress> {
    const [, name = '', lane = ''] = CALL_LINK.exec(link) ?? [];
    return this.#sessionOf(name).openSplice(lane);
  }

  /** Opens other ports for a call whose ICE restarts. @throws LinkControlError */
  renewSplice(link: string, lane: string): Promise<SpliceAddress> {
    return this.#sessionOf(CALL_LINK.exec(link)?.[1] ?? '').renewSplice(lane);
  }

  /** Closes a lane; one that is gone already is no error. */
  closeLane(link: string, lane: string): void {
    const session = this.#sessions.find(CALL_LINK.exec(link)?.[1] ?? '');
    try {
      session?.closeLane(lane);
    } catch (error) {
      if (!(error instanceof LinkControlError)) this.#boundary.report(error);
    }
  }

  close(): void {
    this.#heartbeat.close();
    for (const client of this.#controls.clients) client.terminate();
    this.#sessions.close();
    this.#ports.close();
    this.#controls.close();
    this.#laneSockets.close();
    this.#clock.close();
  }

  /** Lanes end with the sessions of clients that are gone. */
  #watch(client: WebSocket): void {
    this.#heartbeat.watch(client);
    client.on('message', () => this.#heartbeat.seen(client));
  }

  #sessionOf(name: string): Session {
    const session = this.#sessions.find(name);
    if (session === undefined) {
      throw new LinkControlError('unknown-lane', 'There is no such session, or it has ended.');
    }
    return session;
  }
}
