import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MicwireError } from '../src/core/errors.ts';
import { Whep } from '../src/web/whip/whep.ts';
import { Whip } from '../src/web/whip/whip.ts';
import type { WhepOptions } from '../src/web/whip/whip-options.ts';
import { eventually } from './helpers/eventually.ts';
import {
  FakeWhipPeer,
  fakeCandidate,
  fakeSdp,
  stubWhipPeer,
  ufragOf,
} from './helpers/fake-whip-peer.ts';
import { WhipServer } from './helpers/whip-server.ts';
import type { WhipReply, WhipRequestSeen } from './helpers/whip-server.ts';

// Real media is in test/browser/whip.test.ts and test/whip-janus.test.ts.

const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';

const cleanups: (() => unknown)[] = [];
beforeEach(() => stubWhipPeer());
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  vi.unstubAllGlobals();
});

/** 201, with an ETag unless it is taken away. */
function created(headers: WhipReply['headers'] = { etag: '"first"' }, sdp = fakeSdp('theirs')) {
  return {
    status: 201,
    headers: { 'content-type': SDP, location: '/session/1', ...headers },
    body: sdp,
  };
}

type Replies = Partial<
  Record<string, (request: WhipRequestSeen) => WhipReply | Promise<WhipReply>>
>;

/** A server that does what is standard, but for the replies to some methods. */
async function serve(replies: Replies = {}): Promise<WhipServer> {
  const server = await WhipServer.start((request) => {
    const reply = replies[request.method];
    if (reply !== undefined) return reply(request);
    if (request.method === 'POST') return created();
    return { status: request.method === 'DELETE' ? 200 : 204 };
  });
  cleanups.push(() => server.close());
  return server;
}

/** A session that connects as soon as the server has answered. */
function play(server: WhipServer, options: WhepOptions = {}): [Whep, FakeWhipPeer] {
  const whep = Whep.create(`${server.url}/whep/room`, options);
  cleanups.push(() => whep.close());
  return [whep, FakeWhipPeer.last];
}

async function playing(
  server: WhipServer,
  options: WhepOptions = {},
): Promise<[Whep, FakeWhipPeer]> {
  const [whep, peer] = play(server, options);
  const connected = whep.connect();
  await eventually(() => expect(peer.remoteDescription).not.toBe(null));
  peer.become('connected');
  await connected;
  return [whep, peer];
}

/** What a promise rejects with. */
const failureOf = (promise: Promise<unknown>): Promise<MicwireError> =>
  promise.then(
    () => {
      throw new Error('It did not fail.');
    },
    (error: MicwireError) => error,
  );

const track = { kind: 'audio', readyState: 'live' } as MediaStreamTrack;

