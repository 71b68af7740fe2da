import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, describe, expect, it } from 'vitest';
import { NatsListener } from '../src/node/index.ts';
import type { ListenOptions, ListenedStream, StreamChunk } from '../src/node/index.ts';
import { openAudioFile } from '../src/node/recording/audio-file.ts';
import { findFrame } from '../src/node/nats/find-frame.ts';
import { subjects } from '../src/node/nats/nats-options.ts';
import { bundleCommand } from './helpers/command-process.ts';
import { eventually } from './helpers/eventually.ts';
import { NatsPublisher } from './helpers/nats-publisher.ts';
import { NatsServer, hasNatsServer } from './helpers/nats-server.ts';
import { ServeProcess } from './helpers/serve-process.ts';
import { PCM, StreamClient, bytesAt } from './helpers/stream-client.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function started<T extends { end(): unknown }>(starting: Promise<T>): Promise<T> {
  const one = await starting;
  cleanups.push(() => one.end());
  return one;
}

async function listenerOf(nats: NatsServer): Promise<NatsListener> {
  const listener = await NatsListener.connect({ servers: nats.url, failed: () => {} });
  cleanups.push(() => listener.close());
  return listener;
}

/** Reads a stream in the background, and compares each byte. */
class Reader {
  readonly chunks: StreamChunk[] = [];
  readonly done: Promise<void>;

  constructor(stream: ListenedStream, id: string) {
    this.done = (async () => {
      for await (const chunk of stream) {
        expect(chunk.bytes).toEqual(bytesAt(id, chunk.frame, chunk.frames));
        this.chunks.push(chunk);
      }
    })();
    this.done.catch(() => {});
  }

  get end(): number {
    const last = this.chunks.at(-1);
    return last === undefined ? 0 : last.frame + last.frames;
  }

  /** No frame twice, and none left out between the first and `end`. */
  expectWhole(from: number, end: number): void {
    let next = from;
    for (const { frame, frames, missing } of this.chunks) {
      expect([frame, missing]).toEqual([next, 0]);
      next += frames;
    }
    expect(next).toBe(end);
  }
}

