import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { X509Certificate } from 'node:crypto';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { IceServers } from '../demo/server/ice-servers.ts';
import { TurnAllocation } from '../demo/server/turn/turn-allocation.ts';
import { TurnStreams } from '../demo/server/turn/turn-streams.ts';
import type { ClientLink } from '../demo/server/turn/client-link.ts';
import { ErrorBoundary } from '../demo/server/error-boundary.ts';
import { TurnServer } from '../demo/server/turn/turn-server.ts';
import type { TurnServerOptions } from '../demo/server/turn/turn-server.ts';
import { writeChannelData } from '../src/core/webrtc/stun/channel-data.ts';
import { readUint32 } from '../src/core/bytes.ts';
import {
  STUN_ATTRIBUTE as ATTRIBUTE,
  STUN_CLASS,
  STUN_METHOD as METHOD,
  parseStun,
  stunAddress,
  stunAttribute,
  stunErrorCode,
  stunText,
} from '../src/core/webrtc/stun/stun-message.ts';
import type { StunMessage } from '../src/core/webrtc/stun/stun-message.ts';
import { StunWriter } from '../src/core/webrtc/stun/stun-writer.ts';
import { seededRandom } from './helpers/random.ts';
import { TurnClient } from './helpers/turn-client.ts';

const USER = { username: 'lab', password: 'secret' };

async function start(options: Partial<TurnServerOptions> = {}): Promise<TurnServer> {
  const server = await TurnServer.open({ ...USER, ...options });
  onTestFinished(() => server.close());
  return server;
}

type Transport = 'udp' | 'tcp' | 'tls';
/** How the clients of a test reach the server. */
let transport: Transport = 'udp';

async function client(server: TurnServer, password = USER.password): Promise<TurnClient> {
  const url = { udp: server.url, tcp: server.tcpUrl, tls: server.tlsUrl }[transport];
  const one = await TurnClient.open(url, USER.username, password, server.certificate);
  onTestFinished(() => one.close());
  return one;
}

const udp = (request: StunWriter) => request.addUint32(ATTRIBUTE.requestedTransport, 17 << 24);
const peer =
  (port: number, address = '127.0.0.1') =>
  (request: StunWriter) =>
    request.addXorAddress(ATTRIBUTE.xorPeerAddress, { address, port });

async function allocate(server: TurnServer): Promise<{ client: TurnClient; port: number }> {
  const one = await client(server);
  const answer = await one.ask(METHOD.allocate, udp);
  expect(stunErrorCode(answer)).toBe(0);
  const relayed = stunAddress(answer, ATTRIBUTE.xorRelayedAddress)!;
  return { client: one, port: relayed.port };
}

function sendIndication(port: number, data: string): Uint8Array {
  return new StunWriter(METHOD.send, STUN_CLASS.indication, Buffer.alloc(12))
    .addXorAddress(ATTRIBUTE.xorPeerAddress, { address: '127.0.0.1', port })
    .add(ATTRIBUTE.data, data)
    .finish();
}

const texts = (one: TurnClient): string[] =>
  one.received.flatMap((bytes) => {
    if ((bytes[0] ?? 0) >= 0x40)
      return [`channel ${bytes.readUInt16BE(0)}: ${bytes.toString('utf8', 4)}`];
    const message = parseStun(bytes);
    if (message.class !== STUN_CLASS.indication) return [];
    return [stunText(message, ATTRIBUTE.data)];
  });

