import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { jetstreamManager } from '@nats-io/jetstream';
import { MicwireError } from '../src/core/errors.ts';
import { NatsWorker } from '../src/node/index.ts';
import type { NatsWorkerOptions } from '../src/node/index.ts';
import { eventually } from './helpers/eventually.ts';
import { NatsPublisher, neighbours } from './helpers/nats-publisher.ts';
import { NatsServer, hasNatsServer } from './helpers/nats-server.ts';
import { bytesAt } from './helpers/stream-client.ts';
import { WorkProcess } from './helpers/work-process.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function started<T extends { end(): unknown }>(starting: Promise<T>): Promise<T> {
  const one = await starting;
  cleanups.push(() => one.end());
  return one;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-paused-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function worker(
  nats: NatsServer,
  folder: string,
  options: Partial<NatsWorkerOptions> = {},
): Promise<NatsWorker> {
  const one = await NatsWorker.start({
    servers: nats.url,
    folder,
    failed: () => {},
    ...options,
  });
  cleanups.push(() => one.close());
  return one;
}

const FRAMES = 160;

/** Says so many chunks, in order. */
async function say(source: NatsPublisher, id: string, chunks: number, from = 0): Promise<void> {
  for (let at = 0; at < chunks; at += 250) {
    const count = Math.min(250, chunks - at);
    await Promise.all(
      Array.from({ length: count }, (_, i) => source.say(id, (from + at + i) * FRAMES, FRAMES)),
    );
  }
}

/** Waits for the complete file of a stream, and compares each byte. */
async function expectFile(folder: string, id: string, chunks: number): Promise<void> {
  const path = join(folder, `${id}.wav`);
  await eventually(() => expect(readdirSync(folder)).toContain(`${id}.wav.json`), {
    timeout: 30_000,
  });
  const index = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as unknown;
  expect(index).toMatchObject({ origin: 0, frames: chunks * FRAMES, gaps: [] });
  const file = readFileSync(path);
  const data = new Uint8Array(file.subarray(file.indexOf('data') + 8));
  expect(data).toEqual(bytesAt(id, 0, chunks * FRAMES));
}

async function consumersOf(source: NatsPublisher) {
  const manager = await jetstreamManager(source.connection);
  const found = [];
  for await (const { name, num_pending, num_ack_pending } of manager.consumers.list('MICWIRE')) {
    found.push({ name, pending: num_pending, unacknowledged: num_ack_pending });
  }
  return found;
}

const pausedOf = async (source: NatsPublisher) =>
  (await consumersOf(source)).filter(({ name }) => name.includes('paused-'));

