import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { joinBytes, utf8Bytes } from '../src/core/bytes.ts';
import {
  AUDIOSOCKET_RATES,
  audiosocketAudio,
  nextAudiosocketMessage,
} from '../src/core/services/shared/audiosocket-messages.ts';
import { ByteQueue } from '../src/core/services/shared/tcp-messages.ts';
import { WyomingReader, wyomingEventBytes } from '../src/core/services/shared/wyoming-events.ts';
import type { AcceptedStream, StreamChunk } from '../src/node/accepted-stream.ts';
import { serveAudioSocket } from '../src/node/audio-socket.ts';
import type { AudioSocketCall, AudioSocketOptions } from '../src/node/audio-socket.ts';
import { serveWyoming } from '../src/node/wyoming-connection.ts';
import type {
  WyomingConnection,
  WyomingRequest,
  WyomingServerOptions,
} from '../src/node/wyoming-connection.ts';
import { eventually } from './helpers/eventually.ts';
import { mutateBytes } from './helpers/mutate.ts';
import { seededRandom } from './helpers/random.ts';
import { bytesAt } from './helpers/stream-client.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The client's end of a connection, and what came to it. */
class Client {
  readonly socket: Socket;
  readonly received: Buffer[] = [];
  isEnded = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (slice) => this.received.push(slice));
    this.socket.on('error', () => {});
    this.socket.on('close', () => (this.isEnded = true));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.received);
  }

  send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  /** Sends in pieces of random lengths, each by itself. */
  async sendInPieces(bytes: Uint8Array, random: () => number): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const length = 1 + Math.floor(random() ** 4 * 4000);
      await this.send(bytes.subarray(at, at + length));
      if (random() < 0.02) await wait(1);
      at += length;
    }
  }
}

/** Connects a client to a server that takes the connection. */
async function connected<Taken>(take: (socket: Socket) => Taken): Promise<[Client, Taken]> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const taken = new Promise<{ readonly taken: Taken }>((resolve) => {
    server.once('connection', (socket: Socket) => {
      cleanups.push(() => socket.destroy());
      resolve({ taken: take(socket) });
    });
  });
  const client = new Client((server.address() as AddressInfo).port);
  cleanups.push(() => {
    client.socket.destroy();
    server.close();
  });
  return [client, (await taken).taken];
}

async function readAll(stream: AcceptedStream): Promise<StreamChunk[]> {
  const chunks: StreamChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** Chunks are these bytes, without a gap, and all of what was received is somewhere. */
function expectBytes(stream: AcceptedStream, chunks: readonly StreamChunk[], bytes: Uint8Array) {
  let end = 0;
  for (const chunk of chunks) {
    expect(chunk.frame).toBe(end);
    expect(chunk.missing).toBe(0);
    end = chunk.frame + chunk.frames;
  }
  expect(Buffer.compare(joinBytes(chunks.map((chunk) => chunk.bytes)), bytes)).toBe(0);
  const { stats } = stream;
  expect(stats.deliveredFrames).toBe(end);
  expect(stats.receivedFrames).toBe(
    stats.deliveredFrames + stats.queuedFrames + stats.droppedFrames,
  );
}

const UUID = '40325ec2-5efd-4bd3-805f-53576e581d13';
const UUID_MESSAGE = Uint8Array.of(1, 0, 16, ...Buffer.from(UUID.replaceAll('-', ''), 'hex'));
const HANGUP = Uint8Array.of(0, 0, 0);
const key = (digit: string) => Uint8Array.of(3, 0, 1, digit.charCodeAt(0));

/** Audio in messages of 20 ms, as Asterisk sends it. */
function speech(sampleRate: number, bytes: Uint8Array): Uint8Array {
  const length = Math.round(sampleRate / 50) * 2;
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += length) {
    parts.push(...audiosocketAudio(sampleRate, bytes.subarray(at, at + length)));
  }
  return joinBytes(parts);
}

const call = (options: AudioSocketOptions = {}) =>
  connected((socket) => serveAudioSocket(socket, options));

/** The audio that Asterisk was sent. */
function played(client: Client): { readonly audio: Uint8Array; readonly kinds: readonly number[] } {
  const queue = new ByteQueue();
  queue.push(client.bytes);
  const parts: Uint8Array[] = [];
  const kinds: number[] = [];
  for (let one = nextAudiosocketMessage(queue); one !== null; one = nextAudiosocketMessage(queue)) {
    kinds.push(one.kind);
    parts.push(one.payload);
  }
  return { audio: joinBytes(parts), kinds };
}

