import type { RemoteInfo, Socket } from 'node:dgram';
import { performance } from 'node:perf_hooks';
import { readUint16 } from '../../src/core/bytes.ts';
import { isStun } from '../../src/core/webrtc/stun/stun-message.ts';
import type { TransportAddress } from '../../src/core/webrtc/stun/transport-address.ts';
import type { ErrorBoundary } from '../server/error-boundary.ts';
import { TokenBucket } from '../../src/core/token-bucket.ts';
import type { Lateness } from './lateness.ts';
import type { Carrier } from './carrier.ts';
import type { LanePath } from './lane-path.ts';
import type { RealClock } from './real-clock.ts';
import type { PacketTape } from './packet-tape.ts';
import { MAX_DATAGRAM_BYTES, bindUdp, headerBytesOf } from '../server/udp-socket.ts';

/** Where a server listens. */
export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

/** What a splice runs on. */
export interface UdpSpliceOptions {
  readonly clock: RealClock;
  /** From the first peer to the second. */
  readonly forward: LanePath;
  readonly back: LanePath;
  readonly lateness: Lateness;
  /** Wraps the handling of the peers' datagrams; a fault drops the datagram. */
  readonly boundary: ErrorBoundary;
  /** Records what passes. @default nothing is recorded */
  readonly tape?: PacketTape | null;
  /** The address that both ports are bound to. @default '127.0.0.1' */
  readonly address?: string;
  /**
   * A server of QUIC that is always the second peer; the first peer is then the one that begins a QUIC connection.
   * @default null: the first and the second peer of a call, which begin with STUN
   */
  readonly server?: ServerAddress | null;
  /** From each peer; bursts of twice as many are allowed, and any more are dropped. @default 4000 */
  readonly maxPacketsPerSecond?: number;
}

/** A peer that has been silent for this long may have moved to another port: its place is free. */
const PEER_GONE_MS = 5000;
/**
 * Number of checks from other addresses that are refused after an ICE restart, so that a browser with two networks stays on the one
 * it used. If the new path is on a network with a higher cost, Chromium keeps its dead path for more than 3 s.
 */
const RESERVED_CHECKS = 4;
/** Types of STUN messages (RFC 8489 §5). */
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
/** Checks that may wait for an answer. */
const MAX_CHECKS = 64;

/** One of the two ports, and the peer behind it. */
interface Side {
  readonly socket: Socket;
  readonly rate: TokenBucket;
  peer: TransportAddress | null;
  /** Whether the peer is a given server, which nobody can replace. */
  readonly isFixed: boolean;
  /** The peer's address before the last ICE restart, or null if there was none. */
  readonly formerAddress: string | null;
  /** How many more checks from other addresses are refused. */
  reservedChecks: number;
  /** The protocol that a new peer begins with. */
  readonly protocol: 'STUN' | 'QUIC';
  heardAtMs: number;
  /** Whether the other side has answered a check of this peer: before that another may take its place. */
  isAnswered: boolean;
  /** The senders of the latest checks, by transaction: the peer is the one that is answered. */
  readonly checks: Map<string, TransportAddress>;
  isClosed: boolean;
}

type Sides = readonly [Side, Side];

/**
 * A link between the two peers of a WebRTC call, or between a page and a server of QUIC. Each peer of a call learns one address, one of the
 * two ports here, as the other's only candidate; what it sends there comes out of the other port, later or not at all. A
 * peer is the address whose check the other side answers first (RFC 8445 §7): several may send some, as a browser does from each of
 * its networks, and from what it gathered before a restart. Packets of any other sender are dropped. When ICE restarts, `renew` opens two
 * more ports for what the peers gather then, and the earlier ports continue until the next restart.
 */
export class UdpSplice implements Carrier {
  readonly kind = 'splice';
  readonly tcp: null = null;
  readonly address: string;
  #refusedPackets = 0;
  readonly #options: UdpSpliceOptions;
  readonly #headerBytes: number;
  /** The ports in use, and those before the last restart; null when there are none. */
  #sides: Sides | null;
  #before: Sides | null = null;
  #ports: readonly [number, number] = [0, 0];
  /** The peers' addresses at the last ICE restart or cut. */
  #addresses: readonly [string | null, string | null] = [null, null];
  #closed = false;

  private constructor(options: UdpSpliceOptions, address: string, sockets: [Socket, Socket]) {
    this.#options = options;
    this.address = address;
    this.#headerBytes = headerBytesOf(address);
    this.#sides = this.#serveBoth(sockets);
  }

  /** Opens both ports. @throws what binding a socket throws */
  static async open(options: UdpSpliceOptions): Promise<UdpSplice> {
    const address = options.address ?? '127.0.0.1';
    return new UdpSplice(options, address, await bindTwo(address));
  }

  /** Where the first peer and the second send to. */
  get ports(): readonly [number, number] {
    return this.#ports;
  }

