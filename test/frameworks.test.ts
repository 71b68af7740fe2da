import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { acceptStream } from '../src/node/accept-stream.ts';
import type { AcceptedStream } from '../src/node/accepted-stream.ts';
import { StreamServer } from '../src/node/stream-server.ts';
import type { StreamSocket } from '../src/node/stream-socket.ts';
import { eventually } from './helpers/eventually.ts';
import { hasFrameworks, loadFramework } from './helpers/frameworks.ts';
import { StreamClient, bytesAt } from './helpers/stream-client.ts';

/*
 * Streams over the upgrades of real frameworks. `node scripts/frameworks.mjs` installs them. The snippets that docs/node.md prints for
 * them run in test/node-guide.test.ts.
 */

/** What is used of Fastify here: it is loaded from a folder that the compiler does not know. */
interface Fastify {
  readonly server: Server;
  addHook(name: 'preClose', hook: () => Promise<void>): void;
  register(plugin: unknown, options?: object): unknown;
  get(path: string, handler: (...args: never[]) => unknown): void;
  get(path: string, options: { readonly websocket: true }, handler: SocketHandler): void;
  listen(options: { readonly port: number; readonly host?: string }): Promise<string>;
  close(): Promise<void>;
}
type SocketHandler = (socket: StreamSocket, request: { readonly raw: IncomingMessage }) => void;
type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Everything that streams said, by their ids. */
class Heard {
  readonly bytes = new Map<string, number[]>();

  readonly stream = async (stream: AcceptedStream): Promise<void> => {
    const all = this.bytes.get(stream.id) ?? [];
    this.bytes.set(stream.id, all);
    for await (const { bytes, missing } of stream) {
      expect(missing).toBe(0);
      all.push(...bytes);
    }
  };
}

/** A client talks, loses its connection and comes back: everything is heard once. */
async function expectSession(url: string, heard: Heard, id = 'ada'): Promise<void> {
  const client = new StreamClient({ url, session: id });
  cleanups.push(() => client.close());
  for (let i = 0; i < 10; i++) client.say(320);
  await client.allAcknowledged();
  client.cut();
  for (let i = 0; i < 10; i++) client.say(320);
  await client.allAcknowledged();
  await client.close();
  expect(client.errors).toEqual([]);
  await eventually(() =>
    expect(Uint8Array.from(heard.bytes.get(id) ?? [])).toEqual(bytesAt(id, 0, client.frame)),
  );
}

function wsUrl(address: string): string {
  return address.replace('http', 'ws');
}

async function fastifyFor(): Promise<Fastify> {
  const { fastify } = loadFramework('fastify') as { readonly fastify: () => Fastify };
  const app = fastify();
  cleanups.push(() => app.close());
  return app;
}