describe('serveAudioSocket', () => {
  it('gives each sample of a call, at each rate', async () => {
    for (const sampleRate of AUDIOSOCKET_RATES) {
      const [client, taken] = await call();
      const all = bytesAt(`rate ${sampleRate}`, 0, sampleRate / 10);
      await client.send(joinBytes([UUID_MESSAGE, speech(sampleRate, all), HANGUP]));
      const stream = await taken;
      expect(stream.id).toBe(UUID);
      expect(stream.format).toEqual({ format: 's16', sampleRate, channels: 1 });
      expect(stream.address).toBe('127.0.0.1');
      const chunks = await readAll(stream);
      expectBytes(stream, chunks, all);
      expect(stream.ending).toBe('bye');
      expect(await stream.ended).toBe('bye');
      await eventually(() => expect(client.isEnded).toBe(true));
    }
  });

  it('says the same wherever the stream is cut', async () => {
    const audio = bytesAt('cut', 0, 40);
    const keys: string[] = [];
    const whole = joinBytes([
      UUID_MESSAGE,
      ...audiosocketAudio(8000, audio.subarray(0, 30)),
      key('5'),
      ...audiosocketAudio(8000, audio.subarray(30)),
      HANGUP,
    ]);
    for (let cut = 1; cut < whole.length; cut++) {
      const [client, taken] = await call({ digit: (digit) => keys.push(digit) });
      await client.send(whole.subarray(0, cut));
      // Its own event for each part.
      if (cut % 8 === 0) await wait(2);
      await client.send(whole.subarray(cut));
      const stream = await taken;
      expectBytes(stream, await readAll(stream), audio);
      expect(stream.ending).toBe('bye');
    }
    expect(keys.join('')).toBe('5'.repeat(whole.length - 1));
  }, 30_000);

  it('reads what comes in pieces of any length', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = seededRandom(seed);
      const [client, taken] = await call();
      const all = bytesAt(`pieces ${seed}`, 0, 60_000);
      const sending = client.sendInPieces(
        joinBytes([UUID_MESSAGE, speech(16_000, all), HANGUP]),
        random,
      );
      const stream = await taken;
      expectBytes(stream, await readAll(stream), all);
      await sending;
    }
  }, 30_000);

  it('holds Asterisk back while the reader is slow, and loses nothing', async () => {
    const [client, taken] = await call({ queuedMs: 500 });
    const all = bytesAt('slow', 0, 2_000_000);
    void client.send(joinBytes([UUID_MESSAGE, speech(8000, all), HANGUP]));
    const stream = await taken;
    await eventually(() => expect(stream.stats.queuedFrames).toBeGreaterThan(4000));
    await wait(100);
    // One slice of the socket may come after the last one that fitted.
    expect(stream.stats.receivedFrames).toBeLessThan(4000 + 40_000);
    expectBytes(stream, await readAll(stream), all);
    expect(stream.ending).toBe('bye');
  });

  it('plays audio whole and in order', async () => {
    const [client, taken] = await call({ sampleRate: 16_000 });
    await client.send(UUID_MESSAGE);
    const stream = await taken;
    const all = bytesAt('reply', 0, 6000);
    const sent = await Promise.all([
      stream.play(all.subarray(0, 2002)),
      stream.play(all.subarray(2002, 9000)),
      stream.play(all.subarray(9000)),
    ]);
    expect(sent).toEqual([1001, 3499, 1500]);
    stream.hangup();
    expect(await stream.ended).toBe('closed');
    await eventually(() => expect(client.isEnded).toBe(true));
    const { audio, kinds } = played(client);
    expect(kinds).toEqual([...kinds.slice(0, -1).map(() => 0x12), 0x00]);
    expect(Buffer.compare(audio, all)).toBe(0);
    expect(await stream.play(all)).toBe(0);
  });

  it('stops playing when it is told: each frame was sent or dropped', async () => {
    const [client, taken] = await call({ sampleRate: 8000 });
    await client.send(UUID_MESSAGE);
    const stream = await taken;
    const all = bytesAt('barge-in', 0, 80_000);
    const playing = stream.play(all);
    await eventually(() => expect(played(client).audio.length).toBeGreaterThan(640));
    const dropped = stream.stopPlaying();
    const sent = await playing;
    expect(sent + dropped).toBe(80_000);
    expect(stream.playingFrames).toBe(0);
    await eventually(() => expect(played(client).audio.length).toBe(2 * sent));
    expect(Buffer.compare(played(client).audio, all.subarray(0, 2 * sent))).toBe(0);
    // What the call does not play any more when it is over is told, too.
    const rest = stream.play(all);
    client.socket.destroy();
    expect(await rest).toBeLessThan(80_000);
    expect(await stream.ended).toMatch(/^(bye|lost)$/);
  });

  it('tells keys, those from before the first audio too', async () => {
    const keys: [string, string][] = [];
    const digit = (one: string, of: AudioSocketCall) => keys.push([one, of.id]);
    const [client, taken] = await call({ digit });
    await client.send(joinBytes([UUID_MESSAGE, key('1'), key('#')]));
    await client.send(joinBytes([...audiosocketAudio(8000, bytesAt('k', 0, 160)), key('A')]));
    await taken;
    await eventually(() =>
      expect(keys).toEqual([
        ['1', UUID],
        ['#', UUID],
        ['A', UUID],
      ]),
    );
  });

  it('begins a call without audio at 8 kHz', async () => {
    const [client, taken] = await call();
    await client.send(UUID_MESSAGE);
    const stream = await taken;
    expect(stream.format.sampleRate).toBe(8000);
    client.socket.end();
    expect(await readAll(stream)).toEqual([]);
    expect(stream.ending).toBe('bye');
  });

  it('tells a call that was hung up from one whose connection broke off in a message', async () => {
    const audio = bytesAt('end', 0, 320);
    const whole = joinBytes([UUID_MESSAGE, ...audiosocketAudio(8000, audio)]);
    const [client, taken] = await call();
    client.socket.end(whole);
    const stream = await taken;
    expectBytes(stream, await readAll(stream), audio);
    expect(await stream.ended).toBe('bye');
    const [other, cut] = await call();
    other.socket.end(joinBytes([whole, audiosocketAudio(8000, audio)[0]!.subarray(0, 99)]));
    const broken = await cut;
    expectBytes(broken, await readAll(broken), audio);
    expect(await broken.ended).toBe('lost');
  });

  it('talks with an Asterisk that knows one kind of audio, whatever its rate', async () => {
    const [client, taken] = await call({ sampleRate: 16_000 });
    const audio = bytesAt('old', 0, 320);
    await client.send(joinBytes([UUID_MESSAGE, ...audiosocketAudio(8000, audio)]));
    const stream = await taken;
    await eventually(() => expect(stream.stats.receivedFrames).toBe(320));
    expect(await stream.play(audio)).toBe(320);
    stream.hangup();
    expectBytes(stream, await readAll(stream), audio);
    expect(stream.format.sampleRate).toBe(16_000);
    await eventually(() => expect(client.isEnded).toBe(true));
    expect(played(client)).toEqual({ audio, kinds: [0x10, 0x00] });
  });

  it('refuses what is not AudioSocket, and what never says what it is', async () => {
    const first: readonly (readonly [Uint8Array, RegExp])[] = [
      [utf8Bytes('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n'.repeat(1000)), /must be the UUID/],
      [Uint8Array.of(1, 0, 4, 1, 2, 3, 4), /must have 16 bytes, got 4/],
      [joinBytes(audiosocketAudio(8000, bytesAt('x', 0, 160))), /must be the UUID/],
    ];
    for (const [bytes, message] of first) {
      const [client, taken] = await call();
      void client.send(bytes);
      await expect(taken).rejects.toMatchObject({
        name: 'MicwireError',
        code: 'transport',
        message: expect.stringMatching(message),
      });
      await eventually(() => expect(client.isEnded).toBe(true));
    }
    const [silent, never] = await call({ helloMs: 20 });
    await expect(never).rejects.toThrow(/did not tell its UUID/);
    await eventually(() => expect(silent.isEnded).toBe(true));
    const [gone, lost] = await call();
    gone.socket.destroy();
    await expect(lost).rejects.toThrow(/closed it before the call had begun/);
  });

  it('ends a call whose audio cannot be told, and survives other bad messages', async () => {
    const audio = bytesAt('bad', 0, 160);
    for (const bad of [
      joinBytes(audiosocketAudio(16_000, audio)),
      Uint8Array.of(0x10, 0, 3, 1, 2, 3),
      joinBytes(Array.from({ length: 65 }, () => Uint8Array.of(0x77, 0, 1, 9))),
    ]) {
      const [client, taken] = await call();
      await client.send(joinBytes([UUID_MESSAGE, ...audiosocketAudio(8000, audio), bad]));
      const stream = await taken;
      expectBytes(stream, await readAll(stream), audio);
      expect(stream.ending).toBe('lost');
      expect(stream.error).toMatchObject({ name: 'PacketError' });
    }
    const [client, taken] = await call();
    const odd = Array.from({ length: 60 }, (_, i) => Uint8Array.of(0x70 + (i % 9), 0, 2, 7, 7));
    await client.send(
      joinBytes([UUID_MESSAGE, ...odd, ...audiosocketAudio(8000, audio), UUID_MESSAGE, HANGUP]),
    );
    const stream = await taken;
    expectBytes(stream, await readAll(stream), audio);
    expect(stream.ending).toBe('bye');
  });

  it('ends a call from which nothing comes for too long, but not one that has to wait', async () => {
    const [client, taken] = await call({ idleMs: 60, queuedMs: 20 });
    const all = bytesAt('idle', 0, 1600);
    await client.send(joinBytes([UUID_MESSAGE, speech(8000, all)]));
    const stream = await taken;
    await wait(200);
    expect(stream.ending).toBeNull();
    const chunks = await readAll(stream);
    expectBytes(stream, chunks, all);
    expect(stream.ending).toBe('lost');
  });

  it('refuses options that are wrong', async () => {
    const [, errors] = await connected((socket) =>
      [
        { sampleRate: 22_050 },
        { samplerate: 8000 },
        { digit: 'x' },
        { queuedMs: 0 },
        { queuedBytes: 1.5 },
      ].map((options) => {
        try {
          void serveAudioSocket(socket, options as AudioSocketOptions);
          return '';
        } catch (error) {
          return String(error);
        }
      }),
    );
    expect(errors).toEqual([
      expect.stringContaining('RangeError: sampleRate must be one of 8000,'),
      expect.stringContaining("Did you mean 'sampleRate'?"),
      expect.stringContaining('TypeError: digit must be a function'),
      expect.stringContaining('RangeError: queuedMs'),
      expect.stringContaining('RangeError: queuedBytes'),
    ]);
    expect(() => serveAudioSocket({} as Socket)).toThrow(TypeError);
  });
});

