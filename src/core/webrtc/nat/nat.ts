import { booleanOf, integerIn, numberIn, oneOf } from '../../arguments.ts';
import { checkOptions } from '../../option-names.ts';
import type { OptionNames } from '../../option-names.ts';
import { addressKey, checkAddress } from '../stun/transport-address.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import { checkBehaviour } from './nat-behaviour.ts';
import type { NatBehaviour, NatDependence } from './nat-behaviour.ts';

/**
 * Which port outside a new mapping gets (RFC 4787 §4.2):
 * - `'preserving'`: the same as inside, or the next one that is free;
 * - `'sequential'`: the next one after the last;
 * - `'random'`: any.
 */
export type NatPortAllocation = 'preserving' | 'sequential' | 'random';

/** Every `NatPortAllocation`. */
const ALLOCATIONS: readonly NatPortAllocation[] = ['preserving', 'sequential', 'random'];

/** What a simulated NAT does. */
export interface NatOptions extends NatBehaviour {
  /** Its one IP address outside. */
  readonly address: string;
  /** @default 'preserving' */
  readonly portAllocation?: NatPortAllocation;
  /** How long a mapping lasts after the last packet from inside, in ms (RFC 4787 §4.3 asks for 2 minutes at least). 1 to 86400000. @default 120000 */
  readonly mappingTimeoutMs?: number;
  /** Whether packets from outside prolong a mapping too. @default false */
  readonly refreshOnInbound?: boolean;
  /** Whether hosts inside reach each other by their addresses outside (RFC 4787 §6). @default false */
  readonly hairpinning?: boolean;
  /** Further mappings are refused. 1 to 64512. @default 1024 */
  readonly maxMappings?: number;
  /** Numbers in [0, 1), which `'random'` needs. */
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

/** Where a packet continues from the NAT, and as whose. */
export interface NatRoute {
  /** Which side it leaves the NAT on. */
  readonly to: 'inside' | 'outside';
  readonly source: TransportAddress;
  readonly destination: TransportAddress;
}

/** An address inside, and the one that stands for it outside. */
export interface NatMapping {
  readonly inside: TransportAddress;
  readonly outside: TransportAddress;
}

/** A mapping with its state. */
interface Entry extends NatMapping {
  readonly key: string;
  /** When it ends, in ms. */
  expiresAt: number;
  /** Whose packets are let in → until when, in ms. */
  readonly allowed: Map<string, number>;
}

/** Ports below are left to services. */
const FIRST_PORT = 1024;
const PORTS = 65_536 - FIRST_PORT;
/** Those that a mapping lets in, at once: further ones are not noted. */
const MAX_ALLOWED = 256;
const RANDOM_TRIES = 16;

/**
 * A simulated NAT for UDP (RFC 4787): gives addresses inside an address outside, and decides what is let in. It does no
 * input or output and has no clock: give it each packet's addresses and the time.
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
  /** Only for random ports. */
  readonly #random: (() => number) | null;
  readonly #byKey = new Map<string, Entry>();
  readonly #byPort = new Map<number, Entry>();
  /** Of `'sequential'`: the next to try. */
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

  /** Its address outside. */
  get address(): string {
    return this.#address;
  }

  /** Packets that it has not let through, either way. */
  get refused(): number {
    return this.#refusedPackets;
  }

  /** The mappings of now. */
  mappings(nowMs: number): readonly NatMapping[] {
    this.dropExpired(nowMs);
    return [...this.#byPort.values()].map(({ inside, outside }) => ({ inside, outside }));
  }

  /** Forgets the mappings that have expired. @returns them */
  dropExpired(nowMs: number): readonly NatMapping[] {
    const gone = [...this.#byPort.values()].filter(({ expiresAt }) => expiresAt <= nowMs);
    for (const entry of gone) this.#drop(entry);
    return gone.map(({ inside, outside }) => ({ inside, outside }));
  }

  /**
   * Takes a packet from inside.
   * @param source the host's address inside
   * @param destination where the host sends it
   * @param nowMs on any clock that does not go backwards
   * @returns where it continues, and as whose; null when it is refused: no port is free, or it came to the NAT's own address
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
    // RFC 4787 §6: as if it had come from outside, with the address outside as its source.
    return isOwn
      ? this.inbound(entry.outside, destination, nowMs)
      : { to: 'outside', source: entry.outside, destination };
  }

  /**
   * Takes a packet from outside. What nobody asked for changes nothing.
   * @param destination an address of the NAT's
   * @returns where it continues; null when it is refused
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

  /** There is one: there are fewer mappings than ports. */
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

/** As much of an address as counts. */
function keyOf(dependence: NatDependence, address: TransportAddress): string {
  if (dependence === 'endpoint-independent') return '';
  return dependence === 'address-dependent' ? address.address : addressKey(address);
}
