import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PacketError } from '../../../src/core/errors.ts';
import {
  ICE_FRAGMENT_TYPE,
  parseIceFragment,
  withIceFragment,
  writeIceFragment,
} from '../../../src/core/webrtc/ice-fragment.ts';
import type { IceFragment } from '../../../src/core/webrtc/ice-fragment.ts';
import { MAX_SDP_LENGTH } from '../../../src/core/webrtc/signal-message.ts';
import { ErrorBoundary } from '../error-boundary.ts';
import { isOwnRequest, withoutCors } from '../origin.ts';
import { JanusError } from './janus-client.ts';
import type { JanusClient } from './janus-client.ts';
import { ROOM_NAMES, joinMix, listenInRoom, publishInRoom } from './janus-rooms.ts';
import type { RoomName, RoomPeer } from './janus-rooms.ts';

const SDP_TYPE = 'application/sdp';
const MAX_SESSIONS = 256;
/** When a client may retry that found the server full, or nobody talking, s. */
const RETRY_SECONDS = 5;
/** How long a listener waits for a publisher who is still connecting, ms. */
const UP_MS = 3000;
/** What Janus answers where a publisher has gone (VideoRoom's JANUS_VIDEOROOM_ERROR_NO_SUCH_FEED). */
const NO_SUCH_FEED = 428;

/** `whip` publishes, `whep` plays. */
export type WhipProtocol = 'whip' | 'whep';

/** Answers an HTTP request. */
export type RequestAnswer = (request: IncomingMessage, response: ServerResponse) => void;

/** A client's peer connection at Janus. */
export interface SfuSession {
  readonly id: string;
  readonly protocol: WhipProtocol;
  readonly room: RoomName;
  readonly peer: RoomPeer;
  /** The client's offer; empty where Janus has made it. */
  readonly offer: string;
}

/** The host of the sessions. */
export interface WhipEndpointHost {
  /** Connects to Janus. @throws Error where it does not run */
  readonly janus: () => Promise<JanusClient>;
  /** The clients' Bearer token. */
  readonly token: string;
  readonly opened: (session: SfuSession) => Promise<void>;
  readonly closed: (session: SfuSession) => void;
}

interface OpenSession extends SfuSession {
  /** Changes with each restart of ICE. */
  etag: string;
  /** The client's description, as it is now. */
  offer: string;
  /** Whether Janus waits for the client's answer. */
  isUnanswered: boolean;
}

/** A refusal, as an error with its HTTP status. */
class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, headers: Readonly<Record<string, string>> = {}) {
    super(`HTTP status ${status}`);
    this.status = status;
    this.headers = headers;
  }
}

/**
 * WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) in front of Janus: one HTTP resource for each peer connection. For this server's
 * own pages and for programs on this machine, with a token.
 */
export class WhipEndpoint {
  readonly #host: WhipEndpointHost;
  readonly #boundary = new ErrorBoundary('WHIP');
  readonly #sessions = new Map<string, OpenSession>();
  /** Sessions that are being opened. */
  #opening = 0;

  constructor(host: WhipEndpointHost) {
    this.#host = host;
  }

  get sessions(): Iterable<SfuSession> {
    return this.#sessions.values();
  }

