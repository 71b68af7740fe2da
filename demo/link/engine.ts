import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { RawData } from 'ws';
import { WebSocket, WebSocketServer } from 'ws';
import { PacketError } from '../../src/core/errors.ts';
import { ErrorBoundary } from '../server/error-boundary.ts';
import { MessageRate } from '../server/message-rate.ts';
import type { ControlReply, ControlRequest, SpliceAddress } from './protocol.ts';
import {
  LinkControlError,
  MAX_REQUEST_LENGTH,
  parseControlRequest,
  requestIdOf,
} from './protocol.ts';
import type { RealClock } from './real-clock.ts';
import { Session } from './session.ts';
import { SimulatedInternet } from './simulated-internet.ts';

/** What the engine allows. */
export interface LinkEngineOptions {
  /** Sessions at once; further ones are refused with status 503. @default 16 */
  readonly maxSessions?: number;
  /** Of a session. @default 32 */
  readonly maxLanes?: number;
  /** Twice as many may come at once; a page with more is cut off with `too-fast`. @default 50 */
  readonly maxRequestsPerSecond?: number;
  /** A longer message on a lane ends its connection (close code 1009). @default 262144 */
  readonly maxMessageBytes?: number;
  /** A longer request ends its connection: a trace may be long. @default 8388608 */
  readonly maxRequestBytes?: number;
  /** Each page is asked for a sign of life at this interval, and its session ends without one by the next. @default 10000 */
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

const CONTROL = /^control$/;
/** A session's name is 12 random bytes, which nobody guesses. The lane's name may be left out. */
const SESSION_BYTES = 12;
const LANE = /^lane\/([0-9a-f]{24})(?:\/([A-Za-z0-9_-]{1,32}))?$/;
/** A call's link: a session, and the name of the lane if there is one. */
const CALL_LINK = /^([0-9a-f]{24})(?:-([A-Za-z0-9_-]{1,32}))?$/;
/** RFC 6455 §7.4.1. */
const POLICY_VIOLATION = 1008;
/** A page that takes no replies is cut off at so many bytes. */
const MAX_WAITING_REPLIES = 2 ** 20;

/** Sessions, their control connections and lanes. Knows nothing of processes. */
export class LinkEngine {
  readonly #clock: RealClock;
  readonly #options: LinkEngineOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #controls: WebSocketServer;
  readonly #laneSockets: WebSocketServer;
  readonly #pingTimer: NodeJS.Timeout;
  /** Pages that have answered since the last ping. */
  readonly #alive = new WeakSet<WebSocket>();
  readonly #boundary: ErrorBoundary;
  readonly #internet: SimulatedInternet;

  constructor(
    clock: RealClock,
    options: LinkEngineOptions = {},
    boundary: ErrorBoundary = new ErrorBoundary('simulated network'),
  ) {
    this.#clock = clock;
    this.#boundary = boundary;
    this.#options = options;
    this.#internet = new SimulatedInternet(options.spliceAddress ?? '127.0.0.1');
    const {
      maxMessageBytes = 2 ** 18,
      maxRequestBytes = MAX_REQUEST_LENGTH,
      pingIntervalMs = 10_000,
    } = options;
    const common = { noServer: true, perMessageDeflate: false } as const;
    this.#controls = new WebSocketServer({ ...common, maxPayload: maxRequestBytes });
    this.#laneSockets = new WebSocketServer({ ...common, maxPayload: maxMessageBytes });
    this.#pingTimer = setInterval(() => this.#ping(), pingIntervalMs);
  }

  /** Sessions that are open now. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Makes a WebSocket of a connection, or refuses it. Who may connect is for the caller to have checked. */
  upgrade(request: UpgradeRequest, socket: Socket, head: Buffer): void {
    socket.on('error', () => {});
    this.#boundary.run(
      () => this.#upgraded(request, socket, head),
      () => socket.destroy(),
    );
  }

  #upgraded(request: UpgradeRequest, socket: Socket, head: Buffer): void {
    const path = request.url.split('?', 1)[0]!.slice(LINK_PATH.length);
    const lane = LANE.exec(path);
    if (lane !== null) return this.#upgradeLane(request, socket, head, lane[1]!, lane[2] ?? '');
    if (!CONTROL.test(path)) return refuse(socket, '404 Not Found');
    if (this.#sessions.size >= (this.#options.maxSessions ?? 16)) {
      return refuse(socket, '503 Service Unavailable');
    }
    const message = request as unknown as IncomingMessage;
    this.#controls.handleUpgrade(message, socket, head, (client) => this.#serveControl(client));
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

  /** Closes a lane; one that is gone already is no error. */
  closeLane(link: string, lane: string): void {
    const session = this.#sessions.get(CALL_LINK.exec(link)?.[1] ?? '');
    try {
      session?.closeLane(lane);
    } catch (error) {
      if (!(error instanceof LinkControlError)) this.#boundary.report(error);
    }
  }