const wyoming = (options: WyomingServerOptions = {}) =>
  connected((socket) => serveWyoming(socket, options));

/** What a Wyoming client was sent. */
function events(client: Client) {
  const queue = new ByteQueue();
  queue.push(client.bytes);
  const reader = new WyomingReader();
  const found = [];
  for (let one = reader.next(queue); one !== null; one = reader.next(queue)) {
    const { type, data, payload } = one;
    found.push(payload.length === 0 ? { type, data } : { type, data, payload: [...payload] });
  }
  return found;
}

const FORMAT = { rate: 16_000, width: 2, channels: 1 };

/** An utterance as Home Assistant sends it. */
function utterance(bytes: Uint8Array, format = FORMAT, request = 'transcribe'): Uint8Array {
  const parts = [
    wyomingEventBytes(request, { language: 'en' }),
    wyomingEventBytes('audio-start', { ...format, timestamp: 0 }),
  ];
  const size = 512 * format.width * format.channels;
  for (let at = 0; at < bytes.length; at += size) {
    parts.push(wyomingEventBytes('audio-chunk', format, bytes.subarray(at, at + size)));
  }
  return joinBytes([...parts, wyomingEventBytes('audio-stop', { timestamp: 1 })]);
}

/** Answers each utterance with its length, as a recognizer does. */
async function recognize(connection: WyomingConnection): Promise<WyomingRequest[]> {
  const requests: WyomingRequest[] = [];
  for await (const request of connection) {
    requests.push(request);
    if (request.type === 'event') continue;
    const chunks = await readAll(request);
    const bytes = joinBytes(chunks.map((chunk) => chunk.bytes));
    request.data = { chunks, bytes };
    await request.transcript(`${bytes.length} bytes`, { language: 'en' });
  }
  return requests;
}

