import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ErrorBoundary } from '../demo/server/error-boundary.ts';
import { dropHostCandidates } from '../demo/server/rewrite-candidates.ts';
import { Lateness } from '../demo/link/lateness.ts';
import { LanePath } from '../demo/link/lane-path.ts';
import { LinkModel } from '../demo/link/link-model.ts';
import { RealClock } from '../demo/link/real-clock.ts';
import { checkRouterSettings } from '../demo/link/router-settings.ts';
import { CLEAN } from '../demo/link/settings.ts';
import type { LinkSettings } from '../demo/link/settings.ts';
import { SimulatedInternet } from '../demo/link/simulated-internet.ts';
import { SimulatedRouter } from '../demo/link/simulated-router.ts';
import { NAT_KINDS } from '../src/core/webrtc/nat/index.ts';
import type { NatKind } from '../src/core/webrtc/nat/index.ts';
import {
  STUN_ATTRIBUTE as ATTRIBUTE,
  STUN_CLASS as CLASS,
  STUN_METHOD as METHOD,
  StunWriter,
  isStun,
  parseStun,
  stunAddress,
  stunErrorCode,
} from '../src/core/webrtc/stun/index.ts';
import type { TransportAddress } from '../src/core/webrtc/stun/index.ts';
import { CHROMIUM_OFFER } from './helpers/sdp-samples.ts';
import { TurnClient } from './helpers/turn-client.ts';

/** A program behind a router, or one that is not. */
class Host {
  readonly heard: { readonly text: string; readonly from: string }[] = [];
  readonly #socket: Socket = createSocket('udp4');
  readonly #answers = new Map<number, (mapped: TransportAddress) => void>();
  #transactions = 0;

  constructor() {
    onTestFinished(() => void this.#socket.close());
    this.#socket.on('message', (bytes: Buffer, { address, port }: RemoteInfo) => {
      if (!isStun(bytes)) {
        this.heard.push({ text: String(bytes), from: `${address}:${port}` });
        return;
      }
      const message = parseStun(bytes);
      const mapped = stunAddress(message, ATTRIBUTE.xorMappedAddress);
      if (mapped !== undefined) this.#answers.get(message.transaction[11]!)?.(mapped);
    });
  }

  get words(): string[] {
    return this.heard.map(({ text }) => text);
  }

  send(text: string, to: TransportAddress): void {
    this.#socket.send(text, to.port, to.address);
  }

  /** The address that a STUN server saw. */
  ask(port: number): Promise<TransportAddress> {
    const transaction = new Uint8Array(12).fill(++this.#transactions, 11);
    const request = new StunWriter(METHOD.binding, CLASS.request, transaction).finish();
    return new Promise((resolve) => {
      this.#answers.set(this.#transactions, resolve);
      this.#socket.send(request, port, '127.0.0.1');
    });
  }
}

function rig() {
  const clock = new RealClock();
  const internet = new SimulatedInternet('127.0.0.1');
  onTestFinished(() => {
    internet.close();
    clock.close();
  });
  const open = async (kind: NatKind, link: Partial<LinkSettings> = {}) => {
    const path = (seed: number) =>
      new LanePath(new LinkModel({ ...CLEAN, ...link }, seed), clock.nowMs);
    const [forward, back] = [path(1), path(2)];
    const router = await SimulatedRouter.open({
      ...{ internet, clock, forward, back },
      settings: checkRouterSettings(NAT_KINDS[kind]),
      lateness: new Lateness(() => performance.now()),
      boundary: new ErrorBoundary('test'),
    });
    const { urls } = router.iceServers[0]!;
    const ports = urls.map((url) => Number(/:(\d+)(\?|$)/.exec(url)![1]));
    return { router, forward, back, urls, ports: ports as [number, number, number] };
  };
  return { internet, open };
}