describe('a session at a server that supports PATCH', () => {
  it('starts with an offer without candidates, which follow together', async () => {
    const server = await serve();
    const [whep, peer] = play(server, { token: 'abc.DEF-1_2~+/==' });
    expect(whep.state).toBe('new');
    const states: string[] = [];
    whep.addEventListener('statechange', () => states.push(whep.state));
    const connected = whep.connect();
    expect(whep.connect()).toBe(connected);
    await eventually(() => expect(peer.calls).toContain('remote answer: theirs'));
    expect(peer.calls).toEqual(['transceiver recvonly', 'local offer', 'remote answer: theirs']);
    peer.find(fakeCandidate(1));
    peer.gather(2);
    await eventually(() => expect(server.seen).toHaveLength(3));
    peer.become('connected');
    await connected;
    expect(states).toEqual(['connecting', 'connected']);
    const [post, ...patches] = server.seen;
    expect(post).toMatchObject({ method: 'POST', path: '/whep/room', body: fakeSdp('own0') });
    expect(post!.headers).toMatchObject({
      'content-type': SDP,
      authorization: 'Bearer abc.DEF-1_2~+/==',
    });
    for (const { method, path, headers, body } of patches) {
      expect(`${method} ${path}`).toBe('PATCH /session/1');
      expect(headers).toMatchObject({
        'content-type': FRAGMENT,
        'if-match': '"first"',
        authorization: 'Bearer abc.DEF-1_2~+/==',
      });
      expect(ufragOf(body)).toBe('own0');
    }
    const sent = patches.map(({ body }) => body).join('');
    expect(sent.match(/a=candidate:.*/g)).toEqual([
      `a=${fakeCandidate(1)}`,
      `a=${fakeCandidate(2)}`,
    ]);
    expect(sent.match(/a=end-of-candidates/g)).toHaveLength(1);
    const closing = whep.close();
    expect(whep.close()).toBe(closing);
    await closing;
    expect(server.asked.at(-1)).toBe('DELETE /session/1');
    expect(server.asked.filter((each) => each.startsWith('DELETE'))).toHaveLength(1);
    expect(states).toEqual(['connecting', 'connected', 'closed']);
    expect(peer.calls.at(-1)).toBe('close');
    await expect(whep.stats()).rejects.toMatchObject({ code: 'closed' });
    await expect(whep.restartIce()).rejects.toMatchObject({ code: 'closed' });
    expect(() => whep.createSource(null as never)).toThrow(MicwireError);
  });

  it('uses the server’s ICE servers before it gathers, unless the app has configured others', async () => {
    const link = [
      '<stun:stun.example.net>; rel="ice-server"',
      '<turn:turn.example.net>; rel="ice-server"; username="me"; credential="secret"',
    ];
    const server = await serve({ POST: () => created({ etag: '"first"', link }) });
    const [, peer] = await playing(server);
    expect(peer.calls[1]).toBe(
      'servers [{"urls":"stun:stun.example.net"},{"urls":"turn:turn.example.net","username":"me","credential":"secret"}]',
    );
    expect(peer.calls[2]).toBe('local offer');
    const [, other] = await playing(server, { iceServers: [{ urls: 'stun:mine' }] });
    expect(other.calls).not.toContainEqual(expect.stringContaining('servers'));
    expect(other.getConfiguration().iceServers).toEqual([{ urls: 'stun:mine' }]);
  });

  it('continues without ICE servers that the browser refuses', async () => {
    const link = '<stun:what is this>; rel="ice-server"';
    const server = await serve({ POST: () => created({ etag: '"first"', link }) });
    const [whep, peer] = play(server);
    peer.failures.set('setConfiguration', new Error('no address'));
    const connected = whep.connect();
    await eventually(() => expect(peer.remoteDescription).not.toBe(null));
    peer.become('connected');
    await connected;
    expect(peer.failures.size).toBe(0);
  });

  it('has an address relative to the target of a redirect', async () => {
    const target = await serve({ POST: () => created({ etag: '"first"', location: 'other/7' }) });
    const entrance = await serve({
      POST: () => ({ status: 307, headers: { location: `${target.url}/deep/whep` } }),
    });
    const [whep] = await playing(entrance);
    await whep.close();
    expect(target.asked).toEqual(['POST /deep/whep', 'DELETE /deep/other/7']);
    expect(target.seen[0]!.body).toBe(fakeSdp('own0'));
    expect(entrance.asked).toEqual(['POST /whep/room']);
  });

  it('says that a redirect to another origin has lost the token', async () => {
    const target = await serve({ POST: () => ({ status: 401 }) });
    const entrance = await serve({
      POST: () => ({ status: 307, headers: { location: `${target.url}/whep` } }),
    });
    const error = await failureOf(play(entrance, { token: 'secret' })[0].connect());
    expect(error.message).toContain('redirect to another origin');
    expect(target.seen[0]!.headers.authorization).toBe(undefined);
  });

  it('continues without candidates that the server refuses, and reports it when no path is found', async () => {
    const server = await serve({ PATCH: () => ({ status: 405 }) });
    const answers: Promise<Response>[] = [];
    const real = fetch;
    vi.stubGlobal('fetch', (address: string, request: RequestInit) => {
      answers.push(real(address, request));
      return answers.at(-1);
    });
    const [whep, peer] = play(server);
    const failure = failureOf(whep.connect());
    await eventually(() => expect(peer.remoteDescription).not.toBe(null));
    peer.find(fakeCandidate(1));
    await eventually(() => expect(answers).toHaveLength(2));
    await answers[1];
    // The session has read the answer as well.
    await new Promise((resolve) => setTimeout(resolve));
    peer.gather(2);
    peer.become('failed');
    expect(await failure).toMatchObject({ code: 'transport' });
    expect((await failure).message).toContain('HTTP status 405): try the option trickle: false');
    await whep.close();
    expect(server.asked).toEqual(['POST /whep/room', 'PATCH /session/1', 'DELETE /session/1']);
  });
});

