import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { opusCodec } from '../src/core/codec/opus-codec.ts';
import { MicwireError, PacketError } from '../src/core/errors.ts';
import { MeterBank } from '../src/core/metering/meter-bank.ts';
import { StreamConverter } from '../src/core/resampler/stream-converter.ts';
import { StreamPool } from '../src/node/pool/stream-pool.ts';
import type { StreamPoolOptions } from '../src/node/pool/stream-pool.ts';
import { opusLibrary, opusModule } from './helpers/opus.ts';
import { poolScript } from './helpers/pool-script.ts';
import { seededRandom } from './helpers/random.ts';
import { speech } from './helpers/speech.ts';

const OPUS = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
const PHONE = { format: 'mulaw', sampleRate: 8000, channels: 1 } as const;
const SERVICE = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
const FLOATS = { format: 'f32', sampleRate: 48_000, channels: 1 } as const;

let script: Awaited<ReturnType<typeof poolScript>>;
const pools: StreamPool[] = [];
beforeAll(async () => {
  script = await poolScript();
});
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});
afterAll(() => script.remove());

async function open(options: StreamPoolOptions = {}): Promise<StreamPool> {
  const pool = new StreamPool({
    threads: 2,
    opus: await opusModule(),
    script: script.url,
    ...options,
  });
  pools.push(pool);
  return pool;
}

const bytesOf = (samples: Float32Array): Uint8Array => new Uint8Array(samples.slice().buffer);

/** A second of speech that begins elsewhere for each stream, as packets of Opus. */
async function packetsOf(stream: number): Promise<Uint8Array[]> {
  const codec = opusCodec(await opusLibrary(), { bitrate: 24_000 });
  const encoder = new StreamConverter({ input: FLOATS, output: OPUS, codec });
  const packets = encoder.convert(
    bytesOf(speech(96_000).subarray(stream * 1000, 48_000 + stream * 1000)),
  );
  encoder.close();
  return packets;
}

describe('streams of a pool', () => {
  it('give the same bits as a converter, and the same readings as a bank', async () => {
    const pool = await open();
    const library = await opusLibrary();
    const all = Array.from({ length: 12 }, async (_, i) => {
      const packets = await packetsOf(i);
      const stream = await pool.open({
        input: OPUS,
        output: SERVICE,
        chunkFrames: 320,
        meters: ['loudness', 'peak'],
      });
      // Nothing is awaited in between.
      const parts = packets.map((packet) => stream.convert(packet));
      const last = stream.finish();
      const reading = await stream.read();
      const heard = [...(await Promise.all(parts)), await last].flat();
      await stream.close();

      const alone = new StreamConverter({
        input: OPUS,
        output: SERVICE,
        chunkFrames: 320,
        codec: opusCodec(library),
      });
      const wanted = [...packets.flatMap((packet) => alone.convert(packet)), ...alone.finish()];
      expect(heard.map(({ length }) => length)).toEqual(wanted.map(({ length }) => length));
      expect(Buffer.concat(wanted).equals(Buffer.concat(heard))).toBe(true);
      const bank = new MeterBank({ sampleRate: 16_000, channels: 1, meters: ['loudness', 'peak'] });
      const samples = Float32Array.from(
        new Int16Array(await new Blob(wanted).arrayBuffer()),
        (value) => value / 32_768,
      );
      bank.process([samples], 0, samples.length);
      const expected = bank.createReading();
      bank.read(expected);
      expect([...reading.values]).toEqual([...expected.values]);
      expect(reading.momentaryLufs).toBeGreaterThan(-60);
    });
    await Promise.all(all);
    expect(pool.stats).toEqual({ threads: 2, streams: 0, lostThreads: 0 });
  });

  it('are spread evenly over the threads, and accept pieces of any length', async () => {
    const pool = await open({ threads: 3 });
    const random = seededRandom(3);
    const bytes = Uint8Array.from({ length: 20_000 }, () => Math.floor(random() * 256));
    const alone = new StreamConverter({ input: PHONE, output: SERVICE });
    const wanted = Buffer.concat([...alone.convert(bytes), ...alone.finish()]);
    const streams = await Promise.all(
      Array.from({ length: 9 }, () => pool.open({ input: PHONE, output: SERVICE })),
    );
    expect(pool.stats.streams).toBe(9);
    for (const stream of streams) {
      const parts: Promise<readonly Uint8Array[]>[] = [];
      for (let at = 0; at < bytes.length;) {
        const length = Math.ceil(random() * 3000);
        // A Buffer: its slice() would be no copy.
        const piece = Buffer.from(bytes.slice(at, at + length));
        parts.push(stream.convert(piece));
        // Yours again at once.
        piece.fill(0);
        at += length;
      }
      parts.push(stream.finish());
      expect(wanted.equals(Buffer.concat((await Promise.all(parts)).flat()))).toBe(true);
      expect(stream.queuedBytes).toBe(0);
    }
  });

  it('encode Opus with its options', async () => {
    const pool = await open();
    const stream = await pool.open({
      input: FLOATS,
      output: OPUS,
      opus: { bitrate: 12_000, bitrateMode: 'constant' },
    });
    const packets = await stream.convert(bytesOf(speech(48_000)));
    expect(packets).toHaveLength(50);
    expect(new Set(packets.map(({ length }) => length))).toEqual(new Set([30]));
  });
});