describe.each<Transport>(['udp', 'tcp', 'tls'])('the TURN server, reached over %s,', (over) => {
  beforeEach(() => {
    transport = over;
  });

  it('reports an address to any client, as STUN', async () => {
    const one = await client(await start());
    const answer = await one.ask(METHOD.binding, () => {});
    expect(stunAddress(answer, ATTRIBUTE.xorMappedAddress)).toEqual({
      address: '127.0.0.1',
      port: one.ownPort,
    });
  });

  it('relays between two of its clients, by message and by channel', async () => {
    const server = await start();
    const [a, b] = [await allocate(server), await allocate(server)];
    expect(server.clients).toBe(2);
    expect(stunErrorCode(await b.client.ask(METHOD.createPermission, peer(a.port)))).toBe(0);
    a.client.sendRaw(sendIndication(b.port, 'not permitted yet'));
    expect(stunErrorCode(await a.client.ask(METHOD.createPermission, peer(b.port)))).toBe(0);
    a.client.sendRaw(sendIndication(b.port, 'by message'));
    await expect.poll(() => texts(b.client)).toEqual(['by message']);

    const bind = (request: StunWriter) =>
      peer(b.port)(request.addUint32(ATTRIBUTE.channelNumber, 0x4001 * 2 ** 16));
    expect(stunErrorCode(await a.client.ask(METHOD.channelBind, bind))).toBe(0);
    const data = Buffer.from('by channel');
    const header = Buffer.of(0x40, 0x01, 0, data.length);
    a.client.sendRaw(Buffer.concat([header, data]));
    await expect.poll(() => texts(b.client)).toEqual(['by message', 'by channel']);
    b.client.sendRaw(sendIndication(a.port, 'back'));
    await expect.poll(() => texts(a.client)).toEqual(['channel 16385: back']);
  });

  it('relays only to its own clients', async () => {
    const server = await start();
    const { client: one } = await allocate(server);
    const outsider = await client(server);
    const foreign = peer(53, '192.0.2.1');
    expect(stunErrorCode(await one.ask(METHOD.createPermission, foreign))).toBe(403);
    expect(stunErrorCode(await one.ask(METHOD.createPermission, peer(outsider.ownPort)))).toBe(0);
    one.sendRaw(sendIndication(outsider.ownPort, 'to another service of this machine'));
    // Each has been worked off when the answer to a later request is there.
    await one.ask(METHOD.refresh, () => {});
    await outsider.ask(METHOD.binding, () => {});
    expect(outsider.received.length).toBe(1);
  });

  it('accepts packets to a client from its own clients only, whatever the permission', async () => {
    const server = await start();
    const { client: one, port } = await allocate(server);
    expect(stunErrorCode(await one.ask(METHOD.createPermission, peer(9)))).toBe(0);
    const outsider = createSocket('udp4');
    onTestFinished(() => void outsider.close());
    const sent = (): Promise<void> =>
      new Promise((resolve) =>
        outsider.send('from another program of this machine', port, '127.0.0.1', () => resolve()),
      );
    for (let i = 0; i < 5; i++) await sent();
    // A client’s own port may, and what it sends later comes after what the outsider sent.
    const other = await allocate(server);
    expect(stunErrorCode(await other.client.ask(METHOD.createPermission, peer(port)))).toBe(0);
    other.client.sendRaw(sendIndication(port, 'from a client'));
    await expect.poll(() => texts(one)).toContain('from a client');
    await sent();
    await one.ask(METHOD.refresh, () => {});
    expect(texts(one)).toEqual(['from a client']);
  });

  it('does not forward data from a port that one of its clients has given back', async () => {
    const server = await start();
    const [a, b] = [await allocate(server), await allocate(server)];
    expect(stunErrorCode(await a.client.ask(METHOD.createPermission, peer(b.port)))).toBe(0);
    const zero = (request: StunWriter) => request.addUint32(ATTRIBUTE.lifetime, 0);
    expect(stunErrorCode(await b.client.ask(METHOD.refresh, zero))).toBe(0);
    const heir = createSocket('udp4');
    onTestFinished(() => void heir.close());
    // Another program gets the port that the client had.
    await expect
      .poll(
        () =>
          new Promise((resolve) => {
            heir.once('error', () => resolve(false));
            heir.bind(b.port, '127.0.0.1', () => resolve(true));
          }),
      )
      .toBe(true);
    await new Promise<void>((resolve) => heir.send('heir', a.port, '127.0.0.1', () => resolve()));
    await a.client.ask(METHOD.refresh, () => {});
    await a.client.ask(METHOD.refresh, () => {});
    expect(texts(a.client)).toEqual([]);
  });

  it.each([0x4000, 0x4fff, 0x5000, 0x5abc, 0x7fff])(
    'accepts channel %i of RFC 8656 or RFC 5766',
    async (number) => {
      const server = await start();
      const [a, b] = [await allocate(server), await allocate(server)];
      expect(stunErrorCode(await b.client.ask(METHOD.createPermission, peer(a.port)))).toBe(0);
      const bind = (request: StunWriter) =>
        peer(b.port)(request.addUint32(ATTRIBUTE.channelNumber, number * 2 ** 16));
      expect(stunErrorCode(await a.client.ask(METHOD.channelBind, bind))).toBe(0);
      a.client.sendRaw(
        Buffer.concat([Buffer.of(number >> 8, number & 255, 0, 2), Buffer.from('hi')]),
      );
      await expect.poll(() => texts(b.client)).toEqual(['hi']);
      b.client.sendRaw(sendIndication(a.port, 'back'));
      await expect.poll(() => texts(a.client)).toEqual([`channel ${number}: back`]);
    },
  );

  it.each([0, 0x3fff, 0x8000, 0xffff])('refuses channel %i', async (number) => {
    const server = await start();
    const { client: one } = await allocate(server);
    const bind = (request: StunWriter) =>
      peer(9)(request.addUint32(ATTRIBUTE.channelNumber, number * 2 ** 16));
    expect(stunErrorCode(await one.ask(METHOD.channelBind, bind))).toBe(400);
  });

  it('ignores attributes after the signature (RFC 8489 §14.5)', async () => {
    const server = await start();
    const { client: one } = await allocate(server);
    // One that has to be understood, and one that would end the allocation.
    const answer = await one.askWithTail(METHOD.refresh, [
      [ATTRIBUTE.lifetime, Buffer.alloc(4)],
      [0x7abc, Buffer.alloc(8)],
      [ATTRIBUTE.messageIntegrity, Buffer.alloc(20)],
    ]);
    expect(stunErrorCode(answer)).toBe(0);
    expect(readUint32(stunAttribute(answer, ATTRIBUTE.lifetime)!, 0)).toBe(600);
    expect(server.clients).toBe(1);
  });

  it.each<[string, number, (request: StunWriter) => void]>([
    ['another transport than UDP', 442, (r) => r.addUint32(ATTRIBUTE.requestedTransport, 6 << 24)],
    ['another family', 440, (r) => udp(r).addUint32(ATTRIBUTE.requestedAddressFamily, 2 << 24)],
    ['no transport', 400, () => {}],
    ['what it does not understand', 420, (r) => udp(r).addUint32(ATTRIBUTE.evenPort, 0)],
  ])('refuses an allocation that asks for %s', async (_name, code, add) => {
    const one = await client(await start());
    expect(stunErrorCode(await one.ask(METHOD.allocate, add))).toBe(code);
  });

  it('refuses a wrong password, a second port and a client too many', async () => {
    const server = await start({ maxAllocations: 1 });
    const stranger = await client(server, 'guess');
    expect(stunErrorCode(await stranger.ask(METHOD.allocate, udp))).toBe(401);
    const { client: one } = await allocate(server);
    expect(stunErrorCode(await one.ask(METHOD.allocate, udp))).toBe(437);
    expect(stunErrorCode(await (await client(server)).ask(METHOD.allocate, udp))).toBe(486);
    expect(server.clients).toBe(1);
  });

  it('frees the port when the client ends it', async () => {
    const server = await start();
    const { client: one } = await allocate(server);
    const zero = (request: StunWriter) => request.addUint32(ATTRIBUTE.lifetime, 0);
    expect(stunErrorCode(await one.ask(METHOD.refresh, zero))).toBe(0);
    expect(server.clients).toBe(0);
    expect(stunErrorCode(await one.ask(METHOD.refresh, zero))).toBe(437);
  });
});

