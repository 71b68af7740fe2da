import { encodeBase64 } from '../../src/core/base64/base64.ts';
import { PacketError } from '../../src/core/errors.ts';
import type { ErrorBoundary } from '../server/error-boundary.ts';
import { TokenBucket } from '../../src/core/token-bucket.ts';
import type { PortCarriers } from './carrier.ts';
import type { MessageSocket } from '../server/message-socket.ts';
import type { ControlReply, ControlRequest } from './protocol.ts';
import { LinkControlError, parseControlRequest, requestIdOf } from './protocol.ts';
import type { RealClock } from './real-clock.ts';
import { Session } from './session.ts';

/** Limits for clients. */
export interface LinkSessionsOptions {
  /** Sessions at once; further ones are refused with status 503. @default 16 */
  readonly maxSessions?: number;
  /** Of a session. @default 32 */
  readonly maxLanes?: number;
  /** Bursts of twice as many are allowed; a page that exceeds that is cut off with `too-fast`. @default 50 */
  readonly maxRequestsPerSecond?: number;
}

/** What sessions run on. */
export interface LinkSessionsParts {
  readonly clock: RealClock;
  readonly boundary: ErrorBoundary;
  /** null where there are no ports: then there are only lanes of messages. */
  readonly ports: PortCarriers | null;
}

/** What a connection is for. */
export type Admission =
  | { readonly kind: 'control' | 'lane'; readonly take: (socket: MessageSocket) => void }
  /** @param status of HTTP */
  | { readonly kind: 'refused'; readonly status: string };

/** Unchanged: the parser refuses a byte order mark. */
const TEXT = new TextDecoder('utf-8', { ignoreBOM: true });
const CONTROL = /^control$/;
/** A session's name is 12 random bytes, which nobody can guess. The lane's name may be left out. */
const SESSION_BYTES = 12;
const LANE = /^lane\/([0-9a-f]{24})(?:\/([A-Za-z0-9_-]{1,32}))?$/;
/** RFC 6455 §7.4.1. */
const POLICY_VIOLATION = 1008;
/** A page that does not read replies is cut off when this many bytes wait. */
const MAX_WAITING_REPLIES = 2 ** 20;

/** Sessions, their control connections and lanes. Knows nothing of how connections are made. */
export class LinkSessions {
  readonly #parts: LinkSessionsParts;
  readonly #options: LinkSessionsOptions;
  readonly #sessions = new Map<string, Session>();

  constructor(parts: LinkSessionsParts, options: LinkSessionsOptions = {}) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Sessions that are open now. */
  get count(): number {
    return this.#sessions.size;
  }

  /** @returns undefined when there is no such session, or it has ended */
  find(name: string): Session | undefined {
    return this.#sessions.get(name);
  }

  /**
   * Decides on a connection: `control` for a session, `lane/SESSION/NAME` for a lane of messages. The decision holds within the same turn.
   */
  admit(path: string): Admission {
    const [, name = '', lane = ''] = LANE.exec(path) ?? [];
    if (name !== '') return this.#admitLane(name, lane);
    if (!CONTROL.test(path)) return { kind: 'refused', status: '404 Not Found' };
    if (this.count >= (this.#options.maxSessions ?? 16)) {
      return { kind: 'refused', status: '503 Service Unavailable' };
    }
    return { kind: 'control', take: (socket) => this.#serveControl(socket) };
  }

  close(): void {
    for (const session of this.#sessions.values()) session.close();
    this.#sessions.clear();
  }

  #admitLane(name: string, lane: string): Admission {
    const session = this.#sessions.get(name);
    if (session === undefined) return { kind: 'refused', status: '404 Not Found' };
    try {
      session.checkName(lane);
    } catch (error) {
      if (!(error instanceof LinkControlError)) throw error;
      const status = error.code === 'lane-exists' ? '409 Conflict' : '503 Service Unavailable';
      return { kind: 'refused', status };
    }
    return { kind: 'lane', take: (socket) => session.addSocket(lane, socket) };
  }

  #serveControl(client: MessageSocket): void {
    const bytes = crypto.getRandomValues(new Uint8Array(SESSION_BYTES));
    const name = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    const { maxLanes, maxRequestsPerSecond = 50 } = this.#options;
    const { boundary } = this.#parts;
    const session = new Session({
      ...this.#parts,
      ...(maxLanes === undefined ? {} : { maxLanes }),
    });
    this.#sessions.set(name, session);
    const rate = TokenBucket.perSecond(maxRequestsPerSecond, performance.now());
    const reply = (message: ControlReply): void => {
      if (client.readyState !== client.OPEN) return;
      client.send(JSON.stringify(message), { binary: false });
      if (client.bufferedAmount > MAX_WAITING_REPLIES) client.terminate();
    };
    const onMessage = (data: Uint8Array, binary: boolean): Promise<void> | void => {
      if (client.readyState !== client.OPEN) return;
      if (!rate.tryTake(performance.now())) {
        reply({
          type: 'error',
          id: null,
          code: 'too-fast',
          message: `At most ${maxRequestsPerSecond} requests a second are taken.`,
        });
        client.close(POLICY_VIOLATION, 'too-fast');
        return;
      }
      return this.#answer(session, binary ? '' : TEXT.decode(data)).then(reply);
    };
    const onClose = (): void => {
      this.#sessions.delete(name);
      session.close();
    };
    client.on(
      'message',
      boundary.guard(onMessage, () => client.terminate()),
    );
    client.on('close', boundary.guard(onClose));
    // A message that is too long or not UTF-8: `ws` closes the connection with the right code by itself.
    client.on('error', () => {});
    reply({ type: 'session', session: name, seed: session.seed });
  }

  /** Does what a page asks, or says why not: bytes from the network have no other effect. */
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
      this.#parts.boundary.report(error);
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
    case 'cut-splice':
      session.cutSplice(request.lane);
      return { type: 'done', id };
    case 'record':
      session.record();
      return { type: 'done', id };
    case 'capture':
      return { type: 'capture', id, pcapng: encodeBase64(session.captured(request.lane)) };
    case 'open-quic':
      return { type: 'splice', id, ...(await session.openQuic(request.lane)) };
    case 'open-router': {
      const { lane, router } = request;
      return { type: 'router', id, ...(await session.openRouter(lane, router)) };
    }
    case 'close-lane':
      session.closeLane(request.lane);
      return { type: 'done', id };
  }
}
