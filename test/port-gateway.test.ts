/** The simulated network of the lab without a server: its sessions over the ports of a Worker, here without the Worker. */
import { afterEach, describe, expect, it } from 'vitest';
import { LinkClient } from '../demo/link/link-client.ts';
import { LinkModel } from '../demo/link/link-model.ts';
import type { Datagram, LinkPort } from '../demo/link/link-port.ts';
import { LinkSessions } from '../demo/link/link-sessions.ts';
import { GATEWAY_BASE, PortClientSocket, openPort } from '../demo/link/port-client-socket.ts';
import { PortGateway } from '../demo/link/port-gateway.ts';
import { RealClock } from '../demo/link/real-clock.ts';
import { CLEAN } from '../demo/link/settings.ts';
import { ErrorBoundary } from '../demo/server/error-boundary.ts';
import type { WireRecord } from '../demo/server/wire.ts';
import { WireSessions } from '../demo/server/wire-sessions.ts';
import { binaryFraming } from '../src/core/framing/binary.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

function channel(): [LinkPort, LinkPort] {
  const { port1, port2 } = new MessageChannel();
  cleanups.push(() => port1.close());
  return [port1 as unknown as LinkPort, port2 as unknown as LinkPort];
}

/** A page's way to a simulated network. */
function startGateway(): LinkPort {
  const faults: string[] = [];
  const boundary = new ErrorBoundary('test', (line) => faults.push(line));
  const clock = new RealClock(boundary);
  const sessions = new LinkSessions({ clock, boundary, ports: null }, { maxLanes: 3 });
  const [page, worker] = channel();
  new PortGateway(sessions, new WireSessions(boundary), boundary).serve(worker);
  cleanups.push(() => {
    sessions.close();
    clock.close();
    expect(faults).toEqual([]);
  });
  return page;
}

async function connect(gateway: LinkPort): Promise<LinkClient> {
  const client = await LinkClient.connect(
    GATEWAY_BASE,
    (url) => new PortClientSocket(gateway, url),
  );
  cleanups.push(() => client.close());
  return client;
}

/** A socket that keeps what comes. */
function openSocket(gateway: LinkPort, url: string) {
  const socket = new PortClientSocket(gateway, url);
  cleanups.push(() => socket.close());
  const received: (string | Uint8Array)[] = [];
  const closes: number[] = [];
  socket.onmessage = ({ data }: { readonly data: string | ArrayBuffer }) =>
    received.push(typeof data === 'string' ? data : new Uint8Array(data));
  socket.onclose = ({ code }: { readonly code: number }) => closes.push(code);
  return { socket, received, closes };
}

