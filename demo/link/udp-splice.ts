import type { RemoteInfo, Socket } from 'node:dgram';
import { performance } from 'node:perf_hooks';
import { isStun } from '../../src/core/webrtc/stun/stun-message.ts';
import type { ErrorBoundary } from '../server/error-boundary.ts';
import { MessageRate } from '../server/message-rate.ts';
import type { Lateness } from './lateness.ts';
import type { Carrier } from './carrier.ts';
import type { LanePath } from './lane-path.ts';
import type { RealClock } from './real-clock.ts';
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
  /** Stands round what comes from the peers; a fault drops the datagram. */
  readonly boundary: ErrorBoundary;
  /** The address that both ports are bound to. @default '127.0.0.1' */
  readonly address?: string;
  /**
   * A server of QUIC that is always the second peer; the first peer is then the one that begins a connection of QUIC.
   * @default null: the first and the second peer of a call, who begin with STUN
   */
  readonly server?: ServerAddress | null;
  /** From each peer; twice as many may come at once, and what comes beyond is dropped. @default 4000 */
  readonly maxPacketsPerSecond?: number;
}

/** A peer silent for so long may have moved to another port (an ICE restart): its place is free. */
const PEER_GONE_MS = 5000;

/** One of the two ports, and who is behind it. */
interface Side {
  readonly socket: Socket;
  readonly rate: MessageRate;
  peer: ServerAddress | null;
  /** Whether the peer is the server's, whom nobody replaces. */
  readonly isFixed: boolean;
  /** Whether a datagram may come from a peer that is new. */
  readonly isHello: (datagram: Uint8Array) => boolean;
  heardAtMs: number;
}

/**
 * A link between the two peers of a WebRTC call, or between a page and a server of QUIC. The two peers of a call:  each is told one address, one of the two ports here, as the other's only
 * candidate; what it sends there comes out of the other port, later or not at all. A peer is the address that sends the first STUN
 * message to a port, which ICE begins with: addresses hidden by mDNS need not be known. Nobody else gets anything through.
 */
export class UdpSplice implements Carrier {
  readonly kind = 'splice';
  readonly tcp: null = null;
  /** Where the first peer and the second send to. */
  readonly ports: readonly [number, number];
  readonly address: string;
  #refusedPackets = 0;
  readonly #options: UdpSpliceOptions;
  readonly #sides: readonly [Side, Side];
  readonly #headerBytes: number;
  #closed = false;

  private constructor(options: UdpSpliceOptions, address: string, sockets: [Socket, Socket]) {
    this.#options = options;
    this.address = address;
    this.#headerBytes = headerBytesOf(address);
    const perSecond = options.maxPacketsPerSecond ?? 4000;
    const [first, second] = sockets;
    const { server = null } = options;
    const isHello = server === null ? isStun : isQuicInitial;
    this.#sides = [
      sideOf(first, perSecond, isHello, null),
      sideOf(second, perSecond, isHello, server),
    ];
    this.ports = [first.address().port, second.address().port];
    this.#serve(this.#sides[0], this.#sides[1], options.forward);
    this.#serve(this.#sides[1], this.#sides[0], options.back);
  }

  /** Opens both ports. @throws what binding a socket throws */
  static async open(options: UdpSpliceOptions): Promise<UdpSplice> {
    const address = options.address ?? '127.0.0.1';
    const first = await bindUdp(address);
    try {
      return new UdpSplice(options, address, [first, await bindUdp(address)]);
    } catch (error) {
      first.close();
      throw error;
    }
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
    for (const { socket } of this.#sides) socket.close();
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
      if (arrival >= 0) clock.at(arrival, () => this.#put(to, datagram, arrival));
    };
    from.socket.on('message', boundary.guard(onDatagram));
  }

  /** Whether a datagram is one of the call's. */
  #admit(side: Side, datagram: Buffer, { address, port }: RemoteInfo, now: number): boolean {
    if (datagram.length === 0 || datagram.length > MAX_DATAGRAM_BYTES) return false;
    const known = side.peer?.port === port && side.peer.address === address;
    if (!known) {
      const free = side.peer === null || now - side.heardAtMs > PEER_GONE_MS;
      if (side.isFixed || !free || !side.isHello(datagram)) return false;
      side.peer = { address, port };
    }
    side.heardAtMs = now;
    return side.rate.take(now);
  }

  #put({ socket, peer }: Side, datagram: Buffer, dueMs: number): void {
    // Before the other peer has said a word, nobody knows where it is: as if it were not there yet.
    if (this.#closed || peer === null) return;
    this.#options.lateness.add(performance.now() - dueMs);
    socket.send(datagram, peer.port, peer.address, () => {});
  }
}

function sideOf(
  socket: Socket,
  perSecond: number,
  isHello: Side['isHello'],
  peer: ServerAddress | null,
): Side {
  return {
    socket,
    rate: new MessageRate(perSecond, performance.now()),
    peer,
    isFixed: peer !== null,
    isHello,
    heardAtMs: 0,
  };
}

/** Shortest datagram that begins a connection (RFC 9000 §14.1). */
const MIN_INITIAL_BYTES = 1200;

/** Whether a datagram is the first one of a connection of QUIC: a long header, of type Initial (RFC 9000 §17.2). */
function isQuicInitial(datagram: Uint8Array): boolean {
  return datagram.length >= MIN_INITIAL_BYTES && (datagram[0]! & 0xf0) === 0xc0;
}
