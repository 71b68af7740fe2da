import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:dgram';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { PacketError } from '../src/core/errors.ts';
import type { ClientSocket } from '../demo/link/link-client.ts';
import { LinkClient } from '../demo/link/link-client.ts';
import type { LinkProcessOptions } from '../demo/link/link-process.ts';
import { LinkProcess } from '../demo/link/link-process.ts';
import { parseControlRequest } from '../demo/link/protocol.ts';
import { CLEAN, PRESETS } from '../demo/link/settings.ts';
import { NAT_KINDS } from '../src/core/webrtc/nat/index.ts';
import { STUN_ATTRIBUTE, STUN_METHOD, stunErrorCode } from '../src/core/webrtc/stun/index.ts';
import type { StunWriter } from '../src/core/webrtc/stun/index.ts';
import { seededRandom } from './helpers/random.ts';
import { TurnClient } from './helpers/turn-client.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A server whose pages reach a simulated network. */
async function startLink(
  options: LinkProcessOptions = {},
): Promise<{ link: LinkProcess; port: number; base: string }> {
  const server = createServer();
  const link = new LinkProcess(options);
  link.attach(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => link.close(),
  );
  const { port } = server.address() as AddressInfo;
  return { link, port, base: `ws://127.0.0.1:${port}` };
}

function open(url: string, origin = new URL(url).origin.replace('ws', 'http')): WebSocket {
  const socket = new WebSocket(url, { origin });
  socket.on('error', () => {});
  cleanups.push(() => socket.terminate());
  return socket;
}

async function connect(base: string): Promise<LinkClient> {
  const client = await LinkClient.connect(base, (url) => open(url) as unknown as ClientSocket);
  cleanups.push(() => client.close());
  return client;
}

const opened = (socket: WebSocket): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
const closed = (socket: WebSocket): Promise<number> =>
  new Promise((resolve) => socket.once('close', resolve));
const refusal = (socket: WebSocket): Promise<number | undefined> =>
  new Promise((resolve) =>
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode)),
  );

