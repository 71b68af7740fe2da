import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { ForwardedAudio } from '../demo/server/sfu/forwarded-audio.ts';
import { JanusError } from '../demo/server/sfu/janus-client.ts';
import type { JanusClient, JanusHandle } from '../demo/server/sfu/janus-client.ts';
import { JanusProcess, hasJanus } from '../demo/server/sfu/janus-process.ts';
import { Sfu } from '../demo/server/sfu/sfu.ts';
import { WhipEndpoint } from '../demo/server/sfu/whip-endpoint.ts';
import type { RequestAnswer, SfuSession } from '../demo/server/sfu/whip-endpoint.ts';
import { StreamRecorder } from '../src/node/recording/stream-recorder.ts';
import { fakeCandidate, fakeSdp, ufragOf } from './helpers/fake-whip-peer.ts';

// With a real Janus: test/whip-janus.test.ts.

const TOKEN = 'abc';
const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Janus as far as the endpoint sees it: keeps what it is asked. */
class FakeJanus {
  readonly asked: string[] = [];
  readonly gone: (() => void)[] = [];
  closed = 0;
  error: JanusError | null = null;
  /** Whether connections come up. */
  isUp = true;
  /** Publishers so far: their numbers begin with 77. */
  #publishers = 0;
  /** Which of them was listened to last. */
  heard: unknown;
  /** Of its next answer, or offer. */
  #answers = 0;

  async attach(plugin: string, gone: () => void): Promise<JanusHandle> {
    this.gone.push(gone);
    const handle = {
      up: this.isUp ? Promise.resolve() : new Promise(() => {}),
      request: async (
        body: Record<string, unknown>,
        description?: { type: string; sdp: string },
      ) => {
        if (this.error !== null) throw this.error;
        const what = description && ` ${description.type} ${ufragOf(description.sdp)}`;
        this.asked.push(`${plugin} ${String(body['request'])}${what ?? ''}`);
        if (body['request'] === 'join') this.heard = body['streams'];
        return {
          data: { id: body['ptype'] === 'publisher' ? 77 + this.#publishers++ : 0 },
          sdp: fakeSdp(`janus${this.#answers++}`, [`a=${fakeCandidate(9)}`]),
        };
      },
      trickle: async (candidate: string | null, mid: string) => {
        this.asked.push(`trickle ${mid} ${candidate}`);
      },
      close: async () => void this.closed++,
    };
    return handle as unknown as JanusHandle;
  }
}

interface Rig {
  readonly janus: FakeJanus;
  readonly responses: ServerResponse[];
  /** Settles when sessions that are opened may continue. */
  opening: Promise<void>;
  readonly opened: SfuSession[];
  readonly closed: SfuSession[];
  readonly ask: (
    method: string,
    path: string,
    headers?: Record<string, string>,
    body?: string,
  ) => Promise<{ status: number; headers: Record<string, unknown>; body: string }>;
}

async function start(runs = true): Promise<Rig> {
  const janus = new FakeJanus();
  const opened: SfuSession[] = [];
  const closed: SfuSession[] = [];
  const endpoint = new WhipEndpoint({
    janus: async () => {
      if (!runs) throw new Error('It does not start.');
      return janus as unknown as JanusClient;
    },
    token: TOKEN,
    opened: (session) => {
      opened.push(session);
      return rig.opening;
    },
    closed: (session) => void closed.push(session),
  });
  const answers: Record<string, RequestAnswer> = {
    whip: endpoint.answer('whip'),
    whep: endpoint.answer('whep'),
  };
  const responses: ServerResponse[] = [];
  const ask = await serve((request, response) => {
    responses.push(response);
    const [, name = '', ...rest] = (request.url ?? '').split('/');
    request.url = `/${rest.join('/')}`;
    answers[name]!(request, response);
  });
  cleanups.push(() => endpoint.close());
  const rig: Rig = { janus, responses, opening: Promise.resolve(), opened, closed, ask };
  return rig;
}

async function serve(answer: RequestAnswer): Promise<Rig['ask']> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  // Not fetch, which sets no Host and no Sec-Fetch-Site.
  return (method, path, headers = {}, body = '') =>
    new Promise((resolve, reject) => {
      const request = httpRequest(
        { port, host: '127.0.0.1', method, path, headers },
        (response) => {
          let text = '';
          response.on('data', (part) => (text += part));
          response.on('end', () =>
            resolve({ status: response.statusCode!, headers: response.headers, body: text }),
          );
        },
      );
      request.on('error', reject);
      request.end(body);
    });
}

const authorization = `Bearer ${TOKEN}`;
const offering = { authorization, 'content-type': SDP };

