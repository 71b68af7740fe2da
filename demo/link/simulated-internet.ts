import { randomBytes } from 'node:crypto';
import { addressKey } from '../../src/core/webrtc/stun/transport-address.ts';
import type { TransportAddress } from '../../src/core/webrtc/stun/transport-address.ts';
import { TurnServer } from '../server/turn/turn-server.ts';
import type { SimulatedRouter } from './simulated-router.ts';

/** The addresses that the two servers have on it: two, so that a page can see what a mapping depends on. */
const SERVERS: readonly [TransportAddress, TransportAddress] = [
  { address: '203.0.113.1', port: 3478 },
  { address: '203.0.113.2', port: 3478 },
];
/** Routers get addresses of TEST-NET-2, in turn. */
const ROUTER_NETWORK = '198.51.100';
const ROUTERS = 254;

/** One of the two servers. */
export interface InternetServer {
  /** Its address as the routers see it. */
  readonly address: TransportAddress;
  /** Where it listens. */
  readonly port: number;
}

/**
 * What is between simulated routers: two STUN and TURN servers, and a record of which host is behind which router. Addresses on it
 * are those of documentation (RFC 5737); each is carried by a port of this machine.
 */
export class SimulatedInternet {
  readonly username = 'lab';
  readonly credential: string = randomBytes(16).toString('hex');
  /** The address of this machine that everything is bound to. */
  readonly host: string;
  #opening: Promise<readonly [TurnServer, TurnServer]> | null = null;
  readonly #routers = new Map<string, SimulatedRouter>();
  /** Address and port of a host of this machine → the router that it is behind. */
  readonly #insiders = new Map<string, SimulatedRouter>();
  #nextRouter = 0;
  #closed = false;

  constructor(host: string) {
    this.host = host;
  }

  /** The two servers, which start when first asked for. @throws what binding a socket throws */
  async servers(): Promise<readonly [InternetServer, InternetServer]> {
    this.#opening ??= this.#openServers().catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    const [first, second] = await this.#opening;
    return [
      { address: SERVERS[0], port: first.port },
      { address: SERVERS[1], port: second.port },
    ];
  }

  /** Takes a free address for a router. @throws Error when all are taken */
  freeAddress(): string {
    for (let i = 0; i < ROUTERS; i++) {
      const address = `${ROUTER_NETWORK}.${1 + (this.#nextRouter++ % ROUTERS)}`;
      if (!this.#routers.has(address)) return address;
    }
    throw new Error(`There are ${ROUTERS} simulated routers already.`);
  }

  add(router: SimulatedRouter): void {
    this.#routers.set(router.address, router);
  }

  remove(router: SimulatedRouter): void {
    this.#routers.delete(router.address);
    for (const [key, one] of this.#insiders) if (one === router) this.#insiders.delete(key);
  }

  /** The router with that address, if any. */
  routerAt(address: string): SimulatedRouter | undefined {
    return this.#routers.get(address);
  }

  /** The router that a host of this machine is behind; undefined: not known. */
  routerOf(host: TransportAddress): SimulatedRouter | undefined {
    return this.#insiders.get(addressKey(host));
  }

  /** A host has shown that it is behind a router. */
  settle(host: TransportAddress, router: SimulatedRouter): void {
    this.#insiders.set(addressKey(host), router);
  }

  unsettle(host: TransportAddress): void {
    this.#insiders.delete(addressKey(host));
  }

  close(): void {
    this.#closed = true;
    for (const router of this.#routers.values()) router.close();
    this.#opening?.then((servers) => servers.forEach((server) => server.close())).catch(() => {});
  }

  async #openServers(): Promise<readonly [TurnServer, TurnServer]> {
    const { host, username, credential: password } = this;
    const first = await TurnServer.open({ host, username, password });
    try {
      const second = await TurnServer.open({ host, username, password });
      if (!this.#closed) return [first, second];
      second.close();
    } catch (error) {
      first.close();
      throw error;
    }
    first.close();
    throw new Error('The simulated network has been closed.');
  }
}
