import { describe, integerIn, numberIn } from '../../arguments.ts';
import { PacketError } from '../../errors.ts';
import { checkBytes, checkObject, checkOptions } from '../../option-names.ts';
import type { OptionNames } from '../../option-names.ts';
import {
  STUN_ATTRIBUTE,
  STUN_CLASS,
  STUN_METHOD,
  isStun,
  parseStun,
  stunAddress,
} from '../stun/stun-message.ts';
import type { StunMessage } from '../stun/stun-message.ts';
import { StunWriter } from '../stun/stun-writer.ts';
import { canonicalIp, checkAddress, sameAddress } from '../stun/transport-address.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import type { NatDependence } from './nat-behaviour.ts';

/** Options of a {@link NatDiscovery}. */
export interface NatDiscoveryOptions {
  /** A STUN server with two addresses and two ports (RFC 5780), such as coturn with `-L` twice. */
  readonly server: TransportAddress;
  /** The socket's own address, if it is known: shows whether there is a NAT. @default null */
  readonly local?: TransportAddress | null;
  /** Returns 12 unpredictable random bytes for each request: `() => crypto.getRandomValues(new Uint8Array(12))`. */
  readonly transaction: () => Uint8Array;
  /** Time until the first retransmission of a request, in ms; doubles each time, up to 2 s. 10 to 2000. @default 250 */
  readonly retransmitMs?: number;
  /** How often a request is sent before it counts as unanswered. 1 to 10. @default 5 */
  readonly tries?: number;
}

const NAMES = {
  server: 1,
  local: 1,
  transaction: 1,
  retransmitMs: 1,
  tries: 1,
} satisfies OptionNames<NatDiscoveryOptions>;

/** A datagram to send from the socket under test. */
export interface NatProbe {
  readonly destination: TransportAddress;
  readonly bytes: Uint8Array;
}

/** The findings of a {@link NatDiscovery}. */
export interface NatReport {
  /** The address and port that the server saw; null: the server did not answer, so UDP does not get through. */
  readonly mapped: TransportAddress | null;
  /** `'none'`: the server saw the socket's own address, so there is no NAT; null: unknown. */
  readonly mapping: NatDependence | 'none' | null;
  /** null: unknown, since the server has no second address. */
  readonly filtering: NatDependence | null;
  /** Whether packets sent to the mapped address come back in; null: unknown. */
  readonly hairpinning: boolean | null;
}

/** RFC 5780 §7.2. */
const CHANGE_PORT = 2;
const CHANGE_IP_AND_PORT = 6;

/** Longest time between two tries, so that an unanswered test ends in seconds and mappings stay alive. */
const MAX_WAIT_MS = 2000;

/** The tests, in the order in which they must run: see `NatDiscovery`. */
type Test = 'first' | 'change-both' | 'change-port' | 'other-address' | 'other-port' | 'hairpin';

/** A request in progress. */
interface Pending {
  readonly test: Test;
  readonly destination: TransportAddress;
  readonly bytes: Uint8Array;
  readonly transaction: Uint8Array;
  /** Where the answer must come from: otherwise it says nothing about the NAT. */
  readonly answerFrom: TransportAddress;
  sent: number;
  nextMs: number;
}

/**
 * Detects how a NAT maps and filters UDP, with the tests of RFC 5780 §4.3 and §4.4, and whether it hairpins (§4.5). Does no
 * input or output and has no clock: send the probes from `poll` through one socket that was not used for anything else, pass the
 * datagrams that arrive at it to `receive`, and poll again at `nextMs`.
 *
 * Tests filtering first: the tests of mapping send to the server's other address, which would open the filter for it.
 *
 * @example
 * const transaction = () => crypto.getRandomValues(new Uint8Array(12));
 * const discovery = new NatDiscovery({ server: { address: '203.0.113.1', port: 3478 }, transaction });
 * for (let probe; (probe = discovery.poll(now())) !== null;) send(probe.bytes, probe.destination);
 */
export class NatDiscovery {
  readonly #server: TransportAddress;
  readonly #local: TransportAddress | null;
  readonly #makeTransaction: () => Uint8Array;
  readonly #retransmitMs: number;
  readonly #tries: number;
  #pending: Pending | null = null;
  #other: TransportAddress | null = null;
  /** The mapped address in the second test of mapping. */
  #second: TransportAddress | null = null;
  #found: NatReport = { mapped: null, mapping: null, filtering: null, hairpinning: null };
  #isOver = false;
  #started = false;

  /** @throws TypeError or RangeError */
  constructor(options: NatDiscoveryOptions) {
    checkOptions('NatDiscovery', options, NAMES);
    const { server, local = null, transaction, retransmitMs = 250, tries = 5 } = options;
    this.#server = canonical(checkAddress('server', server));
    this.#local = local === null ? null : canonical(checkAddress('local', local));
    if (typeof transaction !== 'function') {
      throw new TypeError(`transaction must be a function, got ${describe(transaction)}.`);
    }
    this.#makeTransaction = transaction;
    this.#retransmitMs = numberIn('retransmitMs', retransmitMs, 10, MAX_WAIT_MS);
    this.#tries = integerIn('tries', tries, 1, 10);
  }

  /** The findings; null while tests are in progress. */
  get report(): NatReport | null {
    return this.#isOver ? this.#found : null;
  }