  /** Opens two more ports, which `ports` returns from then on. @throws what binding a socket throws */
  async renew(): Promise<void> {
    const sockets = await bindTwo(this.address);
    if (this.#closed) {
      for (const socket of sockets) socket.close();
      return;
    }
    closeSides(this.#before);
    this.#noteAddresses();
    this.#before = this.#sides;
    this.#sides = this.#serveBoth(sockets);
  }

  /** Closes all ports, as when both peers leave the network that they were on. */
  cut(): void {
    this.#noteAddresses();
    closeSides(this.#before);
    closeSides(this.#sides);
    this.#before = null;
    this.#sides = null;
  }

  /** Datagrams refused: of strangers, too long, too many. */
  get refused(): number {
    return this.#refusedPackets;
  }

  restart(): void {
    this.#refusedPackets = 0;
  }

  /** Frees both ports; what is under way is dropped. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.cut();
  }

  #serveBoth([first, second]: readonly [Socket, Socket]): Sides {
    const { forward, back, server = null, maxPacketsPerSecond = 4000 } = this.#options;
    this.#ports = [first.address().port, second.address().port];
    const protocol = server === null ? 'STUN' : 'QUIC';
    const sides: Sides = [
      sideOf(first, maxPacketsPerSecond, protocol, null, this.#addresses[0]),
      sideOf(second, maxPacketsPerSecond, protocol, server, this.#addresses[1]),
    ];
    this.#serve(sides[0], sides[1], forward);
    this.#serve(sides[1], sides[0], back);
    return sides;
  }

  #noteAddresses(): void {
    if (this.#sides === null) return;
    const [first, second] = this.#sides;
    this.#addresses = [first.peer?.address ?? null, second.peer?.address ?? null];
  }

  #serve(from: Side, to: Side, path: LanePath): void {
    const { clock, boundary } = this.#options;
    const onDatagram = (datagram: Buffer, sender: RemoteInfo): void => {
      clock.catchUp();
      const now = clock.nowMs;
      if (!this.#admit(from, datagram, sender, now)) {
        this.#refusedPackets++;
        return;
      }
      path.addPayload(datagram.length);
      const arrival = path.fate(datagram.length + this.#headerBytes, now);
      if (arrival >= 0) clock.at(arrival, () => this.#put(from, to, datagram, arrival));
      noteCheck(from, datagram, sender);
    };
    from.socket.on('message', boundary.guard(onDatagram));
  }

  /** Whether a datagram is one of the call's. */
  #admit(side: Side, datagram: Buffer, { address, port }: RemoteInfo, now: number): boolean {
    if (datagram.length === 0 || datagram.length > MAX_DATAGRAM_BYTES) return false;
    const known = side.peer?.port === port && side.peer.address === address;
    if (!known) {
      const isFree = !side.isFixed && (!side.isAnswered || now - side.heardAtMs > PEER_GONE_MS);
      const isQuic = side.protocol === 'QUIC';
      if (!isFree || !(isQuic ? isQuicInitial(datagram) : isStun(datagram))) return false;
      if (side.reservedChecks > 0 && address !== side.formerAddress) {
        side.reservedChecks--;
        return false;
      }
      side.peer = { address, port };
      // In a QUIC connection, the first sender is the peer.
      side.isAnswered = isQuic;
    }
    side.heardAtMs = now;
    return side.rate.tryTake(now);
  }

  #put(from: Side, to: Side, datagram: Buffer, dueMs: number): void {
    noteAnswer(to, datagram);
    const { socket, peer, isClosed } = to;
    // Until the other peer has sent something its address is unknown, as if it were not there yet.
    if (isClosed || peer === null) return;
    this.#options.lateness.add(performance.now() - dueMs);
    socket.send(datagram, peer.port, peer.address, () => {});
    if (from.peer !== null) this.#options.tape?.add(datagram, from.peer, peer);
  }
}

function sideOf(
  socket: Socket,
  perSecond: number,
  protocol: Side['protocol'],
  peer: ServerAddress | null,
  formerAddress: string | null,
): Side {
  return {
    socket,
    rate: TokenBucket.perSecond(perSecond, performance.now()),
    peer,
    isFixed: peer !== null,
    formerAddress,
    reservedChecks: formerAddress === null ? 0 : RESERVED_CHECKS,
    protocol,
    heardAtMs: 0,
    isAnswered: false,
    checks: new Map(),
    isClosed: false,
  };
}

/** Remembers the senders of binding requests until one of them has been answered. */
function noteCheck(side: Side, datagram: Buffer, { address, port }: RemoteInfo): void {
  const { checks, isAnswered } = side;
  if (isAnswered || !isStun(datagram) || readUint16(datagram, 0) !== BINDING_REQUEST) return;
  checks.set(transactionOf(datagram), { address, port });
  if (checks.size > MAX_CHECKS) checks.delete(checks.keys().next().value!);
}

/** The other side answers a check: the sender of the check is the peer. */
function noteAnswer(side: Side, datagram: Buffer): void {
  if (side.isAnswered || !isStun(datagram) || readUint16(datagram, 0) !== BINDING_SUCCESS) return;
  const sender = side.checks.get(transactionOf(datagram));
  if (sender === undefined) return;
  side.peer = sender;
  side.isAnswered = true;
  side.checks.clear();
}

function transactionOf(message: Buffer): string {
  return message.toString('latin1', 8, 20);
}

function closeSides(sides: Sides | null): void {
  for (const side of sides ?? []) {
    side.isClosed = true;
    side.socket.close();
  }
}

async function bindTwo(address: string): Promise<[Socket, Socket]> {
  const first = await bindUdp(address);
  try {
    return [first, await bindUdp(address)];
  } catch (error) {
    first.close();
    throw error;
  }
}

/** Shortest datagram that begins a connection (RFC 9000 §14.1). */
const MIN_INITIAL_BYTES = 1200;

/** Whether a datagram is the first one of a connection of QUIC: a long header, of type Initial (RFC 9000 §17.2). */
function isQuicInitial(datagram: Uint8Array): boolean {
  return datagram.length >= MIN_INITIAL_BYTES && (datagram[0]! & 0xf0) === 0xc0;
}
