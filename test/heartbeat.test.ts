import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Heartbeat } from '../demo/server/heartbeat.ts';
import { busy } from './helpers/busy.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

/** A server that looks for its clients every 300 ms, and a client that answers no ping. */
async function connected(): Promise<WebSocket> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const heartbeat = new Heartbeat(server, 300);
  server.on('connection', (client) => {
    heartbeat.watch(client);
    client.on('message', () => heartbeat.seen(client));
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new WebSocket(`ws://127.0.0.1:${port}`, { autoPong: false });
  cleanups.push(() => {
    client.terminate();
    heartbeat.close();
    server.close();
  });
  await once(client, 'open');
  return client;
}

it('ends a client that gives no sign of life', async () => {
  const client = await connected();
  await once(client, 'close');
});

it('keeps a client whose sign of life came while the server was busy', async () => {
  const client = await connected();
  for (let i = 0; i < 3; i++) {
    await once(client, 'ping');
    client.send('here');
    busy(350);
  }
  await once(client, 'ping');
  expect(client.readyState).toBe(WebSocket.OPEN);
});
