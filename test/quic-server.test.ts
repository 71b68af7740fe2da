import { createSocket } from 'node:dgram';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { selfSigned } from '../demo/server/self-signed.ts';
import { QuicServer } from '../demo/server/webtransport/quic-server.ts';

/* Faults of the QUIC below it, here a fake. With the real one it is in test/lab-webtransport.test.ts. */

/** What the fake does at each call. */
const quic = vi.hoisted(() => ({
  receive: () => {},
  send: (): null => null,
  timeout: (): number | null => null,
  onTimeout: () => {},
}));

vi.mock('@matrixai/quic/native/quiche.js', () => {
  const config = new Proxy({}, { get: () => () => {} });
  const connection = {
    recv: () => {},
    isEstablished: () => {
      quic.receive();
      return false;
    },
    send: () => quic.send(),
    timeout: () => quic.timeout(),
    onTimeout: () => quic.onTimeout(),
    isClosed: () => false,
    close: () => {},
  };
  const quiche = {
    Config: { withBoringSslCtx: () => config },
    Type: { Initial: 0 },
    // The fake's packets are the id that they are for.
    Header: { fromSlice: (data: Uint8Array) => ({ dcid: data, ty: 0, version: 1 }) },
    versionIsSupported: () => true,
    Connection: { accept: () => connection },
  };
  return { default: quiche };
});

const fault = (): never => {
  throw new Error('a fault of the test');
};

/** A server, and what sends packets to it. */
async function open() {
  const server = await QuicServer.open({
    certificate: selfSigned({ names: ['127.0.0.1'], days: 12 }),
    admit: () => 404,
    maxConnections: 2,
  });
  const socket = createSocket('udp4');
  onTestFinished(() => {
    server.close();
    socket.close();
  });
  const send = (id: number): void => socket.send(Uint8Array.of(id), server.port, server.address);
  return { server, send };
}

beforeEach(() => {
  Object.assign(quic, {
    receive: () => {},
    send: () => null,
    timeout: () => null,
    onTimeout: () => {},
  });
  const print = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => print.mockRestore());
});

describe('a connection of QUIC', () => {
  it.each([
    ['receiving', 'receive'],
    ['sending', 'send'],
    ['its timer', 'onTimeout'],
  ] as const)('frees its place when %s fails', async (_, name) => {
    const { server, send } = await open();
    const failing = vi.fn(fault);
    quic[name] = failing;
    quic.timeout = () => 1;
    // More than there are places.
    for (let id = 1; id <= 4; id++) {
      send(id);
      await expect.poll(() => failing.mock.calls.length).toBe(id);
      await expect.poll(() => server.connectionCount).toBe(0);
    }
  });

  it('is no longer served once the server has ended', async () => {
    const { server, send } = await open();
    quic.timeout = () => 1;
    send(1);
    await expect.poll(() => server.connectionCount).toBe(1);
    server.close();
    expect(server.connectionCount).toBe(0);
    quic.send = vi.fn(() => null);
    quic.onTimeout = vi.fn();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(quic.send).not.toHaveBeenCalled();
    expect(quic.onTimeout).not.toHaveBeenCalled();
  });
});
