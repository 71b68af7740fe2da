import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from './helpers/eventually.ts';
import { NatsCluster } from './helpers/nats-cluster.ts';
import { hasNatsServer } from './helpers/nats-server.ts';
import { ServeProcess } from './helpers/serve-process.ts';
import { StreamClient, bytesAt } from './helpers/stream-client.ts';
import { WorkProcess } from './helpers/work-process.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe.skipIf(!hasNatsServer())(
  'micwire on a cluster of NATS (skipped where nats-server is not installed)',
  () => {
    it('loses nothing and doubles nothing when the server that leads the stream is killed', async () => {
      const cluster = await NatsCluster.start(3);
      cleanups.push(() => cluster.end());
      const folder = mkdtempSync(join(tmpdir(), 'micwire-cluster-'));
      cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
      const gateway = await ServeProcess.start(...cluster.args);
      cleanups.push(() => gateway.end());
      for (let i = 0; i < 2; i++) {
        const worker = await WorkProcess.start(...cluster.args, '--record', folder);
        cleanups.push(() => worker.end());
      }
      const clients = Array.from(
        { length: 6 },
        (_, i) => new StreamClient({ url: gateway.url, session: `mic-${i}` }),
      );
      let isOver = false;
      const talking = (async () => {
        for (; !isOver; await wait(50)) for (const client of clients) client.say(800);
      })();
      await eventually(() => {
        for (const { stats } of clients) expect(stats.acknowledgedFrames).toBeGreaterThan(8000);
      });
      const { name } = await cluster.killLeader();
      const frames = clients.map(({ stats }) => stats.acknowledgedFrames);
      // While one of three is away.
      await eventually(
        () => {
          for (const [i, { stats }] of clients.entries()) {
            expect(stats.acknowledgedFrames).toBeGreaterThan(frames[i]! + 16_000);
          }
        },
        { timeout: 30_000 },
      );
      await cluster.revive(name);
      isOver = true;
      await talking;
      for (const client of clients) await client.allAcknowledged(30_000);
      for (const client of clients) await client.close();
      for (const { session, frame, errors } of clients) {
        expect(errors).toEqual([]);
        const path = join(folder, `${session}.wav`);
        await eventually(() => expect(existsSync(`${path}.json`)).toBe(true), { timeout: 30_000 });
        const index = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as unknown;
        expect(index).toMatchObject({ origin: 0, frames: frame, gaps: [] });
        const file = readFileSync(path);
        const data = new Uint8Array(file.subarray(file.indexOf('data') + 8));
        expect(data).toEqual(bytesAt(session, 0, frame));
      }
      expect(readdirSync(folder)).toHaveLength(2 * clients.length);
      const chunks = clients.reduce((sum, { frame }) => sum + frame / 800, 0);
      expect(await cluster.messages()).toBe(chunks + clients.length);
    }, 120_000);
  },
);