/** A peer's socket that has sent its first STUN message to a port, and keeps what comes. */
async function peer(port: number): Promise<{ socket: Socket; received: string[] }> {
  const socket = createSocket('udp4');
  cleanups.push(() => socket.close());
  const received: string[] = [];
  socket.on('message', (datagram) => {
    if (datagram[0] !== 0) received.push(datagram.toString());
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const stun = Buffer.alloc(20);
  stun.writeUInt16BE(1, 0);
  stun.writeUInt32BE(0x2112a442, 4);
  socket.send(stun, port, '127.0.0.1');
  return { socket, received };
}

describe('the simulated network as a process', () => {
  it('puts a page behind a router, and removes it with the lane', async () => {
    const { base } = await startLink();
    const client = await connect(base);
    const { lane, iceServers } = await client.openRouter('home', {
      ...NAT_KINDS.symmetric,
      mappingTimeoutMs: 60_000,
      hairpinning: true,
    });
    expect(lane).toBe('home');
    const [server] = iceServers;
    expect(server!.urls.map((url) => url.split(':', 1)[0])).toEqual(['stun', 'stun', 'turn']);
    const { username, credential } = server!;
    const turn = await TurnClient.open(server!.urls[2]!, username, credential);
    cleanups.push(() => turn.close());
    const udp = (request: StunWriter) =>
      request.addUint32(STUN_ATTRIBUTE.requestedTransport, 17 * 2 ** 24);
    expect(stunErrorCode(await turn.ask(STUN_METHOD.allocate, udp))).toBe(0);
    const { lanes } = await client.statistics();
    expect(lanes).toMatchObject([
      { lane: 'home', kind: 'router', forward: { sent: 2 }, back: { sent: 2 }, tcp: null },
    ]);
    await client.closeLane('home');
    expect((await client.statistics()).lanes).toEqual([]);
    const wrong = { ...NAT_KINDS.symmetric, mapping: 'cone' } as never;
    await expect(client.openRouter('next', wrong)).rejects.toMatchObject({ code: 'bad-message' });
  });

  it('loses no message that a client sends at once, however busy the receiving process is', async () => {
    const { base } = await startLink();
    const client = await connect(base);
    const count = 200;
    let working = true;
    const work = (): void => {
      const until = performance.now() + 30;
      while (performance.now() < until);
      if (working) setImmediate(work);
    };
    cleanups.push(() => (working = false));
    work();
    for (let lane = 0; lane < 6; lane++) {
      const thread = new Worker(new URL('helpers/eager-client.mjs', import.meta.url), {
        workerData: { url: client.laneUrl(`eager-${lane}`), count },
      });
      cleanups.push(() => thread.terminate());
      const [told] = (await once(thread, 'message')) as [{ ending: string; echoed: number[] }];
      expect(told).toEqual({ ending: 'all', echoed: Array.from({ length: count }, (_, i) => i) });
      await thread.terminate();
    }
  });

  it('carries lanes of both kinds, changes the link under them, and counts each', async () => {
    const { link, base } = await startLink();
    expect(link.pid).toBeNull();
    const client = await connect(base);
    expect(link.pid).not.toBe(process.pid);

    const socket = open(client.laneUrl('pcm'));
    const echoed: unknown[] = [];
    socket.on('message', (data: Buffer, binary) =>
      echoed.push(binary ? [...data] : data.toString()),
    );
    await opened(socket);
    socket.send('größer');
    socket.send(Uint8Array.of(0, 255));
    await expect.poll(() => echoed).toEqual(['größer', [0, 255]]);

    const splice = await link.openSplice(client.callLink('webrtc'));
    const caller = await peer(splice.sendTo.caller.port);
    const callee = await peer(splice.sendTo.callee.port);
    // Before the callee's message has come, nobody knows where it is.
    await expect.poll(async () => (await client.statistics()).lanes[1]?.back.sent).toBe(1);
    caller.socket.send('hello', splice.sendTo.caller.port, '127.0.0.1');
    await expect.poll(() => callee.received).toEqual(['hello']);

    await client.restart(7);
    await client.configure({ ...CLEAN, delayMs: 60 });
    const before = performance.now();
    socket.send('late');
    callee.socket.send('late too', splice.sendTo.callee.port, '127.0.0.1');
    await expect.poll(() => [echoed[2], caller.received[0]]).toEqual(['late', 'late too']);
    expect(performance.now() - before).toBeGreaterThan(59);

    await expect
      .poll(async () => (await client.statistics()).lanes[0]?.back.forwarded)
      .toBeGreaterThan(0);
    const { lanes, lateness, seed } = await client.statistics();
    expect(seed).toBe(7);
    expect(lateness.count).toBe(2);
    expect(lateness.p99Ms).toBeGreaterThanOrEqual(lateness.p50Ms);
    const path = { forwarded: 1, lost: 0, queueDropped: 0, sent: 1 };
    expect(lanes).toMatchObject([
      {
        lane: 'pcm',
        kind: 'websocket',
        forward: { ...path, payloadBytes: 4, bytes: 4 + 6 + 52 },
        tcp: { sentMessages: 1, deliveredMessages: 1, messageBytes: 4 + 6, retransmissions: 0 },
      },
      {
        lane: 'webrtc',
        kind: 'splice',
        tcp: null,
        refused: 0,
        forward: { sent: 0 },
        back: { ...path, payloadBytes: 8, bytes: 8 + 28 },
      },
    ]);

    await client.configure({ ...CLEAN, lossRatio: 1 });
    caller.socket.send('lost', splice.sendTo.caller.port, '127.0.0.1');
    await expect
      .poll(async () => (await client.statistics()).lanes[1]?.forward)
      .toMatchObject({ sent: 1, forwarded: 0, lost: 1 });

    splice.close();
    await expect.poll(async () => (await client.statistics()).lanes.length).toBe(1);
    await client.closeLane('pcm');
    expect((await client.statistics()).lanes).toEqual([]);
  });

  it('carries a connection of QUIC to the lab’s server, which pages cannot choose', async () => {
    const { base, link } = await startLink();
    const client = await connect(base);
    await expect(client.openQuic('quic')).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('has not started'),
    });
    const server = await peer(9);
    link.setQuicServer({ address: '127.0.0.1', port: server.socket.address().port });
    let ports: readonly [number, number] | undefined;
    // The process hears of it by a way of its own.
    await expect
      .poll(async () => ({ ports } = await client.openQuic('quic')).lane, { timeout: 5000 })
      .toBe('quic');
    const page = await peer(9);
    page.socket.send(Buffer.alloc(1200, 0xc3), ports![0], '127.0.0.1');
    await expect.poll(() => server.received.length).toBe(1);
    expect((await client.statistics()).lanes).toMatchObject([
      { lane: 'quic', kind: 'splice', forward: { sent: 1, bytes: 1228 } },
    ]);
  });

  it('delivers everything in order over a lossy link', async () => {
    const { base } = await startLink();
    const client = await connect(base);
    await client.configure({ ...CLEAN, delayMs: 5, jitterMs: 3, lossRatio: 0.1 });
    const socket = open(client.laneUrl(''));
    const echoed: number[] = [];
    socket.on('message', (data: Buffer) => echoed.push(data.readUInt32LE(0)));
    await opened(socket);
    const random = seededRandom(5);
    for (let i = 0; i < 200; i++) {
      const message = Buffer.alloc(4 + Math.floor(random() * 4000));
      message.writeUInt32LE(i, 0);
      socket.send(message);
    }
    await expect.poll(() => echoed.length, { timeout: 10_000 }).toBe(200);
    expect(echoed).toEqual(Array.from({ length: 200 }, (_, i) => i));
    const [lane] = (await client.statistics()).lanes;
    expect(lane?.tcp?.retransmissions).toBeGreaterThan(0);
    expect(lane?.lane).toBe('websocket-1');
    const { forward, tcp, repeatedWireBytes } = lane!;
    // Each segment has 52 bytes of headers.
    const once = tcp!.messageBytes + 52 * (tcp!.segments - tcp!.retransmissions);
    expect(forward.bytes - repeatedWireBytes).toBe(once);
    await client.restart(3);
    const [restarted] = (await client.statistics()).lanes;
    expect(restarted).toMatchObject({ tcp: { retransmissions: 0 }, repeatedWireBytes });
  });

  it('keeps sessions apart, and ends their lanes with them', async () => {
    const { base, link } = await startLink({ maxSessions: 2 });
    const [first, second] = [await connect(base), await connect(base)];
    await first.configure({ ...CLEAN, lossRatio: 1 });
    const [lost, clean] = [open(first.laneUrl('a')), open(second.laneUrl('a'))];
    let echoes = 0;
    clean.on('message', () => echoes++);
    await Promise.all([opened(lost), opened(clean)]);
    lost.send('x');
    clean.send('x');
    await expect.poll(() => echoes).toBe(1);
    expect(await refusal(open(`${base}/link/control`))).toBe(503);
    const ended = closed(lost);
    first.close();
    await ended;
    expect(await refusal(open(first.laneUrl('b')))).toBe(404);
    await expect(link.openSplice(first.session)).rejects.toMatchObject({ code: 'unknown-lane' });
    // Its place is free again, and the other has noticed nothing.
    await connect(base);
    clean.send('x');
    await expect.poll(() => echoes).toBe(2);
  });

  it('refuses foreign pages, unknown paths, taken names and too many lanes', async () => {
    const { base, port, link } = await startLink({ maxLanes: 2 });
    expect(await refusal(open(`${base}/link/control`, 'https://evil.example'))).toBe(403);
    expect(link.pid).toBeNull();
    const client = await connect(base);
    expect(await refusal(open(`${base}/link/elsewhere`))).toBe(404);
    expect(await refusal(open(`ws://127.0.0.1:${port}/link/lane/${'0'.repeat(24)}/a`))).toBe(404);
    await opened(open(client.laneUrl('a')));
    expect(await refusal(open(client.laneUrl('a')))).toBe(409);
    await expect(client.openSplice('a')).rejects.toMatchObject({ code: 'lane-exists' });
    await client.openSplice('b');
    expect(await refusal(open(client.laneUrl('c')))).toBe(503);
    await expect(client.openSplice('c')).rejects.toMatchObject({ code: 'too-many-lanes' });
    await expect(client.closeLane('z')).rejects.toMatchObject({ code: 'unknown-lane' });
  });

  it('answers every malformed request with a typed error, and continues', async () => {
    const { base } = await startLink({ maxRequestsPerSecond: 2000 });
    const socket = open(`${base}/link/control`);
    const replies: { type: string; id?: number | null; code?: string }[] = [];
    socket.on('message', (data: Buffer) => replies.push(JSON.parse(data.toString())));
    await opened(socket);
    const requests = Array.from({ length: 600 }, (_, i) => malformed(i));
    for (const request of requests) socket.send(request);
    socket.send(JSON.stringify({ type: 'statistics', id: 999_999 }));
    await expect.poll(() => replies.length).toBe(requests.length + 2);
    const codes = new Set(replies.slice(1, -1).map(({ type, code }) => `${type} ${code ?? ''}`));
    expect(codes).toEqual(new Set(['error bad-message']));
    expect(replies.at(-1)).toMatchObject({ type: 'statistics', id: 999_999 });
  });

  it('closes a page that asks too often or too much, and a lane that sends too long a message', async () => {
    const { base } = await startLink({
      maxRequestsPerSecond: 5,
      maxRequestBytes: 1000,
      maxMessageBytes: 1000,
    });
    const hasty = open(`${base}/link/control`);
    await opened(hasty);
    for (let i = 0; i < 20; i++) hasty.send(JSON.stringify({ type: 'statistics', id: i }));
    expect(await closed(hasty)).toBe(1008);
    const wordy = open(`${base}/link/control`);
    await opened(wordy);
    wordy.send('x'.repeat(1001));
    expect(await closed(wordy)).toBe(1009);
    const client = await connect(base);
    const lane = open(client.laneUrl('a'));
    await opened(lane);
    lane.send(Buffer.alloc(1001));
    expect(await closed(lane)).toBe(1009);
  });

  it('ends the session of a page that does not answer pings', async () => {
    const { base } = await startLink({ pingIntervalMs: 100 });
    const mute = new WebSocket(`${base}/link/control`, {
      origin: base.replace('ws', 'http'),
      autoPong: false,
    });
    const lively = await connect(base);
    await closed(mute);
    expect((await lively.statistics()).lanes).toEqual([]);
  });

  it('survives messages that are designed to break its own error messages', async () => {
    const { base, link } = await startLink({ maxRequestsPerSecond: 2000 });
    const victim = await connect(base);
    const { pid } = link;
    const socket = open(`${base}/link/control`);
    const replies: { type: string; code?: string; message?: string }[] = [];
    socket.on('message', (data: Buffer) => replies.push(JSON.parse(data.toString())));
    await opened(socket);
    const requests = hostileRequests();
    for (const request of requests) socket.send(request);
    await expect.poll(() => replies.length).toBe(requests.length + 1);
    for (const { code, message } of replies.slice(1)) {
      expect(code).toBe('bad-message');
      expect(message!.length).toBeLessThan(400);
      expect(message).not.toContain('SECRET');
    }
    expect((await victim.statistics()).lanes).toEqual([]);
    expect(link.pid).toBe(pid);
    expect(link.deaths).toBe(0);
  });

  it('is started again when it dies, ends calls with a reason, and lets pages open their lanes again', async () => {
    const { base, link } = await startLink();
    const client = await connect(base);
    const lane = open(client.laneUrl('a'));
    await opened(lane);
    const splice = await link.openSplice(client.callLink('call'));
    const ended = new Promise<void>((resolve) => (client.onclose = resolve));
    const laneEnded = closed(lane);
    const { pid } = link;
    process.kill(pid!, 'SIGKILL');
    await ended;
    expect(await laneEnded).toBe(1006);
    expect(await splice.lost).toMatch(/ended \(SIGKILL\)/);
    // Nobody asks for it: the supervisor does.
    await expect.poll(() => link.pid ?? pid).not.toBe(pid);
    expect(link.deaths).toBe(1);
    const again = await connect(base);
    await opened(open(again.laneUrl('a')));
    expect((await again.statistics()).lanes.map((each) => each.lane)).toEqual(['a']);
  });

  it('returns when its process has died', async () => {
    const { base, link } = await startLink();
    const client = await connect(base);
    const ended = new Promise<void>((resolve) => (client.onclose = resolve));
    const { pid } = link;
    process.kill(pid!, 'SIGKILL');
    await ended;
    await expect(client.statistics()).rejects.toMatchObject({ code: 'failed' });
    await expect.poll(() => link.pid).not.toBe(pid);
    await connect(base);
    expect(link.pid).not.toBe(pid);
  });
});