async function publish({ ask }: Rig, room = 'room'): Promise<{ path: string; etag: string }> {
  const { status, headers } = await ask('POST', `/whip/${room}`, offering, fakeSdp('mine'));
  expect(status).toBe(201);
  return { path: String(headers['location']), etag: String(headers['etag']) };
}

describe('a WHIP endpoint in front of Janus', () => {
  it.each([
    ['without a token', 'POST', '/whip/room', { 'content-type': SDP }, 401],
    ['with another token', 'POST', '/whip/room', { ...offering, authorization: 'Bearer x' }, 401],
    ['of another site', 'POST', '/whip/room', { ...offering, 'sec-fetch-site': 'cross-site' }, 403],
    [
      'of another origin',
      'POST',
      '/whip/room',
      { ...offering, origin: 'https://evil.example' },
      403,
    ],
    ['by another name', 'POST', '/whip/room', { ...offering, host: 'rebound.example' }, 403],
    ['for another room', 'POST', '/whip/kitchen', offering, 404],
    ['for a session that is not there', 'DELETE', '/whip/room/1', offering, 404],
    ['that only looks', 'GET', '/whip/room', offering, 405],
    [
      'with another type',
      'POST',
      '/whip/room',
      { authorization, 'content-type': 'text/plain' },
      415,
    ],
    ['for a publisher that is not there', 'POST', '/whep/room', offering, 409],
  ])('refuses a request %s', async (_name, method, path, headers, status) => {
    const { ask, janus } = await start();
    const answer = await ask(method, path, headers, method === 'POST' ? 'v=0' : '');
    expect(answer.status).toBe(status);
    if (status === 401) expect(answer.headers['www-authenticate']).toBe('Bearer');
    if (status === 409) expect(answer.headers['retry-after']).toBe('5');
    expect(janus.asked).toEqual([]);
  });

  it('refuses an offer that is empty or too long, and any offer if Janus does not run', async () => {
    const { ask } = await start();
    expect((await ask('POST', '/whip/room', offering)).status).toBe(400);
    expect((await ask('POST', '/whip/room', offering, 'v'.repeat(262_145))).status).toBe(413);
    const { ask: other } = await start(false);
    expect((await other('POST', '/whip/room', offering, 'v=0')).status).toBe(503);
  });

  it('answers OPTIONS with the types it accepts', async () => {
    const { ask } = await start();
    const { status, headers } = await ask('OPTIONS', '/whip/room');
    expect([status, headers['accept-post']]).toEqual([204, SDP]);
  });

  it('publishes, accepts candidates of the current ICE session, restarts ICE, and ends', async () => {
    const rig = await start();
    const { ask, janus } = rig;
    const created = await ask('POST', '/whip/room', offering, fakeSdp('mine'));
    expect(created).toMatchObject({
      status: 201,
      headers: { 'content-type': SDP, 'accept-patch': FRAGMENT, 'cache-control': 'no-store' },
    });
    expect(ufragOf(created.body)).toBe('janus0');
    const path = String(created.headers['location']);
    const etag = String(created.headers['etag']);
    expect(path).toMatch(/^\/whip\/room\/[0-9a-f]{32}$/);
    const names = (ufrag: string): string => fakeSdp(ufrag).replace(/^v=0\r\n/, '');
    const patch = (match: string | null, body: string) => {
      const condition: Record<string, string> = match === null ? {} : { 'if-match': match };
      return ask('PATCH', path, { authorization, 'content-type': FRAGMENT, ...condition }, body);
    };
    const candidates = `${names('mine')}a=${fakeCandidate(1)}\r\na=end-of-candidates\r\n`;
    expect((await patch(null, candidates)).status).toBe(428);
    expect((await patch('"other"', candidates)).status).toBe(412);
    expect((await patch(etag, 'what?')).status).toBe(400);
    expect((await patch(etag, candidates)).status).toBe(204);
    expect(janus.asked).toEqual([
      'videoroom joinandconfigure offer mine',
      `trickle 0 ${fakeCandidate(1)}`,
      'trickle 0 null',
    ]);
    const restarted = await patch('*', names('again'));
    expect(restarted).toMatchObject({ status: 200, headers: { 'content-type': FRAGMENT } });
    expect(ufragOf(restarted.body)).toBe('janus1');
    expect(restarted.body).toContain(`a=${fakeCandidate(9)}\r\na=end-of-candidates`);
    expect(janus.asked.at(-1)).toBe('videoroom configure offer again');
    expect((await patch(etag, candidates)).status).toBe(412);
    expect((await patch(String(restarted.headers['etag']), candidates)).status).toBe(204);
    expect((await ask('GET', path, { authorization })).status).toBe(405);
    expect((await ask('DELETE', path.replace('whip', 'whep'), { authorization })).status).toBe(404);
    expect((await ask('DELETE', path, { authorization })).status).toBe(200);
    expect((await ask('DELETE', path, { authorization })).status).toBe(404);
    expect([rig.opened.length, rig.closed.length, janus.closed]).toEqual([1, 1, 1]);
  });

  it('sends the offer to players of the forwarding room, and does not restart ICE there', async () => {
    const rig = await start();
    const { ask, janus } = rig;
    await publish(rig);
    const asked = await ask('POST', '/whep/room', { authorization });
    const counter = await ask('POST', '/whep/room?feed=77', offering, fakeSdp('mine'));
    expect([asked.status, counter.status]).toEqual([201, 406]);
    expect((await ask('POST', '/whep/room?feed=78', { authorization })).status).toBe(409);
    const path = String(asked.headers['location']);
    const answer = () => ask('PATCH', path, offering, fakeSdp('mine'));
    expect((await answer()).status).toBe(204);
    expect(janus.asked.at(-1)).toBe('videoroom start answer mine');
    expect((await answer()).status).toBe(409);
    const headers = { authorization, 'content-type': FRAGMENT, 'if-match': '*' };
    const fragment = fakeSdp('again').replace(/^v=0\r\n/, '');
    expect((await ask('PATCH', path, headers, fragment)).status).toBe(501);
  });

  it('plays the last publisher that is connected, while a later one connects', async () => {
    const rig = await start();
    await publish(rig);
    await publish(rig);
    rig.janus.isUp = false;
    await publish(rig);
    expect((await rig.ask('POST', '/whep/room', { authorization })).status).toBe(201);
    expect(rig.janus.heard).toEqual([{ feed: 78 }]);
  });

  it('ends a session if its client went away before it was open', async () => {
    const rig = await start();
    let opened: (() => void) | undefined;
    rig.opening = new Promise((resolve) => (opened = resolve));
    const asked = rig.ask('POST', '/whip/room', offering, fakeSdp('mine'));
    asked.catch(() => {});
    await vi.waitFor(() => expect(rig.opened).toHaveLength(1));
    const [response] = rig.responses;
    response!.socket!.destroy();
    await once(response!, 'close');
    opened!();
    await vi.waitFor(() => expect([rig.closed.length, rig.janus.closed]).toEqual([1, 1]));
  });

  it('waits some seconds for a publisher that is connecting', async () => {
    const rig = await start();
    rig.janus.isUp = false;
    await publish(rig);
    expect((await rig.ask('POST', '/whep/room', { authorization })).status).toBe(409);
  });

  it('forgets a session when its peer is gone', async () => {
    const rig = await start();
    const { path } = await publish(rig, 'mix');
    expect(rig.janus.asked).toEqual(['audiobridge join', 'audiobridge configure offer mine']);
    rig.janus.gone[0]!();
    await vi.waitFor(() => expect(rig.janus.closed).toBe(1));
    expect((await rig.ask('DELETE', path, { authorization })).status).toBe(404);
  });

  it('leaves nothing behind if Janus refuses', async () => {
    const rig = await start();
    rig.janus.error = new JanusError(456, 'no such room');
    expect((await rig.ask('POST', '/whip/room', offering, fakeSdp('mine'))).status).toBe(502);
    expect([rig.opened.length, rig.janus.closed]).toEqual([0, 1]);
  });

  it('accepts 256 sessions', async () => {
    const rig = await start();
    for (let i = 0; i < 256; i++) await publish(rig);
    const { status, headers } = await rig.ask('POST', '/whip/room', offering, fakeSdp('mine'));
    expect([status, headers['retry-after']]).toEqual([503, '5']);
  });
});

