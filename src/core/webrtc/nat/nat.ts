import { booleanOf, integerIn, numberIn, oneOf } from '../../arguments.ts';
import { checkOptions } from '../../option-names.ts';
import type { OptionNames } from '../../option-names.ts';
import { addressKey, checkAddress } from '../stun/transport-address.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import { checkBehaviour } from './nat-behaviour.ts';
import type { NatBehaviour, NatDependence } from './nat-behaviour.ts';

/**
 * Which outside port a new mapping gets (RFC 4787 §4.2):
 * - `'preserving'`: the same as inside, or the next free one;
 * - `'sequential'`: the one after the last;
 * - `'random'`: any port.
 */
export type NatPortAllocation = 'preserving' | 'sequential' | 'random';

/** Every `NatPortAllocation`. */
const ALLOCATIONS: readonly NatPortAllocation[] = ['preserving', 'sequential', 'random'];

/** Options of a simulated NAT. */
export interface NatOptions extends NatBehaviour {
  /** Its outside IP address. */
  readonly address: string;
  /** Which outside port a new mapping gets. @default 'preserving' */
  readonly portAllocation?: NatPortAllocation;
  /**
   * How long a mapping lasts after the last packet from inside, in ms (RFC 4787 §4.3 requires at least 2 minutes). 1 to 86400000.
   * @default 120000
   */
  readonly mappingTimeoutMs?: number;
  /** Whether packets from outside also prolong a mapping. @default false */
  readonly refreshOnInbound?: boolean;
  /** Whether inside hosts reach each other through their outside addresses (RFC 4787 §6). @default false */
  readonly hairpinning?: boolean;
  /** Most mappings; further ones are refused. 1 to 64512. @default 1024 */
  readonly maxMappings?: number;
  /** Returns numbers in [0, 1). Required for `'random'`. */
  readonly random?: () => number;
}

const NAMES = {
  address: 1,
  mapping: 1,
  filtering: 1,
  portAllocation: 1,
  mappingTimeoutMs: 1,
  refreshOnInbound: 1,
  hairpinning: 1,
  maxMappings: 1,
  random: 1,
} satisfies OptionNames<NatOptions>;

/** The route of a packet after the NAT, with its addresses. */
export interface NatRoute {
  /** The side on which it leaves the NAT. */
  readonly to: 'inside' | 'outside';
  readonly source: TransportAddress;
  readonly destination: TransportAddress;
}

/** An inside address and the outside address that represents it. */
export interface NatMapping {
  readonly inside: TransportAddress;
  readonly outside: TransportAddress;
}

/** A mapping with its state. */
interface Entry extends NatMapping {
  readonly key: string;
  /** When it expires, in ms. */
  expiresAt: number;
  /** Key of a remote address whose packets are let in → until when, in ms. */
  readonly allowed: Map<string, number>;
}

/** Lower ports are left to services. */
const FIRST_PORT = 1024;
const PORTS = 65_536 - FIRST_PORT;
/** Most remote addresses that a mapping lets in at a time: further ones are ignored. */
const MAX_ALLOWED = 256;
const RANDOM_TRIES = 16;

/**
 * A simulated NAT for UDP (RFC 4787): maps inside addresses to outside ones, and decides which packets are let in. Does no input
 * or output and has no clock: pass each packet's addresses and the time.
 *
 * @example
 * const nat = new Nat({ address: '198.51.100.11', ...NAT_KINDS['port-restricted'] });
 * nat.outbound({ address: '10.0.0.2', port: 5000 }, { address: '203.0.113.1', port: 3478 }, 0);
 */
export class Nat {
  readonly #address: string;
  readonly #mapping: NatDependence;
  readonly #filtering: NatDependence;
  readonly #allocation: NatPortAllocation;
  readonly #timeoutMs: number;
  readonly #refreshOnInbound: boolean;
  readonly #hairpinning: boolean;
  readonly #maxMappings: number;
  /** Null unless ports are random. */
  readonly #random: (() => number) | null;
  readonly #byKey = new Map<string, Entry>();
  readonly #byPort = new Map<number, Entry>();
  /** For `'sequential'`: the next port to try. */
  #nextPort = FIRST_PORT;
  #refusedPackets = 0;

  /** @throws TypeError or RangeError */
  constructor(options: NatOptions) {
    checkOptions('Nat', options, NAMES);
    const {
      address,
      portAllocation = 'preserving',
      mappingTimeoutMs = 120_000,
      refreshOnInbound = false,
      hairpinning = false,
      maxMappings = 1024,
      random,
    } = options;
    const { mapping, filtering } = checkBehaviour('options', options);
    this.#address = checkAddress('options', { address, port: 0 }).address;
    this.#mapping = mapping;
    this.#filtering = filtering;
    this.#allocation = oneOf('portAllocation', portAllocation, ALLOCATIONS);
    this.#timeoutMs = numberIn('mappingTimeoutMs', mappingTimeoutMs, 1, 86_400_000);
    this.#refreshOnInbound = booleanOf('refreshOnInbound', refreshOnInbound);
    this.#hairpinning = booleanOf('hairpinning', hairpinning);
    this.#maxMappings = integerIn('maxMappings', maxMappings, 1, PORTS);
    if (this.#allocation === 'random' && random === undefined) {
      throw new TypeError("random must be a function where portAllocation is 'random'.");
    }
    this.#random = this.#allocation === 'random' ? (random ?? null) : null;
  }

