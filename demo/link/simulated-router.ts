import type { RemoteInfo, Socket } from 'node:dgram';
import { performance } from 'node:perf_hooks';
import { Nat } from '../../src/core/webrtc/nat/nat.ts';
import { isStun } from '../../src/core/webrtc/stun/stun-message.ts';
import { addressKey } from '../../src/core/webrtc/stun/transport-address.ts';
import type { TransportAddress } from '../../src/core/webrtc/stun/transport-address.ts';
import type { ErrorBoundary } from '../server/error-boundary.ts';
import { TokenBucket } from '../../src/core/token-bucket.ts';
import type { Carrier } from './carrier.ts';
import type { Lateness } from './lateness.ts';
import type { LanePath } from './lane-path.ts';
import type { RealClock } from './real-clock.ts';
import type { RouterSettings } from './router-settings.ts';
import type { InternetServer, SimulatedInternet } from './simulated-internet.ts';
import { MAX_DATAGRAM_BYTES, bindUdp, headerBytesOf } from '../server/udp-socket.ts';

/** What a router runs on. */
export interface SimulatedRouterOptions {
  readonly internet: SimulatedInternet;
  readonly settings: RouterSettings;
  readonly clock: RealClock;
  /** From the hosts behind it. */
  readonly forward: LanePath;
  /** From the STUN and TURN servers to them. What another host sends has passed that one's `forward`. */
  readonly back: LanePath;
  readonly lateness: Lateness;
  /** Wraps the handling of each datagram; a fault drops it. */
  readonly boundary: ErrorBoundary;
  /** From all hosts behind it; bursts of twice as many are allowed, and any more are dropped. @default 4000 */
  readonly maxPacketsPerSecond?: number;
}

/** What a page gives `RTCPeerConnection` to be behind a router. */
export interface RouterServers {
  readonly urls: readonly string[];
  readonly username: string;
  readonly credential: string;
}

/** Connections of one page and of those that it opened before. */
const MAX_HOSTS = 32;
/** After this long without a packet, a host's place is free for another, in ms. */
const HOST_GONE_MS = 30_000;
/** Each has a port of this machine. */
const MAX_MAPPINGS = 64;
/** Datagrams that may wait for a port to be opened. */
const MAX_WAITING = 64;
const SWEEP_MS = 5000;

/** A port of this machine that stands for one of the router's outside. */
interface OutsidePort {
  /** null while it is being opened. */
  socket: Socket | null;
  readonly waiting: ((socket: Socket) => void)[];
}

/**
 * A router with a NAT in front of one page. Every program that sends STUN to one of its two ports `inside` is a host behind it; these ports
 * stand for the two servers of the internet as seen through it; each outside address that the NAT assigns is a port of this machine, to
 * which others send. Packets go over the session's link.
 */
export class SimulatedRouter implements Carrier {
  readonly kind = 'router';
  readonly tcp: null = null;
  /** Its address outside, one of documentation (RFC 5737). */
  readonly address: string;
  readonly #options: SimulatedRouterOptions;
  readonly #nat: Nat;
  readonly #servers: readonly [InternetServer, InternetServer];
  readonly #inside: readonly [Socket, Socket];
  readonly #outside = new Map<number, OutsidePort>();
  /** Hosts behind it, by address and port → when they were last heard of, in ms. */
  readonly #hosts = new Map<string, { readonly host: TransportAddress; heardAtMs: number }>();
  readonly #rate: TokenBucket;
  readonly #headerBytes: number;
  readonly #sweep: ReturnType<typeof setInterval>;
  #refusedPackets = 0;
  #closed = false;

  /** @throws what binding a socket throws */
  static async open(options: SimulatedRouterOptions): Promise<SimulatedRouter> {
    const { host } = options.internet;
    const servers = await options.internet.servers();
    const first = await bindUdp(host);
    let second: Socket | undefined;
    try {
      second = await bindUdp(host);
      return new SimulatedRouter(options, servers, [first, second]);
    } catch (error) {
      first.close();
      second?.close();
      throw error;
    }
  }

