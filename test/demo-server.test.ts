import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createServer as createViteServer } from 'vite';
import { WebSocket } from 'ws';
import type { Echo, EchoOptions } from '../demo/server/echo.ts';
import { attachEcho } from '../demo/server/echo.ts';
import { isTrustedOrigin } from '../demo/server/origin.ts';
import { labServer } from '../demo/server/plugin.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function startEcho(
  options: EchoOptions = {},
): Promise<{ server: Server; echo: Echo; port: number }> {
  const server: Server = createServer();
  const echo = attachEcho(server, options);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => echo.close(),
  );
  return { server, echo, port: (server.address() as AddressInfo).port };
}

function client(port: number, path = '/echo', origin = `http://127.0.0.1:${port}`): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { origin });
  socket.on('error', () => {});
  cleanups.push(() => socket.terminate());
  return socket;
}

const opened = (socket: WebSocket): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
const closed = (socket: WebSocket): Promise<number> =>
  new Promise((resolve) => socket.once('close', resolve));
const refusal = (socket: WebSocket): Promise<number | undefined> =>
  new Promise((resolve) =>
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode)),
  );

describe('the echo', () => {
  it('sends text back as text and bytes as bytes, in order', async () => {
    const { port } = await startEcho();
    const socket = client(port);
    const received: unknown[] = [];
    socket.on('message', (data: Buffer, binary) => {
      received.push(binary ? [...data] : data.toString());
    });
    await opened(socket);
    socket.send('größer');
    socket.send(Uint8Array.of(0, 255));
    socket.send('');
    await expect.poll(() => received).toEqual(['größer', [0, 255], '']);
  });

  it.each([
    ['another site', 'https://evil.example'],
    ['another port of this host', 'http://127.0.0.1:1'],
    ['a sandboxed frame', 'null'],
  ])('refuses %s', async (_name, origin) => {
    const { echo, port } = await startEcho();
    expect(await refusal(client(port, '/echo', origin))).toBe(403);
    expect(echo.connections).toBe(0);
  });

  it('accepts an explicitly allowed origin', async () => {
    const { port } = await startEcho({ allowedOrigins: ['https://lab.example'] });
    await opened(client(port, '/echo?x=1', 'https://lab.example'));
  });

  it('leaves upgrades of other paths to other handlers', async () => {
    const { echo, port, server } = await startEcho();
    server.on('upgrade', (request, socket) => {
      if (request.url === '/other') socket.end('HTTP/1.1 418 Another\r\n\r\n');
    });
    expect(await refusal(client(port, '/other'))).toBe(418);
    await opened(client(port));
    expect(echo.connections).toBe(1);
  });

  it('ends a connection that sends a message above the limit, with code 1009', async () => {
    const { echo, port } = await startEcho({ maxMessageBytes: 1000 });
    const socket = client(port);
    await opened(socket);
    socket.send(new Uint8Array(1001));
    expect(await closed(socket)).toBe(1009);
    await expect.poll(() => echo.connections).toBe(0);
  });

  it('refuses connections above the limit, and accepts new ones when others have closed', async () => {
    const { echo, port } = await startEcho({ maxConnections: 2 });
    const first = client(port);
    await opened(first);
    await opened(client(port));
    expect(await refusal(client(port))).toBe(503);
    first.terminate();
    await expect.poll(() => echo.connections).toBe(1);
    await opened(client(port));
  });

  it('closes a client that does not answer pings, and keeps one that does', async () => {
    const { echo, port } = await startEcho({ pingIntervalMs: 100 });
    const mute = new WebSocket(`ws://127.0.0.1:${port}/echo`, {
      origin: `http://127.0.0.1:${port}`,
      autoPong: false,
    });
    const lively = client(port);
    await Promise.all([opened(mute), opened(lively)]);
    await closed(mute);
    await expect.poll(() => echo.connections).toBe(1);
    expect(lively.readyState).toBe(WebSocket.OPEN);
  });

  it('stops reading from a client that does not read, so that its own memory is bounded', async () => {
    const { port } = await startEcho({ maxBufferedBytes: 2 ** 16, pingIntervalMs: 60_000 });
    const socket = client(port);
    await opened(socket);
    socket.pause();
    const message = new Uint8Array(2 ** 16);
    for (let i = 0; i < 400; i++) socket.send(message); // 26 MB: more than the kernel's socket buffers hold
    let before = -1;
    await vi.waitUntil(
      () => {
        const stuck = socket.bufferedAmount === before;
        before = socket.bufferedAmount;
        return stuck;
      },
      { interval: 200, timeout: 5000 },
    );
    expect(before).toBeGreaterThan(0);
    let received = 0;
    socket.on('message', () => received++);
    socket.resume();
    await expect.poll(() => received).toBe(400);
  });

  it('survives a client that breaks the protocol', async () => {
    const { echo, port } = await startEcho({ pingIntervalMs: 100 });
    const raw = connect(port, '127.0.0.1');
    cleanups.push(() => raw.destroy());
    raw.on('error', () => {});
    raw.write(
      `GET /echo HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nOrigin: http://127.0.0.1:${port}\r\n` +
        'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await expect.poll(() => echo.connections).toBe(1);
    raw.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff)); // reserved bits set, frame not masked
    await expect.poll(() => echo.connections).toBe(0);
    await opened(client(port));
  });
});