describe('the TURN server over UDP, TCP and TLS', () => {
  beforeEach(() => {
    transport = 'udp';
  });

  it('continues after hostile datagrams', async () => {
    const server = await start();
    const { client: one } = await allocate(server);
    const random = seededRandom(5);
    for (let i = 0; i < 500; i++) {
      const bytes = Buffer.from(
        Uint8Array.from({ length: Math.floor(random() * 64) }, () => random() * 256),
      );
      // Some look like channel data, some like STUN.
      if (bytes.length > 8 && random() < 0.7) bytes.writeUInt32BE(0x2112a442, 4);
      if (bytes.length > 0 && random() < 0.5) bytes[0] = random() < 0.5 ? 0x40 : 0;
      one.sendRaw(bytes);
      if (i % 50 === 49) await one.ask(METHOD.binding, () => {});
    }
    const answer: StunMessage = await one.ask(METHOD.refresh, () => {});
    expect(stunErrorCode(answer)).toBe(0);
  });

  it('relays between clients of different transports', async () => {
    const server = await start();
    const ends = [];
    for (const each of ['udp', 'tcp', 'tls'] as const) {
      transport = each;
      ends.push(await allocate(server));
    }
    for (const [i, one] of ends.entries()) {
      expect(stunErrorCode(await one.client.ask(METHOD.createPermission, peer(9)))).toBe(0);
      const other = ends[(i + 1) % 3]!;
      one.client.sendRaw(sendIndication(other.port, `from ${i}`));
    }
    // The first had no permission from the other side yet.
    for (const [i, one] of ends.entries()) {
      one.client.sendRaw(sendIndication(ends[(i + 1) % 3]!.port, `again ${i}`));
    }
    for (const [i, one] of ends.entries()) {
      await expect.poll(() => texts(one.client)).toContain(`again ${(i + 2) % 3}`);
    }
  });

  it('frees the port of a client when its connection has ended', async () => {
    transport = 'tcp';
    const server = await start();
    const { client: one } = await allocate(server);
    expect([server.clients, server.connections]).toEqual([1, 1]);
    one.close();
    await expect.poll(() => [server.clients, server.connections]).toEqual([0, 0]);
  });

  it('closes a connection with invalid bytes, and one too many', async () => {
    transport = 'tcp';
    const server = await start({ maxAllocations: 1 });
    const { client: one } = await allocate(server);
    for (const bytes of [
      Buffer.of(0x80, 0, 0, 0), // neither STUN nor ChannelData
      Buffer.of(0x40, 0, 0xff, 0xff), // longer than any packet
      Buffer.of(0, 1, 0, 3), // STUN that fills no words
    ]) {
      const bad = await client(server);
      bad.sendRaw(bytes);
      await expect.poll(() => bad.isClosed).toBe(true);
    }
    for (let i = 0; i < 16; i++) await client(server);
    const tooMany = await client(server);
    await expect.poll(() => tooMany.isClosed).toBe(true);
    expect(stunErrorCode(await one.ask(METHOD.refresh, () => {}))).toBe(0);
    expect(server.connections).toBe(17);
  });

  it('drops whole messages for a client that does not read, and buffers little for it', async () => {
    let link: ClientLink | null = null;
    const streams = await TurnStreams.open({
      host: '127.0.0.1',
      boundary: new ErrorBoundary('test'),
      maxConnections: 1,
      certificate: null,
      message: (_bytes, from) => (link = from),
      gone: () => {},
      isServed: () => true,
    });
    onTestFinished(() => streams.close());
    const socket = connect(streams.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.pause();
    socket.write(Buffer.of(0x40, 0, 0, 0));
    await expect.poll(() => link).not.toBeNull();
    const message = writeChannelData(0x4000, new Uint8Array(1196));
    // 48 MB at once, far more than the system's buffers of a connection take.
    for (let i = 0; i < 40_000; i++) link!.send(message);
    let received = 0;
    socket.on('data', ({ length }: Buffer) => (received += length));
    socket.resume();
    await expect.poll(() => received).toBeGreaterThan(60_000);
    // The stream is whole where something was lost: what comes next is read.
    const next = writeChannelData(0x4001, Uint8Array.of(1));
    await expect
      .poll(() => {
        link!.send(next);
        return received % 1200;
      })
      .toBeGreaterThan(0);
    expect((received % 1200) % 8).toBe(0);
    expect(received).toBeLessThan(24_000_000);
    expect(link!.isOpen).toBe(true);
  });

  it('continues after hostile streams', async () => {
    transport = 'tcp';
    const server = await start();
    const { client: one } = await allocate(server);
    const random = seededRandom(6);
    for (let i = 0; i < 60; i++) {
      const hostile = await client(server);
      for (let j = 0; j < 8; j++) {
        const bytes = Buffer.from(
          Uint8Array.from({ length: 4 + Math.floor(random() * 64) }, () => random() * 256),
        );
        if (random() < 0.7) bytes.writeUInt16BE(Math.floor(random() * 16) * 4, 2);
        if (bytes.length > 8 && random() < 0.7) bytes.writeUInt32BE(0x2112a442, 4);
        bytes[0] = random() < 0.9 ? bytes[0]! & 0x41 : bytes[0]!;
        hostile.sendRaw(bytes);
      }
      if (i % 10 === 9) expect(stunErrorCode(await one.ask(METHOD.refresh, () => {}))).toBe(0);
      hostile.close();
    }
    await expect.poll(() => server.connections).toBe(1);
    expect(server.clients).toBe(1);
  });

  it('has a self-signed certificate for its address', async () => {
    const server = await start();
    const { subjectAltName, validTo } = new X509Certificate(server.certificate);
    expect(subjectAltName).toBe('IP Address:127.0.0.1');
    expect(Date.parse(validTo) - Date.now()).toBeGreaterThan(86_400_000);
    const untrusting = TurnClient.open(server.tlsUrl, USER.username, USER.password);
    await expect(untrusting).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(server.connections).toBe(0);
  });
});

describe('a connection without a port', () => {
  const useFakeClock = (): void => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
  };

  /** A connection to the port of TLS that says nothing but these bytes. */
  async function silent(
    server: TurnServer,
    bytes = Buffer.alloc(0),
  ): Promise<{ readonly isOver: boolean }> {
    const socket = connect(Number(/:(\d+)\?/.exec(server.tlsUrl)![1]), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const seen = { isOver: false };
    socket.on('error', () => {});
    socket.on('close', () => (seen.isOver = true));
    socket.resume();
    await once(socket, 'connect');
    if (bytes.length > 0) socket.write(bytes);
    return seen;
  }

  it.each<Transport>(['tcp', 'tls'])(
    'is closed when it only takes a place, and one that leaves a message unfinished as well: %s',
    async (over) => {
      useFakeClock();
      transport = over;
      const server = await start();
      const idle = await client(server);
      const talkative = await client(server);
      const { client: served } = await allocate(server);
      const { client: stuck } = await allocate(server);
      stuck.sendRaw(Buffer.of(0, 1, 0, 4));
      await expect.poll(() => server.connections).toBe(4);
      await served.ask(METHOD.refresh, () => {});
      vi.advanceTimersByTime(9000);
      await served.ask(METHOD.refresh, () => {});
      // An answer is no port.
      await talkative.ask(METHOD.binding, () => {});
      const closed = () => [idle, talkative, stuck].map(({ isClosed }) => isClosed);
      expect(closed()).toEqual([false, false, false]);
      vi.advanceTimersByTime(3000);
      await expect.poll(closed).toEqual([true, true, true]);
      vi.advanceTimersByTime(60_000);
      expect(stunErrorCode(await served.ask(METHOD.refresh, () => {}))).toBe(0);
      expect(server.connections).toBe(1);
    },
  );

  it('gets its time limit again when it has returned its port', async () => {
    useFakeClock();
    transport = 'tcp';
    const { client: one } = await allocate(await start());
    vi.advanceTimersByTime(60_000);
    const zero = (request: StunWriter) => request.addUint32(ATTRIBUTE.lifetime, 0);
    expect(stunErrorCode(await one.ask(METHOD.refresh, zero))).toBe(0);
    vi.advanceTimersByTime(9000);
    expect(stunErrorCode(await one.ask(METHOD.allocate, udp))).toBe(0);
    vi.advanceTimersByTime(60_000);
    expect(stunErrorCode(await one.ask(METHOD.refresh, zero))).toBe(0);
    vi.advanceTimersByTime(12_000);
    await expect.poll(() => one.isClosed).toBe(true);
  });

  it('is closed if it never completes TLS, and makes room for others', async () => {
    useFakeClock();
    transport = 'tls';
    const server = await start({ maxAllocations: 1 });
    const waiting: { readonly isOver: boolean }[] = [];
    // As many as may be there, some of which begin a record and do not complete it.
    for (let i = 0; i < 17; i++) {
      waiting.push(await silent(server, i % 2 === 0 ? undefined : Buffer.of(22, 3, 1, 2, 0, 1)));
    }
    const tooMany = await silent(server);
    await expect.poll(() => tooMany.isOver).toBe(true);
    expect(waiting.filter(({ isOver }) => isOver)).toEqual([]);
    vi.advanceTimersByTime(12_000);
    await expect.poll(() => waiting.filter(({ isOver }) => !isOver)).toEqual([]);
    await allocate(server);
  });

  it('is closed at once if its bytes are not TLS, and together with the server', async () => {
    transport = 'tls';
    const server = await TurnServer.open(USER);
    const bad = await silent(server, Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await expect.poll(() => bad.isOver).toBe(true);
    const waiting = await silent(server);
    // Accepted after it.
    await client(server);
    server.close();
    await expect.poll(() => waiting.isOver).toBe(true);
  });
});

describe('TurnAllocation', () => {
  const at = (port: number) => ({ address: '127.0.0.1', port });
  const link = { key: '', address: at(1), isOpen: true, send: () => {} };
  const open = () => new TurnAllocation(link, null as unknown as Socket, at(2));
  const CHANNEL_MS = 600_000;

  it('frees channels that have expired (RFC 8656 §12), and reuses number and peer', () => {
    const allocation = open();
    for (let i = 0; i < 32; i++) expect(allocation.bind(0x4000 + i, at(1000 + i), 0)).toBe(true);
    expect(allocation.bind(0x4100, at(2000), CHANNEL_MS - 1)).toBe(false);
    expect(allocation.bind(0x4001, at(1001), CHANNEL_MS - 1)).toBe(true);
    for (let i = 0; i < 31; i++) {
      expect(allocation.bind(0x4100 + i, at(2000 + i), CHANNEL_MS)).toBe(true);
    }
    expect(allocation.peerOf(0x4000, CHANNEL_MS)).toBeNull();
    expect(allocation.channelOf(at(1000), CHANNEL_MS)).toBeNull();
    // The one that was refreshed in time is still there.
    expect(allocation.peerOf(0x4001, CHANNEL_MS)).toEqual(at(1001));
    // A number and a peer that were bound otherwise before.
    expect(allocation.bind(0x4001, at(1000), 2 * CHANNEL_MS)).toBe(true);
    expect(allocation.channelOf(at(1000), 2 * CHANNEL_MS)).toBe(0x4001);
  });

  it('frees permissions that have expired (RFC 8656 §9)', () => {
    const allocation = open();
    for (let i = 0; i < 32; i++) expect(allocation.permit(`127.0.0.${i}`, 0)).toBe(true);
    expect(allocation.permit('127.0.1.1', 299_999)).toBe(false);
    expect(allocation.permit('127.0.1.1', 300_000)).toBe(true);
    expect(allocation.permits('127.0.0.1', 300_000)).toBe(false);
  });
});

describe('IceServers', () => {
  it('starts one server for each address, and returns its URLs and password', async () => {
    const service = new IceServers();
    onTestFinished(() => service.close());
    const [first] = await service.at('127.0.0.1');
    const [again] = await service.at('127.0.0.1');
    expect(again).toEqual(first);
    expect(first!.urls[0]).toMatch(/^turn:127\.0\.0\.1:\d+\?transport=udp$/);
    expect(first!.urls[1]).toMatch(/^stun:127\.0\.0\.1:\d+$/);
    expect(first!.urls[2]).toMatch(/^turn:127\.0\.0\.1:\d+\?transport=tcp$/);
    for (const url of [first!.urls[0]!, first!.urls[2]!]) {
      const one = await TurnClient.open(url, first!.username, first!.credential);
      onTestFinished(() => one.close());
      expect(stunErrorCode(await one.ask(METHOD.allocate, udp))).toBe(0);
    }
  });

  async function ask(
    host: string | null,
    method = 'GET',
    more: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const service = new IceServers();
    const server = createServer((incoming, response) => {
      // As Vite does for pages of other ports of this machine.
      response.setHeader('access-control-allow-origin', incoming.headers.origin ?? '*');
      service.answer(incoming, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      service.close();
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    return new Promise((resolve, reject) => {
      const headers: Record<string, string> = host === null ? {} : { host };
      for (const [name, value] of Object.entries(more))
        headers[name] = value.replace('PORT', String(port));
      request({ port, host: '127.0.0.1', method, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const body = Buffer.concat(chunks).toString();
          const { statusCode: status = 0, headers: got } = answer;
          const names = Object.entries(got).map(([name, value]): [string, string] => [
            name,
            String(value),
          ]);
          resolve(new Response(body, { status, headers: names }));
        });
      })
        .on('error', reject)
        .end();
    });
  }

  it('answers a page of its own', async () => {
    const answer = await ask(null);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject([{ username: 'lab' }]);
  });

  it.each([
    [{}],
    [{ origin: 'http://127.0.0.1:PORT', 'sec-fetch-site': 'same-origin' }],
    [{ 'sec-fetch-site': 'same-origin' }],
    [{ 'sec-fetch-site': 'none' }],
  ])('answers a page of its own, %j, and lets no other origin read it', async (headers) => {
    const answer = await ask(null, 'GET', headers);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.headers.get('cross-origin-resource-policy')).toBe('same-origin');
  });

  it.each([
    [{ origin: 'http://localhost:9999' }],
    [{ origin: 'http://127.0.0.1:1' }],
    [{ origin: 'https://evil.example' }],
    [{ origin: 'null' }],
    [{ origin: '' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ origin: 'http://127.0.0.1:PORT', 'sec-fetch-site': 'cross-site' }],
    [{ host: 'rebound.example', origin: 'http://rebound.example' }],
    [{ host: 'rebound.example', 'sec-fetch-site': 'same-origin' }],
  ])('refuses a page of another origin: %j', async (headers) => {
    const answer = await ask(null, 'GET', headers);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(await answer.text()).toBe('');
  });

  it('refuses a foreign name that points here, and other methods', async () => {
    expect((await ask('rebound.example')).status).toBe(403);
    expect((await ask(null, 'POST')).status).toBe(405);
  });
});