describe('what goes wrong', () => {
  it('is an error of that call only', async () => {
    const pool = await open({ threads: 1 });
    const [packet] = await packetsOf(0);
    const stream = await pool.open({ input: OPUS, output: SERVICE });
    const other = await pool.open({ input: OPUS, output: SERVICE });
    const bad = stream.convert(Uint8Array.of(3, 0xff));
    const good = [stream.convert(packet!), other.convert(packet!)];
    await expect(bad).rejects.toThrow(PacketError);
    await expect(bad).rejects.toHaveProperty('reason');
    for (const chunks of await Promise.all(good)) expect(chunks[0]).toHaveLength(640);
    await expect(stream.read()).rejects.toThrow('meters must be given to open() for read().');
    await stream.close();
    await stream.close();
    await expect(stream.convert(packet!)).rejects.toMatchObject({ code: 'closed' });
  });

  it('is reported if the arguments are wrong', async () => {
    const pool = await open();
    const make = (options: object) => () => new StreamPool(options);
    expect(make({ threads: 0 })).toThrow('threads must lie between 1 and 1024');
    expect(make({ opus: 3 })).toThrow(TypeError);
    expect(make({ maxQueuedBytes: 1.5 })).toThrow(RangeError);
    const refused = (options: object) => expect(pool.open(options as never)).rejects;
    await refused({ input: OPUS }).toThrow('output must be a stream');
    await refused({ input: PHONE, output: OPUS, meters: ['loudness'] }).toThrow(
      "meters need an output of samples, got 'opus'.",
    );
    await refused({ input: PHONE, output: SERVICE, meters: ['noise'] }).toThrow(TypeError);
    await refused({ input: PHONE, output: SERVICE, chunkFrames: 0 }).toThrow(RangeError);
    const silent = await open({ opus: undefined });
    await expect(silent.open({ input: OPUS, output: SERVICE })).rejects.toThrow(/needs a codec/);
    expect(pool.stats.streams).toBe(0);
  });

  it('is reported if an option cannot be posted, or meters do not fit', async () => {
    const pool = await open();
    const stream = await pool.open({ input: PHONE, output: SERVICE });
    const other = stream.convert(new Uint8Array(160));
    const options = { input: PHONE, output: SERVICE, quality: () => {} };
    await expect(pool.open(options as never)).rejects.toThrow(/could not be cloned/);
    expect((await other)[0]!.length).toBeGreaterThan(0);
    // Loudness needs 8 kHz.
    const low = { format: 's16', sampleRate: 6000, channels: 1 } as const;
    await expect(pool.open({ input: OPUS, output: low, meters: ['loudness'] })).rejects.toThrow(
      RangeError,
    );
    expect(pool.stats.streams).toBe(1);
  });

  it('is a full queue if calls are not awaited', async () => {
    const pool = await open({ maxQueuedBytes: 1000 });
    const stream = await pool.open({ input: PHONE, output: SERVICE });
    const first = stream.convert(new Uint8Array(800));
    await expect(stream.convert(new Uint8Array(300))).rejects.toThrow(
      'At most maxQueuedBytes (1000) may wait, got 300 more than 800.',
    );
    expect((await first)[0]!.length).toBeGreaterThan(0);
    await stream.convert(new Uint8Array(300));
  });

  it('is a thread that does not start, and every waiting call gets the reason', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      // Runs, and says nothing.
      const script = new URL('data:text/javascript,setInterval(()=>{},1000)');
      const pool = await open({ threads: 1, script });
      const opened = pool.open({ input: PHONE, output: SERVICE });
      const told = expect(opened).rejects.toMatchObject({
        code: 'worker-gone',
        message: expect.stringContaining('it did not answer within 30 s') as unknown,
      });
      vi.advanceTimersByTime(30_000);
      await told;
      expect(pool.stats).toEqual({ threads: 1, streams: 0, lostThreads: 1 });
    } finally {
      vi.useRealTimers();
    }
    const missing = await open({ threads: 1, script: new URL('file:///no/pool-worker.js') });
    await expect(missing.open({ input: PHONE, output: SERVICE })).rejects.toMatchObject({
      code: 'worker-gone',
      message: expect.stringMatching(
        /could not be started: Cannot find module.*option script/,
      ) as unknown,
    });
    expect(missing.stats.lostThreads).toBe(1);
  });

  it('ends the streams of a thread that exits, and the next ones get another thread', async () => {
    const pool = await open({
      threads: 1,
      script: new URL(
        `data:text/javascript,${encodeURIComponent(`
      import { workerData } from 'node:worker_threads';
      await import(${JSON.stringify(script.url.href)});
      setTimeout(() => process.exit(7), 300);
    `)}`,
      ),
    });
    const stream = await pool.open({ input: PHONE, output: SERVICE });
    for (;;) {
      const error = await stream.convert(new Uint8Array(160)).then(
        () => null,
        (cause: unknown) => cause,
      );
      if (error === null) continue;
      expect(error).toBeInstanceOf(MicwireError);
      expect(error).toMatchObject({ code: 'worker-gone', message: /ended with code 7/ });
      break;
    }
    await stream.close();
    expect(pool.stats).toEqual({ threads: 1, streams: 0, lostThreads: 1 });
    const next = await pool.open({ input: PHONE, output: SERVICE });
    expect((await next.convert(new Uint8Array(160)))[0]!.length).toBeGreaterThan(0);
  });

  it('is rejected with closed if the pool is closed meanwhile', async () => {
    const pool = await open();
    const stream = await pool.open({ input: PHONE, output: SERVICE });
    const waiting = stream.convert(new Uint8Array(100_000));
    const closing = pool.close();
    await expect(waiting).rejects.toMatchObject({ code: 'closed' });
    await closing;
    await pool.close();
    await expect(pool.open({ input: PHONE, output: SERVICE })).rejects.toMatchObject({
      code: 'closed',
    });
  });
});