describe('isTrustedOrigin', () => {
  it.each([
    ['http://localhost:5173', 'localhost:5173', true],
    ['https://localhost:5173', 'localhost:5173', true],
    ['http://lab.localhost:5173', 'lab.localhost:5173', true],
    ['http://127.0.0.1:5173', '127.0.0.1:5173', true],
    ['http://[::1]:5173', '[::1]:5173', true],
    ['http://192.168.1.7:5173', '192.168.1.7:5173', true],
    // DNS rebinding: a name that its owner has pointed at this machine.
    ['http://evil.example:5173', 'evil.example:5173', false],
    ['http://localhost.evil.example:5173', 'localhost.evil.example:5173', false],
    ['http://localhost:5174', 'localhost:5173', false],
    ['http://127.0.0.1:5173', 'localhost:5173', false],
    ['null', 'localhost:5173', false],
    ['', 'localhost:5173', false],
    [undefined, 'localhost:5173', false],
    ['http://localhost:5173', undefined, false],
  ] as const)('%s at host %s: %s', (origin, host, trusted) => {
    expect(isTrustedOrigin(origin, host, [])).toBe(trusted);
  });
});

describe('the Vite plugin', () => {
  it("serves the echo on loopback only, beside the dev server's own socket", async () => {
    const vite = await createViteServer({
      configFile: false,
      logLevel: 'silent',
      plugins: [labServer()],
      optimizeDeps: { noDiscovery: true },
      server: { port: 0, strictPort: false, watch: null },
    });
    cleanups.push(() => vite.close());
    await vite.listen();
    const { address, port } = vite.httpServer!.address() as AddressInfo;
    expect(['127.0.0.1', '::1']).toContain(address);
    const host = address.includes(':') ? `[${address}]` : address;
    const socket = new WebSocket(`ws://${host}:${port}/echo`, { origin: `http://${host}:${port}` });
    const echoed = new Promise((resolve) =>
      socket.on('message', (data) => resolve(String(data as Buffer))),
    );
    await opened(socket);
    socket.send('hello');
    expect(await echoed).toBe('hello');
  });

  it('does not change a host that is configured', async () => {
    const vite = await createViteServer({
      configFile: false,
      logLevel: 'silent',
      plugins: [labServer()],
      server: { host: '127.0.0.1', middlewareMode: true, watch: null, ws: false },
    });
    cleanups.push(() => vite.close());
    expect(vite.config.server.host).toBe('127.0.0.1');
  });
});
