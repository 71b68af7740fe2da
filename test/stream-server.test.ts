import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { base64JsonFraming } from '../src/core/framing/base64-json.ts';
import { binaryFraming } from '../src/core/framing/binary.ts';
import type { Packet } from '../src/core/framing/packet.ts';
import { PROTOCOL_NAME } from '../src/core/session/protocol.ts';
import { acceptStream } from '../src/node/accept-stream.ts';
import type { AcceptedStream } from '../src/node/accepted-stream.ts';
import type { StreamHost } from '../src/node/stream-host.ts';
import { StreamServer } from '../src/node/stream-server.ts';
import type { StreamServerOptions } from '../src/node/stream-server.ts';
import { busy } from './helpers/busy.ts';
import { eventually } from './helpers/eventually.ts';
import { seededRandom } from './helpers/random.ts';
import { PCM, StreamClient, bytesAt } from './helpers/stream-client.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Reads streams, and keeps what it has read. */
class Reader implements StreamHost {
  readonly streams: AcceptedStream[] = [];
  /** By the stream's id, in the order of arrival. */
  readonly bytes = new Map<string, number[]>();
  /** Places where frames do not follow each other. */
  readonly breaks: (readonly [expected: number, got: number])[] = [];
  readonly failures: unknown[] = [];
  readonly told: unknown[] = [];
  next = new Map<string, number>();
  beforeChunk: (stream: AcceptedStream, frame: number) => Promise<void> | void = () => {};

  async stream(stream: AcceptedStream): Promise<void> {
    this.streams.push(stream);
    const all = this.bytes.get(stream.id) ?? [];
    this.bytes.set(stream.id, all);
    for await (const { frame, frames, bytes } of stream) {
      await this.beforeChunk(stream, frame);
      const expected = this.next.get(stream.id) ?? 0;
      if (frame !== expected) this.breaks.push([expected, frame]);
      this.next.set(stream.id, frame + frames);
      all.push(...bytes);
    }
  }

  failed(error: unknown): void {
    this.failures.push(error);
  }

  commit(stream: AcceptedStream, frame: number): void {
    this.told.push(['commit', stream.id, frame]);
  }

  message(stream: AcceptedStream, value: unknown): void {
    this.told.push(['message', stream.id, value]);
  }

  ended(stream: AcceptedStream, ending: string): void {
    this.told.push(['ended', stream.id, ending]);
  }

  /** Everything that the client said has been read, once and in order. */
  expectAll(client: StreamClient): void {
    expect(this.breaks).toEqual([]);
    expect(this.bytes.get(client.session)?.length).toBe(client.frame * 2);
    expect(Uint8Array.from(this.bytes.get(client.session)!)).toEqual(
      bytesAt(client.session, 0, client.frame),
    );
  }
}

