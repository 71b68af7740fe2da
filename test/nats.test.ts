import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, headers } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { eventually } from './helpers/eventually.ts';
import { NatsServer, hasNatsServer } from './helpers/nats-server.ts';
import { seededRandom } from './helpers/random.ts';
import { ServeProcess } from './helpers/serve-process.ts';
import { PCM, StreamClient, bytesAt } from './helpers/stream-client.ts';
import { WorkProcess } from './helpers/work-process.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const LEASE_MS = '1500';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-work-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function startNats(): Promise<NatsServer> {
  const nats = await NatsServer.start();
  cleanups.push(() => nats.end());
  return nats;
}

async function startGateway(nats: NatsServer, ...args: string[]): Promise<ServeProcess> {
  const gateway = await ServeProcess.start('--nats', nats.url, ...args);
  cleanups.push(() => gateway.end());
  return gateway;
}

async function startWorker(nats: NatsServer, folder: string): Promise<WorkProcess> {
  const worker = await WorkProcess.start('--nats', nats.url, '--record', folder, '--lease-ms', LEASE_MS);
  cleanups.push(() => worker.end());
  return worker;
}

/** The samples of a WAV file, as they are. */
function dataOf(path: string): Uint8Array {
  const file = readFileSync(path);
  return new Uint8Array(file.subarray(file.indexOf('data') + 8));
}

/** Waits until every client's file is complete, and compares each byte. */
async function expectFiles(folder: string, clients: readonly StreamClient[]): Promise<void> {
  const names = clients.flatMap(({ session }) => [`${session}.wav`, `${session}.wav.json`]);
  await eventually(() => expect(readdirSync(folder).toSorted()).toEqual(names.toSorted()), {
    timeout: 30_000,
  });
  for (const { session, frame } of clients) {
    const path = join(folder, `${session}.wav`);
    expect(dataOf(path)).toEqual(bytesAt(session, 0, frame));
    const index = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as unknown;
    expect(index).toMatchObject({ stream: PCM, origin: 0, frames: frame, gaps: [] });
  }
}

describe.skipIf(!hasNatsServer())('micwire on NATS (skipped where nats-server is not installed)', () => {
  it('loses nothing and doubles nothing when gateways, workers and NATS are killed', async () => {
    const random = seededRandom(15);
    const nats = await startNats();
    const folder = temporaryFolder();
    const gateways = [await startGateway(nats), await startGateway(nats)];
    const workers = [await startWorker(nats, folder), await startWorker(nats, folder)];
    const clients = Array.from({ length: 8 }, (_, i) => {
      let tries = i;
      const url = () => gateways[tries++ % gateways.length]!.url;
      return new StreamClient({ url, session: `mic-${i}` });
    });
    let isOver = false;
    const talking = (async () => {
      const fromMs = performance.now();
      for (let said = 0; !isOver; await wait(10)) {
        const due = Math.floor((performance.now() - fromMs) / 20);
        for (; said < due; said++) for (const client of clients) client.say(320);
      }
    })();
    const kill = async (victim: ServeProcess | WorkProcess | NatsServer, downMs: number) => {
      if (victim instanceof NatsServer) await victim.kill();
      else await victim.end('SIGKILL');
      await wait(downMs);
      await victim.start();
    };
    await wait(1500);
    await kill(gateways[0]!, 300 * random());
    await wait(1000 + 1000 * random());
    await kill(workers[0]!, 2500 * random());
    await wait(1000 + 1000 * random());
    await kill(nats, 1000 * random());
    await wait(1000 + 1000 * random());
    clients[Math.floor(random() * clients.length)]!.cut();
    await Promise.all([
      kill(nats, 1000 * random()),
      kill(gateways[1]!, 1000 * random()),
      kill(workers[1]!, 1000 * random()),
    ]);
    await wait(1000);
    isOver = true;
    await talking;
    for (const client of clients) await client.allAcknowledged();
    for (const client of clients) await client.close();
    await expectFiles(folder, clients);
    for (const client of clients) expect(client.errors).toEqual([]);
    // Each chunk is in JetStream once, and each stream's end.
    const connection = await connect({ servers: nats.url });
    cleanups.push(() => connection.close());
    const manager = await jetstreamManager(connection);
    const { state } = await manager.streams.info('MICWIRE');
    const chunks = clients.reduce((sum, { frame }) => sum + frame / 320, 0);
    expect(state.messages).toBe(chunks + clients.length);
  }, 120_000);
});
