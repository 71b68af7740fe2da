import type { NatBehaviour, NatDependence } from '../../src/core/webrtc/nat/index.ts';
import type { TransportAddress } from '../../src/core/webrtc/stun/index.ts';
import type { SimulatedNat } from './schedule.ts';

export type Rule =
  | 'one address outside for what the mapping does not tell apart'
  | 'another address outside for what the mapping tells apart'
  | 'an address outside belongs to one address inside'
  | 'a packet that nobody asked for stays outside'
  | 'a packet that was asked for comes in'
  | 'hairpinning as chosen'
  | 'the discovery finds the behaviour'
  | 'the outcome is the one predicted'
  | 'both sides agree on the pair'
  | 'what is sent over the pair arrives'
  | 'no exception';

/** A rule that was broken. */
export class Violation extends Error {
  readonly rule: Rule;

  constructor(rule: Rule, detail: string) {
    super(detail);
    this.rule = rule;
  }
}

/** What is known of an address outside: whose it is, and where packets went as it. */
interface Known {
  readonly inside: string;
  readonly outside: string;
  /** When something last left as it, or came in by it where that counts. */
  lastMs: number;
  readonly destinations: Map<string, { readonly destination: TransportAddress; atMs: number }>;
}

const textOf = ({ address, port }: TransportAddress): string => `${address}:${port}`;

/** As much of an address as a behaviour looks at, said in another way than the NAT does. */
function looksAlike(by: NatDependence, a: TransportAddress, b: TransportAddress): boolean {
  if (by === 'endpoint-independent') return true;
  return a.address === b.address && (by === 'address-dependent' || a.port === b.port);
}

/** Notes all packets through one NAT, and says from that alone what the NAT should have done. */
export class Ledger {
  readonly #nat: SimulatedNat;
  readonly #known = new Map<string, Known>();

  constructor(nat: SimulatedNat) {
    this.#nat = nat;
  }

  /** A packet has left. */
  left(
    from: TransportAddress,
    as: TransportAddress,
    destination: TransportAddress,
    atMs: number,
  ): void {
    const [inside, outside] = [textOf(from), textOf(as)];
    const fail = (rule: Rule): never => {
      const words = `${inside} as ${outside} to ${textOf(destination)} at ${atMs} ms`;
      throw new Violation(rule, `${words}, with ${describe(this.#nat)}`);
    };
    const own = this.#alive(outside, atMs);
    if (own !== null && own.inside !== inside)
      fail('an address outside belongs to one address inside');
    for (const known of this.#known.values()) {
      if (known.inside !== inside || this.#alive(known.outside, atMs) === null) continue;
      const shouldBe = [...known.destinations.values()].some((one) =>
        looksAlike(this.#nat.mapping, one.destination, destination),
      );
      if (shouldBe && known !== own) {
        fail('one address outside for what the mapping does not tell apart');
      }
      if (!shouldBe && known === own) {
        fail('another address outside for what the mapping tells apart');
      }
    }
    const known = own ?? { inside, outside, lastMs: atMs, destinations: new Map() };
    known.lastMs = atMs;
    known.destinations.set(textOf(destination), { destination, atMs });
    this.#known.set(outside, known);
  }

  /** A packet has come to an address outside. @param to where the NAT has sent it on to; null: nowhere */
  came(
    source: TransportAddress,
    outside: TransportAddress,
    to: TransportAddress | null,
    atMs: number,
  ): void {
    const known = this.#alive(textOf(outside), atMs);
    const wanted = known !== null && this.#lets(known, source, atMs) ? known.inside : null;
    const got = to === null ? null : textOf(to);
    const detail = `from ${textOf(source)} to ${textOf(outside)} at ${atMs} ms: ${got ?? 'refused'}, and not ${wanted ?? 'refused'}`;
    if (got !== null && wanted !== got) {
      throw new Violation('a packet that nobody asked for stays outside', detail);
    }
    if (got === null && wanted !== null) {
      throw new Violation('a packet that was asked for comes in', detail);
    }
    if (got !== null && this.#nat.refreshOnInbound) known!.lastMs = atMs;
  }

  #lets({ destinations }: Known, source: TransportAddress, atMs: number): boolean {
    const { filtering, mappingTimeoutMs } = this.#nat;
    if (filtering === 'endpoint-independent') return true;
    return [...destinations.values()].some(
      (one) => looksAlike(filtering, one.destination, source) && one.atMs + mappingTimeoutMs > atMs,
    );
  }

  /** What is known of an address outside; null when it has expired, or never was. */
  #alive(outside: string, atMs: number): Known | null {
    const known = this.#known.get(outside);
    if (known === undefined) return null;
    if (known.lastMs + this.#nat.mappingTimeoutMs > atMs) return known;
    this.#known.delete(outside);
    return null;
  }
}

function describe({ mapping, filtering }: NatBehaviour): string {
  return `mapping ${mapping}, filtering ${filtering}`;
}