  close(): void {
    clearInterval(this.#pingTimer);
    for (const client of this.#controls.clients) client.terminate();
    for (const session of this.#sessions.values()) session.close();
    this.#sessions.clear();
    this.#internet.close();
    this.#controls.close();
    this.#laneSockets.close();
    this.#clock.close();
  }

  /** Lanes end with the sessions of those that are gone. */
  #ping(): void {
    for (const client of this.#controls.clients) {
      if (!this.#alive.has(client)) client.terminate();
      this.#alive.delete(client);
      if (client.readyState === WebSocket.OPEN) client.ping();
    }
  }

  #sessionOf(name: string): Session {
    const session = this.#sessions.get(name);
    if (session === undefined) {
      throw new LinkControlError('unknown-lane', 'There is no such session, or it has ended.');
    }
    return session;
  }

  #upgradeLane(
    request: UpgradeRequest,
    socket: Socket,
    head: Buffer,
    name: string,
    lane: string,
  ): void {
    const session = this.#sessions.get(name);
    if (session === undefined) return refuse(socket, '404 Not Found');
    try {
      session.checkName(lane);
    } catch (error) {
      if (!(error instanceof LinkControlError)) throw error;
      return refuse(
        socket,
        error.code === 'lane-exists' ? '409 Conflict' : '503 Service Unavailable',
      );
    }
    const message = request as unknown as IncomingMessage;
    // Within the same turn: what was checked holds.
    this.#laneSockets.handleUpgrade(message, socket, head, (client) => {
      session.addSocket(lane, client);
    });
  }

  #serveControl(client: WebSocket): void {
    const name = randomBytes(SESSION_BYTES).toString('hex');
    const { maxLanes, spliceAddress, maxRequestsPerSecond = 50 } = this.#options;
    const session = new Session({
      internet: this.#internet,
      clock: this.#clock,
      boundary: this.#boundary,
      ...(maxLanes === undefined ? {} : { maxLanes }),
      ...(spliceAddress === undefined ? {} : { spliceAddress }),
    });
    this.#sessions.set(name, session);
    const rate = new MessageRate(maxRequestsPerSecond, performance.now());
    const reply = (message: ControlReply): void => {
      if (client.readyState !== WebSocket.OPEN) return;
      client.send(JSON.stringify(message));
      if (client.bufferedAmount > MAX_WAITING_REPLIES) client.terminate();
    };
    this.#alive.add(client);
    client.on('pong', () => this.#alive.add(client));
    const onMessage = (data: RawData, binary: boolean): Promise<void> | void => {
      this.#alive.add(client);
      if (client.readyState !== WebSocket.OPEN) return;
      if (!rate.take(performance.now())) {
        reply({
          type: 'error',
          id: null,
          code: 'too-fast',
          message: `At most ${maxRequestsPerSecond} requests a second are taken.`,
        });
        client.close(POLICY_VIOLATION, 'too-fast');
        return;
      }
      return this.#answer(session, binary ? '' : (data as Buffer).toString()).then(reply);
    };
    const onClose = (): void => {
      this.#sessions.delete(name);
      session.close();
    };
    client.on(
      'message',
      this.#boundary.guard(onMessage, () => client.terminate()),
    );
    client.on('close', this.#boundary.guard(onClose));
    // A message that is too long or not UTF-8: `ws` closes the connection with the right code by itself.
    client.on('error', () => {});
    reply({ type: 'session', session: name, seed: session.seed });
  }

  /** Does what a page asks, or says why not: bytes from the network cause nothing else. */
  async #answer(session: Session, text: string): Promise<ControlReply> {
    try {
      return await perform(session, parseControlRequest(text));
    } catch (error) {
      const id = requestIdOf(text);
      if (error instanceof PacketError) {
        const message = `${error.message} (${error.reason})`;
        return { type: 'error', id, code: 'bad-message', message };
      }
      if (error instanceof LinkControlError) {
        return { type: 'error', id, code: error.code, message: error.message };
      }
      this.#boundary.report(error);
      const message =
        'The simulated network has a fault: its log, in the server’s terminal, says more.';
      return { type: 'error', id, code: 'failed', message };
    }
  }
}

async function perform(session: Session, request: ControlRequest): Promise<ControlReply> {
  const { id } = request;
  switch (request.type) {
    case 'configure':
      session.configure(request.settings, request.back ?? request.settings);
      return { type: 'done', id };
    case 'restart':
      session.restart(request.seed);
      return { type: 'done', id };
    case 'statistics':
      return { type: 'statistics', id, statistics: session.statistics() };
    case 'open-splice':
      return { type: 'splice', id, ...(await session.openSplice(request.lane)) };
    case 'open-router': {
      const { lane, router } = request;
      return { type: 'router', id, ...(await session.openRouter(lane, router)) };
    }
    case 'close-lane':
      session.closeLane(request.lane);
      return { type: 'done', id };
  }
}

function refuse(socket: Socket, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