describe('SimulatedRouter', () => {
  it('closes both ports when it cannot be opened', async () => {
    const { internet, open } = rig();
    await internet.servers();
    const ports = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'UDPWrap').length;
    const before = ports();
    internet.freeAddress = () => {
      throw new Error('none left');
    };
    await expect(open('symmetric')).rejects.toThrow('none left');
    await expect.poll(ports).toBe(before);
  });

  it.each<[NatKind, boolean]>([
    ['port-restricted', true],
    ['symmetric', false],
  ])('%s: two STUN servers see one address: %s', async (kind, isOne) => {
    const { ports } = await rig().open(kind);
    const host = new Host();
    const [first, second] = [await host.ask(ports[0]), await host.ask(ports[1])];
    expect(first.address).toBe('127.0.0.1');
    expect(first.port === second.port).toBe(isOne);
    // The same again, while the mapping lasts.
    expect(await host.ask(ports[0])).toEqual(first);
  });

  it('connects two hosts once each has sent to the other, each seen with its outside address', async () => {
    const { open } = rig();
    const [a, b] = [await open('port-restricted'), await open('port-restricted')];
    const [first, second] = [new Host(), new Host()];
    const [seenFirst, seenSecond] = [await first.ask(a.ports[0]), await second.ask(b.ports[0])];
    first.send('too early', seenSecond);
    await expect.poll(() => b.router.refused).toBe(1);
    second.send('opens', seenFirst);
    await expect.poll(() => first.words).toEqual(['opens']);
    expect(first.heard[0]!.from).toBe(`127.0.0.1:${seenSecond.port}`);
    first.send('and back', seenSecond);
    await expect.poll(() => second.words).toEqual(['and back']);
    expect(second.heard[0]!.from).toBe(`127.0.0.1:${seenFirst.port}`);
    expect(a.forward.statistics).toMatchObject({ sent: 3, payloadBytes: 28 + 9 + 8 });
    expect(a.back.statistics.sent).toBe(1);
  });

  it('a symmetric router sends from a port that no peer knows, which only open filters accept', async () => {
    const { open } = rig();
    const [a, open1, strict] = [
      await open('symmetric'),
      await open('full-cone'),
      await open('port-restricted'),
    ];
    const [host, easy, wary] = [new Host(), new Host(), new Host()];
    const seen = await host.ask(a.ports[0]);
    const [seenEasy, seenWary] = [await easy.ask(open1.ports[0]), await wary.ask(strict.ports[0])];
    wary.send('opens for the port that was told', seen);
    host.send('here I am', seenEasy);
    host.send('here I am', seenWary);
    await expect.poll(() => easy.words).toEqual(['here I am']);
    await expect.poll(() => strict.router.refused).toBe(1);
    expect(easy.heard[0]!.from).not.toBe(`127.0.0.1:${seen.port}`);
    const [, port] = easy.heard[0]!.from.split(':');
    easy.send('welcome', { address: '127.0.0.1', port: Number(port) });
    await expect.poll(() => host.words).toEqual(['welcome']);
    expect(wary.words).toEqual([]);
  });

  it('forwards no packets of hosts that are not behind a router or have not begun with STUN', async () => {
    const { router, ports } = await rig().open('full-cone');
    const [host, stranger] = [new Host(), new Host()];
    const seen = await host.ask(ports[0]);
    stranger.send('from outside', seen);
    stranger.send('no STUN', { address: '127.0.0.1', port: ports[0] });
    host.send('x'.repeat(1473), seen);
    await expect.poll(() => router.refused).toBe(3);
    expect(host.words).toEqual([]);
  });

  it('gives access to a TURN server, which sees the outside address', async () => {
    const { router, urls } = await rig().open('symmetric');
    const { username, credential } = router.iceServers[0]!;
    const client = await TurnClient.open(urls[2]!, username, credential);
    onTestFinished(() => client.close());
    const answer = await client.ask(METHOD.allocate, (request) =>
      request.addUint32(ATTRIBUTE.requestedTransport, 17 * 2 ** 24),
    );
    expect(stunErrorCode(answer)).toBe(0);
    expect(stunAddress(answer, ATTRIBUTE.xorMappedAddress)!.port).not.toBe(client.ownPort);
    expect(stunAddress(answer, ATTRIBUTE.xorRelayedAddress)).toBeDefined();
  });

  it('delays and counts forwarded packets by its link', async () => {
    const { ports, forward, back } = await rig().open('full-cone', { delayMs: 40 });
    const begin = performance.now();
    await new Host().ask(ports[0]);
    // Over the link to the server, and back.
    expect(performance.now() - begin).toBeGreaterThan(79);
    expect([forward.statistics.sent, back.statistics.sent]).toEqual([1, 1]);
  });

  it('frees its ports and its address when closed', async () => {
    const { internet, open } = rig();
    const { router, ports } = await open('full-cone');
    const seen = await new Host().ask(ports[0]);
    expect(internet.routerAt(router.address)).toBe(router);
    router.close();
    router.close();
    expect(internet.routerAt(router.address)).toBeUndefined();
    for (const port of [ports[0], ports[1], seen.port]) {
      const next = createSocket('udp4');
      await new Promise<void>((resolve, reject) => {
        next.once('error', reject);
        next.bind(port, '127.0.0.1', resolve);
      });
      next.close();
    }
  });
});

