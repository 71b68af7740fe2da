import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ErrorBoundary } from '../demo/server/error-boundary.ts';
import { Lateness } from '../demo/link/lateness.ts';
import { LanePath } from '../demo/link/lane-path.ts';
import { LinkModel } from '../demo/link/link-model.ts';
import { RealClock } from '../demo/link/real-clock.ts';
import type { LinkSettings } from '../demo/link/settings.ts';
import { CLEAN } from '../demo/link/settings.ts';
import type { ServerAddress } from '../demo/link/udp-splice.ts';
import { UdpSplice } from '../demo/link/udp-splice.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A binding request without attributes (RFC 8489 §5); the transaction's number tells messages apart. */
function stun(transaction: number, type = 0x0001): Buffer {
  const message = Buffer.alloc(20);
  message.writeUInt16BE(type, 0);
  message.writeUInt16BE(0, 2); // length
  message.writeUInt32BE(0x2112a442, 4); // magic cookie
  message.writeUInt32BE(transaction, 8);
  return message;
}

class Peer {
  readonly received: Buffer[] = [];
  readonly socket: Socket = createSocket('udp4');

  /** @param address left out, the system's choice */
  constructor(address?: string) {
    if (address !== undefined) this.socket.bind(0, address);
    this.socket.on('message', (datagram) => this.received.push(datagram));
    cleanups.push(() => this.socket.close());
  }

  send(datagram: Uint8Array | string, port: number): void {
    this.socket.send(datagram, port, '127.0.0.1');
  }

  /** What came that is not STUN, as text. */
  get words(): string[] {
    return this.received.filter(([first]) => first! > 3).map(String);
  }
}

async function open(
  forward: Partial<LinkSettings> = {},
  back: Partial<LinkSettings> = forward,
  maxPacketsPerSecond = 4000,
  server: ServerAddress | null = null,
) {
  const clock = new RealClock();
  const lateness = new Lateness(() => performance.now());
  const begin = clock.nowMs;
  const paths = {
    forward: new LanePath(new LinkModel({ ...CLEAN, ...forward }, 1), begin),
    back: new LanePath(new LinkModel({ ...CLEAN, ...back }, 2), begin),
  };
  const splice = await UdpSplice.open({
    clock,
    boundary: new ErrorBoundary('test'),
    ...paths,
    lateness,
    maxPacketsPerSecond,
    server,
  });
  cleanups.push(
    () => clock.close(),
    () => splice.close(),
  );
  return { splice, lateness, ...paths };
}

/** Two peers who have said hello, one after the other: the second has got the first's. */
async function meet({ splice, back }: Awaited<ReturnType<typeof open>>): Promise<[Peer, Peer]> {
  const [first, second] = [new Peer(), new Peer()];
  const { sent } = back.statistics;
  second.send(stun(0), splice.ports[1]);
  await expect.poll(() => back.statistics.sent).toBe(sent + 1);
  first.send(stun(1), splice.ports[0]);
  await expect.poll(() => second.received.length).toBe(1);
  return [first, second];
}

/** Binds a port that has been freed; while a process is started, it holds what was open for a moment longer. */
async function takeOver(port: number): Promise<void> {
  const bind = () =>
    new Promise<boolean>((resolve) => {
      const socket = createSocket('udp4');
      socket.once('error', () => socket.close(() => resolve(false)));
      socket.bind(port, '127.0.0.1', () => {
        cleanups.push(() => socket.close());
        resolve(true);
      });
    });
  await expect.poll(bind).toBe(true);
}

