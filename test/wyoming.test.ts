import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { joinBytes, utf8Bytes } from '../src/core/bytes.ts';
import { ByteQueue } from '../src/core/services/shared/tcp-messages.ts';
import { WyomingReader, wyomingEventBytes } from '../src/core/services/shared/wyoming-events.ts';
import type { StreamChunk } from '../src/node/accepted-stream.ts';
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
import { cleanups, wait, connected, readAll, expectBytes } from './helpers/tcp-client.ts';
import type { Client } from './helpers/tcp-client.ts';

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
  it('answers describe and ping, and reports other events', async () => {
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

  it('delivers each utterance of a connection with its format and all its samples', async () => {
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

  it('reads messages that arrive in pieces of any length, also with data after the line', async () => {
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

  it('gives the same result at every place where a short utterance can be cut in two', async () => {
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

  it('stops reading from the client while the reader is slow, and loses nothing', async () => {
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

  it('stops reading from a client that asks faster than it is answered', async () => {
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

  it('drops the audio of an utterance that is skipped', async () => {
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

  it('ends an utterance early, and counts the audio that still arrives for it', async () => {
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

  it('reports an utterance that loses its connection before its end', async () => {
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

  it('answers bad events, and closes if the next one cannot be found', async () => {
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

  it('sends data of any length in a form that a client can read', async () => {
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

  it('sends audio whole, and waits for a slow client', async () => {
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

  it('closes when its reader stops, or the client stays silent', async () => {
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
  it('can break only their own connection to a Wyoming server', async () => {
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
  it('answers all its requests', async () => {
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