describe('checkRouterSettings', () => {
  it('fills in missing settings', () => {
    expect(checkRouterSettings(NAT_KINDS.symmetric)).toEqual({
      ...NAT_KINDS.symmetric,
      mappingTimeoutMs: 120_000,
      hairpinning: false,
    });
  });

  it.each<[unknown, RegExp]>([
    [null, /must be an object, got null/],
    [[], /must be an object, got an array of 0/],
    [{}, /mapping must be one of/],
    [{ ...NAT_KINDS.symmetric, filtering: 5 }, /filtering must be one of .* got 5/],
    [{ ...NAT_KINDS.symmetric, colour: 1 }, /have the fields .* got a string of 6 characters/],
    [{ ...NAT_KINDS.symmetric, mappingTimeoutMs: 999 }, /mappingTimeoutMs must lie between 1000/],
    [{ ...NAT_KINDS.symmetric, hairpinning: 'yes' }, /hairpinning must be a boolean/],
  ])('refuses %j', (settings, words) => {
    expect(() => checkRouterSettings(settings)).toThrow(words);
  });
});

describe('dropHostCandidates', () => {
  it('leaves only the candidates of a description that lead through the router', () => {
    const passed = dropHostCandidates({ type: 'describe', kind: 'offer', sdp: CHROMIUM_OFFER });
    const sdp = (passed as { readonly sdp: string }).sdp;
    const candidates = (text: string): string[] => text.match(/^a=candidate:.*$/gm) ?? [];
    expect(candidates(CHROMIUM_OFFER).length).toBeGreaterThan(candidates(sdp).length);
    expect(candidates(sdp)).toHaveLength(1);
    expect(candidates(sdp)[0]).toContain('typ srflx');
    const others = (text: string): string[] =>
      text.split('\r\n').filter((line) => !line.startsWith('a=candidate:'));
    expect(others(sdp)).toEqual(others(CHROMIUM_OFFER));
  });

  it('forwards candidates that lead through the router, and drops the others', () => {
    const of = (type: string) =>
      ({
        type: 'candidate',
        candidate: `candidate:1 1 udp 1 127.0.0.1 9 typ ${type}`,
        mid: '0',
        index: 0,
      }) as const;
    expect(dropHostCandidates(of('host'))).toBeNull();
    for (const type of ['srflx', 'relay']) expect(dropHostCandidates(of(type))).toEqual(of(type));
    const end = { ...of('host'), candidate: '' };
    expect(dropHostCandidates(end)).toEqual(end);
    expect(dropHostCandidates({ type: 'bye', reason: '' })).toEqual({ type: 'bye', reason: '' });
  });
});