async function serve(
  host: StreamHost,
  options: StreamServerOptions = {},
): Promise<{ server: StreamServer; http: Server; url: string }> {
  const server = new StreamServer(host, options);
  const http = createServer();
  http.on('upgrade', (...args) => void server.handleUpgrade(...args));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  cleanups.push(async () => {
    await server.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  return { server, http, url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}` };
}

function client(url: string, session = 's-1', token?: string): StreamClient {
  const made = new StreamClient({ url, session, ...(token === undefined ? {} : { token }) });
  cleanups.push(() => made.close());
  return made;
}

const packet = (sequence: number, frame: number, frames: number, name = 'plain'): Packet => ({
  ...PCM,
  sequence,
  frame,
  frames,
  timestamp: 0,
  dropped: 0,
  payload: bytesAt(name, frame, frames),
});

/** A socket without the protocol. */
async function plainSocket(url: string, headers = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, { headers });
  cleanups.push(() => socket.terminate());
  socket.on('error', () => {});
  await once(socket, 'open');
  return socket;
}

const closing = async (socket: WebSocket): Promise<readonly [number, string]> => {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return [code, String(reason)];
};

/** received = delivered + queued + dropped. */
function expectAccount({ stats }: AcceptedStream): void {
  expect(stats.receivedFrames).toBe(
    stats.deliveredFrames + stats.queuedFrames + stats.droppedFrames,
  );
}

describe('a stream server with clients of micwire.1', () => {
  it('delivers all audio of its clients, once and in order, across connections that are cut', async () => {
    const random = seededRandom(1);
    const reader = new Reader();
    const { server, url } = await serve(reader);
    const clients = ['a', 'b', 'c'].map((name) => client(url, name));
    for (let i = 0; i < 150; i++) {
      for (const each of clients) {
        each.say(320);
        if (random() < 0.04) each.cut();
      }
      await wait(10);
    }
    for (const each of clients) await each.allAcknowledged();
    for (const each of clients) await each.close();
    await eventually(() => expect(server.streams).toHaveLength(0));
    for (const each of clients) {
      reader.expectAll(each);
      expect(each.stats.connections).toBeGreaterThan(1);
      expect(each.errors).toEqual([]);
    }
    expect(reader.streams).toHaveLength(3);
    for (const stream of reader.streams) {
      expectAccount(stream);
      expect(stream.ending).toBe('bye');
      expect(stream.stats).toMatchObject({ missingFrames: 0, queuedFrames: 0, droppedFrames: 0 });
    }
    const { receivedSeconds, deliveredSeconds, droppedSeconds } = server.stats;
    expect(receivedSeconds).toBeCloseTo(9, 6);
    expect(deliveredSeconds).toBeCloseTo(9, 6);
    expect(droppedSeconds).toBe(0);
    expect(reader.failures).toEqual([]);
  });

  it('acknowledges a chunk when the reader requests the next one', async () => {
    const reader = new Reader();
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    reader.beforeChunk = (_, frame) => (frame === 640 ? held : undefined);
    const { url } = await serve(reader);
    const one = client(url);
    for (let i = 0; i < 4; i++) one.say(320);
    await eventually(() => expect(one.stats.acknowledgedFrames).toBe(640));
    await wait(300);
    expect(one.stats.acknowledgedFrames).toBe(640);
    release();
    await one.allAcknowledged();
    reader.expectAll(one);
  });

  it('acknowledges only audio that the reader has stored, if the app chooses so', async () => {
    const taken: number[] = [];
    const { server, url } = await serve(
      {
        stream: async (stream) => {
          for await (const { frame, frames } of stream) {
            taken.push(frame);
            expect(() => stream.stored(frame + frames + 1)).toThrow(RangeError);
            if (frame === 640) stream.stored(frame + frames);
          }
        },
      },
      { acknowledge: 'stored' },
    );
    const one = client(url);
    for (let i = 0; i < 5; i++) one.say(320);
    await eventually(() => expect(taken).toHaveLength(5));
    await eventually(() => expect(one.stats.acknowledgedFrames).toBe(960));
    expect(server.streams[0]!.stats.storedFrame).toBe(960);
    one.cut();
    await eventually(() => expect(one.stats.connections).toBe(2));
    await wait(100);
    // What was taken and is not stored is not asked for again: it is still here.
    expect(taken).toHaveLength(5);
    server.streams[0]!.stored(1600);
    await one.allAcknowledged();
  });

  it('asks the client again for audio that a failed reader did not have', async () => {
    const reader = new Reader();
    let fails = true;
    reader.beforeChunk = (_, frame) => {
      if (frame !== 960 || !fails) return;
      fails = false;
      throw new Error('The disk is full.');
    };
    const { server, url } = await serve(reader);
    const one = client(url);
    for (let i = 0; i < 10; i++) {
      one.say(320);
      await wait(20);
    }
    await one.allAcknowledged();
    await one.close();
    await eventually(() => expect(server.streams).toHaveLength(0));
    reader.expectAll(one);
    expect(reader.streams).toHaveLength(2);
    expect(reader.failures.map(String)).toEqual(['Error: The disk is full.']);
    expectAccount(reader.streams[0]!);
  });

  it('holds back a client with a slow reader: the queue is bounded, and nothing is lost', async () => {
    const reader = new Reader();
    let isOpen = false;
    let gate!: () => void;
    const opened = new Promise<void>((resolve) => (gate = resolve));
    reader.beforeChunk = () => (isOpen ? undefined : opened);
    const { server, url } = await serve(reader, { queuedMs: 1000 });
    const one = client(url);
    // 60 s, as fast as it goes: a client replays eight times as fast as it captures.
    for (let i = 0; i < 60; i++) one.say(16_000);
    await eventually(() => expect(server.stats.pauses).toBeGreaterThan(0));
    // Longer than a client waits for a sign of life.
    await wait(6000);
    const [stream] = server.streams;
    // What the socket had read already comes as well.
    expect(stream!.stats.queuedFrames).toBeLessThan(10 * 16_000);
    expect(one.stats.connections).toBe(1);
    isOpen = true;
    gate();
    await one.allAcknowledged();
    reader.expectAll(one);
    expect(one.stats.connections).toBe(1);
  }, 60_000);

  it('reports commits and messages between the audio', async () => {
    const reader = new Reader();
    const { url } = await serve(reader);
    const one = client(url);
    one.say(320);
    one.send({ type: 'hello' });
    one.commit();
    await eventually(() => {
      expect(reader.told).toEqual(
        expect.arrayContaining([
          ['commit', 's-1', 320],
          ['message', 's-1', { type: 'hello' }],
        ]),
      );
    });
  });

  it('continues at the end of the host’s audio after a restart', async () => {
    const first = new Reader();
    const { server, http, url } = await serve(first);
    const one = client(url);
    for (let i = 0; i < 10; i++) one.say(320);
    await one.allAcknowledged();
    await server.close();
    expect(first.streams[0]!.ending).toBe('closed');
    // Another process, which has the file.
    const second = new Reader();
    second.next = first.next;
    const again = new StreamServer({
      stream: (stream) => second.stream(stream),
      authorize: ({ known, frame }) => {
        expect([known, frame]).toEqual([false, 3200]);
        return { frame: first.next.get('s-1')! };
      },
    });
    cleanups.push(() => again.close());
    http.removeAllListeners('upgrade');
    http.on('upgrade', (...args) => void again.handleUpgrade(...args));
    for (let i = 0; i < 10; i++) one.say(320);
    await one.allAcknowledged();
    expect(second.breaks).toEqual([]);
    expect([...first.bytes.get('s-1')!, ...second.bytes.get('s-1')!]).toEqual([
      ...bytesAt('s-1', 0, 6400),
    ]);
    expect(second.streams[0]!.stats.missingFrames).toBe(0);
  });

  it('drains: clients go to another server, readers get everything, and the promise settles', async () => {
    const reader = new Reader();
    reader.beforeChunk = () => wait(5);
    const { server, url } = await serve(reader);
    const other = new Reader();
    const elsewhere = await serve(other);
    let where = url;
    const one = new StreamClient({ url: () => where, session: 's-1' });
    cleanups.push(() => one.close());
    for (let i = 0; i < 50; i++) one.say(320);
    await eventually(() => expect(server.streams).toHaveLength(1));
    where = elsewhere.url;
    await server.drain(2000);
    expect(server.stats.connections).toBe(0);
    expect(server.streams).toHaveLength(0);
    for (let i = 0; i < 10; i++) one.say(320);
    await one.allAcknowledged();
    // Nothing knows what the first server has, so the last chunk that it could not acknowledge may be in both.
    const [stream] = reader.streams;
    expectAccount(stream!);
    expect(other.next.get('s-1')).toBe(one.frame);
    expect(other.breaks[0]![1]).toBeLessThanOrEqual(reader.next.get('s-1')!);
  });

  it('ends a stream that it closes, and the client does not reconnect', async () => {
    const { server, url } = await serve({
      stream: async (stream) => {
        for await (const chunk of stream) if (chunk.frame >= 640) break;
      },
    });
    const one = client(url);
    for (let i = 0; i < 10; i++) one.say(320);
    await eventually(() => expect(one.isClosed).toBe(true));
    await eventually(() => expect(server.streams).toHaveLength(0));
    const { receivedSeconds, deliveredSeconds, droppedSeconds } = server.stats;
    expect(receivedSeconds).toBeCloseTo(deliveredSeconds + droppedSeconds, 9);
  });

  it('has only one reader for a stream', async () => {
    const failures: unknown[] = [];
    const { url } = await serve({
      stream: async (stream) => {
        const first = stream[Symbol.asyncIterator]();
        expect(() => stream[Symbol.asyncIterator]()).toThrow(/a reader already/);
        for (;;) if ((await first.next()).done === true) return;
      },
      failed: (error) => failures.push(error),
    });
    const one = client(url);
    one.say(320);
    await one.close();
    expect(failures).toEqual([]);
  });
});

describe('a stream server with clients that only send packets', () => {
  it.each([
    ['binary', binaryFraming],
    ['base64-json', base64JsonFraming],
  ])('reads %s, leaves out duplicates, and counts missing frames', async (_, framing) => {
    const reader = new Reader();
    const { server, url } = await serve({
      stream: async (stream) => {
        reader.streams.push(stream);
        for await (const chunk of stream)
          reader.told.push([chunk.frame, chunk.frames, chunk.missing]);
      },
    });
    const socket = await plainSocket(url);
    const encoder = framing.createEncoder(PCM);
    const frames = [0, 320, 320, 0, 960, 640, 1280];
    for (const [i, frame] of frames.entries()) socket.send(encoder.encode(packet(i, frame, 320)));
    await eventually(() => expect(reader.told).toHaveLength(4));
    expect(reader.told).toEqual([
      [0, 320, 0],
      [320, 320, 0],
      [960, 320, 320],
      [1280, 320, 0],
    ]);
    const [stream] = reader.streams;
    expect(stream!.stats).toMatchObject({ duplicateFrames: 960, missingFrames: 320 });
    expect(stream!.format).toEqual(PCM);
    socket.close();
    await eventually(() => expect(stream!.ending).toBe('lost'));
    await eventually(() => expect(server.streams).toHaveLength(0));
    expectAccount(stream!);
  });

  it('closes a connection that sends anything else', async () => {
    const { url } = await serve(new Reader());
    for (const message of ['nothing', '{"type":"x"}', Uint8Array.of(1, 2, 3), '']) {
      const socket = await plainSocket(url);
      socket.send(message);
      const [code, reason] = await closing(socket);
      expect(code).toBe(4400);
      expect(reason).not.toBe('');
    }
    const socket = await plainSocket(url);
    const encoder = binaryFraming.createEncoder();
    socket.send(encoder.encode(packet(0, 0, 320)));
    socket.send(encoder.encode({ ...packet(1, 320, 160), sampleRate: 8000 }));
    expect(await closing(socket)).toEqual([
      4400,
      'A packet must be of the same stream as the first.',
    ]);
  });

  it('accepts none of them if the app requires the protocol', async () => {
    const { server, url } = await serve(new Reader(), { plain: false });
    const socket = await plainSocket(url);
    expect((await closing(socket))[0]).toBe(4400);
    expect(server.stats.refused.plain).toBe(1);
  });
});

describe('limits of a stream server', () => {
  it('refuses pages of other origins', async () => {
    const { server, url } = await serve(new Reader());
    const socket = new WebSocket(url, { headers: { Origin: 'https://evil.example' } });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('403');
    expect(server.stats.refused.origin).toBe(1);
    const own = await plainSocket(url, { Origin: url.replace('ws', 'http') });
    expect(own.readyState).toBe(WebSocket.OPEN);
    const listed = await serve(new Reader(), { origins: ['https://app.example'] });
    await plainSocket(listed.url, { Origin: 'https://app.example' });
    const same = new WebSocket(listed.url, {
      headers: { Origin: listed.url.replace('ws', 'http') },
    });
    expect(((await once(same, 'error')) as [Error])[0].message).toContain('403');
  });

  it('asks the host about each connection, even if a token has expired meanwhile', async () => {
    const reader = new Reader();
    const tokens: unknown[] = [];
    let good = 'first';
    const { server, url } = await serve({
      stream: (stream) => reader.stream(stream),
      authorize: async ({ token, known, address, format }) => {
        tokens.push([token, known, address, format]);
        await wait(20);
        return token === good ? {} : { code: 4401, reason: 'Sign in again.' };
      },
    });
    const wrong = client(url, 'wrong', 'second');
    await eventually(() => expect(wrong.isClosed).toBe(true));
    expect(wrong.errors.join()).toContain('Sign in again.');
    const one = client(url, 'right', 'first');
    one.say(320);
    await one.allAcknowledged();
    good = 'third';
    one.cut();
    await eventually(() => expect(one.isClosed).toBe(true));
    expect(tokens).toEqual([
      ['second', false, '127.0.0.1', PCM],
      ['first', false, '127.0.0.1', PCM],
      ['first', true, '127.0.0.1', PCM],
    ]);
    expect(server.stats.refused.authorize).toBe(2);
    reader.expectAll(one);
  });

  it('accepts a limited number of streams, and of connections from one address', async () => {
    const { server, url } = await serve(new Reader(), {
      maxStreams: 2,
      maxConnectionsPerAddress: 4,
    });
    const clients = ['a', 'b', 'c'].map((name) => client(url, name));
    await eventually(() => expect(server.streams).toHaveLength(2));
    await eventually(() => expect(server.stats.refused.full).toBeGreaterThan(0));
    await clients[0]!.close();
    await clients[1]!.close();
    // The third comes back until there is room.
    await eventually(() => expect(server.streams.map(({ id }) => id)).toEqual(['c']));
    const sockets = await Promise.all([1, 2, 3].map(() => plainSocket(url)));
    const tooMany = new WebSocket(url);
    const [error] = (await once(tooMany, 'error')) as [Error];
    expect(error.message).toContain('503');
    expect(server.stats.refused.address).toBe(1);
    for (const socket of sockets) socket.terminate();
    await eventually(() => expect(server.stats.connections).toBe(1));
    await plainSocket(url);
  });

  it('reads a client that floods it at the permitted rate, and loses nothing', async () => {
    const reader = new Reader();
    const { server, url } = await serve(reader, {
      messagesPerSecond: 500,
      bytesPerSecond: 2 ** 20,
    });
    const flooding = await plainSocket(url);
    const encoder = binaryFraming.createEncoder();
    // Two seconds of its rate at once, and two seconds more.
    for (let i = 0; i < 2000; i++) flooding.send(encoder.encode(packet(i, i * 10, 10)));
    const other = client(url, 'other');
    other.say(320);
    await other.allAcknowledged();
    await eventually(() => {
      expect(reader.streams.find(({ session }) => session === null)?.stats.deliveredFrames).toBe(
        20_000,
      );
    });
    expect(server.stats.pauses).toBeGreaterThan(0);
    expect(reader.breaks).toEqual([]);
  });

  it('closes a connection with a message that is too long', async () => {
    const { url } = await serve(new Reader(), { maxMessageBytes: 1000 });
    const socket = await plainSocket(url);
    socket.send(new Uint8Array(1001));
    expect((await closing(socket))[0]).toBe(1009);
  });

  it('closes a connection that begins no stream, and one that has become silent', async () => {
    const { server, url } = await serve(new Reader(), { helloMs: 200, idleMs: 400 });
    const withProtocol = new WebSocket(url, [PROTOCOL_NAME]);
    const silent = await plainSocket(url);
    const sending = await plainSocket(url);
    sending.send(binaryFraming.createEncoder().encode(packet(0, 0, 320)));
    const ends = await Promise.all([withProtocol, silent, sending].map(closing));
    expect(ends.map(([code]) => code)).toEqual([1013, 1001, 1001]);
    await eventually(() => expect(server.streams).toHaveLength(0));
  });

  it('keeps a connection whose audio came while this process was busy', async () => {
    const { server, url } = await serve(new Reader(), { idleMs: 400 });
    const socket = await plainSocket(url);
    const encoder = binaryFraming.createEncoder();
    for (let sequence = 0; sequence < 3; sequence++) {
      socket.send(encoder.encode(packet(sequence, sequence * 320, 320)));
      if (sequence > 0) busy(500);
      await eventually(() =>
        expect(server.streams[0]?.stats.receivedFrames).toBe((sequence + 1) * 320),
      );
    }
    expect(socket.readyState).toBe(WebSocket.OPEN);
    expect(server.streams).toHaveLength(1);
  });

  it('survives a host with functions that throw', async () => {
    const failures: unknown[] = [];
    const { url } = await serve({
      stream: () => Promise.reject(new Error('stream')),
      authorize: ({ id }) => {
        if (id === 'bad') throw new Error('authorize');
        return {};
      },
      connected: () => {
        throw new Error('connected');
      },
      ended: () => {
        throw new Error('ended');
      },
      failed: (error) => failures.push((error as Error).message),
    });
    const bad = client(url, 'bad');
    const plain = await plainSocket(url);
    plain.send(binaryFraming.createEncoder().encode(packet(0, 0, 320)));
    expect((await closing(plain))[0]).toBe(1011);
    await eventually(() =>
      expect(failures).toEqual(
        expect.arrayContaining(['authorize', 'connected', 'stream', 'ended']),
      ),
    );
    expect(bad.isClosed).toBe(false);
  });

  it.each([
    ['maxStreams', 0, /maxStreams must lie between 1 and/],
    ['queuedMs', Number.NaN, /queuedMs must lie between 1 and/],
    ['acknowledge', 'received', /acknowledge must be/],
    ['nothing', 1, /nothing/],
  ])('explains the wrong option %s', (name, value, message) => {
    expect(() => new StreamServer(new Reader(), { [name]: value } as never)).toThrow(message);
    expect(() => new StreamServer({} as never)).toThrow(/StreamHost/);
  });
});

describe('acceptStream', () => {
  async function sockets(): Promise<{ url: string; wss: WebSocketServer }> {
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(wss, 'listening');
    cleanups.push(() => {
      for (const socket of wss.clients) socket.terminate();
      wss.close();
    });
    return { wss, url: `ws://127.0.0.1:${(wss.address() as AddressInfo).port}` };
  }

  it('reads the stream of one WebSocket', async () => {
    const { wss, url } = await sockets();
    const accepted = once(wss, 'connection').then(([socket, request]) =>
      acceptStream(socket, request),
    );
    const one = client(url);
    for (let i = 0; i < 5; i++) one.say(320);
    const stream = await accepted;
    expect(stream.id).toBe('s-1');
    const got: number[] = [];
    for await (const { bytes, frame } of stream) {
      got.push(...bytes);
      if (frame === 1280) void one.close();
    }
    expect(Uint8Array.from(got)).toEqual(bytesAt('s-1', 0, 1600));
    await eventually(() => expect(one.isClosed).toBe(true));
    expect(one.stats.acknowledgedFrames).toBe(1600);
  });

  it('rejects if the connection closes before it has a stream', async () => {
    const { wss, url } = await sockets();
    const accepted = once(wss, 'connection').then(([socket]) => acceptStream(socket));
    const socket = await plainSocket(url);
    socket.close();
    await expect(accepted).rejects.toMatchObject({ name: 'MicwireError', code: 'transport' });
  });
});
