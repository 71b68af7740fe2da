import { describe, expect, it } from 'vitest';
import { parseIceCandidate } from '../src/core/webrtc/ice-candidate.ts';
import {
  NAT_KINDS,
  Nat,
  NatDiscovery,
  canConnect,
  describeNat,
  mappingFromCandidates,
  natKind,
} from '../src/core/webrtc/nat/index.ts';
import type { NatKind, NatOptions } from '../src/core/webrtc/nat/index.ts';
import {
  STUN_ATTRIBUTE as ATTRIBUTE,
  STUN_CLASS as CLASS,
  StunWriter,
  parseStun,
} from '../src/core/webrtc/stun/index.ts';
import type { TransportAddress } from '../src/core/webrtc/stun/index.ts';
import { seededRandom } from './helpers/random.ts';

const at = (address: string, port: number): TransportAddress => ({ address, port });
const HOST = at('10.0.0.2', 5000);
const SERVER = at('203.0.113.1', 3478);
const OUTSIDE = '198.51.100.11';
const open = (kind: NatKind, more: Partial<NatOptions> = {}): Nat =>
  new Nat({ address: OUTSIDE, ...NAT_KINDS[kind], ...more });

describe('the words for NATs', () => {
  it.each(Object.keys(NAT_KINDS) as NatKind[])('name and describe a %s NAT', (kind) => {
    expect(natKind(NAT_KINDS[kind])).toBe(kind);
    expect(describeNat(NAT_KINDS[kind])).toMatch(/^\S.*\.\s\S.*\.$/);
  });

  it('call every mapping that depends on the destination symmetric', () => {
    for (const mapping of ['address-dependent', 'address-and-port-dependent'] as const) {
      expect(natKind({ mapping, filtering: 'endpoint-independent' })).toBe('symmetric');
    }
  });

  it('report an invalid behaviour by its name', () => {
    expect(() => canConnect(NAT_KINDS.symmetric, {} as never)).toThrow('b must be a NatBehaviour');
    const wrong = { mapping: 'cone', filtering: 'endpoint-independent' } as never;
    expect(() => natKind(wrong)).toThrow("behaviour.mapping must be one of 'endpoint-independent'");
  });
});