  /** Its outside address. */
  get address(): string {
    return this.#address;
  }

  /** Number of packets that it has refused, in either direction. */
  get refused(): number {
    return this.#refusedPackets;
  }

  /** Returns the current mappings. */
  mappings(nowMs: number): readonly NatMapping[] {
    this.dropExpired(nowMs);
    return [...this.#byPort.values()].map(({ inside, outside }) => ({ inside, outside }));
  }

  /** Forgets the mappings that have expired. @returns those mappings */
  dropExpired(nowMs: number): readonly NatMapping[] {
    const gone = [...this.#byPort.values()].filter(({ expiresAt }) => expiresAt <= nowMs);
    for (const entry of gone) this.#drop(entry);
    return gone.map(({ inside, outside }) => ({ inside, outside }));
  }

  /**
   * Takes a packet from inside.
   * @param source the host's inside address
   * @param destination where the host sends it
   * @param nowMs time on any clock that does not run backwards
   * @returns its route; null if it is refused: there are too many mappings, or it goes to the NAT's own address and is not let in
   */
  outbound(
    source: TransportAddress,
    destination: TransportAddress,
    nowMs: number,
  ): NatRoute | null {
    checkAddress('source', source);
    checkAddress('destination', destination);
    const isOwn = destination.address === this.#address;
    if (isOwn && !this.#hairpinning) return this.#refuse();
    const entry = this.#entryFor(source, destination, nowMs);
    if (entry === null) return this.#refuse();
    entry.expiresAt = nowMs + this.#timeoutMs;
    this.#allow(entry, destination, nowMs);
    // RFC 4787 §6: as if it had come from outside, with the outside address as its source.
    return isOwn
      ? this.inbound(entry.outside, destination, nowMs)
      : { to: 'outside', source: entry.outside, destination };
  }

  /**
   * Takes a packet from outside. A packet that nobody asked for changes nothing.
   * @param destination one of the NAT's addresses
   * @returns its route; null if it is refused
   */
  inbound(source: TransportAddress, destination: TransportAddress, nowMs: number): NatRoute | null {
    checkAddress('source', source);
    checkAddress('destination', destination);
    const entry =
      destination.address === this.#address ? this.#byPort.get(destination.port) : undefined;
    if (entry === undefined || entry.expiresAt <= nowMs) return this.#refuse();
    if (this.#filtering !== 'endpoint-independent') {
      const until = entry.allowed.get(keyOf(this.#filtering, source)) ?? 0;
      if (until <= nowMs) return this.#refuse();
    }
    if (this.#refreshOnInbound) entry.expiresAt = nowMs + this.#timeoutMs;
    return { to: 'inside', source, destination: entry.inside };
  }

  #entryFor(source: TransportAddress, destination: TransportAddress, nowMs: number): Entry | null {
    const key = `${addressKey(source)} ${keyOf(this.#mapping, destination)}`;
    const known = this.#byKey.get(key);
    if (known !== undefined && known.expiresAt > nowMs) return known;
    if (known !== undefined) this.#drop(known);
    if (this.#byPort.size >= this.#maxMappings) this.dropExpired(nowMs);
    if (this.#byPort.size >= this.#maxMappings) return null;
    const port = this.#freePort(source.port, nowMs);
    const entry: Entry = {
      key,
      inside: { address: source.address, port: source.port },
      outside: { address: this.#address, port },
      expiresAt: 0,
      allowed: new Map(),
    };
    this.#byKey.set(key, entry);
    this.#byPort.set(port, entry);
    return entry;
  }

  /** Finds a free port. There always is one: there are fewer mappings than ports. */
  #freePort(insidePort: number, nowMs: number): number {
    const isFree = (port: number): boolean => {
      const entry = this.#byPort.get(port);
      if (entry === undefined) return true;
      if (entry.expiresAt > nowMs) return false;
      this.#drop(entry);
      return true;
    };
    let port = Math.max(FIRST_PORT, insidePort);
    if (this.#allocation === 'sequential') port = this.#nextPort;
    for (let i = 0; this.#random !== null && i < RANDOM_TRIES; i++) {
      port = FIRST_PORT + Math.floor(this.#random() * PORTS);
      if (isFree(port)) break;
    }
    while (!isFree(port)) port = port === 65_535 ? FIRST_PORT : port + 1;
    this.#nextPort = port === 65_535 ? FIRST_PORT : port + 1;
    return port;
  }

  #allow({ allowed }: Entry, destination: TransportAddress, nowMs: number): void {
    if (this.#filtering === 'endpoint-independent') return;
    const key = keyOf(this.#filtering, destination);
    if (!allowed.has(key) && allowed.size >= MAX_ALLOWED) {
      for (const [other, until] of allowed) if (until <= nowMs) allowed.delete(other);
      if (allowed.size >= MAX_ALLOWED) return;
    }
    allowed.set(key, nowMs + this.#timeoutMs);
  }

  #drop({ key, outside }: Entry): void {
    this.#byKey.delete(key);
    this.#byPort.delete(outside.port);
  }

  #refuse(): null {
    this.#refusedPackets++;
    return null;
  }
}

/** Returns the part of an address that counts. */
function keyOf(dependence: NatDependence, address: TransportAddress): string {
  if (dependence === 'endpoint-independent') return '';
  return dependence === 'address-dependent' ? address.address : addressKey(address);
}