describe('the simulated network over ports', () => {
  it('brings every message of a lane back in order, text as text, and repeats lost ones', async () => {
    const gateway = startGateway();
    const client = await connect(gateway);
    await client.configure({ ...CLEAN, delayMs: 5, lossRatio: 0.2 });
    const { socket, received } = openSocket(gateway, client.laneUrl('opus'));
    const messages = Array.from({ length: 60 }, (_, i) =>
      i % 2 === 0 ? `${i} µ` : Uint8Array.of(i, 0, 255),
    );
    for (const message of messages) socket.send(message);
    await expect.poll(() => received.length).toBe(messages.length);
    expect(received).toEqual(messages);
    const { lanes, lateness } = await client.statistics();
    expect(lanes).toMatchObject([
      { lane: 'opus', kind: 'websocket', tcp: { sentMessages: 60, deliveredMessages: 60 } },
    ]);
    expect(lanes[0]!.forward.lost).toBeGreaterThan(0);
    expect(lanes[0]!.tcp!.retransmissions).toBeGreaterThan(0);
    expect(lateness.count).toBe(60);
  });

  it('loses a data channel’s messages as the model does, independently in each direction', async () => {
    const gateway = startGateway();
    const client = await connect(gateway);
    const settings = { ...CLEAN, delayMs: 1, lossRatio: 0.3 };
    await client.configure(settings);
    await client.restart(7);
    const port = openPort(gateway, client.datagramsUrl('channel'));
    cleanups.push(() => port.close());
    const came: Datagram[] = [];
    port.onmessage = ({ data }: { readonly data: Datagram }) => came.push(data);
    const count = 100;
    for (let i = 0; i < count; i++) {
      const data = Uint8Array.of(i);
      port.postMessage({ data, packetBytes: 80, isBack: i % 4 === 0 } satisfies Datagram, []);
    }
    const model = new LinkModel(settings, 7);
    const forward = Array.from({ length: count }, (_, i) => i).filter((i) => i % 4 !== 0);
    const expected = forward.filter(() => model.fate(80, 0) >= 0);
    expect(expected.length).toBeLessThan(forward.length);
    const laneNow = async () => (await client.statistics()).lanes[0]!;
    await expect.poll(laneNow).toMatchObject({ forward: { sent: 75 }, back: { sent: 25 } });
    const lane = await laneNow();
    await expect.poll(() => came.length).toBe(lane.forward.forwarded + lane.back.forwarded);
    expect(came.filter(({ isBack }) => !isBack).map(({ data }) => data[0])).toEqual(expected);
    expect(lane).toMatchObject({
      lane: 'channel',
      kind: 'datagrams',
      forward: { sent: 75, forwarded: expected.length, bytes: 75 * 80, payloadBytes: 75 },
      back: { sent: 25 },
      tcp: null,
    });
    expect(lane.back.lost).toBeGreaterThan(0);
  });

  it('keeps data that does not fit the connection in bufferedAmount of the client', async () => {
    const gateway = startGateway();
    const client = await connect(gateway);
    await client.configure({ ...CLEAN, delayMs: 20, rateKbps: 64, queueMs: 400 });
    const { socket, received } = openSocket(gateway, client.laneUrl('pcm'));
    const message = new Uint8Array(2 ** 16);
    for (let i = 0; i < 12; i++) socket.send(message);
    // Four messages with the headers of their frames are more than a connection keeps.
    await expect.poll(() => socket.bufferedAmount).toBe(8 * message.length);
    await client.configure(CLEAN);
    await expect.poll(() => received.length).toBe(12);
    expect(socket.bufferedAmount).toBe(0);
  });

  it('refuses unknown paths, taken names, too many lanes, and services that need UDP ports', async () => {
    const gateway = startGateway();
    const client = await connect(gateway);
    const refused = [`${GATEWAY_BASE}/link/nothing`, `${GATEWAY_BASE}/link/lane/${'0'.repeat(24)}`];
    for (const url of refused) {
      const { closes } = openSocket(gateway, url);
      await expect.poll(() => closes.length).toBe(1);
      expect(closes).toEqual([1008]);
    }
    for (const lane of ['a', 'b', 'c']) openSocket(gateway, client.laneUrl(lane));
    for (const lane of ['a', 'd']) {
      const { closes } = openSocket(gateway, client.laneUrl(lane));
      await expect.poll(() => closes.length).toBe(1);
    }
    expect((await client.statistics()).lanes.map(({ lane }) => lane)).toEqual(['a', 'b', 'c']);
    await expect(client.openSplice('call')).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/cannot open ports/),
    });
  });

  it('closes a lane by name for its client, and all lanes of a session that ends', async () => {
    const gateway = startGateway();
    const client = await connect(gateway);
    const other = await connect(gateway);
    const first = openSocket(gateway, client.laneUrl('first'));
    const second = openSocket(gateway, client.laneUrl('second'));
    const stays = openSocket(gateway, other.laneUrl('first'));
    await client.closeLane('first');
    await expect.poll(() => first.closes.length).toBe(1);
    expect((await client.statistics()).lanes.map(({ lane }) => lane)).toEqual(['second']);
    client.close();
    await expect.poll(() => second.closes.length).toBe(1);
    stays.socket.send('still here');
    await expect.poll(() => stays.received.length).toBe(1);
    expect([first.closes, second.closes, stays.closes]).toEqual([[1006], [1006], []]);
  });

  it('accepts connections by further gateways, and echoes without a network', async () => {
    const gateway = startGateway();
    const client = await connect(gateway);
    await client.configure({ ...CLEAN, lossRatio: 1 });
    const [page, worker] = channel();
    gateway.postMessage({ type: 'gateway', port: worker }, [worker as never]);
    const { socket, received } = openSocket(page, `${GATEWAY_BASE}/link/echo`);
    socket.send('echoed');
    await expect.poll(() => received.length).toBe(1);
    expect(received).toEqual(['echoed']);
  });

  it('cuts the wire for open and new sockets, and reports the frames that have arrived', async () => {
    const gateway = startGateway();
    const wire = openSocket(gateway, `${GATEWAY_BASE}/link/wire/mine`);
    const records = () => wire.received.map((text) => JSON.parse(String(text)) as WireRecord);
    const plain = openSocket(gateway, `${GATEWAY_BASE}/link/plain/mine`);
    const other = openSocket(gateway, `${GATEWAY_BASE}/link/plain/other`);
    const message = binaryFraming.createEncoder().encode({
      ...{ format: 's16', sampleRate: 16_000, channels: 1 },
      ...{ sequence: 1, frame: 320, frames: 2, timestamp: 20_000, dropped: 0 },
      payload: Uint8Array.of(1, 2, 3, 4),
    }) as Uint8Array<ArrayBuffer>;
    plain.socket.send(message);
    await expect.poll(() => plain.received).toEqual([message]);
    wire.socket.send('cut');
    await expect.poll(() => plain.closes).toEqual([1006]);
    const late = openSocket(gateway, `${GATEWAY_BASE}/link/plain/mine`);
    let opened = 0;
    late.socket.onopen = () => opened++;
    await expect.poll(() => late.closes).toEqual([1006]);
    wire.socket.send('mend');
    await expect.poll(() => records().length).toBe(2);
    const span = { session: [], plain: [[320, 322]] };
    expect(records()).toEqual([
      { cut: true, ...span },
      { cut: false, ...span },
    ]);
    const again = openSocket(gateway, `${GATEWAY_BASE}/link/plain/mine`);
    again.socket.send(message);
    await expect.poll(() => again.received).toEqual([message]);
    expect([opened, other.closes]).toEqual([0, []]);
  });
});
