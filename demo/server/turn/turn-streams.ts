import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { PacketError } from '../../../src/core/errors.ts';
import { StunStream, toStunStream } from './stun-stream.ts';
import { addressKey } from '../../../src/core/webrtc/stun/transport-address.ts';
import type { ErrorBoundary } from '../error-boundary.ts';
import type { ClientLink } from './client-link.ts';
import type { SelfSigned } from '../self-signed.ts';

/** What a TURN server does with its TCP and TLS clients. */
export interface TurnStreamsOptions {
  readonly host: string;
  readonly boundary: ErrorBoundary;
  /** Further connections are closed at once. */
  readonly maxConnections: number;
  /** For TLS; null for TCP. */
  readonly certificate: SelfSigned | null;
  /** A complete message has arrived. */
  message(bytes: Uint8Array, client: ClientLink): void;
  /** The connection has ended. */
  gone(client: ClientLink): void;
  /** Whether the client has a port at the server, and so may stay idle. */
  isServed(client: ClientLink): boolean;
}

/** Longest message, in bytes: relayed data must fit into a packet. */
const MAX_MESSAGE_BYTES = 2048;
/** How many bytes may wait for a client that does not read; any more are lost, as on any network. */
const MAX_WAITING_BYTES = 2 ** 16;
/** A connection is closed after this long without a port, and this long after the start of a message that is still incomplete, ms. */
const PATIENCE_MS = 10_000;
const SWEEP_MS = 1000;

/** The clients over TCP or TLS (RFC 8656 §3.1). Bounded in connections, and in bytes for each. */
export class TurnStreams {
  readonly #server: Server;
  readonly #links = new Set<StreamLink>();
  /** By address: connections whose TLS handshake is not done. */
  readonly #handshakes = new Map<string, Handshake>();
  readonly #sweep: ReturnType<typeof setInterval>;

  /** Begins to listen, at a port that is free. @throws when the address cannot be listened at */
  static async open(options: TurnStreamsOptions): Promise<TurnStreams> {
    const { certificate } = options;
    const server =
      certificate === null
        ? createServer({ noDelay: true })
        : createTlsServer({
            key: certificate.key,
            cert: certificate.certificate,
            noDelay: true,
          });
    // Also counts those whose TLS handshake is not done.
    server.maxConnections = options.maxConnections;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, options.host, () => {
        server.off('error', reject);
        // Of a connection that could not be accepted.
        server.on('error', () => {});
        // Of a handshake that failed.
        server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
        resolve();
      });
    });
    return new TurnStreams(server, options);
  }

  private constructor(server: Server, options: TurnStreamsOptions) {
    this.#server = server;
    const { boundary, certificate } = options;
    const onConnection = (socket: Socket): void => this.#serve(socket, options);
    const serve = boundary.guard(onConnection, (socket) => socket.destroy());
    if (certificate === null) server.on('connection', serve);
    else {
      server.on('connection', (socket: Socket) => this.#agree(socket));
      server.on('secureConnection', serve);
    }
    const sweep = (): void => {
      const now = performance.now();
      for (const { socket, sinceMs } of this.#handshakes.values()) {
        if (now - sinceMs > PATIENCE_MS) socket.destroy();
      }
      for (const link of this.#links) {
        if (link.isLate(now, options.isServed(link))) link.end();
      }
    };
    this.#sweep = setInterval(boundary.guard(sweep), SWEEP_MS);
    this.#sweep.unref();
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open now, with their TLS handshake done. */
  get connections(): number {
    return this.#links.size;
  }

  /** Cuts every connection and accepts no more. */
  close(): void {
    clearInterval(this.#sweep);
    this.#server.close();
    for (const { socket } of this.#handshakes.values()) socket.destroy();
    for (const link of this.#links) link.end();
  }

  /** Follows a connection until its TLS handshake is done. */
  #agree(socket: Socket): void {
    const key = addressKey(addressOf(socket));
    const handshake = { socket, sinceMs: performance.now() };
    this.#handshakes.set(key, handshake);
    socket.on('close', () => {
      // Another connection may have the address by now.
      if (this.#handshakes.get(key) === handshake) this.#handshakes.delete(key);
    });
  }

  #serve(socket: Socket, options: TurnStreamsOptions): void {
    const { boundary, certificate } = options;
    const link = new StreamLink(socket, certificate === null ? 'tcp' : 'tls');
    this.#links.add(link);
    this.#handshakes.delete(addressKey(link.address));
    socket.on('error', () => {});
    const onData = (bytes: Buffer): void => {
      let messages: Uint8Array[];
      try {
        messages = link.take(bytes);
      } catch (error) {
        if (!(error instanceof PacketError)) throw error;
        // The start of the next message is unknown.
        link.end();
        return;
      }
      for (const each of messages) options.message(each, link);
    };
    socket.on(
      'data',
      boundary.guard(onData, () => link.end()),
    );
    const onClose = (): void => {
      this.#links.delete(link);
      options.gone(link);
    };
    socket.on('close', boundary.guard(onClose));
  }
}

/** A connection whose TLS handshake is not done. */
interface Handshake {
  /** The one below TLS. */
  readonly socket: Socket;
  readonly sinceMs: number;
}

function addressOf({ remoteAddress = '', remotePort = 0 }: Socket): ClientLink['address'] {
  return { address: remoteAddress, port: remotePort };
}

/** A client over a stream. */
class StreamLink implements ClientLink {
  readonly key: string;
  readonly address: ClientLink['address'];
  readonly #socket: Socket;
  readonly #stream = new StunStream(MAX_MESSAGE_BYTES);
  /** When it last had a port, or was connected. */
  #servedMs = performance.now();
  /** When the message that is coming in began. */
  #messageMs = 0;

  constructor(socket: Socket, transport: 'tcp' | 'tls') {
    this.#socket = socket;
    this.address = addressOf(socket);
    this.key = `${transport} ${addressKey(this.address)}`;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** @throws PacketError as `StunStream.push` */
  take(bytes: Uint8Array): Uint8Array[] {
    const wasEmpty = this.#stream.pendingBytes === 0;
    const messages = this.#stream.push(bytes);
    if (wasEmpty || messages.length > 0) this.#messageMs = performance.now();
    return messages;
  }

  /** @param isServed whether it has a port now */
  isLate(now: number, isServed: boolean): boolean {
    if (isServed) this.#servedMs = now;
    const isStuck = this.#stream.pendingBytes > 0 && now - this.#messageMs > PATIENCE_MS;
    return isStuck || now - this.#servedMs > PATIENCE_MS;
  }

  send(message: Uint8Array): void {
    if (this.#socket.writable && this.#socket.writableLength < MAX_WAITING_BYTES) {
      this.#socket.write(toStunStream(message));
    }
  }

  end(): void {
    this.#socket.destroy();
  }
}