describe('serveWyoming', () => {
  it('answers describe and ping, and tells other events', async () => {
    const info = { asr: [{ name: 'test', models: [] }] };
    const [client, connection] = await wyoming({ info });
    const requests = recognize(connection);
    await client.send(
      joinBytes([
        wyomingEventBytes('describe'),
        wyomingEventBytes('ping', { text: 'a' }),
        wyomingEventBytes('ping'),
        wyomingEventBytes('synthesize', { text: 'Hello', voice: { name: 'x' } }),
      ]),
    );
    await eventually(() =>
      expect(events(client)).toEqual([
        { type: 'info', data: info },
        { type: 'pong', data: { text: 'a' } },
        { type: 'pong', data: {} },
      ]),
    );
    client.socket.end();
    expect(await requests).toEqual([
      {
        type: 'event',
        name: 'synthesize',
        data: { text: 'Hello', voice: { name: 'x' } },
        payload: new Uint8Array(0),
      },
    ]);
    await connection.closed;
  });

  it('gives each utterance of a connection with its format, each sample of it', async () => {
    const [client, connection] = await wyoming();
    const requests = recognize(connection);
    const formats = [
      { rate: 16_000, width: 2, channels: 1 },
      { rate: 22_050, width: 4, channels: 2 },
      { rate: 8000, width: 1, channels: 1 },
      { rate: 48_000, width: 3, channels: 1 },
    ];
    const names = ['s16', 's32', 'u8', 's24'];
    const said = formats.map(({ width, channels }, i) =>
      bytesAt(`u${i}`, 0, 9000, width * channels),
    );
    for (const [i, format] of formats.entries()) {
      await client.send(utterance(said[i]!, format, i === 1 ? 'detect' : 'transcribe'));
    }
    await eventually(() => expect(events(client).length).toBe(4));
    client.socket.end();
    const found = await requests;
    expect(events(client)).toEqual(
      said.map(({ length }) => ({
        type: 'transcript',
        data: { text: `${length} bytes`, language: 'en' },
      })),
    );
    for (const [i, one] of found.entries()) {
      if (one.type !== 'utterance') throw new Error('not an utterance');
      const { rate, channels } = formats[i]!;
      expect(one.format).toEqual({ format: names[i], sampleRate: rate, channels });
      expect(one.request).toEqual({
        name: i === 1 ? 'detect' : 'transcribe',
        data: { language: 'en' },
      });
      expect(one.ending).toBe('bye');
      expectBytes(one, (one.data as { chunks: StreamChunk[] }).chunks, said[i]!);
    }
    expect(connection.stats).toEqual({ utterances: 4, events: 0, faults: 0, ignoredFrames: 0 });
  });

  it('reads what comes in pieces of any length, also with data behind the line', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = seededRandom(seed);
      const [client, connection] = await wyoming();
      const requests = recognize(connection);
      const said = bytesAt(`pieces ${seed}`, 0, 20_000);
      const data = utf8Bytes(JSON.stringify(FORMAT));
      const chunk = utf8Bytes(
        `${JSON.stringify({ type: 'audio-chunk', data_length: data.length, payload_length: said.length })}\n`,
      );
      // The official library sends data so.
      const apart = joinBytes([chunk, data, said, wyomingEventBytes('audio-stop')]);
      await client.sendInPieces(joinBytes([utterance(said), apart]), random);
      await eventually(() => expect(events(client).length).toBe(2));
      client.socket.end();
      for (const one of await requests) {
        if (one.type !== 'utterance') throw new Error('not an utterance');
        expectBytes(one, (one.data as { chunks: StreamChunk[] }).chunks, said);
      }
    }
  }, 30_000);

  it('says the same at every place where a short utterance can be cut in two', async () => {
    const said = bytesAt('cut', 0, 6);
    const whole = utterance(said);
    for (let cut = 1; cut < whole.length; cut++) {
      const [client, connection] = await wyoming();
      const requests = recognize(connection);
      await client.send(whole.subarray(0, cut));
      if (cut % 16 === 0) await wait(2);
      await client.send(whole.subarray(cut));
      await eventually(() => expect(events(client).length).toBe(1), { interval: 1 });
      client.socket.end();
      const [one] = await requests;
      if (one?.type !== 'utterance') throw new Error('not an utterance');
      expectBytes(one, (one.data as { chunks: StreamChunk[] }).chunks, said);
    }
  }, 60_000);

  it('holds the client back while the reader is slow, and loses nothing', async () => {
    const [client, connection] = await wyoming({ queuedMs: 500 });
    const said = bytesAt('slow', 0, 3_000_000);
    void client.send(utterance(said));
    const { value: one } = await connection[Symbol.asyncIterator]().next();
    if (one?.type !== 'utterance') throw new Error('not an utterance');
    await eventually(() => expect(one.stats.queuedFrames).toBeGreaterThan(8000));
    await wait(100);
    expect(one.stats.receivedFrames).toBeLessThan(8000 + 40_000);
    expectBytes(one, await readAll(one), said);
  });

  it('holds the client back that asks more than is answered', async () => {
    const [client, connection] = await wyoming();
    const count = 200_000;
    const asked = joinBytes(
      Array.from({ length: count }, (_, i) => wyomingEventBytes('question', { number: i })),
    );
    void client.send(asked);
    await eventually(() => expect(connection.stats.events).toBeGreaterThanOrEqual(16));
    await wait(100);
    // One slice of the socket.
    expect(connection.stats.events).toBeLessThan(16 + 4000);
    let next = 0;
    for await (const request of connection) {
      if (request.type !== 'event') throw new Error('not an event');
      if (request.data['number'] !== next) expect(request.data['number']).toBe(next);
      if (++next === count) break;
    }
    expect(next).toBe(count);
    await connection.closed;
  });

  it('gives up the audio of an utterance that is passed over', async () => {
    const [client, connection] = await wyoming({ queuedMs: 100 });
    const said = bytesAt('skipped', 0, 500_000);
    void client.send(joinBytes([utterance(said), utterance(said.subarray(0, 2000))]));
    const requests = connection[Symbol.asyncIterator]();
    const { value: first } = await requests.next();
    const { value: second } = await requests.next();
    if (first?.type !== 'utterance' || second?.type !== 'utterance')
      throw new Error('no utterance');
    expectBytes(second, await readAll(second), said.subarray(0, 2000));
    expect(first.stats).toMatchObject({ receivedFrames: 500_000, droppedFrames: 500_000 });
  });

  it('ends an utterance early, and counts what still comes for it', async () => {
    const [client, connection] = await wyoming();
    const said = bytesAt('early', 0, 10_000);
    const whole = utterance(said);
    const half = whole.length >> 1;
    await client.send(whole.subarray(0, half));
    const requests = connection[Symbol.asyncIterator]();
    const { value: one } = await requests.next();
    if (one?.type !== 'utterance') throw new Error('not an utterance');
    await eventually(() => expect(one.stats.receivedFrames).toBeGreaterThan(4000));
    one.close();
    const chunks = await readAll(one);
    expect(one.ending).toBe('closed');
    await one.transcript('enough');
    await client.send(joinBytes([whole.subarray(half), utterance(said)]));
    const { value: two } = await requests.next();
    if (two?.type !== 'utterance') throw new Error('not an utterance');
    expectBytes(two, await readAll(two), said);
    const frames = chunks.reduce((sum, chunk) => sum + chunk.frames, 0);
    expect(frames + connection.stats.ignoredFrames).toBe(10_000);
    expectBytes(one, chunks, said.subarray(0, 2 * frames));
  });

  it('tells an utterance whose connection is lost in the midst of it', async () => {
    const [client, connection] = await wyoming();
    const said = bytesAt('lost', 0, 4096);
    const whole = utterance(said);
    await client.send(whole.subarray(0, whole.length - 20));
    const { value: one } = await connection[Symbol.asyncIterator]().next();
    if (one?.type !== 'utterance') throw new Error('not an utterance');
    client.socket.destroy();
    expectBytes(one, await readAll(one), said);
    expect(one.ending).toBe('lost');
    await connection.closed;
    expect(await one.transcript('nobody hears it')).toBe(false);
  });

  it('answers bad events, and closes where the next one cannot be found', async () => {
    const good = wyomingEventBytes('hello');
    const fatal: readonly Uint8Array[] = [
      utf8Bytes('GET / HTTP/1.1\r\n\r\n'),
      utf8Bytes('x'.repeat(70_000)),
      utf8Bytes('{"type":"audio-chunk","payload_length":1048577}\n'),
      utf8Bytes('{"type":"x","data_length":-1}\n'),
      wyomingEventBytes('audio-chunk', { rate: 16_000, width: 5, channels: 1 }, bytesAt('a', 0, 5)),
      wyomingEventBytes('audio-chunk', FORMAT, Uint8Array.of(1, 2, 3)),
      joinBytes([
        wyomingEventBytes('audio-start', FORMAT),
        wyomingEventBytes('audio-chunk', { ...FORMAT, rate: 8000 }, Uint8Array.of(1, 2)),
      ]),
      joinBytes(Array.from({ length: 65 }, () => utf8Bytes('{"type":7}\n'))),
    ];
    for (const bytes of fatal) {
      const [client, connection] = await wyoming();
      const requests = recognize(connection);
      await client.send(joinBytes([good, bytes, good]));
      await eventually(() => expect(client.isEnded).toBe(true));
      expect((await requests).filter(({ type }) => type === 'event').length).toBe(1);
      expect(events(client).at(-1)).toMatchObject({
        type: 'error',
        data: { text: expect.any(String), code: expect.any(String) },
      });
      await connection.closed;
    }
    const [client, connection] = await wyoming();
    const requests = recognize(connection);
    await client.send(joinBytes([utf8Bytes('{"type":7}\n{"type":"x","data":3}\n'), good]));
    await eventually(() => expect(connection.stats).toMatchObject({ faults: 2, events: 1 }));
    await connection.close();
    expect((await requests).length).toBe(1);
    expect(events(client).map(({ type }) => type)).toEqual(['error', 'error']);
  });

  it('sends data of any length so that a client can read it', async () => {
    const models = Array.from({ length: 2000 }, (_, i) => ({
      name: `model ${i} ä`,
      languages: ['de'],
    }));
    const info = { asr: [{ name: 'large', models }] };
    const [client, connection] = await wyoming({ info });
    await client.send(wyomingEventBytes('describe'));
    await eventually(() => expect(events(client)).toEqual([{ type: 'info', data: info }]));
    // Python's StreamReader gives up a line of more than 64 KiB.
    expect(client.bytes.indexOf(10)).toBeLessThan(1000);
    await connection.close();
  });

  it('sends audio whole, and waits for a client that is slow', async () => {
    const [client, connection] = await wyoming();
    client.socket.pause();
    const voice = bytesAt('voice', 0, 2_000_000);
    let sent = 0;
    const speaking = (async () => {
      await connection.send('audio-start', FORMAT);
      for (let at = 0; at < voice.length; at += 32_768) {
        await connection.send('audio-chunk', FORMAT, voice.subarray(at, at + 32_768));
        sent = at;
      }
      await connection.send('audio-stop');
    })();
    await wait(100);
    expect(sent).toBeLessThan(voice.length - 32_768);
    client.socket.resume();
    await speaking;
    await connection.close();
    const got = events(client);
    expect(got.at(0)?.type).toBe('audio-start');
    expect(got.at(-1)?.type).toBe('audio-stop');
    const bytes = got.flatMap(({ payload }) =>
      payload === undefined ? [] : [Buffer.from(payload)],
    );
    expect(Buffer.compare(Buffer.concat(bytes), voice)).toBe(0);
  });

  it('closes when its reader stops, or nothing comes', async () => {
    const [client, connection] = await wyoming();
    await client.send(utterance(bytesAt('one', 0, 100)));
    for await (const request of connection) {
      expect(request.type).toBe('utterance');
      break;
    }
    await eventually(() => expect(client.isEnded).toBe(true));
    expect(() => connection[Symbol.asyncIterator]()).toThrow(/has a reader/);
    const [idle, other] = await wyoming({ idleMs: 30 });
    expect(await recognize(other)).toEqual([]);
    await eventually(() => expect(idle.isEnded).toBe(true));
    expect(events(idle)).toMatchObject([{ type: 'error', data: { code: 'timeout' } }]);
  });

  it('refuses arguments that are wrong', async () => {
    expect(() => serveWyoming({} as Socket)).toThrow(TypeError);
    const [, connection] = await connected((socket) => {
      for (const options of [
        { inf: {} },
        { info: 3 },
        { idleMs: 0 },
        { maxPayloadBytes: 2 ** 25 },
      ]) {
        expect(() => serveWyoming(socket, options as WyomingServerOptions)).toThrow();
      }
      expect(() => serveWyoming(socket, { info: { n: 1n } })).toThrow(TypeError);
      return serveWyoming(socket);
    });
    expect(() => connection.send(3 as never)).toThrow(TypeError);
    expect(() => connection.send('x', { n: 1n })).toThrow(TypeError);
  });
});