describe('a session at a server without PATCH', () => {
  it('gets a second offer with all candidates, in place of the first session', async () => {
    let posts = 0;
    const server = await serve({ POST: () => created({ location: `/session/${++posts}` }) });
    const [whep, peer] = play(server);
    const connected = whep.connect();
    await eventually(() => expect(peer.iceGatheringState).toBe('gathering'));
    expect(server.asked).toEqual(['POST /whep/room', 'DELETE /session/1']);
    peer.gather(5);
    await eventually(() => expect(peer.remoteDescription).not.toBe(null));
    peer.become('connected');
    await connected;
    await whep.close();
    expect(server.asked.slice(2)).toEqual(['POST /whep/room', 'DELETE /session/2']);
    expect(server.seen[0]!.body).not.toContain('a=candidate');
    expect(server.seen[2]!.body).toContain(`a=${fakeCandidate(5)}`);
    expect(server.seen[2]!.headers.authorization).toBe(undefined);
  });

  it('gets one offer with all candidates with trickle: false', async () => {
    const server = await serve({ POST: () => created({}) });
    const [whep, peer] = play(server, { trickle: false });
    const connected = whep.connect();
    await eventually(() => expect(peer.iceGatheringState).toBe('gathering'));
    expect(server.asked).toEqual([]);
    peer.gather(5);
    await eventually(() => expect(peer.remoteDescription).not.toBe(null));
    peer.become('connected');
    await connected;
    expect(server.asked).toEqual(['POST /whep/room']);
    expect(server.seen[0]!.body).toContain(`a=${fakeCandidate(5)}`);
    await expect(whep.restartIce()).rejects.toMatchObject({ code: 'unsupported' });
    expect(whep.state).toBe('connected');
  });

  it('ignores Accept-Patch if it has no ETag', async () => {
    const server = await serve({ POST: () => created({ 'accept-patch': FRAGMENT }) });
    const [, peer] = await playing(server);
    peer.find(fakeCandidate(1));
    await eventually(() => expect(server.asked).toContain('PATCH /session/1'));
    expect(server.seen[1]!.headers['if-match']).toBe(undefined);
  });
});

