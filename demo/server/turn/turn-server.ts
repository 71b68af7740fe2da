import type { RemoteInfo, Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { readUint16, readUint32, writeUint16 } from '../../../src/core/bytes.ts';
import { PacketError } from '../../../src/core/errors.ts';
import {
  FIRST_CHANNEL,
  LAST_CHANNEL,
  isChannelData,
  parseChannelData,
  writeChannelData,
} from '../../../src/core/webrtc/stun/channel-data.ts';
import { isSignedWith, longTermKey } from '../../../src/core/webrtc/stun/stun-integrity.ts';
import {
  STUN_ATTRIBUTE as ATTRIBUTE,
  STUN_CLASS as CLASS,
  STUN_METHOD as METHOD,
  parseStun,
  readXorAddress,
  stunAddress,
  stunAttribute,
  stunText,
} from '../../../src/core/webrtc/stun/stun-message.ts';
import type { StunMessage } from '../../../src/core/webrtc/stun/stun-message.ts';
import { StunWriter } from '../../../src/core/webrtc/stun/stun-writer.ts';
import { addressKey, canonicalIp } from '../../../src/core/webrtc/stun/transport-address.ts';
import type { TransportAddress } from '../../../src/core/webrtc/stun/transport-address.ts';
import { ErrorBoundary } from '../error-boundary.ts';
import { selfSigned } from '../self-signed.ts';
import type { SelfSigned } from '../self-signed.ts';
import type { ClientLink } from './client-link.ts';
import { TurnAllocation } from './turn-allocation.ts';
import { TurnStreams } from './turn-streams.ts';

/** Options of a TURN server. */
export interface TurnServerOptions {
  /** The address to listen at and to relay from; others reach it only when it is not the loopback. @default '127.0.0.1' */
  readonly host?: string;
  /** UDP port; 0 for any that is free. @default 0 */
  readonly port?: number;
  readonly username: string;
  readonly password: string;
  /** Further clients are refused with 486. @default 64 */
  readonly maxAllocations?: number;
}

/** The parts of a server. */
interface TurnServerParts {
  readonly socket: Socket;
  readonly tcp: TurnStreams;
  readonly tls: TurnStreams;
  readonly host: string;
  readonly boundary: ErrorBoundary;
  readonly certificate: SelfSigned;
}

const REALM = 'micwire';
const CERTIFICATE_DAYS = 30;
/** Seconds (RFC 8656 §3.2). */
const DEFAULT_LIFETIME_S = 600;
const MAX_LIFETIME_S = 3600;
/** Connections of clients that are about to get a port, or that have just lost it. */
const SPARE_CONNECTIONS = 16;
const UDP_PROTOCOL = 17;
const SWEEP_MS = 5000;

/** Comprehension-required attributes that are understood (the others below 0x8000 must be refused: RFC 8489 §6.3.1). */
const KNOWN: ReadonlySet<number> = new Set([
  ATTRIBUTE.username,
  ATTRIBUTE.messageIntegrity,
  ATTRIBUTE.messageIntegritySha256,
  ATTRIBUTE.channelNumber,
  ATTRIBUTE.lifetime,
  ATTRIBUTE.xorPeerAddress,
  ATTRIBUTE.data,
  ATTRIBUTE.realm,
  ATTRIBUTE.nonce,
  ATTRIBUTE.requestedAddressFamily,
  ATTRIBUTE.requestedTransport,
  ATTRIBUTE.dontFragment,
]);

/**
 * A TURN server (RFC 8656) for the lab, which its clients reach over UDP, TCP or TLS; it relays over UDP. One user, long-term
 * credentials (RFC 8489 §9.2), bounded. It relays only between its own clients, so that it opens no way to anything else; both
 * sides of a call have to name it.
 */
export class TurnServer {
  /** For `iceServers`: `turn:host:port?transport=udp`. */
  readonly url: string;
  /** The same over TCP: `turn:host:port?transport=tcp`. */
  readonly tcpUrl: string;
  /** The same over TLS: `turns:host:port?transport=tcp`. Browsers refuse its certificate, which is self-signed. */
  readonly tlsUrl: string;
  /** The certificate, as PEM, for clients that are told to trust it. */
  readonly certificate: string;
  readonly #socket: Socket;
  readonly #host: string;
  /** The same, as addresses in messages are written. */
  readonly #address: string;
  readonly #streams: readonly TurnStreams[];
  readonly #boundary: ErrorBoundary;
  readonly #username: string;
  readonly #key: Uint8Array;
  readonly #nonce = randomBytes(12).toString('hex');
  readonly #maxAllocations: number;
  readonly #allocations = new Map<string, TurnAllocation>();
  /** The ports of those. */
  readonly #ports = new Set<number>();
  /** Clients whose port is being opened. */
  readonly #opening = new Set<string>();
  readonly #sweep: ReturnType<typeof setInterval>;
  #closed = false;

  /** Begins to listen. @throws when it cannot listen at the address */
  static async open(options: TurnServerOptions): Promise<TurnServer> {
    const { host = '127.0.0.1', port = 0, maxAllocations = 64 } = options;
    const boundary = new ErrorBoundary('TURN');
    const certificate = selfSigned({ names: [host], days: CERTIFICATE_DAYS });
    // Set before a client can be there.
    let server!: TurnServer;
    const streams = (secure: SelfSigned | null): Promise<TurnStreams> =>
      TurnStreams.open({
        host,
        boundary,
        certificate: secure,
        maxConnections: maxAllocations + SPARE_CONNECTIONS,
        message: (bytes, client) => server.#arrived(bytes, client),
        gone: (client) => server.#gone(client),
        isServed: ({ key }) => server.#allocations.has(key),
      });
    const opened: { close(): void }[] = [];
    try {
      const socket = await openSocket(host, port);
      opened.push(socket);
      const tcp = await streams(null);
      opened.push(tcp);
      const tls = await streams(certificate);
      server = new TurnServer({ socket, tcp, tls, host, boundary, certificate }, options);
      return server;
    } catch (error) {
      for (const each of opened) each.close();
      throw error;
    }
  }

  private constructor(parts: TurnServerParts, options: TurnServerOptions) {
    const { socket, tcp, tls, host, boundary, certificate } = parts;
    const { username, password, maxAllocations = 64 } = options;
    this.#boundary = boundary;
    this.#streams = [tcp, tls];
    this.#socket = socket;
    this.#host = host;
    this.#address = canonicalIp(host);
    this.#username = username;
    this.#key = longTermKey({ username, realm: REALM, password });
    this.#maxAllocations = maxAllocations;
    const name = isIPv6(host) ? `[${host}]` : host;
    this.url = `turn:${name}:${socket.address().port}?transport=udp`;
    this.tcpUrl = `turn:${name}:${tcp.port}?transport=tcp`;
    this.tlsUrl = `turns:${name}:${tls.port}?transport=tcp`;
    this.certificate = certificate.certificate;
    const onMessage = (bytes: Buffer, from: RemoteInfo): void =>
      this.#arrived(bytes, this.#linkTo(from));
    socket.on('message', this.#boundary.guard(onMessage));
    this.#sweep = setInterval(
      this.#boundary.guard(() => this.#dropExpired()),
      SWEEP_MS,
    );
    this.#sweep.unref();
  }

  /** The UDP port that it listens at. */
  get port(): number {
    return this.#socket.address().port;
  }

  /** Connections of TCP and TLS that are open now. */
  get connections(): number {
    return this.#streams.reduce((sum, { connections }) => sum + connections, 0);
  }

  /** Clients that have a port now. */
  get clients(): number {
    return this.#allocations.size;
  }

  /** Closes every port. */
  close(): void {
    clearInterval(this.#sweep);
    for (const allocation of this.#allocations.values()) this.#drop(allocation);
    this.#closed = true;
    this.#socket.close();
    for (const streams of this.#streams) streams.close();
  }

  /** Over UDP. */
  #linkTo({ address, port }: RemoteInfo): ClientLink {
    const socket = this.#socket;
    const at = { address, port };
    return {
      key: `udp ${addressKey(at)}`,
      address: at,
      isOpen: true,
      send: (message) => socket.send(message, port, address, ignoreError),
    };
  }

  /** The connection of a client has ended, and its port with it (RFC 8656 §5). */
  #gone(client: ClientLink): void {
    const allocation = this.#allocations.get(client.key);
    if (allocation !== undefined) this.#drop(allocation);
  }

  #arrived(bytes: Uint8Array, client: ClientLink): void {
    if (this.#closed) return;
    try {
      if (isChannelData(bytes)) this.#channelData(bytes, client);
      else this.#message(parseStun(bytes), client);
    } catch (error) {
      // Only STUN gets an answer: it may come from a forged address.
      if (!(error instanceof PacketError)) throw error;
    }
  }

  #message(message: StunMessage, client: ClientLink): void {
    if (message.class === CLASS.indication) {
      if (message.method === METHOD.send) this.#send(message, client);
      return;
    }
    if (message.class !== CLASS.request) return;
    if (message.method === METHOD.binding) {
      this.#reply(
        client,
        this.#success(message).addXorAddress(ATTRIBUTE.xorMappedAddress, client.address),
        null,
      );
      return;
    }
    if (!this.#isAllowed(message, client)) return;
    const unknown = message.attributes.filter(({ type }) => type < 0x8000 && !KNOWN.has(type));
    if (unknown.length > 0) return this.#refuse(message, client, 420, 'Unknown Attribute', unknown);
    switch (message.method) {
      case METHOD.allocate:
        return this.#allocate(message, client);
      case METHOD.refresh:
        return this.#refresh(message, client);
      case METHOD.createPermission:
        return this.#createPermission(message, client);
      case METHOD.channelBind:
        return this.#channelBind(message, client);
      default:
        return this.#refuse(message, client, 400, 'Bad Request');
    }
  }

  /** RFC 8489 §9.2.4. */
  #isAllowed(message: StunMessage, client: ClientLink): boolean {
    const isSigned = stunAttribute(message, ATTRIBUTE.messageIntegrity) !== undefined;
    const isUser = stunText(message, ATTRIBUTE.username) === this.#username;
    if (!isSigned || !isUser || !isSignedWith(message, this.#key)) {
      this.#challenge(message, client, 401, 'Unauthorized');
      return false;
    }
    if (stunText(message, ATTRIBUTE.nonce) !== this.#nonce) {
      this.#challenge(message, client, 438, 'Stale Nonce');
      return false;
    }
    return true;
  }

  #allocate(message: StunMessage, client: ClientLink): void {
    const key = client.key;
    const transport = stunAttribute(message, ATTRIBUTE.requestedTransport);
    const family = stunAttribute(message, ATTRIBUTE.requestedAddressFamily)?.[0];
    const own = isIPv6(this.#host) ? 2 : 1;
    if (this.#allocations.has(key))
      return this.#refuse(message, client, 437, 'Allocation Mismatch');
    // The same request again, while its port is being opened: the answer to the first is enough.
    if (this.#opening.has(key)) return;
    if (transport === undefined) return this.#refuse(message, client, 400, 'Bad Request');
    if (transport[0] !== UDP_PROTOCOL) {
      return this.#refuse(message, client, 442, 'Unsupported Transport Protocol');
    }
    if (family !== undefined && family !== own) {
      return this.#refuse(message, client, 440, 'Address Family not Supported');
    }
    if (this.#allocations.size + this.#opening.size >= this.#maxAllocations) {
      return this.#refuse(message, client, 486, 'Allocation Quota Reached');
    }
    this.#opening.add(key);
    // The message's buffer is its own: it may be kept.
    void openSocket(this.#host, 0).then(
      (relay) =>
        this.#boundary.run(
          () => this.#allocated(message, client, relay),
          () => relay.close(),
        ),
      () => {
        this.#opening.delete(key);
        this.#refuse(message, client, 508, 'Insufficient Capacity');
      },
    );
  }

  #allocated(message: StunMessage, client: ClientLink, relay: Socket): void {
    this.#opening.delete(client.key);
    if (this.#closed || !client.isOpen) {
      relay.close();
      return;
    }
    const relayed = { address: this.#host, port: relay.address().port };
    const allocation = new TurnAllocation(client, relay, relayed);
    const lifetime = lifetimeOf(message);
    allocation.expiresAt = Date.now() + lifetime * 1000;
    this.#allocations.set(client.key, allocation);
    this.#ports.add(relayed.port);
    const onMessage = (bytes: Buffer, peer: RemoteInfo): void =>
      this.#relayed(allocation, bytes, peer);
    relay.on('message', this.#boundary.guard(onMessage));
    const reply = this.#success(message)
      .addXorAddress(ATTRIBUTE.xorRelayedAddress, relayed)
      .addUint32(ATTRIBUTE.lifetime, lifetime)
      .addXorAddress(ATTRIBUTE.xorMappedAddress, client.address);
    this.#reply(client, reply);
  }

  #refresh(message: StunMessage, client: ClientLink): void {
    const allocation = this.#allocations.get(client.key);
    if (allocation === undefined) return this.#refuse(message, client, 437, 'Allocation Mismatch');
    const lifetime = lifetimeOf(message);
    if (lifetime === 0) this.#drop(allocation);
    else allocation.expiresAt = Date.now() + lifetime * 1000;
    this.#reply(client, this.#success(message).addUint32(ATTRIBUTE.lifetime, lifetime));
  }

  #createPermission(message: StunMessage, client: ClientLink): void {
    const allocation = this.#allocations.get(client.key);
    if (allocation === undefined) return this.#refuse(message, client, 437, 'Allocation Mismatch');
    const peers = message.attributes
      .filter(({ type }) => type === ATTRIBUTE.xorPeerAddress)
      .map(({ value }) => readXorAddress(value, message.transaction));
    if (peers.length === 0) return this.#refuse(message, client, 400, 'Bad Request');
    if (peers.some(({ address }) => address !== this.#address)) {
      return this.#refuse(message, client, 403, 'Forbidden: peers must use this server too');
    }
    // All peers have this one address.
    if (!allocation.permit(this.#address, Date.now())) {
      return this.#refuse(message, client, 508, 'Insufficient Capacity');
    }
    this.#reply(client, this.#success(message));
  }

  #channelBind(message: StunMessage, client: ClientLink): void {
    const allocation = this.#allocations.get(client.key);
    if (allocation === undefined) return this.#refuse(message, client, 437, 'Allocation Mismatch');
    const numberBytes = stunAttribute(message, ATTRIBUTE.channelNumber);
    const peer = stunAddress(message, ATTRIBUTE.xorPeerAddress);
    if (numberBytes?.length !== 4 || peer === undefined) {
      return this.#refuse(message, client, 400, 'Bad Request');
    }
    const number = readUint16(numberBytes, 0);
    if (peer.address !== this.#address) {
      return this.#refuse(message, client, 403, 'Forbidden: peers must use this server too');
    }
    const isInRange = number >= FIRST_CHANNEL && number <= LAST_CHANNEL;
    if (!isInRange || !allocation.bind(number, peer, Date.now())) {
      return this.#refuse(message, client, 400, 'Bad Request');
    }
    this.#reply(client, this.#success(message));
  }

  /** From a client to a peer, in a message (RFC 8656 §11.2). */
  #send(message: StunMessage, client: ClientLink): void {
    const allocation = this.#allocations.get(client.key);
    const data = stunAttribute(message, ATTRIBUTE.data);
    const peer = stunAddress(message, ATTRIBUTE.xorPeerAddress);
    if (allocation === undefined || data === undefined || peer === undefined) return;
    this.#toPeer(allocation, data, peer);
  }

  /** From a client to a peer, through a channel (RFC 8656 §12.4). */
  #channelData(bytes: Uint8Array, client: ClientLink): void {
    const allocation = this.#allocations.get(client.key);
    if (allocation === undefined) return;
    const { channel, data } = parseChannelData(bytes);
    const peer = allocation.peerOf(channel, Date.now());
    if (peer !== null) this.#toPeer(allocation, data, peer);
  }

  #toPeer(allocation: TurnAllocation, data: Uint8Array, peer: TransportAddress): void {
    // Only to ports of this server's own: see the class.
    if (!allocation.permits(peer.address, Date.now()) || !this.#ports.has(peer.port)) return;
    allocation.relay.send(data, peer.port, peer.address, ignoreError);
  }

  /** From a peer to a client: only from a port of this server's own, and only when the client has let it in. */
  #relayed(allocation: TurnAllocation, data: Buffer, from: RemoteInfo): void {
    const peer = { address: canonicalIp(from.address), port: from.port };
    const now = Date.now();
    if (peer.address !== this.#address || !this.#ports.has(peer.port)) return;
    if (!allocation.permits(peer.address, now)) return;
    const { client } = allocation;
    const number = allocation.channelOf(peer, now);
    if (number === null) {
      const message = new StunWriter(METHOD.data, CLASS.indication, randomBytes(12))
        .addXorAddress(ATTRIBUTE.xorPeerAddress, peer)
        .add(ATTRIBUTE.data, data);
      client.send(message.finish());
      return;
    }
    client.send(writeChannelData(number, data));
  }

  #dropExpired(): void {
    const now = Date.now();
    for (const allocation of this.#allocations.values()) {
      if (allocation.expiresAt <= now) this.#drop(allocation);
      else allocation.dropExpired(now);
    }
  }

  #drop(allocation: TurnAllocation): void {
    this.#allocations.delete(allocation.client.key);
    this.#ports.delete(allocation.relayed.port);
    allocation.relay.close();
  }

  #success({ method, transaction }: StunMessage): StunWriter {
    return new StunWriter(method, CLASS.success, transaction);
  }

  #refuse(
    { method, transaction }: StunMessage,
    client: ClientLink,
    code: number,
    reason: string,
    unknown: readonly { readonly type: number }[] = [],
  ): void {
    const reply = new StunWriter(method, CLASS.error, transaction).addError(code, reason);
    if (unknown.length > 0) {
      const types = new Uint8Array(2 * unknown.length);
      for (const [i, { type }] of unknown.entries()) writeUint16(type, types, 2 * i);
      reply.add(ATTRIBUTE.unknownAttributes, types);
    }
    this.#reply(client, reply);
  }

  #challenge(
    { method, transaction }: StunMessage,
    client: ClientLink,
    code: number,
    reason: string,
  ): void {
    const reply = new StunWriter(method, CLASS.error, transaction)
      .addError(code, reason)
      .add(ATTRIBUTE.realm, REALM)
      .add(ATTRIBUTE.nonce, this.#nonce);
    this.#reply(client, reply, null);
  }

  #reply(client: ClientLink, reply: StunWriter, key: Uint8Array | null = this.#key): void {
    if (!this.#closed) client.send(reply.finish({ key }));
  }
}

function openSocket(host: string, port: number): Promise<Socket> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, () => {
      socket.off('error', reject);
      // A peer's port that is closed shows as an error here; packets to it are lost, as on any network.
      socket.on('error', ignoreError);
      resolve(socket);
    });
  });
}

/** RFC 8656 §7.2: what the client asks for, within bounds; 0 ends a refresh. */
function lifetimeOf(message: StunMessage): number {
  const value = stunAttribute(message, ATTRIBUTE.lifetime);
  if (value?.length !== 4) return DEFAULT_LIFETIME_S;
  const asked = readUint32(value, 0);
  if (message.method === METHOD.refresh && asked === 0) return 0;
  return Math.min(MAX_LIFETIME_S, Math.max(DEFAULT_LIFETIME_S, asked));
}

function ignoreError(): void {}
