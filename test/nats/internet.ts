import { VirtualClock } from '../../demo/link/clock.ts';
import { Nat } from '../../src/core/webrtc/nat/index.ts';
import type { NatRoute } from '../../src/core/webrtc/nat/index.ts';
import type { TransportAddress } from '../../src/core/webrtc/stun/index.ts';
import { seededRandom } from '../helpers/random.ts';
import { Ledger, Violation } from './ledger.ts';
import type { SimulatedNat, World } from './schedule.ts';

/** Takes a packet that has arrived. */
export type Receiver = (bytes: Uint8Array, from: TransportAddress, to: TransportAddress) => void;

/** A home: hosts behind one NAT. */
export interface Home {
  readonly nat: Nat;
  readonly ledger: Ledger;
  readonly settings: SimulatedNat;
  /** Address and port inside → its socket. */
  readonly sockets: Map<string, Receiver>;
}

const keyOf = ({ address, port }: TransportAddress): string => `${address} ${port}`;

/** Two homes, and servers between them, over a network that loses and reorders. */
export class Internet {
  readonly clock = new VirtualClock();
  readonly random: () => number;
  readonly homes: Readonly<Record<'a' | 'b', Home>>;
  /** What happened, in order. */
  readonly log: string[] = [];
  readonly #world: World;
  /** IP address → who has it. */
  readonly #servers = new Map<string, Receiver>();

  constructor(world: World) {
    this.#world = world;
    this.random = seededRandom(world.seed ^ 0x5eed);
    this.homes = {
      a: this.#home('198.51.100.11', world.a),
      b: this.#home('198.51.100.12', world.b),
    };
  }

  get nowMs(): number {
    return this.clock.nowMs;
  }

  serve(address: string, receiver: Receiver): void {
    this.#servers.set(address, receiver);
  }

  /** A host sends. Private addresses lead nowhere. */
  sendFromHome(home: Home, from: TransportAddress, to: TransportAddress, bytes: Uint8Array): void {
    const now = this.nowMs;
    const isOwn = to.address === home.nat.address;
    const route = home.nat.outbound(from, to, now);
    if (isOwn) return this.#roundTheHairpin(home, from, to, route, bytes);
    if (route === null) {
      throw new Violation('no exception', 'A NAT with free ports refused a packet from inside.');
    }
    home.ledger.left(from, route.source, to, now);
    this.#later(() => this.#arrive(route.source, to, bytes));
  }

  /** A server, or somebody else, sends. */
  sendOutside(from: TransportAddress, to: TransportAddress, bytes: Uint8Array): void {
    this.#later(() => this.#arrive(from, to, bytes));
  }

  /** Signalling, which loses nothing. */
  signal(action: () => void): void {
    this.clock.at(this.nowMs + this.#world.signalMs, action);
  }

  note(text: string): void {
    this.log.push(`${this.nowMs.toFixed(1)} ms ${text}`);
  }

  #arrive(source: TransportAddress, destination: TransportAddress, bytes: Uint8Array): void {
    const home = Object.values(this.homes).find(({ nat }) => nat.address === destination.address);
    if (home === undefined) {
      this.#servers.get(destination.address)?.(bytes, source, destination);
      return;
    }
    const route = home.nat.inbound(source, destination, this.nowMs);
    home.ledger.came(source, destination, route?.destination ?? null, this.nowMs);
    if (route !== null)
      home.sockets.get(keyOf(route.destination))?.(bytes, source, route.destination);
  }

  #roundTheHairpin(
    home: Home,
    from: TransportAddress,
    to: TransportAddress,
    route: NatRoute | null,
    bytes: Uint8Array,
  ): void {
    const now = this.nowMs;
    if (!home.settings.hairpinning) {
      if (route === null) return;
      throw new Violation('hairpinning as chosen', 'A packet came back in.');
    }
    // Which address outside it has left as shows only in what came of it.
    if (route === null) return;
    home.ledger.left(from, route.source, to, now);
    home.ledger.came(route.source, to, route.destination, now);
    const socket = home.sockets.get(keyOf(route.destination));
    this.#later(() => socket?.(bytes, route.source, route.destination));
  }

  #later(action: () => void): void {
    const { lossRatio, delayMs, jitterMs } = this.#world;
    if (this.random() < lossRatio) return;
    this.clock.at(this.nowMs + delayMs + this.random() * jitterMs, action);
  }

  #home(address: string, settings: SimulatedNat): Home {
    const nat = new Nat({ ...settings, address, random: this.random });
    return { nat, ledger: new Ledger(settings), settings, sockets: new Map() };
  }
}