describe('an offer of the server', () => {
  const offers = {
    POST: () => ({ ...created({ etag: '"first"' }), status: 201 }),
  };

  it('is requested with an empty POST, and answered with PATCH', async () => {
    const server = await serve(offers);
    const [whep, peer] = await playing(server, { offer: 'server' });
    await eventually(() => expect(server.seen).toHaveLength(2));
    expect(server.seen[0]).toMatchObject({ method: 'POST', body: '' });
    expect(server.seen[0]!.headers['content-type']).toBe(undefined);
    expect(server.seen[1]).toMatchObject({ method: 'PATCH', body: fakeSdp('own0') });
    expect(server.seen[1]!.headers).toMatchObject({ 'content-type': SDP });
    expect(peer.calls).toEqual(['remote offer: theirs', 'local answer']);
    peer.gather(3);
    await eventually(() => expect(server.seen.length).toBeGreaterThan(2));
    expect(server.seen[2]!.headers).toMatchObject({ 'content-type': FRAGMENT });
    await expect(whep.restartIce()).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('is followed when it arrives with 406 in place of an answer', async () => {
    const server = await serve({ POST: () => ({ ...created(), status: 406 }) });
    const [, peer] = await playing(server);
    await eventually(() => expect(server.seen).toHaveLength(2));
    expect(server.seen[0]!.body).toBe(fakeSdp('own0'));
    expect(server.seen[1]!.body).toBe(fakeSdp('own0'));
    expect(peer.calls).toEqual([
      'transceiver recvonly',
      'stop',
      'remote offer: theirs',
      'local answer',
    ]);
  });

  it('of a server without PATCH is answered with all candidates', async () => {
    const server = await serve({ POST: () => created({}) });
    const [whep, peer] = play(server, { offer: 'server' });
    const connected = whep.connect();
    await eventually(() => expect(peer.iceGatheringState).toBe('gathering'));
    peer.gather(4);
    await eventually(() => expect(server.seen).toHaveLength(2));
    peer.become('connected');
    await connected;
    expect(server.seen[1]!.body).toContain(`a=${fakeCandidate(4)}`);
  });

  it('with video is answered without it', async () => {
    const server = await serve(offers);
    const [whep, peer] = play(server, { offer: 'server' });
    peer.offered = ['audio', 'video'];
    const connected = whep.connect();
    await eventually(() => expect(server.seen).toHaveLength(2));
    peer.become('connected');
    await connected;
    expect(peer.calls).toEqual(['remote offer: theirs', 'stop video', 'local answer']);
  });

  it('is not supported by a publisher', async () => {
    vi.stubGlobal('MediaStream', class {});
    const server = await serve({ POST: () => ({ ...created(), status: 406 }) });
    const whip = Whip.create(`${server.url}/whip`, track);
    await expect(whip.connect()).rejects.toMatchObject({ code: 'unsupported' });
    expect(server.asked).toEqual(['POST /whip']);
  });
});

describe('a restart of ICE', () => {
  const restarted = (ufrag: string, etag: string): WhipReply => ({
    status: 200,
    headers: { 'content-type': FRAGMENT, etag },
    body: `a=ice-ufrag:${ufrag}\r\na=ice-pwd:0b66f472495ef0ccac7bda653ab6be49\r\n`,
  });
  const patches = (restart: () => WhipReply): Replies => ({
    PATCH: ({ headers }) => (headers['if-match'] === '*' ? restart() : { status: 204 }),
  });

  it('exchanges the user fragments, and candidates go to the new ICE session', async () => {
    const server = await serve(patches(() => restarted('again', '"second"')));
    const [whep, peer] = await playing(server);
    const restart = whep.restartIce();
    expect(whep.restartIce()).toBe(restart);
    await restart;
    expect(peer.calls.slice(-2)).toEqual(['local offer', 'remote answer: again']);
    expect(peer.remoteDescription!.sdp).toBe(
      fakeSdp('again').replace(/ice-pwd:.*/, 'ice-pwd:0b66f472495ef0ccac7bda653ab6be49'),
    );
    const asked = server.seen.at(-1)!;
    expect(ufragOf(asked.body)).toBe('own1');
    peer.find(fakeCandidate(9));
    await eventually(() => expect(server.seen.at(-1)!.body).toContain(fakeCandidate(9)));
    expect(server.seen.at(-1)!.headers['if-match']).toBe('"second"');
    expect(ufragOf(server.seen.at(-1)!.body)).toBe('own1');
  });

  it.each([405, 501, 412, 428, 422, 204])(
    'that the server answers with %i does not change the session',
    async (status) => {
      const server = await serve(patches(() => ({ status })));
      const [whep, peer] = await playing(server);
      const error = await failureOf(whep.restartIce());
      expect(error).toMatchObject({ code: 'unsupported', cause: { status } });
      expect(error.message).toContain('The session continues as it is.');
      expect(peer.calls.at(-1)).toBe('remote answer: theirs');
      expect(whep.state).toBe('connected');
      expect(server.asked).not.toContain('DELETE /session/1');
    },
  );

  it('that the server answers with an invalid body fails, and does not change the session', async () => {
    const server = await serve(patches(() => ({ status: 200, body: 'what?' })));
    const [whep, peer] = await playing(server);
    await expect(whep.restartIce()).rejects.toMatchObject({ code: 'transport' });
    expect(peer.calls.at(-1)).toBe('remote answer: theirs');
    expect(whep.state).toBe('connected');
  });

  it('starts by itself when the path is lost', async () => {
    const server = await serve(patches(() => restarted('again', '"second"')));
    const [whep, peer] = await playing(server);
    const states: string[] = [];
    whep.addEventListener('statechange', () => states.push(whep.state));
    peer.become('failed');
    await eventually(() => expect(peer.calls).toContain('remote answer: again'));
    peer.become('connected');
    expect(states).toEqual(['connecting', 'connected']);
  });

  it('that is not possible when the path is lost ends the session, with the reason', async () => {
    const server = await serve(patches(() => ({ status: 405 })));
    const [whep, peer] = await playing(server);
    const errors: MicwireError[] = [];
    whep.addEventListener('error', ({ detail }) => errors.push(detail));
    peer.become('failed');
    await eventually(() => expect(whep.state).toBe('closed'));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: 'transport', cause: { cause: { status: 405 } } });
    expect(errors[0]!.message).toContain('connect again');
    await whep.close();
    expect(server.asked.at(-1)).toBe('DELETE /session/1');
  });

  it('that is closed meanwhile rejects', async () => {
    const server = await serve(patches(() => restarted('again', '"second"')));
    const [whep] = await playing(server);
    const failure = failureOf(whep.restartIce());
    await whep.close();
    expect(await failure).toMatchObject({ code: 'closed' });
  });

  it('requires a connected session', async () => {
    const server = await serve();
    const [whep] = play(server);
    await expect(whep.restartIce()).rejects.toMatchObject({ code: 'transport' });
  });
});