  /** Answers requests below `/whip` or `/whep`, where it is mounted. */
  answer(protocol: WhipProtocol): RequestAnswer {
    return this.#boundary.guard(
      (request: IncomingMessage, response: ServerResponse) =>
        this.#answered(protocol, request, response),
      (_request, response) => response.destroy(),
    );
  }

  /** Ends all sessions. */
  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => this.#end(session)));
  }

  async #answered(
    protocol: WhipProtocol,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    withoutCors(response);
    response.setHeader('Cache-Control', 'no-store');
    try {
      await this.#serve(protocol, request, response);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      response.writeHead(refusal.status, refusal.headers).end();
    }
  }

  async #serve(
    protocol: WhipProtocol,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { headers, method } = request;
    if (!isOwnRequest(headers)) throw new Refusal(403);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const [, roomName = '', id, ...more] = pathname.split('/');
    const room = ROOM_NAMES.find((name) => name === roomName);
    if (room === undefined || more.length > 0) throw new Refusal(404);
    if (method === 'OPTIONS') {
      response.writeHead(204, { 'Accept-Post': SDP_TYPE }).end();
      return;
    }
    if (headers.authorization !== `Bearer ${this.#host.token}`) {
      throw new Refusal(401, { 'WWW-Authenticate': 'Bearer' });
    }
    if (id === undefined) {
      if (method !== 'POST') throw new Refusal(405, { Allow: 'OPTIONS, POST' });
      const feed = searchParams.get('feed');
      await this.#create(protocol, room, feed, request, response);
      return;
    }
    const session = this.#sessions.get(id);
    if (session?.protocol !== protocol || session.room !== room) throw new Refusal(404);
    if (method === 'DELETE') {
      await this.#end(session);
      response.writeHead(200).end();
    } else if (method === 'PATCH') await this.#patch(session, request, response);
    else throw new Refusal(405, { Allow: 'PATCH, DELETE' });
  }

  async #create(
    protocol: WhipProtocol,
    room: RoomName,
    feed: string | null,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (this.#sessions.size + this.#opening >= MAX_SESSIONS) {
      throw new Refusal(503, { 'Retry-After': String(RETRY_SECONDS) });
    }
    this.#opening++;
    try {
      const sdp = await bodyOf(request);
      // A listener of the forwarding room gets an offer, even if it does not ask for one.
      const isOffered = protocol === 'whep' && room === 'room';
      if (sdp !== '' && typeOf(request) !== SDP_TYPE) throw new Refusal(415);
      if (sdp === '' && !isOffered) throw new Refusal(400);
      const id = randomBytes(16).toString('hex');
      const gone = (): void => {
        const session = this.#sessions.get(id);
        if (session !== undefined) void this.#end(session);
      };
      const peer = await this.#join(protocol, room, feed, sdp, gone);
      const session: OpenSession = {
        id,
        protocol,
        room,
        peer,
        etag: newEtag(),
        offer: isOffered ? '' : sdp,
        isUnanswered: isOffered,
      };
      this.#sessions.set(id, session);
      try {
        await this.#host.opened(session);
      } catch (error) {
        await this.#end(session);
        throw error;
      }
      // The client has gone, and will never know of its session.
      if (response.destroyed) return await this.#end(session);
      // Its peer has gone meanwhile.
      if (!this.#sessions.has(id)) throw new Refusal(502);
      response
        .writeHead(isOffered && sdp !== '' ? 406 : 201, {
          'Content-Type': SDP_TYPE,
          Location: `/${protocol}/${room}/${id}`,
          ETag: session.etag,
          'Accept-Patch': ICE_FRAGMENT_TYPE,
        })
        .end(peer.sdp);
    } finally {
      this.#opening--;
    }
  }

  async #join(
    protocol: WhipProtocol,
    room: RoomName,
    feed: string | null,
    offer: string,
    gone: () => void,
  ): Promise<RoomPeer> {
    const janus = await this.#host.janus().catch(() => {
      throw new Refusal(503);
    });
    if (room === 'mix') return joinMix(janus, gone, offer, protocol === 'whep');
    if (protocol === 'whip') return publishInRoom(janus, gone, offer);
    const peers = [...this.#sessions.values()].map(({ peer }) => peer);
    const feeds = peers.filter((peer) => peer.feed !== null);
    const wanted =
      feed === null ? await lastUp(feeds) : feeds.find((each) => String(each.feed) === feed);
    if (wanted === undefined || !(await isUp(wanted, UP_MS))) {
      throw new Refusal(409, { 'Retry-After': String(RETRY_SECONDS) });
    }
    return listenInRoom(janus, gone, wanted.feed!);
  }

  async #patch(
    session: OpenSession,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const text = await bodyOf(request);
    if (typeOf(request) === SDP_TYPE) {
      const { takeAnswer } = session.peer;
      if (takeAnswer === null || !session.isUnanswered) throw new Refusal(409);
      session.isUnanswered = false;
      await takeAnswer(text);
      response.writeHead(204).end();
      return;
    }
    if (typeOf(request) !== ICE_FRAGMENT_TYPE) throw new Refusal(415);
    const match = request.headers['if-match'];
    if (match === undefined) throw new Refusal(428);
    const fragment = parseIceFragment(text);
    if (match === '*' || match === '"*"') await this.#restart(session, fragment, response);
    else if (match !== session.etag) throw new Refusal(412);
    else await trickle(session, fragment, response);
  }

  async #restart(
    session: OpenSession,
    fragment: IceFragment,
    response: ServerResponse,
  ): Promise<void> {
    const { renegotiate } = session.peer;
    // Janus would have to make another offer, for which WHEP has no way.
    if (renegotiate === null) throw new Refusal(501);
    const offer = withIceFragment(session.offer, fragment);
    const answer = await renegotiate(offer);
    session.offer = offer;
    session.etag = newEtag();
    const candidates = [...answer.matchAll(/^a=(candidate:.+?)\r?$/gm)].map(
      ([, each = '']) => each,
    );
    response
      .writeHead(200, { 'Content-Type': ICE_FRAGMENT_TYPE, ETag: session.etag })
      .end(writeIceFragment(answer, [...new Set(candidates)], true));
  }

  async #end(session: OpenSession): Promise<void> {
    if (!this.#sessions.delete(session.id)) return;
    this.#host.closed(session);
    await session.peer.handle.close();
  }
}

/** The last connected publisher in the room; if none is connected, the last of all. */
async function lastUp(feeds: readonly RoomPeer[]): Promise<RoomPeer | undefined> {
  const areUp = await Promise.all(feeds.map((peer) => isUp(peer, 0)));
  return feeds.findLast((_, i) => areUp[i]) ?? feeds.at(-1);
}

/** Whether a publisher is connected, or will be soon: Janus learns of the connection a little later than the publisher. */
async function isUp({ handle }: RoomPeer, withinMs: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), withinMs);
  });
  try {
    return await Promise.race([handle.up.then(() => true), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

async function trickle(
  { peer }: OpenSession,
  { candidates, mid, isComplete }: IceFragment,
  response: ServerResponse,
): Promise<void> {
  for (const candidate of candidates) await peer.handle.trickle(candidate, mid);
  if (isComplete) await peer.handle.trickle(null, mid);
  response.writeHead(204).end();
}

function newEtag(): string {
  return `"${randomBytes(8).toString('hex')}"`;
}

function typeOf({ headers }: IncomingMessage): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_SDP_LENGTH) throw new Refusal(413, { Connection: 'close' });
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/** What to answer to an error; null for those of this program. */
function refusalOf(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  if (error instanceof PacketError) return new Refusal(400);
  if (!(error instanceof JanusError)) return null;
  // Janus's own codes hardly say whose fault it is.
  return new Refusal(error.code === NO_SUCH_FEED ? 404 : 502);
}
