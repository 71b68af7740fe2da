import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, headers } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { NatsGateway, NatsListener, StreamServer } from '../src/node/index.ts';
import { encodeChunks } from '../src/node/nats/nats-message.ts';
import { eventually } from './helpers/eventually.ts';
import { NatsServer, hasNatsServer } from './helpers/nats-server.ts';
import { seededRandom } from './helpers/random.ts';
import { ServeProcess } from './helpers/serve-process.ts';
import { PCM, StreamClient, bytesAt } from './helpers/stream-client.ts';
import { TextServer } from './helpers/text-server.ts';
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
  const worker = await WorkProcess.start(
    '--nats',
    nats.url,
    '--record',
    folder,
    '--lease-ms',
    LEASE_MS,
  );
  cleanups.push(() => worker.end());
  return worker;
}

/** A gateway in this process, whose clients may be away for so long. */
async function gatewayHere(nats: NatsServer, expireMs: number) {
  const gateway = await NatsGateway.connect({ servers: nats.url });
  const endings: string[] = [];
  const streams = new StreamServer(
    {
      stream: (stream) => gateway.stream(stream),
      authorize: (arrival) => gateway.authorize(arrival),
      ended: ({ id }, ending) => void endings.push(`${id} ${ending}`),
    },
    { acknowledge: 'stored', expireMs },
  );
  const server = createServer();
  server.on('upgrade', (...args) => void streams.handleUpgrade(...args));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  cleanups.push(async () => {
    await streams.close();
    await gateway.close();
    await stop();
  });
  const { port } = server.address() as AddressInfo;
  return { gateway, endings, url: `ws://127.0.0.1:${port}`, stop };
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

describe.skipIf(!hasNatsServer())(
  'micwire on NATS (skipped where nats-server is not installed)',
  () => {
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

    it('moves the work of a worker that only slept, and that does no harm afterwards', async () => {
      const nats = await startNats();
      const folder = temporaryFolder();
      const gateway = await startGateway(nats);
      const workers = [await startWorker(nats, folder), await startWorker(nats, folder)];
      const clients = Array.from(
        { length: 6 },
        (_, i) => new StreamClient({ url: gateway.url, session: `mic-${i}` }),
      );
      const talk = async (chunks: number): Promise<void> => {
        for (let i = 0; i < chunks; i++) {
          for (const client of clients) client.say(320);
          await wait(10);
        }
      };
      await eventually(async () => {
        expect(await workers[0]!.figure('micwire_worker_partitions')).toBe(4);
        expect(await workers[1]!.figure('micwire_worker_partitions')).toBe(4);
      });
      await talk(50);
      workers[0]!.signal('SIGSTOP');
      await talk(50);
      await eventually(async () =>
        expect(await workers[1]!.figure('micwire_worker_partitions')).toBe(8),
      );
      await talk(50);
      workers[0]!.signal('SIGCONT');
      await talk(50);
      for (const client of clients) await client.allAcknowledged();
      for (const client of clients) await client.close();
      await expectFiles(folder, clients);
      await eventually(async () =>
        expect(await workers[0]!.figure('micwire_worker_partitions')).toBe(4),
      );
    }, 60_000);

    it('ends at SIGTERM without a loss: clients go to another gateway, partitions to another worker', async () => {
      const nats = await startNats();
      const folder = temporaryFolder();
      const gateways = [await startGateway(nats, '--drain-ms', '500'), await startGateway(nats)];
      const workers = [await startWorker(nats, folder), await startWorker(nats, folder)];
      let at = 0;
      const clients = Array.from(
        { length: 4 },
        (_, i) => new StreamClient({ url: () => gateways[at]!.url, session: `mic-${i}` }),
      );
      for (let i = 0; i < 100; i++) {
        for (const client of clients) client.say(320);
        if (i === 30) at = 1;
        if (i === 35) expect(await gateways[0]!.end('SIGTERM')).toBe(0);
        if (i === 60) expect(await workers[0]!.end('SIGTERM')).toBe(0);
        await wait(10);
      }
      for (const client of clients) await client.allAcknowledged();
      for (const client of clients) await client.close();
      await expectFiles(folder, clients);
      expect(await workers[1]!.figure('micwire_worker_partitions')).toBe(8);
      expect(await workers[1]!.figure('micwire_worker_failures_total')).toBe(0);
    }, 60_000);

    it('stores several chunks a message, however they are grouped when repeated', async () => {
      const nats = await startNats();
      const folder = temporaryFolder();
      const gateway = await startGateway(nats, '--chunks-per-message', '5');
      await startWorker(nats, folder);
      const clients = Array.from(
        { length: 3 },
        (_, i) => new StreamClient({ url: gateway.url, session: `mic-${i}` }),
      );
      for (let i = 0; i < 200; i++) {
        for (const client of clients) client.say(320);
        if (i === 53) await nats.kill();
        if (i === 81) await nats.start();
        if (i === 142) clients[0]!.cut();
        await wait(10);
      }
      for (const client of clients) await client.allAcknowledged();
      for (const client of clients) await client.close();
      await expectFiles(folder, clients);
      const text = await (await fetch(`${gateway.httpUrl}/metrics`)).text();
      const stored = Number(/^micwire_nats_stored_messages_total (\d+)$/m.exec(text)?.[1]);
      expect(stored).toBeLessThan(3 * 200);
    }, 60_000);

    it('sets aside unreadable messages, and counts repeated ones as done', async () => {
      const nats = await startNats();
      const folder = temporaryFolder();
      const gateway = await startGateway(nats);
      const worker = await startWorker(nats, folder);
      const client = new StreamClient({ url: gateway.url, session: 'talk' });
      for (let i = 0; i < 20; i++) client.say(320);
      await client.allAcknowledged();
      const connection = await connect({ servers: nats.url });
      cleanups.push(() => connection.close());
      const streams = jetstream(connection);
      const manager = await jetstreamManager(connection);
      const first = (await manager.streams.getMessage('MICWIRE', { seq: 1 }))!;
      // Not a packet; of another stream; a name that is not a name; and the first chunk twice.
      await streams.publish(first.subject, Uint8Array.of(1, 2, 3));
      const other = encodeChunks({ ...PCM, channels: 2 }, [
        { frame: 0, frames: 1, missing: 0, bytes: new Uint8Array(4) },
      ]);
      await streams.publish(first.subject, other);
      await streams.publish('micwire.audio.3.a.b!', first.data);
      await streams.publish(first.subject, first.data);
      for (let i = 0; i < 20; i++) client.say(320);
      await client.close();
      await expectFiles(folder, [client]);
      // Also when the file is complete.
      await streams.publish(first.subject, first.data);
      const end = headers();
      end.set('Micwire-End', 'bye');
      end.set('Micwire-Frame', '320');
      await streams.publish(first.subject, new Uint8Array(0), { headers: end });
      await eventually(async () => {
        expect(await worker.figure('micwire_worker_messages_total')).toBe(47);
        expect(await worker.figure('micwire_worker_poison_messages_total')).toBe(3);
      });
      await expectFiles(folder, [client]);
      // Nothing comes again.
      for await (const consumer of manager.consumers.list('MICWIRE')) {
        expect([consumer.num_ack_pending, consumer.num_pending]).toEqual([0, 0]);
      }
      expect(await worker.figure('micwire_worker_restarts_total')).toBe(0);
    }, 60_000);

    it('does not acknowledge messages that a full JetStream refuses', async () => {
      const nats = await startNats();
      const folder = temporaryFolder();
      const gateway = await startGateway(nats);
      await startWorker(nats, folder);
      const connection = await connect({ servers: nats.url });
      cleanups.push(() => connection.close());
      const manager = await jetstreamManager(connection);
      await manager.streams.update('MICWIRE', { max_msgs: 30 });
      const client = new StreamClient({ url: gateway.url, session: 'talk' });
      for (let i = 0; i < 50; i++) client.say(320);
      await eventually(() => expect(client.stats.acknowledgedFrames).toBe(30 * 320));
      await wait(500);
      expect(client.stats.acknowledgedFrames).toBe(30 * 320);
      await manager.streams.update('MICWIRE', { max_msgs: -1 });
      await client.allAcknowledged();
      await client.close();
      await expectFiles(folder, [client]);
    }, 60_000);

    it('refuses a new stream with the name of one that has ended', async () => {
      const nats = await startNats();
      const gateway = await startGateway(nats);
      const client = new StreamClient({ url: gateway.url, session: 'talk' });
      client.say(320);
      await client.close();
      await eventually(() =>
        expect(gateway.lines.join('\n')).toContain('talk: bye, stored to frame 320'),
      );
      // Another gateway knows it from JetStream.
      const other = await startGateway(nats);
      const second = new StreamClient({ url: other.url, session: 'talk' });
      second.say(640);
      await eventually(() => expect(second.isClosed).toBe(true));
      expect(second.stats.acknowledgedFrames).toBe(0);
      expect(second.actions).toContainEqual({
        type: 'gap',
        gap: expect.objectContaining({ frames: 640, cause: 'closed' }) as unknown,
      });
    }, 30_000);

    it('does not end a stream whose client has moved to another gateway', async () => {
      const nats = await startNats();
      const folder = temporaryFolder();
      await startWorker(nats, folder);
      const first = await gatewayHere(nats, 300);
      const second = await gatewayHere(nats, 60_000);
      let at = first;
      const client = new StreamClient({ url: () => at.url, session: 'moves' });
      const leaves = new StreamClient({ url: first.url, session: 'leaves' });
      leaves.say(320);
      await leaves.allAcknowledged();
      client.say(320);
      await client.allAcknowledged();
      at = second;
      client.cut();
      client.say(320);
      await client.allAcknowledged();
      // This one finds nobody any more.
      void first.stop();
      leaves.cut();
      await eventually(() =>
        expect(first.endings).toEqual(expect.arrayContaining(['moves expired', 'leaves expired'])),
      );
      client.say(320);
      await client.close();
      await eventually(() => expect(second.gateway.stats.endedStreams).toBe(1));
      await eventually(() =>
        expect(first.gateway.stats).toMatchObject({ endedStreams: 1, endingStreams: 0 }),
      );
      await expectFiles(folder, [client, leaves]);
    }, 60_000);

    it('needs no more rights in NATS than the guide allows, and keeps its password secret', async () => {
      const allow = (...subjects: string[]) =>
        `{ publish: ${JSON.stringify(subjects)}, subscribe: ["_INBOX.>"] }`;
      const audio = '$JS.API.STREAM.*.MICWIRE';
      const gatewayMay = allow('micwire.audio.>', audio, '$JS.API.STREAM.MSG.GET.MICWIRE');
      const workerMay = (leases: string, ...more: readonly string[]) =>
        allow(
          audio,
          `$JS.API.STREAM.*.${leases}`,
          `$JS.API.STREAM.MSG.GET.${leases}`,
          '$JS.API.CONSUMER.>',
          '$JS.ACK.MICWIRE.>',
          ...more,
        );
      const listenerMay = allow(
        '$JS.API.STREAM.INFO.MICWIRE',
        '$JS.API.STREAM.MSG.GET.MICWIRE',
        '$JS.API.CONSUMER.>',
      ).replace('["_INBOX.>"]', '["micwire.audio.>", "_INBOX.>"]');
      const nats = await NatsServer.start(`authorization { users: [
      { user: gateway, password: "a secret", permissions: ${gatewayMay} }
      { user: worker, password: other, permissions: ${workerMay('MICWIRE-LEASES', 'micwire.leases')} }
      { user: transcriber, password: third, permissions: ${workerMay(
        'MICWIRE-LEASES-TEXT',
        'micwire.leases.text',
        'micwire.text.>',
      )} }
      { user: listener, password: fourth, permissions: ${listenerMay} }
    ] }`);
      cleanups.push(() => nats.end());
      const folder = temporaryFolder();
      const as = (user: string) => nats.url.replace('//', `//${user}@`);
      const gateway = await ServeProcess.start('--nats', as('gateway:a%20secret'));
      cleanups.push(() => gateway.end());
      const worker = await WorkProcess.start('--nats', as('worker:other'), '--record', folder);
      cleanups.push(() => worker.end());
      const speech = await TextServer.start();
      cleanups.push(() => speech.end());
      const url = ['--transcribe-to', speech.url];
      const transcriber = await WorkProcess.start('--nats', as('transcriber:third'), ...url);
      cleanups.push(() => transcriber.end());
      const listener = await NatsListener.connect({ servers: as('listener:fourth') });
      cleanups.push(() => listener.close());
      const live = await listener.listen('talk');
      const client = new StreamClient({ url: gateway.url, session: 'talk' });
      for (let i = 0; i < 50; i++) client.say(320);
      await client.close();
      await expectFiles(folder, [client]);
      await eventually(() => expect(speech.of('talk').at(-1)?.isEnded).toBe(true));
      for (const stream of [live, await listener.listen('talk', { from: 0 })]) {
        for await (const { missing } of stream) expect(missing).toBe(0);
        expect(stream.stats.deliveredFrames).toBe(client.frame);
      }
      expect(await transcriber.end('SIGTERM')).toBe(0);
      expect(await worker.end('SIGTERM')).toBe(0);
      expect(await gateway.end('SIGTERM')).toBe(0);
      const lines = [...gateway.lines, ...worker.lines, ...transcriber.lines].join('\n');
      expect(lines).toContain(nats.url);
      expect(lines).not.toMatch(/secret|other|third|ermission/);
      await expect(ServeProcess.start('--nats', as('gateway:wrong'))).rejects.toThrow(
        /Authorization Violation/,
      );
    }, 30_000);

    it.each([
      [['work'], /work needs --nats, and --record or --transcribe-to/],
      [['work', '--nats', 'nats://127.0.0.1:1', '--record', '/dev/null/x'], /cannot be read/],
      [['serve', '--partitions', '4'], /--partitions needs --nats/],
      [['serve', '--chunks-per-message', '4'], /--chunks-per-message needs --nats/],
    ])('explains the wrong arguments %j', async ([command, ...args], message) => {
      const start = command === 'work' ? WorkProcess.start(...args) : ServeProcess.start(...args);
      await expect(start).rejects.toThrow(message);
    });

    it('reports a different number of partitions in JetStream', async () => {
      const nats = await startNats();
      await startGateway(nats, '--partitions', '3');
      await expect(startGateway(nats)).rejects.toThrow(/MICWIRE is there with other partitions/);
    });
  },
);