describe('hostile clients', () => {
  it('cost a server of AudioSocket their own connection at most', async () => {
    const audio = bytesAt('hostile', 0, 800);
    const good = joinBytes([UUID_MESSAGE, speech(8000, audio), key('1'), HANGUP]);
    for (let seed = 1; seed <= 150; seed++) {
      const random = seededRandom(seed);
      const [client, taken] = await call({ queuedMs: 50 });
      client.socket.end(mutateBytes(good, random));
      const stream = await taken.catch((error: unknown) => error);
      if (stream instanceof Error) {
        expect(stream).toMatchObject({ name: 'MicwireError', code: 'transport' });
        continue;
      }
      const chunks = await readAll(stream as AudioSocketCall);
      const bytes = joinBytes(chunks.map((chunk) => chunk.bytes));
      expectBytes(stream as AudioSocketCall, chunks, bytes);
      expect(['bye', 'lost']).toContain(await (stream as AudioSocketCall).ended);
    }
  }, 60_000);

  it('cost a server of Wyoming their own connection at most', async () => {
    const good = joinBytes([
      wyomingEventBytes('describe'),
      utterance(bytesAt('hostile', 0, 2000)),
      wyomingEventBytes('synthesize', { text: 'x' }),
      utterance(bytesAt('hostile', 0, 2000)),
    ]);
    for (let seed = 1; seed <= 150; seed++) {
      const random = seededRandom(seed);
      const [client, connection] = await wyoming({ queuedMs: 50 });
      client.socket.end(mutateBytes(good, random));
      for (const request of await recognize(connection)) {
        if (request.type === 'event') continue;
        const { chunks, bytes } = request.data as { chunks: StreamChunk[]; bytes: Uint8Array };
        expectBytes(request, chunks, bytes);
        expect(['bye', 'lost']).toContain(request.ending);
      }
      await connection.closed;
    }
  }, 60_000);
});