describe('Nat', () => {
  it('keeps one port outside for all destinations, or not (RFC 4787 §4.1)', () => {
    const ports = (kind: NatKind): number[] => {
      const nat = open(kind);
      return [SERVER, at(SERVER.address, 3479), at('203.0.113.2', 3478), SERVER].map(
        (destination) => nat.outbound(HOST, destination, 0)!.source.port,
      );
    };
    expect(ports('port-restricted')).toEqual([5000, 5000, 5000, 5000]);
    expect(ports('symmetric')).toEqual([5000, 5001, 5002, 5000]);
    const nat = open('symmetric', { mapping: 'address-dependent' });
    expect(nat.outbound(HOST, SERVER, 0)!.source.port).toBe(5000);
    expect(nat.outbound(HOST, at(SERVER.address, 9), 0)!.source.port).toBe(5000);
    expect(nat.outbound(HOST, at('203.0.113.2', 9), 0)!.source.port).toBe(5001);
  });

  it.each<[NatKind, boolean, boolean]>([
    ['full-cone', true, true],
    ['address-restricted', true, false],
    ['port-restricted', false, false],
  ])('%s: lets in another port of the server: %s, a stranger: %s', (kind, otherPort, stranger) => {
    const nat = open(kind);
    nat.outbound(HOST, SERVER, 0);
    const mapped = at(OUTSIDE, 5000);
    const comesIn = (from: TransportAddress): boolean => nat.inbound(from, mapped, 1) !== null;
    expect(nat.inbound(SERVER, mapped, 1)).toEqual({
      to: 'inside',
      source: SERVER,
      destination: HOST,
    });
    expect(comesIn(at(SERVER.address, 9))).toBe(otherPort);
    expect(comesIn(at('192.0.2.1', 9))).toBe(stranger);
    expect(nat.inbound(SERVER, at(OUTSIDE, 5001), 1)).toBeNull();
    expect(nat.inbound(SERVER, at('198.51.100.12', 5000), 1)).toBeNull();
    expect(nat.refused).toBe(2 + Number(!otherPort) + Number(!stranger));
  });

  it('forgets a mapping and its permissions, unless packets from inside refresh them (RFC 4787 §4.3)', () => {
    const nat = open('port-restricted', { mappingTimeoutMs: 1000 });
    const other = at('203.0.113.2', 3478);
    nat.outbound(HOST, other, 0);
    nat.outbound(HOST, SERVER, 600);
    expect(nat.inbound(other, at(OUTSIDE, 5000), 999)).not.toBeNull();
    expect(nat.inbound(other, at(OUTSIDE, 5000), 1000)).toBeNull();
    expect(nat.inbound(SERVER, at(OUTSIDE, 5000), 1599)).not.toBeNull();
    expect(nat.inbound(SERVER, at(OUTSIDE, 5000), 1600)).toBeNull();
    expect(nat.dropExpired(1600)).toEqual([{ inside: HOST, outside: at(OUTSIDE, 5000) }]);
    expect(nat.mappings(1600)).toEqual([]);
  });

  it('keeps a mapping alive by packets from outside if configured to', () => {
    const nat = open('full-cone', { mappingTimeoutMs: 1000, refreshOnInbound: true });
    nat.outbound(HOST, SERVER, 0);
    for (let now = 900; now < 5000; now += 900) {
      expect(nat.inbound(SERVER, at(OUTSIDE, 5000), now)).not.toBeNull();
    }
  });

  it.each([
    ['preserving', [5000, 5001, 1024]],
    ['sequential', [1024, 1025, 1026]],
  ] as const)('allocates ports: %s (RFC 4787 §4.2)', (portAllocation, wanted) => {
    const nat = open('full-cone', { portAllocation });
    const hosts = [HOST, at('10.0.0.3', 5000), at('10.0.0.4', 80)];
    expect(hosts.map((host) => nat.outbound(host, SERVER, 0)!.source.port)).toEqual(wanted);
  });

  it('allocates every port once, and then refuses; expired ones are allocated again', () => {
    const random = seededRandom(3);
    const nat = open('symmetric', {
      portAllocation: 'random',
      mappingTimeoutMs: 1000,
      maxMappings: 64_512,
      random,
    });
    const seen = new Set<number>();
    for (let i = 0; i < 64_512; i++) {
      seen.add(nat.outbound(at('10.0.0.2', i % 65_536), at('203.0.113.9', i), 0)!.source.port);
    }
    expect(seen.size).toBe(64_512);
    expect(Math.min(...seen)).toBe(1024);
    expect(nat.outbound(HOST, SERVER, 999)).toBeNull();
    expect(nat.outbound(HOST, SERVER, 1000)).not.toBeNull();
  });

  it('wraps around after the last port', () => {
    const nat = open('full-cone');
    const ports = ['10.0.0.2', '10.0.0.3'].map(
      (host) => nat.outbound(at(host, 65_535), SERVER, 0)!.source.port,
    );
    expect(ports).toEqual([65_535, 1024]);
  });

  it('hairpins only if configured to, with the address outside as the source (RFC 4787 §6)', () => {
    const neighbour = at('10.0.0.3', 6000);
    const results = [false, true].map((hairpinning) => {
      const nat = open('full-cone', { hairpinning });
      nat.outbound(neighbour, SERVER, 0);
      return nat.outbound(HOST, at(OUTSIDE, 6000), 0);
    });
    expect(results).toEqual([
      null,
      { to: 'inside', source: at(OUTSIDE, 5000), destination: neighbour },
    ]);
  });

  it('remembers no more than 256 permitted addresses', () => {
    const nat = open('port-restricted');
    for (let port = 1; port <= 300; port++) nat.outbound(HOST, at('192.0.2.1', port), 0);
    expect(nat.inbound(at('192.0.2.1', 256), at(OUTSIDE, 5000), 1)).not.toBeNull();
    expect(nat.inbound(at('192.0.2.1', 257), at(OUTSIDE, 5000), 1)).toBeNull();
  });

  it('reports invalid options by their names', () => {
    expect(() => open('full-cone', { address: 'here' })).toThrow(/address must be an IPv4 or IPv6/);
    expect(() => open('full-cone', { maxMappings: 0 })).toThrow(/maxMappings must/);
    expect(() => open('full-cone', { portAllocation: 'any' as never })).toThrow(/portAllocation/);
    expect(() => open('full-cone', { portAllocation: 'random' })).toThrow(
      /random must be a function/,
    );
  });
});

describe('mappingFromCandidates', () => {
  const candidate = (port: number, raddr: string, rport: number, type = 'srflx') =>
    parseIceCandidate(
      `candidate:1 1 udp 1677729535 198.51.100.11 ${port} typ ${type} raddr ${raddr} rport ${rport}`,
    );

  it('finds a socket with two ports outside', () => {
    const cone = [candidate(5000, '10.0.0.2', 5000), candidate(6000, '10.0.0.2', 6000)];
    expect(mappingFromCandidates(cone).mapping).toBe('endpoint-independent');
    const symmetric = [...cone, candidate(5001, '10.0.0.2', 5000)];
    expect(mappingFromCandidates(symmetric)).toEqual({
      mapping: 'dependent',
      mapped: [5000, 6000, 5001].map((port) => at('198.51.100.11', port)),
    });
  });

  it('considers srflx candidates of UDP only, and separates IPv4 from IPv6', () => {
    expect(mappingFromCandidates([]).mapping).toBe('unknown');
    const relay = [
      candidate(1, '10.0.0.2', 5000, 'relay'),
      candidate(2, '10.0.0.2', 5000, 'relay'),
    ];
    expect(mappingFromCandidates(relay)).toEqual({ mapping: 'unknown', mapped: [] });
    const hidden = { ...candidate(1, '0.0.0.0', 0), relatedAddress: null, relatedPort: null };
    const six = { ...hidden, address: '2001:db8::1' };
    expect(mappingFromCandidates([hidden, six]).mapping).toBe('endpoint-independent');
  });
});

