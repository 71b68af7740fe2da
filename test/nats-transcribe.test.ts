import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { decodeMulaw } from '../src/core/format/g711.ts';
import { vosk } from '../src/core/services/vosk.ts';
import { NatsTranscriber } from '../src/node/index.ts';
import type { NatsTranscriberOptions } from '../src/node/index.ts';
import { eventually } from './helpers/eventually.ts';
import { NatsPublisher, neighbours } from './helpers/nats-publisher.ts';
import { NatsServer, hasNatsServer } from './helpers/nats-server.ts';
import { opusLibrary } from './helpers/opus.ts';
import { ServeProcess } from './helpers/serve-process.ts';
import { PCM, StreamClient, bytesAt } from './helpers/stream-client.ts';
import { TextServer } from './helpers/text-server.ts';
import { WorkProcess } from './helpers/work-process.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const FRAME_BYTES = 2;

async function started<T extends { end(): unknown }>(starting: Promise<T>): Promise<T> {
  const one = await starting;
  cleanups.push(() => one.end());
  return one;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-text-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function transcriber(
  nats: NatsServer,
  server: { readonly url: string },
  options: Partial<NatsTranscriberOptions> = {},
): Promise<NatsTranscriber> {
  const one = await NatsTranscriber.start({
    servers: nats.url,
    url: server.url,
    leaseMs: 1500,
    failed: () => {},
    ...options,
  });
  cleanups.push(() => one.close());
  return one;
}

/** Every frame was heard with its content, and on each connection in order. @returns frames that were heard more than once */
function expectHeard(server: TextServer, id: string, frames: number): number {
  const heard = new Uint8Array(frames);
  for (const { pieces } of server.of(id)) {
    let end = -1;
    for (const { frame, bytes } of pieces) {
      const count = bytes.length / FRAME_BYTES;
      expect(frame).toBeGreaterThanOrEqual(end);
      end = frame + count;
      expect(bytes).toEqual(bytesAt(id, frame, count));
      for (let i = frame; i < end; i++) heard[i]!++;
    }
  }
  expect(heard.indexOf(0)).toBe(-1);
  return heard.reduce((sum, times) => sum + times - 1, 0);
}

describe.skipIf(!hasNatsServer())(
  'micwire work --transcribe-to (skipped where nats-server is not installed)',
  () => {
    it('delivers every frame in order when transcribers, the service and NATS are killed', async () => {
      const nats = await started(NatsServer.start());
      const server = await started(TextServer.start());
      const folder = temporaryFolder();
      const gateway = await started(ServeProcess.start('--nats', nats.url));
      const start = (...args: string[]) =>
        started(WorkProcess.start('--nats', nats.url, '--lease-ms', '1500', ...args));
      const speech = ['--transcribe-to', server.url];
      const both = await start('--record', folder, ...speech);
      const workers = [both, await start(...speech)];
      const clients = Array.from(
        { length: 8 },
        (_, i) => new StreamClient({ url: gateway.url, session: `mic-${i}` }),
      );
      const talk = async (chunks: number): Promise<void> => {
        for (let i = 0; i < chunks; i++) {
          for (const client of clients) client.say(320);
          await wait(10);
        }
      };
      await talk(100);
      await eventually(
        () => {
          for (const { session } of clients) {
            // Partitions move when the second worker comes: a stream then has another connection.
            const pieces = server.of(session).flatMap((connection) => connection.pieces);
            expect(pieces.length).toBeGreaterThan(10);
          }
        },
        { timeout: 30_000 },
      );
      await workers[1]!.end('SIGKILL');
      await talk(100);
      server.cut();
      await talk(50);
      await nats.kill();
      await talk(30);
      await nats.start();
      await talk(50);
      await workers[1]!.start();
      await both.end('SIGKILL');
      await talk(50);
      await both.start();
      await talk(50);
      for (const client of clients) await client.allAcknowledged(30_000);
      for (const client of clients) await client.close();
      await eventually(
        () => {
          for (const { session } of clients)
            expect(server.of(session).some(({ isEnded }) => isEnded)).toBe(true);
        },
        { timeout: 30_000 },
      );
      for (const { session, frame } of clients) {
        expectHeard(server, session, frame);
        const [first] = server.of(session);
        expect(first!.isEnded).toBe(false);
        expect(first!.pieces.length).toBeGreaterThan(0);
      }
      // Recording is a consumer of its own.
      await eventually(
        () => {
          for (const { session, frame } of clients) {
            const index = readFileSync(join(folder, `${session}.wav.json`), 'utf8');
            expect(JSON.parse(index)).toMatchObject({ frames: frame, gaps: [] });
          }
        },
        { timeout: 30_000 },
      );
    }, 120_000);

    it('moves streams at SIGTERM, and an end is reported once', async () => {
      const nats = await started(NatsServer.start());
      const server = await started(TextServer.start());
      const gateway = await started(ServeProcess.start('--nats', nats.url));
      const args = ['--nats', nats.url, '--lease-ms', '1500', '--transcribe-to', server.url];
      const first = await started(WorkProcess.start(...args));
      const client = new StreamClient({ url: gateway.url, session: 'talk' });
      for (let i = 0; i < 50; i++) client.say(320);
      await eventually(() => expect(server.of('talk').at(-1)?.pieces.length).toBe(50));
      await started(WorkProcess.start(...args));
      expect(await first.end('SIGTERM')).toBe(0);
      for (let i = 0; i < 50; i++) client.say(320);
      await client.close();
      await eventually(() => expect(server.of('talk').at(-1)?.isEnded).toBe(true));
      expectHeard(server, 'talk', 100 * 320);
      expect(server.of('talk').filter(({ isEnded }) => isEnded)).toHaveLength(1);
    }, 60_000);

    it('holds a bounded amount of audio for a service that accepts none, and loses none of it', async () => {
      const nats = await started(NatsServer.start());
      const server = await started(TextServer.start());
      const source = await started(NatsPublisher.connect(nats));
      server.isDeaf = true;
      const one = await transcriber(nats, server, { maxWaitMs: 1000 });
      // 20 s of one stream.
      for (let i = 0; i < 200; i++) await source.say('talk', i * 1600, 1600);
      await source.over('talk');
      await eventually(() => expect(one.stats.waitingFrames).toBeGreaterThan(16_000));
      await wait(500);
      expect(one.stats.waitingFrames).toBeLessThanOrEqual(16_000 + 1600);
      expect(await source.unacknowledged('text-')).toBe(201);
      // A break does no harm: it continues at what was not taken.
      server.cut();
      await eventually(() => expect(server.of('talk')).toHaveLength(2));
      server.hear();
      await eventually(() => expect(server.of('talk').at(-1)!.isEnded).toBe(true));
      expectHeard(server, 'talk', 320_000);
      await eventually(async () => expect(await source.unacknowledged('text-')).toBe(0));
      expect(one.stats).toMatchObject({
        givenFrames: 320_000,
        takenFrames: 320_000,
        waitingFrames: 0,
        endedStreams: 1,
        failures: 0,
      });
    }, 60_000);

    it('publishes words and stores final ones beside the audio', async () => {
      const nats = await started(NatsServer.start());
      const server = await started(TextServer.start());
      const folder = temporaryFolder();
      const source = await started(NatsPublisher.connect(nats));
      const published: unknown[] = [];
      const subscription = source.connection.subscribe('micwire.text.*', {
        callback: (_, message) => void published.push([message.subject, message.json()]),
      });
      await source.connection.flush();
      await transcriber(nats, server, { folder });
      await source.say('talk', 0, 1600);
      await source.say('talk', 1600, 800);
      await source.over('talk');
      await eventually(async () => expect(await source.unacknowledged('text-')).toBe(0));
      await eventually(() => expect(published).toHaveLength(3));
      subscription.unsubscribe();
      const at = expect.any(String) as unknown;
      const line = (frame: number, frames: number) => ({
        stream: 'talk',
        text: `${frame}-${frame + frames}`,
        final: true,
        frame,
        frames,
        taken: frame + frames,
        at,
      });
      const lines = readFileSync(join(folder, 'talk.jsonl'), 'utf8').trimEnd().split('\n');
      expect(lines.map((text) => JSON.parse(text) as unknown)).toEqual([
        line(0, 1600),
        line(1600, 800),
      ]);
      expect(published).toEqual([
        ['micwire.text.talk', line(0, 1600)],
        ['micwire.text.talk', line(1600, 800)],
        ['micwire.text.talk', { stream: 'talk', text: 'the end', final: false, at }],
      ]);
      expect(readdirSync(folder)).toEqual(['talk.jsonl']);
    }, 30_000);

    it('converts rates and Opus, reports gaps, and sends the last frames without an end', async () => {
      const nats = await started(NatsServer.start());
      const server = await started(TextServer.start());
      const source = await started(NatsPublisher.connect(nats));
      await transcriber(nats, server, { opus: await opusLibrary() });
      const phone = { format: 'mulaw', sampleRate: 8000, channels: 1 } as const;
      const loud = new Uint8Array(800).fill(0x20);
      // A second, a gap of half a second, and half a second.
      for (let i = 0; i < 10; i++) {
        await source.send('phone', phone, [
          { frame: i * 800, frames: 800, bytes: loud, missing: 0 },
        ]);
      }
      for (let i = 15; i < 20; i++) {
        await source.send('phone', phone, [
          { frame: i * 800, frames: 800, bytes: loud, missing: 0 },
        ]);
      }
      const web = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
      const encoder = new OpusEncoder(await opusLibrary(), { sampleRate: 48_000, channels: 1 });
      cleanups.push(() => encoder.close());
      const silence = [new Float32Array(960)];
      for (let i = 0; i < 50; i++) {
        const packet = new Uint8Array(encoder.maxBytes(960));
        const bytes = packet.slice(0, encoder.encode(silence, 0, 960, packet, 0));
        await source.send('web', web, [{ frame: i * 960, frames: 960, bytes, missing: 0 }]);
      }
      await eventually(async () => expect(await source.unacknowledged('text-')).toBe(0));
      const [heard] = server.of('phone');
      expect(heard).toMatchObject({ sampleRate: 16_000, gaps: [24_000] });
      const framesOf = (id: string) =>
        server.of(id)[0]!.pieces.reduce((sum, { bytes }) => sum + bytes.length / FRAME_BYTES, 0);
      expect(framesOf('phone')).toBe(24_000);
      expect(framesOf('web')).toBe(16_000);
      // In the middle of a piece a constant remains one.
      const { bytes } = heard!.pieces[5]!;
      const found = new DataView(bytes.buffer, bytes.byteOffset).getInt16(0, true);
      expect(Math.abs(found - decodeMulaw(0x20))).toBeLessThanOrEqual(1);
      expect(server.of('phone')).toHaveLength(1);
    }, 30_000);

    it('gives late audio a connection of its own, and duplicate audio none', async () => {
      const nats = await started(NatsServer.start());
      const server = await started(TextServer.start());
      const source = await started(NatsPublisher.connect(nats));
      await transcriber(nats, server);
      for (const i of [0, 1, 3, 3, 2, 0, 4]) {
        await source.say('talk', i * 320, 320);
      }
      await source.over('talk');
      await source.say('talk', 320, 320);
      await eventually(async () => expect(await source.unacknowledged('text-')).toBe(0));
      expect(expectHeard(server, 'talk', 5 * 320)).toBe(0);
      const [first, second, ...more] = server.of('talk');
      expect(more).toEqual([]);
      expect(first).toMatchObject({ gaps: [960], isEnded: false });
      expect(second).toMatchObject({ gaps: [1280], isEnded: true });
    }, 30_000);

    it('sets aside a stream that the service refuses, and messages that it cannot read', async () => {
      const nats = await started(NatsServer.start());
      const server = await started(TextServer.start());
      server.refuses.add('no');
      const source = await started(NatsPublisher.connect(nats));
      const failures: string[] = [];
      const failed = (error: unknown): void => void failures.push((error as Error).message);
      const one = await transcriber(nats, server, { failed });
      for (const id of ['no', 'yes']) {
        for (let i = 0; i < 5; i++) await source.say(id, i * 320, 320);
        await source.send(id, { ...PCM, channels: 2 }, [
          { frame: 1600, frames: 1, bytes: new Uint8Array(4), missing: 0 },
        ]);
        await source.over(id);
      }
      await eventually(async () => expect(await source.unacknowledged('text-')).toBe(0));
      expectHeard(server, 'yes', 5 * 320);
      expect(one.stats).toMatchObject({ refusedStreams: 1, endedStreams: 2, restarts: 0 });
      expect(one.stats.poisonMessages).toBeGreaterThan(0);
      expect(failures.join('\n')).toMatch(/not this one/);
    }, 30_000);

    it('sets aside packets that it cannot decode, at the cost of that stream only', async () => {
      const nats = await started(NatsServer.start());
      const server = await started(TextServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const one = await transcriber(nats, server);
      const web = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
      const packet = { frames: 960, bytes: Uint8Array.of(0xf8, 0, 7, 7), missing: 0 };
      // All in each partition.
      for (let i = 0; i < 20; i++) {
        await source.send(`web-${i}`, web, [{ frame: 0, ...packet }]);
        await source.say(`mic-${i}`, 0, 320);
        await source.send(`web-${i}`, web, [{ frame: 960, ...packet }]);
        await source.say(`mic-${i}`, 320, 320);
      }
      await eventually(async () => expect(await source.unacknowledged('text-')).toBe(0));
      for (let i = 0; i < 20; i++) expect(expectHeard(server, `mic-${i}`, 640)).toBe(0);
      expect(one.stats).toMatchObject({ poisonMessages: 40, restarts: 0, failures: 0 });
    }, 30_000);

    it('is not stopped by a stream whose sessions the service ends, which is tried again', async () => {
      const nats = await started(NatsServer.start());
      const server = await started(TextServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const [bad, good] = neighbours(2) as [string, string];
      server.failing.add(bad);
      const failures: unknown[] = [];
      const one = await transcriber(nats, server, {
        failed: (error) => void failures.push(error),
      });
      for (let i = 0; i < 20; i++) {
        await source.say(bad, i * 320, 320);
        await source.say(good, i * 320, 320);
      }
      await eventually(() => expect(one.stats.failures).toBeGreaterThanOrEqual(3), {
        timeout: 20_000,
      });
      for (let i = 20; i < 40; i++) await source.say(good, i * 320, 320);
      await source.over(good, 40 * 320);
      await eventually(() => expect(server.of(good).at(-1)!.isEnded).toBe(true));
      // On the connection that it had before.
      expect(server.of(good)).toHaveLength(1);
      expect(expectHeard(server, good, 40 * 320)).toBe(0);
      expect(one.stats).toMatchObject({ pausedStreams: 1, pauses: 1, restarts: 0 });
      expect(failures.join('\n')).toContain(`${bad} is paused, and tried again in 0.5 s`);
      await source.over(bad, 20 * 320);
      server.failing.clear();
      await eventually(() => expect(server.of(bad).at(-1)?.isEnded).toBe(true), {
        timeout: 30_000,
      });
      expectHeard(server, bad, 20 * 320);
      await eventually(async () => expect(await source.unacknowledged('text-')).toBe(0));
      await eventually(() => expect(one.stats.pausedStreams).toBe(0));
      expect(one.stats).toMatchObject({ endedStreams: 2, restarts: 0, refusedStreams: 0 });
    }, 60_000);

    it('is not held up by a stream that the service does not accept', async () => {
      const nats = await started(NatsServer.start());
      const server = await started(TextServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const [slow, good] = neighbours(2) as [string, string];
      server.deafTo.add(slow);
      const one = await transcriber(nats, server, { maxWaitMs: 1000 });
      await source.say(good, 0, 1600);
      for (let i = 0; i < 50; i++) await source.say(slow, i * 1600, 1600);
      for (let i = 1; i < 20; i++) await source.say(good, i * 1600, 1600);
      await source.over(good, 20 * 1600);
      await eventually(() => expect(server.of(good).at(-1)!.isEnded).toBe(true), {
        timeout: 20_000,
      });
      expect(one.stats).toMatchObject({ pausedStreams: 1, failures: 0, restarts: 0 });
      expect(one.stats.waitingFrames).toBeLessThanOrEqual(16_000 + 1600);
      server.hear();
      await source.over(slow, 50 * 1600);
      await eventually(() => expect(server.of(slow).at(-1)!.isEnded).toBe(true), {
        timeout: 20_000,
      });
      // One connection, and each frame once.
      expect(server.of(slow)).toHaveLength(1);
      expect(expectHeard(server, slow, 50 * 1600)).toBe(0);
      await eventually(() => expect(one.stats.pausedStreams).toBe(0));
      expect(one.stats).toMatchObject({ pauses: 1, failures: 0, restarts: 0 });
    }, 60_000);

    it('is not held up by many messages that the service has not accepted', async () => {
      const nats = await started(NatsServer.start());
      const server = await started(TextServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const [slow, good] = neighbours(2) as [string, string];
      server.deafTo.add(slow);
      const one = await transcriber(nats, server, { maxWaitMs: 600_000, leaseMs: 5000 });
      await source.say(good, 0, 1600);
      // More than JetStream sends ahead of what is acknowledged.
      for (let i = 0; i < 2500; i += 250) {
        await Promise.all(
          Array.from({ length: 250 }, (_, n) => source.say(slow, (i + n) * 160, 160)),
        );
      }
      for (let i = 1; i < 20; i++) await source.say(good, i * 1600, 1600);
      await source.over(good, 20 * 1600);
      await eventually(() => expect(server.of(good).at(-1)!.isEnded).toBe(true), {
        timeout: 20_000,
      });
      server.hear();
      await source.over(slow, 2500 * 160);
      await eventually(() => expect(server.of(slow).at(-1)!.isEnded).toBe(true), {
        timeout: 20_000,
      });
      expect(expectHeard(server, slow, 2500 * 160)).toBe(0);
      expect(one.stats.failures).toBe(0);
      expect(one.stats.pauses).toBeGreaterThan(0);
    }, 60_000);

    it('sends the end on a connection of its own if the session before it has failed, or the service was away', async () => {
      const nats = await started(NatsServer.start());
      let server = await started(TextServer.start());
      const { port } = server;
      const source = await started(NatsPublisher.connect(nats));
      const one = await transcriber(nats, server);
      for (const id of ['talk', 'more']) {
        for (let i = 0; i < 5; i++) await source.say(id, i * 320, 320);
      }
      await eventually(() => expect(one.stats.takenFrames).toBe(2 * 5 * 320));
      // Its session is over, and nothing that waits says so.
      server.failing.add('talk');
      server.cut();
      await eventually(() => expect(server.of('talk')).toHaveLength(2));
      await source.over('talk', 5 * 320);
      await eventually(() => expect(server.of('talk').at(-1)!.isEnded).toBe(true), {
        timeout: 30_000,
      });
      expect(server.of('talk').at(-1)!.pieces).toEqual([]);
      expect(expectHeard(server, 'talk', 5 * 320)).toBe(0);
      // The service is away for a while.
      await server.end();
      await source.over('more', 5 * 320);
      await wait(2000);
      server = await started(TextServer.start(port));
      await eventually(() => expect(server.of('more').at(-1)?.isEnded).toBe(true), {
        timeout: 30_000,
      });
      await eventually(async () => expect(await source.unacknowledged('text-')).toBe(0));
      await eventually(() => expect(one.stats.endedStreams).toBe(2));
      expect(one.stats.pausedStreams).toBe(0);
      // Another end of it tells nobody.
      await source.over('talk', 5 * 320);
      await eventually(async () => expect(await source.unacknowledged('text-')).toBe(0));
      expect(server.of('talk')).toEqual([]);
    }, 90_000);

    it('sends the end again, more than three times, if the connection breaks before the answer', async () => {
      const nats = await started(NatsServer.start());
      const server = await started(TextServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const one = await transcriber(nats, server);
      for (let i = 0; i < 5; i++) await source.say('talk', i * 320, 320);
      server.breaking = 4;
      await source.over('talk', 5 * 320);
      await eventually(() => expect(server.of('talk').at(-1)?.isEnded).toBe(true), {
        timeout: 40_000,
      });
      expect(server.breaking).toBe(0);
      expect(server.of('talk')).toHaveLength(5);
      expect(expectHeard(server, 'talk', 5 * 320)).toBe(0);
      await eventually(() =>
        expect(one.stats).toMatchObject({ endedStreams: 1, pausedStreams: 0 }),
      );
      expect(one.stats).toMatchObject({ failures: 4, pauses: 1 });
    }, 90_000);

    it('skips a packet that cannot be decoded, and sends the others of its message', async () => {
      const nats = await started(NatsServer.start());
      const server = await started(TextServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const failures: string[] = [];
      const one = await transcriber(nats, server, {
        opus: await opusLibrary(),
        failed: (error) => void failures.push(String(error)),
      });
      const web = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
      const encoder = new OpusEncoder(await opusLibrary(), { sampleRate: 48_000, channels: 1 });
      cleanups.push(() => encoder.close());
      const tone = [Float32Array.from({ length: 960 }, (_, i) => Math.sin(i / 10) / 2)];
      const chunk = (i: number) => {
        const packet = new Uint8Array(encoder.maxBytes(960));
        const bytes = packet.slice(0, encoder.encode(tone, 0, 960, packet, 0));
        return { frame: i * 960, frames: 960, bytes, missing: 0 };
      };
      // Of code 3, with a count of frames that its length does not have.
      const broken = { frame: 5 * 960, frames: 960, bytes: Uint8Array.of(0xff, 0x3f), missing: 0 };
      await source.send('web', web, [0, 1, 2, 3, 4].map(chunk));
      await source.send('web', web, [broken, ...[6, 7, 8, 9].map(chunk)]);
      await eventually(async () => expect(await source.unacknowledged('text-')).toBe(0));
      expect(one.stats).toMatchObject({
        packets: 10,
        poisonPackets: 1,
        poisonMessages: 0,
        pauses: 0,
      });
      const [heard] = server.of('web');
      const frames = heard!.pieces.reduce((sum, { bytes }) => sum + bytes.length / FRAME_BYTES, 0);
      expect(frames).toBe(9 * 320);
      expect(heard!.pieces.at(-1)!.frame).toBeGreaterThanOrEqual(5 * 320);
      expect(failures).toHaveLength(1);
    }, 30_000);

    it('connects again if a service ends its text before it has accepted everything', async () => {
      const nats = await started(NatsServer.start());
      const server = await started(TextServer.start());
      const source = await started(NatsPublisher.connect(nats));
      await transcriber(nats, server);
      server.forgetful = 1;
      for (let i = 0; i < 5; i++) await source.say('talk', i * 320, 320);
      await source.over('talk');
      await eventually(async () => expect(await source.unacknowledged('text-')).toBe(0), {
        timeout: 20_000,
      });
      expectHeard(server, 'talk', 5 * 320);
      expect(server.of('talk').length).toBeGreaterThan(1);
    }, 30_000);

    it('works with a service of micwire/services', async () => {
      const nats = await started(NatsServer.start());
      const source = await started(NatsPublisher.connect(nats));
      // As vosk-server replies: once to each message.
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
      cleanups.push(() => server.close());
      await once(server, 'listening');
      let bytes = 0;
      server.on('connection', (socket) => {
        socket.on('message', (data: Buffer, isBinary: boolean) => {
          if (isBinary) bytes += data.length;
          if (isBinary) socket.send('{"partial":"hel"}');
          else if (data.toString().includes('eof')) socket.send('{"text":"hello"}');
        });
      });
      const heard: unknown[] = [];
      const { port } = server.address() as { readonly port: number };
      await transcriber(
        nats,
        { url: `ws://127.0.0.1:${port}` },
        { service: () => vosk(), heard: (stream, text) => void heard.push({ stream, ...text }) },
      );
      for (let i = 0; i < 5; i++) await source.say('talk', i * 1600, 1600);
      await source.over('talk');
      await eventually(async () => expect(await source.unacknowledged('text-')).toBe(0));
      expect(bytes).toBe(5 * 3200);
      expect(heard.at(-1)).toEqual({ stream: 'talk', text: 'hello', final: true });
    }, 30_000);

    it.each([
      [['--nats', 'x', '--transcribe-to', 'http://a'], /--transcribe-to must be an address/],
      [['--nats', 'x', '--transcribe-to', 'ws://a', '--service', 'b'], /--service must be one of/],
      [['--nats', 'x', '--transcribe-to', 'ws://a', '--rate', '1'], /--rate must be an integer/],
      [['--nats', 'x', '--record', 'a', '--rate', '8000'], /--rate needs --transcribe-to/],
    ])('explains the wrong arguments %j', async (args, message) => {
      await expect(WorkProcess.start(...args)).rejects.toThrow(message);
    });

    it.each([
      [{ url: 'localhost' }, /url must be a ws: or wss: address/],
      [{ url: 3 }, /url must be a string or a function, got 3/],
      [{ sampleRate: 4000 }, /sampleRate must lie between 8000 and 48000, got 4000/],
      [{ service: 'vosk' }, /service must be a function, got 'vosk'/],
      [{ folders: '.' }, /has no option 'folders'. Did you mean 'folder'/],
    ])('refuses the options %j', async (options, message) => {
      const right = { servers: 'nats://127.0.0.1:1', url: 'ws://127.0.0.1:1' };
      const starting = NatsTranscriber.start({ ...right, ...(options as object) });
      await expect(starting).rejects.toThrow(message);
    });
  },
);