/** A client as Home Assistant has it, of the package `wyoming`. Says what it heard in JSON. */
const PYTHON_CLIENT = `
import asyncio, json, sys
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize

async def main():
    said = []
    async with AsyncTcpClient('127.0.0.1', int(sys.argv[1])) as client:
        await client.write_event(Describe().event())
        info = Info.from_event(await client.read_event())
        said.append([info.asr[0].name, info.asr[0].models[0].languages])
        await client.write_event(Ping(text='x').event())
        said.append(Pong.from_event(await client.read_event()).text)
        await client.write_event(Transcribe(language='en').event())
        await client.write_event(AudioStart(rate=16000, width=2, channels=1).event())
        for i in range(40):
            audio = bytes((i * 1024 + j) % 251 for j in range(1024))
            await client.write_event(AudioChunk(rate=16000, width=2, channels=1, audio=audio).event())
        await client.write_event(AudioStop().event())
        said.append(Transcript.from_event(await client.read_event()).text)
        await client.write_event(Synthesize(text='Hello').event())
        AudioStart.from_event(await client.read_event())
        said.append(len(AudioChunk.from_event(await client.read_event()).audio))
        said.append(AudioStop.is_type((await client.read_event()).type))
    print(json.dumps(said))

asyncio.run(main())
`;