/** Requests that are wrong, and whose wrong values are made to break whatever describes them. */
function hostileRequests(): readonly string[] {
  const values = [
    '{"constructor":{"name":{"toString":1,"valueOf":1}}}',
    '{"constructor":null}',
    '{"constructor":"SECRET"}',
    '{"constructor":{"name":"SECRET"}}',
    '{"toString":"SECRET","valueOf":1}',
    '{"toJSON":1,"then":{"then":1},"SECRET":1}',
    '{"__proto__":null}',
    '{"__proto__":{"constructor":{"name":{"toString":null}}}}',
    '{"length":1e9}',
    '[[[1]]]',
    '[{"toString":1}]',
    '"SECRET"',
    `"${'SECRET'.repeat(10_000)}"`,
    'null',
    '-0.5',
    '1e999',
  ];
  return values.flatMap((value) => [
    `{"type":"statistics","id":${value}}`,
    `{"type":${value},"id":1}`,
    `{"type":"open-splice","id":1,"lane":${value === 'null' ? '5' : value}}`.replace(
      '"SECRET"',
      '"SECRET !"',
    ),
    `{"type":"restart","id":1,"seed":${value}}`,
    `{"type":"open-router","id":1,"lane":"a","router":${value}}`,
    `{"type":"open-router","id":1,"lane":"a","router":{"mapping":${value}}}`,
    `{"type":"configure","id":1,"settings":{"delayMs":${value}}}`,
    `{"type":"configure","id":1,"settings":{"jitterDistribution":${value}}}`,
    `{"type":"configure","id":1,"settings":{"keepOrder":${value}}}`,
    `{"type":"configure","id":1,"settings":{"SECRET":${value}}}`,
    `{"type":"configure","id":1,"settings":{"trace":${value === 'null' ? '5' : value}}}`,
    `{"type":"configure","id":1,"settings":{"trace":{"durationMs":5,"points":${value}}}}`,
    `{"type":"configure","id":1,"settings":{"trace":{"durationMs":${value},"points":[{"atMs":0,"delayMs":${value}}]}}}`,
    value,
  ]);
}