  /** When to poll again, in ms on the clock of `poll`; −Infinity before the first time, Infinity after the last test. */
  get nextMs(): number {
    if (this.#isOver) return Infinity;
    return this.#started ? (this.#pending?.nextMs ?? -Infinity) : -Infinity;
  }

  /** Returns the next probe to send now, or null. Call it repeatedly until it returns null. */
  poll(nowMs: number): NatProbe | null {
    if (!this.#started) {
      this.#started = true;
      this.#begin('first', nowMs);
    }
    for (;;) {
      const pending = this.#pending;
      if (pending === null || pending.nextMs > nowMs) return null;
      if (pending.sent < this.#tries) {
        pending.nextMs = nowMs + Math.min(MAX_WAIT_MS, this.#retransmitMs * 2 ** pending.sent++);
        return { destination: pending.destination, bytes: pending.bytes };
      }
      this.#answered(pending.test, null, nowMs);
    }
  }

  /** Takes a datagram. Ignores anything but the expected answer. */
  receive(bytes: Uint8Array, from: TransportAddress, nowMs: number): void {
    checkBytes('bytes', bytes);
    checkObject('from must be an address and a port', from, 'address', 'port');
    const pending = this.#pending;
    if (pending === null || !isStun(bytes)) return;
    let message: StunMessage;
    let mapped: TransportAddress | undefined;
    let other: TransportAddress | undefined;
    try {
      message = parseStun(bytes);
      mapped =
        stunAddress(message, STUN_ATTRIBUTE.xorMappedAddress) ??
        stunAddress(message, STUN_ATTRIBUTE.mappedAddress);
      other = stunAddress(message, STUN_ATTRIBUTE.otherAddress);
    } catch (error) {
      if (error instanceof PacketError) return;
      throw error;
    }
    if (!message.transaction.every((byte, i) => byte === pending.transaction[i])) return;
    if (pending.test === 'hairpin') {
      // Its own request has come back.
      if (message.class === STUN_CLASS.request)
        this.#answered('hairpin', pending.destination, nowMs);
      return;
    }
    if (message.class !== STUN_CLASS.success || mapped === undefined) return;
    if (!sameAddress(canonical(from), pending.answerFrom)) return;
    if (pending.test === 'first') this.#other = other === undefined ? null : other;
    this.#answered(pending.test, mapped, nowMs);
  }

  /** @param mapped the mapped address in the answer; null: no answer came */
  #answered(test: Test, mapped: TransportAddress | null, nowMs: number): void {
    const isThere = mapped !== null;
    switch (test) {
      case 'first':
        if (mapped === null) return this.#end();
        this.#found = { ...this.#found, mapped };
        if (this.#local !== null && sameAddress(mapped, this.#local))
          this.#note({ mapping: 'none' });
        return this.#begin(this.#hasOther() ? 'change-both' : 'hairpin', nowMs);
      case 'change-both':
        if (!isThere) return this.#begin('change-port', nowMs);
        this.#note({ filtering: 'endpoint-independent' });
        return this.#beginMapping(nowMs);
      case 'change-port':
        this.#note({ filtering: isThere ? 'address-dependent' : 'address-and-port-dependent' });
        return this.#beginMapping(nowMs);
      case 'other-address':
        this.#second = mapped;
        if (!isThere) return this.#begin('hairpin', nowMs);
        if (!sameAddress(mapped, this.#found.mapped!)) return this.#begin('other-port', nowMs);
        this.#note({ mapping: 'endpoint-independent' });
        return this.#begin('hairpin', nowMs);
      case 'other-port':
        if (isThere) {
          const isSame = sameAddress(mapped, this.#second!);
          this.#note({ mapping: isSame ? 'address-dependent' : 'address-and-port-dependent' });
        }
        return this.#begin('hairpin', nowMs);
      case 'hairpin':
        this.#note({ hairpinning: this.#hairpins(isThere) });
        return this.#end();
    }
  }

  /**
   * Interprets the test of hairpinning. Without a NAT the machine itself returns the packet; if the mapping depends on the
   * destination, the filter may have refused it.
   */
  #hairpins(isThere: boolean): boolean | null {
    if (this.#found.mapping === 'none') return null;
    return isThere || (this.#found.mapping === 'endpoint-independent' ? false : null);
  }

  #beginMapping(nowMs: number): void {
    this.#begin(this.#found.mapping === 'none' ? 'hairpin' : 'other-address', nowMs);
  }

  /** Returns whether the server can answer from another address and another port. */
  #hasOther(): boolean {
    const other = this.#other;
    return (
      other !== null && other.address !== this.#server.address && other.port !== this.#server.port
    );
  }

  #begin(test: Test, nowMs: number): void {
    const transaction = this.#makeTransaction();
    const writer = new StunWriter(STUN_METHOD.binding, STUN_CLASS.request, transaction);
    const other = this.#other ?? this.#server;
    const { address, port } = this.#server;
    let destination = this.#server;
    let answerFrom = this.#server;
    if (test === 'change-both') {
      writer.addUint32(STUN_ATTRIBUTE.changeRequest, CHANGE_IP_AND_PORT);
      answerFrom = other;
    } else if (test === 'change-port') {
      writer.addUint32(STUN_ATTRIBUTE.changeRequest, CHANGE_PORT);
      answerFrom = { address, port: other.port };
    } else if (test === 'other-address') {
      destination = { address: other.address, port };
      answerFrom = destination;
    } else if (test === 'other-port') {
      destination = other;
      answerFrom = other;
    } else if (test === 'hairpin') {
      destination = this.#found.mapped!;
      answerFrom = destination;
    }
    const bytes = writer.finish();
    this.#pending = { test, destination, bytes, transaction, answerFrom, sent: 0, nextMs: nowMs };
  }

  #note(findings: Partial<NatReport>): void {
    this.#found = { ...this.#found, ...findings };
  }

  #end(): void {
    this.#isOver = true;
    this.#pending = null;
  }
}

function canonical({ address, port }: TransportAddress): TransportAddress {
  return { address: canonicalIp(address), port };
}