const hasPythonWyoming = spawnSync('python3', ['-c', 'import wyoming.client']).status === 0;

// Not installed: the test is skipped by name.
describe.runIf(hasPythonWyoming)('serveWyoming with the official client', () => {
  it('answers all that it asks', async () => {
    const attribution = { name: 'micwire', url: 'https://example.org' };
    const program = { name: 'test', attribution, installed: true, description: null, version: '1' };
    const info = { asr: [{ ...program, models: [{ ...program, languages: ['en'] }] }] };
    const heard: Uint8Array[] = [];
    const answer = async (connection: WyomingConnection): Promise<void> => {
      const format = { rate: 8000, width: 2, channels: 1 };
      for await (const request of connection) {
        if (request.type === 'utterance') {
          for await (const { bytes } of request) heard.push(bytes);
          await request.transcript('it was heard');
          continue;
        }
        expect(request).toMatchObject({ name: 'synthesize', data: { text: 'Hello' } });
        await connection.send('audio-start', format);
        await connection.send('audio-chunk', format, new Uint8Array(1600));
        await connection.send('audio-stop');
      }
    };
    const answers: Promise<void>[] = [];
    const server = createServer((socket) => {
      answers.push(answer(serveWyoming(socket, { info })));
    });
    cleanups.push(() => server.close());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = spawn('python3', ['-c', PYTHON_CLIENT, String(port)]);
    cleanups.push(() => client.kill('SIGKILL'));
    let said = '';
    client.stdout.on('data', (data: Buffer) => (said += data.toString()));
    client.stderr.on('data', (data: Buffer) => (said += data.toString()));
    await once(client, 'close');
    expect(said.trim()).toBe('[["test", ["en"]], "x", "it was heard", 1600, true]');
    await Promise.all(answers);
    const bytes = joinBytes(heard);
    expect(bytes.length).toBe(40 * 1024);
    expect(bytes.every((byte, i) => byte === i % 251)).toBe(true);
  }, 30_000);
});