/** Text that is not a request, each number another: nonsense, and requests with a part spoilt. */
function malformed(seed: number): string {
  const random = seededRandom(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const nonsense = pick([null, true, -1, 1e99, '', 'x'.repeat(500), [], {}, [[[]]], '\u0000']);
  const good = {
    type: 'configure',
    id: seed,
    settings: { ...pick(Object.values(PRESETS)).settings },
    back: null,
  };
  switch (seed % 6) {
    case 0: {
      const text = JSON.stringify(good);
      return text.slice(0, Math.floor(random() * text.length));
    }
    case 1:
      return JSON.stringify(nonsense);
    case 2:
      return JSON.stringify({ ...good, id: pick([null, -1, 0.5, '1', 2 ** 31, {}]) });
    case 3:
      return JSON.stringify({ ...good, type: pick(['', 'session', '__proto__', 3, null]) });
    case 4: {
      const [name] = pick(Object.entries(CLEAN));
      const wrong = pick([[], 'x', -1, {}]);
      return JSON.stringify({ ...good, settings: { ...good.settings, [name]: wrong } });
    }
    default:
      return JSON.stringify({
        type: 'open-splice',
        id: seed,
        lane: pick(['', 'a b', 5, null, {}]),
      });
  }
}

describe('parseControlRequest', () => {
  it('throws nothing but PacketError', () => {
    for (let seed = 0; seed < 1500; seed++) {
      expect(() => parseControlRequest(malformed(seed))).toThrow(PacketError);
    }
    const random = seededRandom(1);
    const good = JSON.stringify({ type: 'configure', id: 1, settings: CLEAN });
    for (let round = 0; round < 1500; round++) {
      const at = Math.floor(random() * good.length);
      const text = good.slice(0, at) + String.fromCharCode(random() * 128) + good.slice(at + 1);
      try {
        parseControlRequest(text);
      } catch (error) {
        expect(error).toBeInstanceOf(PacketError);
      }
    }
  });
});