/** Janus' own protocol: each request has the answer of success. */
async function startJanus(): Promise<{ url: string; sockets: WebSocket[] }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const sockets: WebSocket[] = [];
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('message', (text: Buffer) => {
      const { transaction, janus } = JSON.parse(text.toString()) as Record<string, string>;
      const plugindata = { data: { id: 77 } };
      const jsep = { type: 'answer', sdp: fakeSdp('janus') };
      const about = janus === 'message' ? { plugindata, jsep } : { data: { id: 5 } };
      socket.send(JSON.stringify({ janus: 'success', transaction, ...about }));
    });
  });
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.terminate();
    server.close();
  });
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-sfu-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('a session at Janus', () => {
  it('that Janus ends is gone, with its peers, and another one starts when it is needed', async () => {
    const { url, sockets } = await startJanus();
    const processes: { isClosed: boolean }[] = [];
    vi.spyOn(JanusProcess, 'start').mockImplementation(async () => {
      const one = { isClosed: false };
      processes.push(one);
      const close = async () => void (one.isClosed = true);
      const ended = new Promise<void>(() => {});
      return { url, secret: '', adminKey: '', ended, close } as unknown as JanusProcess;
    });
    const sfu = new Sfu();
    cleanups.push(() => sfu.close());
    const ask = await serve(sfu.whip);
    const headers = { 'content-type': SDP, authorization: `Bearer ${sfu.token}` };
    const post = () => ask('POST', '/mix', headers, fakeSdp('mine'));
    expect((await post()).status).toBe(201);
    expect(sfu.sessions).toBe(1);
    sockets[0]!.send(JSON.stringify({ janus: 'timeout', session_id: 5 }));
    await vi.waitFor(() => expect(sfu.sessions).toBe(0));
    await vi.waitFor(() => expect(processes.map(({ isClosed }) => isClosed)).toEqual([true]));
    expect((await post()).status).toBe(201);
    expect(processes.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  });

  it('that ends while its recording is opened leaves no recording open', async () => {
    const { url } = await startJanus();
    const ended = new Promise<void>(() => {});
    const close = async (): Promise<void> => {};
    vi.spyOn(JanusProcess, 'start').mockResolvedValue({
      ...{ url, secret: '', adminKey: '', ended, close },
    } as unknown as JanusProcess);
    const sfu = new Sfu({ folder: tempFolder() });
    const opened: ForwardedAudio[] = [];
    const real = ForwardedAudio.open.bind(ForwardedAudio);
    vi.spyOn(ForwardedAudio, 'open').mockImplementation(async (options) => {
      const audio = await real(options);
      opened.push(audio);
      await sfu.close();
      return audio;
    });
    const ask = await serve(sfu.whip);
    const headers = { 'content-type': SDP, authorization: `Bearer ${sfu.token}` };
    expect((await ask('POST', '/room', headers, fakeSdp('mine'))).status).toBe(502);
    expect([...sfu.forwarded]).toEqual([]);
    // It is complete: nobody writes to it, and it cannot be continued.
    const [{ path }] = opened as [ForwardedAudio];
    const stream = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
    await expect(StreamRecorder.open(path!, { stream })).rejects.toThrow('is there already');
  });
});

describe('audio that Janus forwards', () => {
  const options = (failed: (error: unknown) => void = () => {}) => ({
    ...{ channels: 1, folder: tempFolder(), name: 'one', opus: null, failed },
  });

  it('is no longer recorded after a packet that claims to be hours later, which is reported once', async () => {
    const errors: unknown[] = [];
    const audio = await ForwardedAudio.open(options((error) => errors.push(error)));
    cleanups.push(() => audio.close());
    const sender = createSocket('udp4');
    cleanups.push(() => void sender.close());
    const send = (sequence: number): void => {
      const packet = Buffer.alloc(14);
      packet.set([0x80, audio.target.payloadType]);
      packet.writeUInt16BE(sequence, 2);
      packet.writeUInt32BE(sequence * 5760, 4);
      // Opus: six empty frames, 120 ms (RFC 6716 §3.2.5).
      packet.set([0xfb, 6], 12);
      sender.send(packet, audio.target.port, '127.0.0.1');
    };
    for (const sequence of [1, 2, 31_000, 31_001, 31_002]) send(sequence);
    await vi.waitFor(() => expect(errors).toEqual([expect.any(RangeError)]));
    await vi.waitFor(() => expect(audio.stats.receivedPackets).toBe(5));
    await audio.close();
    expect(errors).toHaveLength(1);
  });

  it('leaves no recording open if its meter cannot be made', async () => {
    const broken = { ...options(), opus: {} as never };
    await expect(ForwardedAudio.open(broken)).rejects.toThrow();
    const path = join(broken.folder, 'one.ogg');
    const stream = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
    await expect(StreamRecorder.open(path, { stream })).rejects.toThrow('is there already');
  });
});

describe('the address /sfu', () => {
  it('gives the token to this server’s own pages only', async () => {
    const sfu = new Sfu();
    cleanups.push(() => sfu.close());
    const ask = await serve(sfu.answer);
    expect((await ask('GET', '/', { origin: 'https://evil.example' })).status).toBe(403);
    expect((await ask('GET', '/', { 'sec-fetch-site': 'same-site' })).status).toBe(403);
    expect((await ask('POST', '/')).status).toBe(405);
    vi.stubEnv('PATH', '/nowhere');
    const missing = await ask('GET', '/');
    expect(missing.status).toBe(501);
    expect(missing.body).toContain('apt-get install janus');
    vi.unstubAllEnvs();
    if (!hasJanus()) return;
    const { body, headers } = await ask('GET', '/');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(JSON.parse(body)).toEqual({
      token: sfu.token,
      whip: { mix: '/whip/mix', room: '/whip/room' },
      whep: { mix: '/whep/mix', room: '/whep/room' },
      publishers: [],
    });
  });
});