describe.skipIf(!hasNatsServer())(
  'a stream whose file cannot be written (skipped where nats-server is not installed)',
  () => {
    it('is paused alone, however much audio it has, and loses and doubles nothing', async () => {
      const nats = await started(NatsServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const folder = temporaryFolder();
      const [bad, good, other] = neighbours(3) as [string, string, string];
      // A folder where its journal belongs.
      mkdirSync(join(folder, `${bad}.wav.part`));
      const failures: unknown[] = [];
      const one = await worker(nats, folder, { failed: (error) => void failures.push(error) });
      await say(source, good, 10);
      // More than JetStream sends ahead of what is acknowledged.
      await say(source, bad, 2500);
      await say(source, good, 90, 10);
      await source.over(good);
      await expectFile(folder, good, 100);
      expect(one.stats).toMatchObject({ pausedStreams: 1, pauses: 1, restarts: 0 });
      expect(failures[0]).toBeInstanceOf(MicwireError);
      expect(failures[0]).toMatchObject({ code: 'recording' });
      expect(String(failures[0])).toContain(`${bad} is paused, and tried again in 0.5 s`);
      const all = await consumersOf(source);
      const [own] = all.filter(({ name }) => name.startsWith('p0-'));
      expect(own).toMatchObject({ pending: 0, unacknowledged: 0 });
      // It is tried again and again, and nobody else notices.
      const before = one.stats.failures;
      await eventually(() => expect(one.stats.failures).toBeGreaterThan(before), {
        timeout: 20_000,
      });
      await say(source, bad, 100, 2500);
      await say(source, other, 50);
      rmdirSync(join(folder, `${bad}.wav.part`));
      await eventually(() => expect(one.stats.pausedStreams).toBe(0), { timeout: 30_000 });
      // As any other again.
      await say(source, bad, 100, 2600);
      await source.over(bad);
      await source.over(other);
      await expectFile(folder, bad, 2700);
      await expectFile(folder, other, 50);
      expect(one.stats).toMatchObject({ pauses: 1, restarts: 0, poisonMessages: 0 });
      await eventually(async () => expect(await pausedOf(source)).toEqual([]));
      expect(readdirSync(folder).toSorted()).toEqual(
        [bad, good, other].flatMap((id) => [`${id}.wav`, `${id}.wav.json`]).toSorted(),
      );
    }, 90_000);

    it('waits with its partition where 256 others are paused, and continues with it', async () => {
      const nats = await started(NatsServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const folder = temporaryFolder();
      const [good, ...bad] = neighbours(261) as [string, ...string[]];
      for (const id of bad) mkdirSync(join(folder, `${id}.wav.part`));
      await Promise.all(bad.map((id) => source.say(id, 0, FRAMES)));
      await say(source, good, 5);
      await source.over(good);
      const one = await worker(nats, folder);
      await eventually(async () => expect(await pausedOf(source)).toHaveLength(256), {
        timeout: 30_000,
      });
      expect(readdirSync(folder)).not.toContain(`${good}.wav.json`);
      for (const id of bad) rmdirSync(join(folder, `${id}.wav.part`));
      await expectFile(folder, good, 5);
      for (const id of bad) await source.over(id);
      for (const id of bad) await expectFile(folder, id, 1);
      await eventually(() => expect(one.stats.pausedStreams).toBe(0), { timeout: 30_000 });
      expect(one.stats.restarts).toBe(0);
    }, 90_000);

    it('is continued by another worker when its own is killed', async () => {
      const nats = await started(NatsServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const folder = temporaryFolder();
      const [long, short] = neighbours(2) as [string, string];
      const args = ['--nats', nats.url, '--record', folder, '--lease-ms', '3000'];
      const first = new WorkProcess(args);
      cleanups.push(() => first.end());
      // No file may have more than 2 s, as if the disk had no room.
      first.fileLimit = 65_536;
      await first.start();
      await say(source, long, 400);
      await say(source, short, 100);
      await eventually(
        async () => expect(await first.figure('micwire_worker_paused_streams')).toBe(1),
        { timeout: 30_000 },
      );
      await say(source, long, 100, 400);
      await say(source, short, 50, 100);
      await source.over(short);
      await expectFile(folder, short, 150);
      await nats.kill();
      await nats.start();
      await eventually(async () => expect(await pausedOf(source)).toHaveLength(1));
      await first.end('SIGKILL');
      await say(source, long, 50, 500);
      const second = await started(WorkProcess.start(...args));
      await source.over(long);
      await expectFile(folder, long, 550);
      await eventually(async () => {
        expect(await second.figure('micwire_worker_paused_streams')).toBe(0);
        expect(await pausedOf(source)).toEqual([]);
      });
      expect(await second.figure('micwire_worker_pauses_total')).toBeGreaterThan(0);
      expect(readdirSync(folder).toSorted()).toEqual(
        [long, short].flatMap((id) => [`${id}.wav`, `${id}.wav.json`]).toSorted(),
      );
    }, 90_000);

    it('ends only when its end can be written, without delaying the ends of others', async () => {
      const nats = await started(NatsServer.start());
      const source = await started(NatsPublisher.connect(nats));
      const folder = temporaryFolder();
      const [bad, good] = neighbours(2) as [string, string];
      const one = await worker(nats, folder);
      await say(source, bad, 50);
      await say(source, good, 50);
      await eventually(() => expect(one.stats.openRecordings).toBe(2));
      // A folder where its index belongs.
      mkdirSync(join(folder, `${bad}.wav.json`));
      await source.over(bad);
      await source.over(good);
      await expectFile(folder, good, 50);
      await eventually(() => expect(one.stats.pausedStreams).toBe(1));
      rmdirSync(join(folder, `${bad}.wav.json`));
      await expectFile(folder, bad, 50);
      await eventually(() => expect(one.stats.pausedStreams).toBe(0));
      expect(one.stats).toMatchObject({ completedRecordings: 2, restarts: 0 });
    }, 60_000);
  },
);