describe('UdpSplice', () => {
  it('binds two ports to loopback', async () => {
    const { splice } = await open();
    expect(splice.address).toBe('127.0.0.1');
    expect(new Set(splice.ports).size).toBe(2);
    // They are this socket's: nobody else can bind them.
    const other = createSocket('udp4');
    const taken = new Promise<NodeJS.ErrnoException>((resolve) => other.once('error', resolve));
    other.bind(splice.ports[0], '127.0.0.1');
    expect((await taken).code).toBe('EADDRINUSE');
    other.close();
  });

  it('learns both peers from their first STUN message and carries bytes unchanged in both directions', async () => {
    const link = await open();
    const { splice, forward, back } = link;
    const [first, second] = await meet(link);
    const bytes = Uint8Array.from({ length: 1400 }, (_, i) => (i * 7 + 128) & 255);
    first.send(bytes, splice.ports[0]);
    second.send('and back', splice.ports[1]);
    await expect.poll(() => second.received.at(-1)?.length).toBe(1400);
    expect([...second.received.at(-1)!]).toEqual([...bytes]);
    await expect.poll(() => first.words).toEqual(['and back']);
    const counts = { sent: 2, payloadBytes: 20 + 1400, bytes: 20 + 1400 + 2 * 28 };
    expect(forward.statistics).toMatchObject(counts);
    expect(back.statistics).toMatchObject({ sent: 2, forwarded: 2, lost: 0 });
    expect(splice.refused).toBe(0);
  });

  it('takes a peer’s address from checks that the other side answers', async () => {
    const link = await open();
    const { splice } = link;
    const [first, second] = await meet(link);
    // A socket of an earlier generation of ICE, whose checks nobody answers, is the last to send one.
    const stale = new Peer();
    stale.send(stun(7), splice.ports[0]);
    await expect.poll(() => second.received.length).toBe(2);
    second.send(stun(1, 0x0101), splice.ports[1]);
    await expect.poll(() => first.received.length).toBe(1);
    second.send('to the peer', splice.ports[1]);
    await expect.poll(() => first.words).toEqual(['to the peer']);
    stale.send(stun(8), splice.ports[0]);
    await expect.poll(() => splice.refused).toBe(1);
    expect(stale.received).toEqual([]);
  });

  it('lets no stranger through, not even with STUN, and no peer that has not begun with it', async () => {
    const link = await open();
    const { splice } = link;
    const [first, second] = await meet(link);
    second.send(stun(1, 0x0101), splice.ports[1]);
    await expect.poll(() => first.received.length).toBe(1);
    const stranger = new Peer();
    stranger.send('let me in', splice.ports[0]);
    stranger.send(stun(9), splice.ports[0]);
    stranger.send('let me in', splice.ports[1]);
    first.send(Buffer.alloc(1473, 200), splice.ports[0]); // more than fits into a packet
    first.send('', splice.ports[0]);
    await expect.poll(() => splice.refused).toBe(5);
    first.send('friend', splice.ports[0]);
    await expect.poll(() => second.words).toEqual(['friend']);
    expect(second.received).toHaveLength(2);
    expect(stranger.received).toEqual([]);

    const { splice: unused } = await open();
    stranger.send('hello', unused.ports[0]);
    stranger.send(Buffer.alloc(20), unused.ports[0]); // STUN without its cookie
    stranger.send(stun(1).subarray(0, 19), unused.ports[0]);
    await expect.poll(() => unused.refused).toBe(3);
  });

  it('delays each direction by its own link, and reports its own lateness', async () => {
    const link = await open({ delayMs: 80 }, { delayMs: 5 });
    const { splice, lateness } = link;
    const [first, second] = await meet(link);
    const order: string[] = [];
    second.socket.on('message', () => order.push('slow'));
    first.socket.on('message', () => order.push('fast'));
    const sent = performance.now();
    first.send('slow', splice.ports[0]);
    second.send('fast', splice.ports[1]);
    await expect.poll(() => order).toEqual(['fast', 'slow']);
    // Timers of a quarter of a millisecond are done at once.
    expect(performance.now() - sent).toBeGreaterThan(79);
    expect(lateness.report().count).toBe(3);
  });

  it('loses the packets that its link loses, and counts them', async () => {
    const link = await open();
    const { splice, forward } = link;
    const [first, second] = await meet(link);
    forward.restart(new LinkModel({ ...CLEAN, lossRatio: 0.3 }, 4), 0);
    for (let i = 0; i < 200; i++) {
      first.send(`word ${i}`, splice.ports[0]);
      // No more at once than any socket has room for.
      if (i % 40 === 39) await expect.poll(() => forward.statistics.sent).toBe(i + 1);
    }
    const { forwarded, lost, queueDropped } = forward.statistics;
    expect([forwarded + lost, queueDropped]).toEqual([200, 0]);
    expect(lost).toBeGreaterThan(30);
    expect(lost).toBeLessThan(90);
    await expect.poll(() => second.words.length).toBe(forwarded);
    const numbers = second.words.map((word) => Number(word.slice(5)));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  });

  it('drops packets above its rate limit', async () => {
    const link = await open({}, {}, 10);
    const { splice, forward } = link;
    const [first] = await meet(link);
    for (let i = 0; i < 100; i++) first.send('x', splice.ports[0]);
    await expect.poll(() => splice.refused + forward.statistics.sent).toBe(101);
    // Twice the rate at once, and what has been earned since, in less than 5 s.
    expect(forward.statistics.sent).toBeGreaterThanOrEqual(20);
    expect(forward.statistics.sent).toBeLessThan(70);
  });

  it('moves a call to other ports when ICE restarts, and keeps serving the old ones', async () => {
    const link = await open();
    const { splice } = link;
    const [first, second] = await meet(link);
    const before = splice.ports;
    await splice.renew();
    expect(new Set([...before, ...splice.ports]).size).toBe(4);
    // What ICE gathers then has sockets of its own.
    const [third, fourth] = await meet(link);
    const between = splice.ports;
    third.send('after', between[0]);
    first.send('before', before[0]);
    await expect.poll(() => fourth.words).toEqual(['after']);
    await expect.poll(() => second.words).toEqual(['before']);
    await splice.renew();
    first.send('too late', before[0]);
    fourth.send('still there', between[1]);
    await expect.poll(() => third.words).toEqual(['still there']);
    expect(second.words).toEqual(['before']);
  });

  it.runIf(process.platform === 'linux')(
    'keeps a peer on its network after an ICE restart, unless only another network sends checks',
    async () => {
      const link = await open();
      const { splice } = link;
      await meet(link);
      splice.cut();
      await splice.renew();
      const [port] = splice.ports;
      const [other, same] = [new Peer('127.0.0.2'), new Peer()];
      other.send(stun(21), port);
      same.send(stun(22), port);
      await expect.poll(() => splice.refused).toBe(1);
      const second = new Peer();
      second.send(stun(23), splice.ports[1]);
      await expect.poll(() => same.received).toEqual([stun(23)]);
      expect(other.received).toEqual([]);
      // The peer is on another network now.
      await splice.renew();
      const moved = new Peer('127.0.0.2');
      for (let n = 0; n < 4; n++) moved.send(stun(30 + n), splice.ports[0]);
      await expect.poll(() => splice.refused).toBe(5);
      moved.send(stun(40), splice.ports[0]);
      const third = new Peer();
      await expect
        .poll(() => {
          third.send(stun(41), splice.ports[1]);
          return moved.received.length;
        })
        .toBeGreaterThan(0);
    },
  );

  it('frees all ports when it is cut, and opens others when it is renewed', async () => {
    const link = await open();
    const { splice } = link;
    await meet(link);
    const before = splice.ports;
    splice.cut();
    await takeOver(before[0]);
    await splice.renew();
    expect(splice.ports).not.toContain(before[0]);
    await meet(link);
    splice.close();
    // It opens nothing that nobody would close.
    const last = splice.ports;
    await splice.renew();
    expect(splice.ports).toEqual(last);
  });

  it('carries a connection of QUIC to the given server, and from no other address', async () => {
    const server = new Peer();
    await new Promise<void>((resolve) => server.socket.bind(0, '127.0.0.1', resolve));
    const { port } = server.socket.address() as AddressInfo;
    const { splice } = await open({}, {}, 4000, { address: '127.0.0.1', port });
    const [client, stranger] = [new Peer(), new Peer()];
    const initial = Buffer.alloc(1200, 1);
    initial[0] = 0xc3;
    // Neither STUN, nor a short packet, nor one that continues a connection begins one.
    client.send(stun(1), splice.ports[0]);
    client.send(initial.subarray(0, 1199), splice.ports[0]);
    client.send(Buffer.alloc(1200, 0x43), splice.ports[0]);
    await expect.poll(() => splice.refused).toBe(3);
    client.send(initial, splice.ports[0]);
    await expect.poll(() => server.received).toEqual([initial]);
    client.send('more', splice.ports[0]);
    await expect.poll(() => server.received[1]?.toString()).toBe('more');
    server.send('answer', splice.ports[1]);
    await expect.poll(() => client.words).toEqual(['answer']);
    stranger.send(initial, splice.ports[0]);
    stranger.send(initial, splice.ports[1]);
    await expect.poll(() => splice.refused).toBe(5);
  });

  it('frees its ports when closed, with packets under way', async () => {
    const link = await open({ delayMs: 20 });
    const { splice } = link;
    const [first] = await meet(link);
    first.send('gone', splice.ports[0]);
    splice.close();
    splice.close();
    await takeOver(splice.ports[0]);
  });
});