describe.skipIf(!hasNatsServer())(
  'NatsListener (skipped where nats-server is not installed)',
  () => {
    it('receives a stream live and from any frame, without a gap or a duplicate, while NATS and its gateway are killed', async () => {
      const nats = await started(NatsServer.start());
      const gateway = await started(ServeProcess.start('--nats', nats.url));
      const listener = await listenerOf(nats);
      const live = new Reader(await listener.listen('talk'), 'talk');
      const client = new StreamClient({ url: () => gateway.url, session: 'talk' });
      const talk = async (chunks: number): Promise<void> => {
        for (let i = 0; i < chunks; i++) {
          client.say(320);
          await wait(10);
        }
      };
      await talk(50);
      const replayed = await listener.listen('talk', { from: 1000 });
      const reader = new Reader(replayed, 'talk');
      const late = new Reader(await listener.listen('talk', { fromMs: 500 }), 'talk');
      await eventually(() => expect(reader.end).toBeGreaterThan(5000));
      // So far nothing has happened.
      await eventually(() => live.expectWhole(0, live.end));
      expect(live.end).toBeGreaterThan(5000);
      await nats.kill();
      await talk(50);
      await nats.start();
      await talk(50);
      await gateway.end('SIGKILL');
      await talk(20);
      await gateway.start();
      await talk(50);
      await client.close();
      await Promise.all([reader.done, late.done]);
      reader.expectWhole(1000, client.frame);
      late.expectWhole(8000, client.frame);
      expect(replayed.ending).toBe('bye');
      expect(replayed.format).toEqual(PCM);
      const { receivedFrames, deliveredFrames, queuedFrames, droppedFrames, duplicateFrames } =
        replayed.stats;
      expect(deliveredFrames).toBe(client.frame - 1000);
      expect(receivedFrames).toBe(deliveredFrames + duplicateFrames);
      expect([queuedFrames, droppedFrames]).toEqual([0, 0]);
      // Live it is told what was missed.
      await live.done;
      let next = 0;
      for (const { frame, frames, missing } of live.chunks) {
        expect(frame - missing).toBe(next);
        next = frame + frames;
      }
      // A second one, when all is over.
      const whole = new Reader(await listener.listen('talk', { from: 0 }), 'talk');
      await whole.done;
      whole.expectWhole(0, client.frame);
      await expect(listener.listen('talk')).rejects.toThrow(/talk is over. Replay it/);
    }, 60_000);

    it('needs no consumer for live audio, and leaves none behind', async () => {
      const nats = await started(NatsServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const listener = await listenerOf(nats);
      const manager = await jetstreamManager(source.connection);
      const consumers = async () => (await manager.streams.info('MICWIRE')).state.consumer_count;
      const live = await listener.listen('talk');
      const reader = new Reader(live, 'talk');
      for (let i = 0; i < 10; i++) await source.say('talk', i * 320, 320);
      await eventually(() => expect(reader.end).toBe(3200));
      expect(await consumers()).toBe(0);
      const replay = await listener.listen('talk', { from: 0 });
      const again = new Reader(replay, 'talk');
      await eventually(() => expect(again.end).toBe(3200));
      expect(await consumers()).toBe(1);
      await Promise.all([replay.close(), live.close()]);
      await Promise.all([again.done, reader.done]);
      expect([live.ending, replay.ending]).toEqual(['closed', 'closed']);
      await eventually(async () => expect(await consumers()).toBe(0));
    }, 30_000);

    it('puts repeated packets in order, and holds a replay back for a slow reader', async () => {
      const nats = await started(NatsServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const listener = await listenerOf(nats);
      for (const i of [0, 1, 3, 3, 2, 0, 4]) await source.say('talk', i * 320, 320);
      for (let i = 1; i <= 200; i++) await source.say('talk', i * 1600, 1600);
      await source.over('talk', 201 * 1600);
      const stream = await listener.listen('talk', { from: 0 });
      const chunks = stream[Symbol.asyncIterator]();
      expect((await chunks.next()).value).toMatchObject({ frame: 0, frames: 320 });
      await wait(500);
      const { queuedFrames } = stream.stats;
      expect(queuedFrames).toBeLessThanOrEqual(2 * 16_000 + 1600);
      let next = 320;
      for (let chunk = await chunks.next(); chunk.done !== true; chunk = await chunks.next()) {
        expect([chunk.value.frame, chunk.value.missing]).toEqual([next, 0]);
        next += chunk.value.frames;
      }
      expect(next).toBe(201 * 1600);
      const stats = stream.stats;
      expect(stats.duplicateFrames).toBe(2 * 320);
      expect(stats.receivedFrames).toBe(stats.deliveredFrames + stats.duplicateFrames);
      expect(stats).toMatchObject({ queuedFrames: 0, droppedFrames: 0, missingFrames: 0 });
    }, 30_000);

    it('finds a frame among many streams in few requests, however many messages lie between', async () => {
      const nats = await started(NatsServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const ids = Array.from({ length: 20 }, (_, i) => `mic-${i}`);
      // 400 s of each: 8,000 messages.
      const said: Promise<number>[] = [];
      for (let i = 0; i < 400; i++) {
        for (const id of ids) said.push(source.say(id, i * 16_000, 16_000));
        if (i % 20 === 19) await Promise.all(said.splice(0));
      }
      await source.over('mic-3', 400 * 16_000);
      const manager = await jetstreamManager(source.connection);
      const subject = subjects.stream('MICWIRE', 8, 'mic-3');
      for (const second of [0, 10, 61, 200, 333, 399, 500]) {
        const frame = second * 16_000;
        const found = await findFrame(manager, 'MICWIRE', subject, { frame });
        expect(found.requests).toBeLessThanOrEqual(second < 30 ? 2 : 3 + Math.log2(8000));
        const message = await manager.streams.getMessage('MICWIRE', {
          seq: found.sequence,
          next_by_subj: subject,
        } as never);
        expect(message!.seq).toBe(found.sequence);
        // The sequence is the second's of 20 streams each.
        const at = Math.floor((found.sequence - 1) / 20);
        expect(at).toBeLessThanOrEqual(Math.max(0, second - 30));
        expect(at).toBeGreaterThanOrEqual(Math.min(400, second) - 62);
      }
      const listener = await listenerOf(nats);
      const stream = await listener.listen('mic-3', { from: 333 * 16_000 + 5 });
      const reader = new Reader(stream, 'mic-3');
      await reader.done;
      reader.expectWhole(333 * 16_000 + 5, 400 * 16_000);
      // Nothing but what is near was read.
      expect(stream.stats.duplicateFrames).toBe(5);
    }, 60_000);

    it('reports audio that JetStream no longer has, and streams that it cannot read', async () => {
      const nats = await started(NatsServer.start());
      const source = await started(NatsPublisher.connect(nats));
      for (let i = 0; i < 100; i++) await source.say('talk', i * 16_000, 16_000);
      const manager = await jetstreamManager(source.connection);
      await manager.streams.purge('MICWIRE', { seq: 61 });
      await source.send('talk', { ...PCM, channels: 2 }, [
        { frame: 0, frames: 1, bytes: new Uint8Array(4), missing: 0 },
      ]);
      await source.send('talk', { ...PCM, channels: 2 }, [
        { frame: 100 * 16_000, frames: 1, bytes: new Uint8Array(4), missing: 0 },
      ]);
      await source.over('talk', 100 * 16_000);
      const listener = await listenerOf(nats);
      const stream = await listener.listen('talk', { fromMs: 10_000 });
      const reader = new Reader(stream, 'talk');
      await reader.done;
      expect(reader.chunks[0]).toMatchObject({ frame: 60 * 16_000, missing: 50 * 16_000 });
      expect(reader.end).toBe(100 * 16_000);
      expect(stream.stats).toMatchObject({ missingFrames: 50 * 16_000, poisonMessages: 1 });
    }, 30_000);

    it.each<[string, ListenOptions, RegExp]>([
      ['a.b', {}, /id must be the name of a stream, got 'a.b'/],
      ['talk', { from: -1 }, /from must lie between 0 and/],
      ['talk', { from: 1, fromMs: 1 }, /from or fromMs, not both/],
      ['talk', { form: 1 } as ListenOptions, /listen has no option 'form'. Did you mean 'from'/],
    ])('refuses %j, %j', async (id, options, message) => {
      const nats = await started(NatsServer.start());
      await started(NatsPublisher.connect(nats));
      await expect((await listenerOf(nats)).listen(id, options)).rejects.toThrow(message);
    });
  },
);

/** `micwire listen`. */
async function listen(...args: readonly string[]) {
  const child = spawn(process.execPath, ['--input-type=module', '-', 'listen', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  cleanups.push(() => child.kill('SIGKILL'));
  child.stdin.end(await bundleCommand());
  const out: Buffer[] = [];
  let log = '';
  child.stdout.on('data', (data: Buffer) => out.push(data));
  child.stderr.on('data', (data: Buffer) => (log += data.toString()));
  const code = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, code, output: () => new Uint8Array(Buffer.concat(out)), log: () => log };
}

describe.skipIf(!hasNatsServer())(
  'micwire listen (skipped where nats-server is not installed)',
  () => {
    it('writes samples to the standard output and to files', async () => {
      const nats = await started(NatsServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const folder = mkdtempSync(join(tmpdir(), 'micwire-listen-'));
      cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
      await source.say('talk', 0, 1600);
      const [wav, raw] = [join(folder, 'a.wav'), join(folder, 'a.raw')];
      const args = ['--nats', nats.url, 'talk', '--from'];
      const runs = [
        await listen(...args, '100'),
        await listen(...args, '0', '--output', wav),
        await listen('--nats', nats.url, 'talk', '--from-ms', '50', '--output', raw),
      ];
      const live = await listen('--nats', nats.url, 'talk');
      await eventually(() => {
        for (const { log } of runs) expect(log()).toContain('from frame');
        expect(live.log()).toContain('Listening to talk');
      });
      await source.say('talk', 1600, 1600);
      await source.over('talk', 3200);
      expect(await Promise.all([...runs, live].map(({ code }) => code))).toEqual([0, 0, 0, 0]);
      expect(runs[0]!.output()).toEqual(bytesAt('talk', 100, 3100));
      expect(live.output()).toEqual(bytesAt('talk', 1600, 1600));
      const file = readFileSync(wav);
      expect(new Uint8Array(file.subarray(file.indexOf('data') + 8))).toEqual(
        bytesAt('talk', 0, 3200),
      );
      expect(new Uint8Array(readFileSync(raw))).toEqual(bytesAt('talk', 800, 2400));
      expect(runs[0]!.log()).toContain('talk: bye, 3100 frames, 0 missing');
    }, 60_000);

    it('writes a file as fast as small chunks arrive', async () => {
      const nats = await started(NatsServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const folder = mkdtempSync(join(tmpdir(), 'micwire-listen-'));
      cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
      const path = join(folder, 'a.wav');
      // A minute, of which each chunk alone would wait for the next writing of the file.
      await Promise.all(Array.from({ length: 3000 }, (_, i) => source.say('talk', i * 320, 320)));
      await source.over('talk', 960_000);
      const { code } = await listen('--nats', nats.url, 'talk', '--from', '0', '--output', path);
      expect(await code).toBe(0);
      const file = readFileSync(path);
      expect(file.length).toBeGreaterThan(1_920_000);
      const heard = new Uint8Array(file.subarray(file.indexOf('data') + 8));
      expect(Buffer.compare(heard, bytesAt('talk', 0, 960_000))).toBe(0);
    }, 60_000);

    it('writes Opus as Ogg, and says how to name such a file', async () => {
      const nats = await started(NatsServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const folder = mkdtempSync(join(tmpdir(), 'micwire-listen-'));
      cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
      // 20 ms each (RFC 6716 §3.1).
      const packet = (i: number) => Uint8Array.of(0xf8, i, 7, 7);
      const format = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
      for (let i = 0; i < 50; i++) {
        const chunk = { frame: i * 960, frames: 960, bytes: packet(i), missing: 0 };
        await source.send('talk', format, [chunk]);
      }
      await source.over('talk', 50 * 960);
      const args = ['--nats', nats.url, 'talk', '--from', '9600'];
      const file = join(folder, 'a.ogg');
      const toFile = await listen(...args, '--output', file);
      const toOutput = await listen(...args);
      const wrong = await listen(...args, '--output', join(folder, 'a.wav'));
      expect(await Promise.all([toFile.code, toOutput.code, wrong.code])).toEqual([0, 0, 1]);
      const other = join(folder, 'b.ogg');
      writeFileSync(other, toOutput.output());
      for (const path of [file, other]) {
        const audio = await openAudioFile(path);
        const found: Uint8Array[] = [];
        for await (const piece of audio.pieces()) found.push(new Uint8Array(piece));
        await audio.close();
        expect(found.slice(0, 40)).toEqual(Array.from({ length: 40 }, (_, i) => packet(10 + i)));
      }
      expect(wrong.log()).toMatch(/a.wav must end in .ogg or .opus for opus/);
    }, 60_000);

    it('ends when the reader of its output is gone', async () => {
      const nats = await started(NatsServer.start());
      const source = await started(NatsPublisher.connect(nats));
      await source.say('talk', 0, 1600);
      const run = await listen('--nats', nats.url, 'talk', '--from', '0');
      await eventually(() => expect(run.output()).toHaveLength(3200));
      run.child.stdout.destroy();
      await source.say('talk', 1600, 1600);
      await source.say('talk', 3200, 1600);
      expect(await run.code).toBe(0);
      expect(run.log()).not.toMatch(/EPIPE|    at /);
    }, 30_000);

    it('completes its file when it is asked to end', async () => {
      const nats = await started(NatsServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const folder = mkdtempSync(join(tmpdir(), 'micwire-listen-'));
      cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
      await source.say('talk', 0, 1600);
      const wav = join(folder, 'a.wav');
      const run = await listen('--nats', nats.url, 'talk', '--from', '0', '--output', wav);
      await eventually(() => expect(run.log()).toContain('from frame 0'));
      run.child.kill('SIGINT');
      expect(await run.code).toBe(0);
      const index = JSON.parse(readFileSync(`${wav}.json`, 'utf8')) as unknown;
      expect(index).toMatchObject({ frames: 1600, gaps: [] });
    }, 30_000);

    it.each([
      [['talk'], 2, /listen needs --nats and the name of one stream/],
      [['--nats', 'x', 'talk', '--from', '1', '--from-ms', '1'], 2, /not both/],
      [['--nats', 'x', 'talk', '--from', 'a'], 2, /--from must be an integer/],
    ])('explains the wrong arguments %j', async (args, code, message) => {
      const run = await listen(...args);
      expect(await run.code).toBe(code);
      expect(run.log()).toMatch(message);
    });

    it('reports that there is nothing to listen to', async () => {
      const nats = await started(NatsServer.start());
      const run = await listen('--nats', nats.url, 'talk');
      expect(await run.code).toBe(1);
      expect(run.log()).toMatch(/There is no JetStream stream MICWIRE/);
    }, 30_000);
  },
);
