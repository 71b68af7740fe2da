import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { attachEcho } from '../demo/server/echo.ts';
import { DataChannelTransport } from '../src/web/transport/data-channel.ts';
import { LoopbackTransport } from '../src/web/transport/loopback.ts';
import { messageBytes } from '../src/web/transport/transport.ts';
import type { Transport, TransportOptions } from '../src/web/transport/transport.ts';
import { WebSocketTransport } from '../src/web/transport/websocket.ts';
import { WebTransportTransport } from '../src/web/transport/webtransport.ts';
import { FakeDataChannel } from './helpers/fake-data-channel.ts';
import { FakeWebTransport } from './helpers/fake-web-transport.ts';
import { describeTransport } from './helpers/transport-contract.ts';

/** Each entry gives a transport whose messages come back. */
const TRANSPORTS: Record<string, (options?: TransportOptions) => Promise<Transport>> = {
  loopback: async (options) => LoopbackTransport.create(options),
  // Over real ones in test/browser/data-channel.test.ts.
  'data channel': async (options) => DataChannelTransport.create(new FakeDataChannel(), options),
  // Over a real one in test/web-transport.test.ts.
  webtransport: async (options) =>
    WebTransportTransport.create('https://localhost:1/echo', {
      ...options,
      createWebTransport: () => new FakeWebTransport(),
    }),
  websocket: async (options) => {
    const server = createServer();
    const echo = attachEcho(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => {
      echo.close();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const origin = `http://127.0.0.1:${port}`;
    return WebSocketTransport.create(`${origin}/echo`, {
      ...options,
      createSocket: (url) => new WebSocket(url, { origin }),
    });
  },
};

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

for (const [name, create] of Object.entries(TRANSPORTS)) describeTransport(name, create);

describe('messageBytes', () => {
  it.each(['', 'ascii', 'größer', '漢字', '🎤', 'lone \ud800 surrogate', 'end \ud83c'])(
    'counts %j as UTF-8 does',
    (text) => {
      expect(messageBytes(text)).toBe(new TextEncoder().encode(text).length);
    },
  );

  it('counts bytes of a view, not of its buffer', () => {
    expect(messageBytes(new Uint8Array(100).subarray(3, 7))).toBe(4);
  });
});