describe('connect()', () => {
  it.each([
    [401, 'transport'],
    [403, 'transport'],
    [404, 'transport'],
    [405, 'unsupported'],
    [409, 'transport'],
    [503, 'transport'],
  ] as const)('rejects when the server answers with %i', async (status, code) => {
    const server = await serve({ POST: () => ({ status, headers: { 'retry-after': '7' } }) });
    const [whep] = play(server);
    const events: MicwireError[] = [];
    whep.addEventListener('error', ({ detail }) => events.push(detail));
    const error = await failureOf(whep.connect());
    expect(error).toMatchObject({ code, cause: { status, retryAfterMs: 7000 } });
    expect(error.message).toContain(`HTTP status ${status}`);
    expect(events).toEqual([error]);
    expect(whep.state).toBe('closed');
    await whep.close();
    expect(server.asked).toEqual(['POST /whep/room']);
  });

  it.each([
    ['no address', {}],
    ['an address that cannot be read', { location: 'http://' }],
    ['an address of another kind', { location: 'ftp://example.net/1' }],
  ])('rejects when a session has %s', async (_name, headers) => {
    const reply = { status: 201, headers: { ...headers, etag: '"x"' }, body: fakeSdp('theirs') };
    const server = await serve({ POST: () => reply });
    const error = await failureOf(play(server)[0].connect());
    expect(error).toMatchObject({ code: 'transport' });
    expect(error.message).toContain('Access-Control-Expose-Headers');
  });

  it('rejects when the answer is longer than any description, or the browser refuses it', async () => {
    const long = await serve({ POST: () => created(undefined, 'x'.repeat(300_000)) });
    expect((await failureOf(play(long)[0].connect())).message).toContain('262144 characters');
    const server = await serve();
    const [whep, peer] = play(server);
    peer.failures.set('setRemoteDescription', new Error('no codec'));
    const error = await failureOf(whep.connect());
    expect(error.message).toContain('answer is refused by this browser: no codec');
    await whep.close();
    expect(server.asked.at(-1)).toBe('DELETE /session/1');
  });

  it('rejects when no server answers', async () => {
    const server = await serve();
    const { url } = server;
    await server.close();
    const error = await failureOf(Whep.create(`${url}/whep`).connect());
    expect(error).toMatchObject({ code: 'transport' });
    expect(error.message).toContain(`Is ${url} right and up`);
  });

  it('rejects when it takes too long, and ends a session that the server makes later', async () => {
    let answer: (() => void) | undefined;
    const late = new Promise<void>((resolve) => (answer = resolve));
    const slow = await serve({ POST: () => late.then(() => created()) });
    const [whep] = play(slow, { connectTimeoutMs: 300 });
    expect((await failureOf(whep.connect())).message).toMatch(/300 ms|did not answer/);
    answer!();
    const server = await serve();
    const [other] = play(server, { connectTimeoutMs: 300 });
    expect((await failureOf(other.connect())).message).toContain(
      'a way to the server was looked for',
    );
    await other.close();
    expect(server.asked.at(-1)).toBe('DELETE /session/1');
  });

  it('that is closed meanwhile ends the session as soon as it exists', async () => {
    let answer: (() => void) | undefined;
    const late = new Promise<void>((resolve) => (answer = resolve));
    const server = await serve({ POST: () => late.then(() => created()) });
    const [whep, peer] = play(server);
    const failure = failureOf(whep.connect());
    await eventually(() => expect(server.asked).toEqual(['POST /whep/room']));
    const closing = whep.close();
    expect(await failure).toMatchObject({ code: 'closed' });
    answer!();
    await closing;
    expect(server.asked).toEqual(['POST /whep/room', 'DELETE /session/1']);
    expect(peer.calls).not.toContain('remote answer: theirs');
  });

  it('that is closed while the browser makes the offer sends no request', async () => {
    const server = await serve();
    const [whep, peer] = play(server);
    const failure = failureOf(whep.connect());
    await whep.close();
    expect(await failure).toMatchObject({ code: 'closed' });
    expect(peer.calls).toEqual(['transceiver recvonly', 'close']);
    expect(server.asked).toEqual([]);
  });

  it('that is closed while the browser applies the answer ends the session', async () => {
    const server = await serve();
    const [whep, peer] = play(server);
    const failure = failureOf(whep.connect());
    await eventually(() => expect(peer.calls).toContain('local offer'));
    await whep.close();
    expect(await failure).toMatchObject({ code: 'closed' });
    expect(server.asked).toEqual(['POST /whep/room', 'DELETE /session/1']);
  });

  it('never sends the token to the target of a redirect from https to http', async () => {
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (address: string) => {
      asked.push(address);
      const { status, headers, body } = created({ etag: '"first"', location: '/session/1' });
      const response = new Response(body, { status, headers: headers as Record<string, string> });
      return Object.defineProperty(response, 'url', { value: 'http://plain.example/whep' });
    });
    const whep = Whep.create('https://media.example/whep', { token: 'secret' });
    expect(await failureOf(whep.connect())).toMatchObject({ code: 'transport' });
    await whep.close();
    expect(asked).toEqual(['https://media.example/whep']);
  });

  it('rejects with the reason of a signal, which has no effect later', async () => {
    const server = await serve({ POST: () => new Promise(() => {}) });
    const controller = new AbortController();
    const [whep] = play(server, { signal: controller.signal, connectTimeoutMs: 1000 });
    const failure = failureOf(whep.connect());
    const reason = new Error('the user left');
    controller.abort(reason);
    expect(await failure).toBe(reason);
    expect(whep.state).toBe('closed');
    const later = new AbortController();
    const [other] = await playing(await serve(), { signal: later.signal });
    later.abort();
    expect(other.state).toBe('connected');
    expect(() => Whep.create(server.url, { signal: AbortSignal.abort(reason) })).toThrow(reason);
  });
});

