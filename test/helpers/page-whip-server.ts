import {
  parseIceFragment,
  withIceFragment,
  writeIceFragment,
} from '../../src/core/webrtc/ice-fragment.ts';

const FRAGMENT = 'application/trickle-ice-sdpfrag';

/** A request as it came. */
export interface PageRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

interface ServerSession {
  readonly connection: RTCPeerConnection;
  /** The client's offer, as it is now; empty where the server has made it. */
  offer: string;
  etag: string;
}

/** A media server in the page, behind a `fetch` of its own: who plays hears who has published last. */
export class PageWhipServer {
  readonly requests: PageRequest[] = [];
  takesPatch = true;
  /** Whether it makes the offer to those who play. */
  makesOffers = false;
  /** Whether these have video, too. */
  offersVideo = false;
  /** With what it refuses to restart ICE; 0: it restarts. */
  restartStatus = 0;
  readonly #sessions = new Map<string, ServerSession>();
  #published: MediaStreamTrack | null = null;
  #count = 0;

  /** Sessions that are open. */
  get sessions(): number {
    return this.#sessions.size;
  }

  readonly fetch = async (address: string, request: RequestInit): Promise<Response> => {
    const { pathname } = new URL(address);
    const body = typeof request.body === 'string' ? request.body : '';
    const method = request.method ?? 'GET';
    this.requests.push({ method, path: pathname, body });
    if (method === 'POST') return this.#create(pathname, body);
    const session = this.#sessions.get(pathname);
    if (session === undefined) return new Response(null, { status: 404 });
    if (method === 'PATCH') return this.#patch(session, request, body);
    session.connection.close();
    this.#sessions.delete(pathname);
    return new Response(null, { status: 200 });
  };

  close(): void {
    for (const { connection } of this.#sessions.values()) connection.close();
    this.#sessions.clear();
  }

  async #create(path: string, offer: string): Promise<Response> {
    const connection = new RTCPeerConnection();
    const isPlaying = path.startsWith('/whep');
    const isOffering = isPlaying && this.makesOffers;
    connection.ontrack = ({ track }) => (this.#published = track);
    if (isPlaying) connection.addTrack(this.#published!);
    if (isOffering && this.offersVideo) {
      connection.addTransceiver('video', { direction: 'sendonly' });
    }
    if (!isOffering) await connection.setRemoteDescription({ type: 'offer', sdp: offer });
    await connection.setLocalDescription();
    const sdp = await gathered(connection);
    const id = `${path}/${++this.#count}`;
    const session = { connection, offer: isOffering ? '' : offer, etag: `"${id}"` };
    this.#sessions.set(id, session);
    const headers = {
      'content-type': 'application/sdp',
      location: id,
      ...(this.takesPatch ? { etag: session.etag } : {}),
    };
    return new Response(sdp, { status: isOffering && offer !== '' ? 406 : 201, headers });
  }

  async #patch(session: ServerSession, request: RequestInit, body: string): Promise<Response> {
    const { connection } = session;
    const headers = new Headers(request.headers);
    if (headers.get('content-type') !== FRAGMENT) {
      await connection.setRemoteDescription({ type: 'answer', sdp: body });
      return new Response(null, { status: 204 });
    }
    const fragment = parseIceFragment(body);
    if (headers.get('if-match') !== '*') {
      if (headers.get('if-match') !== session.etag) return new Response(null, { status: 412 });
      for (const candidate of fragment.candidates) {
        await connection.addIceCandidate({ candidate, sdpMid: fragment.mid });
      }
      return new Response(null, { status: 204 });
    }
    if (this.restartStatus !== 0) return new Response(null, { status: this.restartStatus });
    session.offer = withIceFragment(session.offer, fragment);
    await connection.setRemoteDescription({ type: 'offer', sdp: session.offer });
    await connection.setLocalDescription();
    const answer = await gathered(connection);
    session.etag = `"${++this.#count}"`;
    const all = [...answer.matchAll(/^a=(candidate:.*?)\r?$/gm)].map(([, each = '']) => each);
    return new Response(writeIceFragment(answer, all, true), {
      status: 200,
      headers: { 'content-type': FRAGMENT, etag: session.etag },
    });
  }
}

async function gathered(connection: RTCPeerConnection): Promise<string> {
  while (connection.iceGatheringState !== 'complete') {
    await new Promise((resolve) => {
      connection.addEventListener('icegatheringstatechange', resolve, { once: true });
    });
  }
  return connection.localDescription!.sdp;
}