describe('NatDiscovery', () => {
  const transaction = () => crypto.getRandomValues(new Uint8Array(12));
  const answer = (bytes: Uint8Array, mapped: TransportAddress, other: TransportAddress | null) => {
    const { method, transaction } = parseStun(bytes);
    const writer = new StunWriter(method, CLASS.success, transaction);
    writer.addXorAddress(ATTRIBUTE.xorMappedAddress, mapped);
    if (other !== null) writer.addAddress(ATTRIBUTE.otherAddress, other);
    return writer.finish();
  };

  /** Polls until nothing more is sent. @returns what was sent last */
  const lastProbe = (discovery: NatDiscovery, nowMs: number) => {
    let last = null;
    for (let probe; (probe = discovery.poll(nowMs)) !== null;) last = probe;
    return last;
  };

  it('reports that UDP does not get through after its tries', () => {
    const discovery = new NatDiscovery({ transaction, server: SERVER, tries: 3 });
    const times: number[] = [];
    expect(discovery.nextMs).toBe(-Infinity);
    for (let now = 0; discovery.report === null; now += 50) {
      if (discovery.poll(now) !== null) times.push(now);
    }
    expect(times).toEqual([0, 250, 750]);
    expect(discovery.report).toEqual({
      mapped: null,
      mapping: null,
      filtering: null,
      hairpinning: null,
    });
    expect(discovery.nextMs).toBe(Infinity);
  });

  it('reports that there is no NAT, and still tests the filter', () => {
    const discovery = new NatDiscovery({ transaction, server: SERVER, local: HOST, tries: 1 });
    const first = discovery.poll(0)!;
    discovery.receive(answer(first.bytes, HOST, at('203.0.113.2', 3479)), SERVER, 10);
    const second = lastProbe(discovery, 10)!;
    expect(second.destination).toEqual(SERVER);
    discovery.receive(answer(second.bytes, HOST, null), at('203.0.113.2', 3479), 20);
    for (let now = 20; discovery.report === null; now += 100) discovery.poll(now);
    expect(discovery.report).toEqual({
      mapped: HOST,
      mapping: 'none',
      filtering: 'endpoint-independent',
      hairpinning: null,
    });
  });

  it('says nothing of mapping and filtering by a server with one address', () => {
    const discovery = new NatDiscovery({ transaction, server: SERVER, tries: 1 });
    const mapped = at(OUTSIDE, 5000);
    discovery.receive(answer(discovery.poll(0)!.bytes, mapped, null), SERVER, 10);
    const probe = lastProbe(discovery, 10)!;
    expect(probe.destination).toEqual(mapped);
    // Its own request comes back.
    discovery.receive(probe.bytes, mapped, 20);
    expect(discovery.report).toEqual({ mapped, mapping: null, filtering: null, hairpinning: true });
  });

  it('accepts an answer only from the address that it must have', () => {
    const discovery = new NatDiscovery({ transaction, server: SERVER, tries: 1 });
    const { bytes } = discovery.poll(0)!;
    const mapped = at(OUTSIDE, 5000);
    discovery.receive(answer(bytes, mapped, null), at('203.0.113.2', 3478), 10);
    expect(discovery.poll(10)).toBeNull();
    // A server that ignores CHANGE-REQUEST answers from the address that was asked: that says nothing.
    discovery.receive(answer(bytes, mapped, at('203.0.113.2', 3479)), SERVER, 10);
    const change = lastProbe(discovery, 10)!;
    discovery.receive(answer(change.bytes, mapped, null), SERVER, 20);
    expect(discovery.nextMs).toBe(260);
  });

  it('ignores hostile bytes', () => {
    const random = seededRandom(4);
    const discovery = new NatDiscovery({ transaction, server: SERVER });
    const { bytes } = discovery.poll(0)!;
    const good = answer(bytes, at(OUTSIDE, 5000), at('203.0.113.2', 3479));
    for (let i = 0; i < 20_000; i++) {
      const hostile = good.slice(0, random() < 0.2 ? random() * good.length : 999);
      // All but the transaction's own answer.
      for (let edits = 1 + Math.floor(random() * 3); edits > 0 && hostile.length > 0; edits--) {
        const where = Math.floor(random() * hostile.length);
        hostile[where] = hostile[where]! ^ (1 + random() * 255);
      }
      discovery.receive(hostile, at('192.0.2.1', 1), 5);
    }
    expect(discovery.report).toBeNull();
    discovery.receive(good, SERVER, 10);
    expect(lastProbe(discovery, 10)).not.toBeNull();
  });
});