  private constructor(
    options: SimulatedRouterOptions,
    servers: readonly [InternetServer, InternetServer],
    inside: readonly [Socket, Socket],
  ) {
    const { internet, settings, boundary, maxPacketsPerSecond = 4000 } = options;
    this.#options = options;
    this.#servers = servers;
    this.#inside = inside;
    this.#rate = TokenBucket.perSecond(maxPacketsPerSecond, performance.now());
    this.#headerBytes = headerBytesOf(internet.host);
    this.address = internet.freeAddress();
    this.#nat = new Nat({ ...settings, address: this.address, maxMappings: MAX_MAPPINGS });
    for (const [i, socket] of inside.entries()) {
      const { address } = servers[i]!;
      const onDatagram = (datagram: Buffer, { address: ip, port }: RemoteInfo): void => {
        options.clock.catchUp();
        const host = { address: ip, port };
        if (this.#admits(host, datagram)) this.fromInside(host, address, datagram);
        else this.#refusedPackets++;
      };
      socket.on('message', boundary.guard(onDatagram));
    }
    internet.add(this);
    this.#sweep = setInterval(
      boundary.guard(() => this.#dropExpired()),
      SWEEP_MS,
    );
    this.#sweep.unref();
  }

  /** For the `iceServers` of the page behind it. */
  get iceServers(): readonly RouterServers[] {
    const { internet } = this.#options;
    const { username, credential, host } = internet;
    const name = host.includes(':') ? `[${host}]` : host;
    const [first, second] = this.#inside.map((socket) => `${name}:${socket.address().port}`);
    const urls = [`stun:${first}`, `stun:${second}`, `turn:${first}?transport=udp`];
    return [{ urls, username, credential }];
  }

  /** Datagrams refused: of strangers, by the NAT, too long, too many. */
  get refused(): number {
    return this.#refusedPackets;
  }

  restart(): void {
    this.#refusedPackets = 0;
  }

  /** Frees all ports; what is under way is dropped. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#sweep);
    this.#options.internet.remove(this);
    for (const socket of this.#inside) socket.close();
    for (const { socket } of this.#outside.values()) socket?.close();
    this.#outside.clear();
  }

  /** A host behind it sends to an address of the internet. */
  fromInside(host: TransportAddress, destination: TransportAddress, datagram: Buffer): void {
    const { clock, forward } = this.#options;
    const now = clock.nowMs;
    const known = this.#hosts.get(addressKey(host));
    if (known !== undefined) known.heardAtMs = now;
    const fits = datagram.length > 0 && datagram.length <= MAX_DATAGRAM_BYTES;
    const route =
      fits && this.#rate.tryTake(now) ? this.#nat.outbound(host, destination, now) : null;
    if (route === null) {
      this.#refusedPackets++;
      return;
    }
    forward.addPayload(datagram.length);
    const arrival = forward.fate(datagram.length + this.#headerBytes, now);
    if (arrival < 0) return;
    const carry = (socket: Socket): void => {
      if (route.to === 'inside') this.#put(socket, route.destination, datagram, arrival);
      else this.#carry(socket, route.source, destination, datagram, arrival);
    };
    clock.at(arrival, () => this.#with(route.source.port, carry));
  }

  /** A packet of another router's has come. @param socket stands for its source */
  #arrive(
    socket: Socket,
    source: TransportAddress,
    destination: TransportAddress,
    datagram: Buffer,
    dueMs: number,
  ): void {
    const route = this.#nat.inbound(source, destination, this.#options.clock.nowMs);
    if (route === null) this.#refusedPackets++;
    else this.#put(socket, route.destination, datagram, dueMs);
  }

  /** To a server or another router. @param socket stands for the source */
  #carry(
    socket: Socket,
    source: TransportAddress,
    destination: TransportAddress,
    datagram: Buffer,
    dueMs: number,
  ): void {
    const { internet } = this.#options;
    const server = this.#servers.find(({ address }) => address.address === destination.address);
    if (server !== undefined) {
      this.#put(socket, { address: internet.host, port: server.port }, datagram, dueMs);
    } else {
      const router = internet.routerAt(destination.address);
      if (router !== undefined) router.#arrive(socket, source, destination, datagram, dueMs);
    }
  }

  /** Something has arrived at an outside port: from a server, or from a host behind any router. */
  #atOutside(outside: TransportAddress, datagram: Buffer, from: TransportAddress): void {
    const { clock, internet, back } = this.#options;
    clock.catchUp();
    const index = this.#servers.findIndex(
      ({ port }) => port === from.port && from.address === internet.host,
    );
    const server = this.#servers[index];
    if (server === undefined) {
      const router = internet.routerOf(from);
      if (router === undefined) this.#refusedPackets++;
      else router.fromInside(from, outside, datagram);
      return;
    }
    const now = clock.nowMs;
    const route = this.#nat.inbound(server.address, outside, now);
    if (route === null) {
      this.#refusedPackets++;
      return;
    }
    back.addPayload(datagram.length);
    const arrival = back.fate(datagram.length + this.#headerBytes, now);
    if (arrival < 0) return;
    const socket = this.#inside[index]!;
    clock.at(arrival, () => this.#put(socket, route.destination, datagram, arrival));
  }

  #put(socket: Socket, { address, port }: TransportAddress, datagram: Buffer, dueMs: number): void {
    if (this.#closed) return;
    this.#options.lateness.add(performance.now() - dueMs);
    try {
      socket.send(datagram, port, address, () => {});
    } catch (error) {
      // The port of a mapping that has expired meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SOCKET_DGRAM_NOT_RUNNING') throw error;
    }
  }

  /** Whether a datagram comes from a host behind it: it begins with STUN, and there is room. */
  #admits(host: TransportAddress, datagram: Buffer): boolean {
    const { internet, clock } = this.#options;
    const key = addressKey(host);
    if (this.#hosts.has(key)) return true;
    if (!isStun(datagram) || internet.routerOf(host) !== undefined) return false;
    const now = clock.nowMs;
    for (const [other, { host: gone, heardAtMs }] of this.#hosts) {
      if (this.#hosts.size < MAX_HOSTS) break;
      if (now - heardAtMs <= HOST_GONE_MS) continue;
      this.#hosts.delete(other);
      internet.unsettle(gone);
    }
    if (this.#hosts.size >= MAX_HOSTS) return false;
    this.#hosts.set(key, { host, heardAtMs: now });
    internet.settle(host, this);
    return true;
  }

  /** Runs an action with the socket of a port outside, which may have to be opened. */
  #with(port: number, action: (socket: Socket) => void): void {
    if (this.#closed) return;
    let outside = this.#outside.get(port);
    if (outside === undefined) {
      outside = { socket: null, waiting: [] };
      this.#outside.set(port, outside);
      this.#openOutside(port, outside);
    }
    if (outside.socket !== null) action(outside.socket);
    else if (outside.waiting.length < MAX_WAITING) outside.waiting.push(action);
  }

  #openOutside(port: number, outside: OutsidePort): void {
    const { boundary, internet } = this.#options;
    const address = { address: this.address, port };
    const opened = (socket: Socket): void => {
      if (this.#outside.get(port) !== outside) {
        socket.close();
        return;
      }
      outside.socket = socket;
      const onDatagram = (datagram: Buffer, { address: ip, port: from }: RemoteInfo): void =>
        this.#atOutside(address, datagram, { address: ip, port: from });
      socket.on('message', boundary.guard(onDatagram));
      for (const action of outside.waiting.splice(0)) action(socket);
    };
    bindUdp(internet.host).then(
      (socket) =>
        boundary.run(
          () => opened(socket),
          () => socket.close(),
        ),
      // No port is free: the packet that would have left through it is lost.
      () => this.#outside.delete(port),
    );
  }

  #dropExpired(): void {
    const { clock } = this.#options;
    clock.catchUp();
    const mapped = new Set(this.#nat.mappings(clock.nowMs).map(({ outside }) => outside.port));
    for (const [port, { socket }] of this.#outside) {
      if (mapped.has(port)) continue;
      this.#outside.delete(port);
      socket?.close();
    }
  }
}