describe('a page that is left', () => {
  it('ends its session', async () => {
    const page = new EventTarget();
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
    vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
    const requests: RequestInit[] = [];
    const real = fetch;
    vi.stubGlobal('fetch', (address: string, request: RequestInit) => {
      requests.push(request);
      return real(address, request);
    });
    const server = await serve();
    const [whep] = await playing(server);
    page.dispatchEvent(new Event('pagehide'));
    // Not in a later task: there may be none.
    expect(requests.at(-1)).toMatchObject({ method: 'DELETE', keepalive: true });
    expect(whep.state).toBe('closed');
    await whep.close();
    expect(server.asked.at(-1)).toBe('DELETE /session/1');
  });
});

describe('publishing', () => {
  beforeEach(() => vi.stubGlobal('MediaStream', class {}));

  it('encodes with the options, which are written into the answer', async () => {
    const server = await serve();
    const whip = Whip.create(`${server.url}/whip/room`, track, {
      opus: { bitrate: 24_000, stereo: true, fec: true },
    });
    cleanups.push(() => whip.close());
    const peer = FakeWhipPeer.last;
    expect(whip.track).toBe(track);
    const connected = whip.connect();
    await eventually(() => expect(peer.remoteDescription).not.toBe(null));
    peer.become('connected');
    await connected;
    expect(peer.calls[0]).toBe('transceiver sendonly');
    expect(server.seen[0]!.body).toContain('a=fmtp:111 stereo=1;sprop-stereo=1');
    expect(peer.remoteDescription!.sdp).toContain(
      'maxaveragebitrate=24000;useinbandfec=1;stereo=1',
    );
  });

  it('needs audio', () => {
    const ended = { getAudioTracks: () => [{ readyState: 'ended' }] } as unknown as MediaStream;
    expect(() => Whip.create('http://localhost/whip', ended)).toThrow(
      expect.objectContaining({ code: 'no-audio' }),
    );
    for (const nothing of [null, undefined, 7, 'microphone', {}]) {
      expect(() => Whip.create('http://localhost/whip', nothing as never)).toThrow(TypeError);
    }
  });
});

describe('wrong arguments', () => {
  it.each([
    ['ws://localhost/whep', {}],
    ['not an address', {}],
    ['http://localhost', { token: 'two words' }],
    ['http://localhost', { token: 'line\nbreak' }],
    ['http://localhost', { token: '' }],
    ['http://localhost', { offer: 'both' as never }],
    ['http://localhost', { iceTransportPolicy: 'none' as never }],
    ['http://localhost', { connectTimeoutMs: '5' as never }],
    ['http://localhost', { jitterBufferTarget: 4001 }],
  ])('are refused: %s %o', (url, options) => {
    expect(() => Whep.create(url, options)).toThrow(/must/);
  });

  it('or an engine without WebRTC throw', () => {
    vi.unstubAllGlobals();
    vi.stubGlobal('RTCPeerConnection', undefined);
    expect(() => Whep.create('http://localhost/whep')).toThrow(
      expect.objectContaining({ code: 'unsupported' }),
    );
  });
});