describe('RealClock', () => {
  it('runs timers in order, on time by its own clock', async () => {
    const clock = new RealClock();
    cleanups.push(() => clock.close());
    const begin = clock.nowMs;
    const order: (readonly [string, number])[] = [];
    const note = (name: string) => () => order.push([name, clock.nowMs - begin]);
    clock.at(begin + 12.5, note('third'));
    clock.at(begin + 5.25, note('first'));
    clock.at(begin + 5.25, note('second'));
    const cancelled = clock.at(begin + 6, note('never'));
    cancelled.cancel();
    clock.at(begin - 5, () => clock.at(begin - 3, note('late')));
    await expect.poll(() => order.length).toBe(4);
    expect(order.map(([name]) => name)).toEqual(['late', 'first', 'second', 'third']);
    const at = order.map(([, time]) => time);
    expect(at[0]).toBeCloseTo(0, 9);
    expect(at.slice(1)).toEqual([5.25, 5.25, 12.5].map((ms) => begin + ms - begin));
    expect(performance.now() - begin).toBeGreaterThan(12.2);
  });
});

describe('Lateness', () => {
  it('estimates quantiles to 5 %, and the maximum exactly', () => {
    const lateness = new Lateness(() => performance.now());
    expect(lateness.report()).toEqual({ count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 });
    for (let i = 1; i <= 1000; i++) lateness.add(i / 100);
    lateness.add(-1);
    const { count, p50Ms, p99Ms, maxMs } = lateness.report();
    expect([count, maxMs]).toEqual([1001, 10]);
    expect(p50Ms / 5).toBeGreaterThanOrEqual(0.99);
    expect(p50Ms / 5).toBeLessThan(1.06);
    expect(p99Ms / 9.9).toBeGreaterThanOrEqual(0.99);
    expect(p99Ms).toBeLessThanOrEqual(10);
    lateness.add(1e9);
    expect(lateness.report().maxMs).toBe(1e9);
    lateness.reset();
    expect(lateness.report().count).toBe(0);
  });
});