describe.skipIf(!hasFrameworks)(
  'frameworks (skipped where `node scripts/frameworks.mjs` has not installed them)',
  () => {
    it('streams arrive over the upgrades of Fastify, beside its routes, at each address of localhost', async () => {
      const app = await fastifyFor();
      const heard = new Heard();
      const streams = new StreamServer({ stream: heard.stream });
      app.get('/health', () => ({ streams: streams.stats.streams }));
      app.server.on('upgrade', (...args: Parameters<Upgrade>) => {
        void streams.handleUpgrade(...args);
      });
      app.addHook('preClose', () => streams.close());
      // Fastify makes a server for each address that the name has, and hands their upgrades to the first.
      const address = await app.listen({ port: 0, host: 'localhost' });
      await expectSession(wsUrl(address), heard);
      const { port } = app.server.address() as AddressInfo;
      await expectSession(`ws://localhost:${port}`, heard, 'bob');
      const reply = await fetch(`${address}/health`);
      expect(await reply.json()).toEqual({ streams: 0 });
    });

    it('a stream continues while Fastify closes, until it is ended', async () => {
      const app = await fastifyFor();
      const heard = new Heard();
      const streams = new StreamServer({ stream: heard.stream });
      app.server.on('upgrade', (...args: Parameters<Upgrade>) => {
        void streams.handleUpgrade(...args);
      });
      app.addHook('preClose', () => streams.drain(500));
      const address = await app.listen({ port: 0, host: '127.0.0.1' });
      const client = new StreamClient({ url: wsUrl(address), session: 'ada' });
      cleanups.push(() => client.close());
      client.say(320);
      await client.allAcknowledged();
      const closing = app.close();
      for (let i = 0; i < 5; i++) client.say(320);
      await closing;
      expect(streams.stats.connections).toBe(0);
      const bytes = Uint8Array.from(heard.bytes.get('ada')!);
      expect(bytes.length).toBeGreaterThanOrEqual(2 * client.stats.acknowledgedFrames);
      expect(bytes).toEqual(bytesAt('ada', 0, bytes.length / 2));
    });

    it('streams arrive over the sockets of @fastify/websocket', async () => {
      const app = await fastifyFor();
      const heard = new Heard();
      const streams = new StreamServer({ stream: heard.stream });
      await app.register(loadFramework('@fastify/websocket'), {
        options: {
          handleProtocols: (offered: Set<string>) => offered.has('micwire.1') && 'micwire.1',
        },
        preClose: () => streams.close(),
      });
      await app.register(async (scope: Fastify) => {
        scope.get('/audio', { websocket: true }, (socket, request) => {
          streams.accept(socket, request.raw);
        });
      });
      const address = await app.listen({ port: 0, host: '127.0.0.1' });
      await expectSession(`${wsUrl(address)}/audio`, heard);
      expect(streams.stats.acceptedStreams).toBe(1);
    });

    it('acceptStream accepts a socket of @fastify/websocket', async () => {
      const app = await fastifyFor();
      const heard = new Heard();
      const failures: unknown[] = [];
      await app.register(loadFramework('@fastify/websocket'), {
        options: {
          handleProtocols: (offered: Set<string>) => offered.has('micwire.1') && 'micwire.1',
        },
      });
      await app.register(async (scope: Fastify) => {
        scope.get('/audio', { websocket: true }, (socket, request) => {
          acceptStream(socket, request.raw).then(heard.stream, (error) => failures.push(error));
        });
      });
      const address = await app.listen({ port: 0, host: '127.0.0.1' });
      const client = new StreamClient({ url: `${wsUrl(address)}/audio`, session: 'ada' });
      cleanups.push(() => client.close());
      for (let i = 0; i < 10; i++) client.say(320);
      await client.allAcknowledged();
      await client.close();
      await eventually(() =>
        expect(Uint8Array.from(heard.bytes.get('ada')!)).toEqual(bytesAt('ada', 0, 3200)),
      );
      expect(failures).toEqual([]);
    });

    it('streams arrive over the upgrades of an Express app’s server, which chooses their path', async () => {
      const express = loadFramework('express') as () => {
        get(
          path: string,
          handler: (request: object, reply: { json(value: object): void }) => void,
        ): void;
      };
      const heard = new Heard();
      const streams = new StreamServer({ stream: heard.stream });
      const app = express();
      app.get('/health', (_, reply) => reply.json({ streams: streams.stats.streams }));
      const http = createServer(app as unknown as Parameters<typeof createServer>[1]);
      http.on('upgrade', (request, socket, head) => {
        if (request.url === '/audio') void streams.handleUpgrade(request, socket, head);
        else socket.destroy();
      });
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
      cleanups.push(async () => {
        await streams.close();
        await new Promise((resolve) => http.close(resolve));
      });
      const { port } = http.address() as AddressInfo;
      await expectSession(`ws://127.0.0.1:${port}/audio`, heard);
      const other = new WebSocket(`ws://127.0.0.1:${port}/other`);
      const [error] = (await once(other, 'error')) as [Error];
      expect(error.message).toContain('hang up');
      const reply = await fetch(`http://127.0.0.1:${port}/health`);
      expect(await reply.json()).toEqual({ streams: 0 });
    });
  },
);
