/** Wrong arguments of the methods of what a server holds: public-methods.test.ts for Node. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { AcceptedStream } from '../src/node/accepted-stream.ts';
import { serveAudioSocket } from '../src/node/audio-socket.ts';
import { NatsGateway } from '../src/node/nats/nats-gateway.ts';
import { NatsListener } from '../src/node/nats/nats-listener.ts';
import { StreamPool } from '../src/node/pool/stream-pool.ts';
import { RecordingFolder } from '../src/node/recording/recording-folder.ts';
import { StreamRecorder } from '../src/node/recording/stream-recorder.ts';
import { RtpSocket } from '../src/node/rtp-socket.ts';
import { StreamServer } from '../src/node/stream-server.ts';
import { serveWyoming } from '../src/node/wyoming-connection.ts';
import { NatsServer, hasNatsServer } from './helpers/nats-server.ts';
import { opusModule } from './helpers/opus.ts';
import { poolScript } from './helpers/pool-script.ts';
import { PCM, StreamClient } from './helpers/stream-client.ts';
import { cleanups, connected } from './helpers/tcp-client.ts';
import { callWrongly } from './helpers/wrong-arguments.ts';

/** What Asterisk begins with: kind 1, 16 bytes. */
const UUID_MESSAGE = Uint8Array.of(1, 0, 16, ...new Uint8Array(16).fill(7));

const closeLater = <T extends { close(): unknown }>(held: T): T => {
  cleanups.push(() => held.close());
  return held;
};

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'micwire-methods-'));
  cleanups.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function acceptedStream(): Promise<AcceptedStream> {
  let server!: StreamServer;
  const accepted = new Promise<AcceptedStream>((resolve) => {
    server = new StreamServer({
      async stream(stream) {
        resolve(stream);
        await once(http, 'close');
      },
    });
  });
  closeLater(server);
  const http = createServer();
  http.on('upgrade', (...args) => void server.handleUpgrade(...args));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  cleanups.push(() => {
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  const client = new StreamClient({ url: `ws://127.0.0.1:${port}`, session: 's-1' });
  cleanups.push(() => client.cut());
  return accepted;
}

async function streamPool(): Promise<StreamPool> {
  const script = await poolScript();
  cleanups.push(() => script.remove());
  return closeLater(new StreamPool({ threads: 1, opus: await opusModule(), script: script.url }));
}

const OPENED: Readonly<Record<string, () => object | Promise<object>>> = {
  StreamServer: () => closeLater(new StreamServer({ stream: async () => {} })),
  AcceptedStream: acceptedStream,
  AudioSocketCall: async () => {
    const [client, call] = await connected((socket) => serveAudioSocket(socket));
    await client.send(UUID_MESSAGE);
    return call;
  },
  WyomingConnection: async () => (await connected((socket) => serveWyoming(socket)))[1],
  RtpSocket: async () => closeLater(await RtpSocket.open({ stream: PCM })),
  StreamPool: streamPool,
  PooledStream: async () =>
    (await streamPool()).open({ input: PCM, output: { ...PCM, sampleRate: 8000 } }),
  RecordingFolder: async () => new RecordingFolder(await folder()),
  // Its methods end it.
  StreamRecorder: async () => StreamRecorder.open(join(await folder(), 'a.wav'), { stream: PCM }),
};

const OVER_NATS: Readonly<Record<string, (servers: string) => Promise<object>>> = {
  NatsGateway: async (servers) => closeLater(await NatsGateway.connect({ servers })),
  NatsListener: async (servers) => {
    // It makes what a listener listens to.
    closeLater(await NatsGateway.connect({ servers }));
    return closeLater(await NatsListener.connect({ servers }));
  },
};

/** Only the server that makes a stream calls them. */
const INTERNAL = new Set(['connected', 'repeated', 'push', 'end', 'abandon']);

async function expectSentences(held: object): Promise<void> {
  const { told, ofTheEngine } = await callWrongly(held, (name) => INTERNAL.has(name));
  expect(told.length).toBeGreaterThan(0);
  expect(ofTheEngine).toEqual([]);
}

it.each(Object.entries(OPENED))('of %s never end in a message of the engine', async (_, open) =>
  expectSentences(await open()),
);

it.skipIf(!hasNatsServer()).each(Object.entries(OVER_NATS))(
  'of %s never end in a message of the engine',
  async (_, open) => {
    const nats = await NatsServer.start();
    cleanups.push(() => nats.end());
    await expectSentences(await open(nats.url));
  },
);
