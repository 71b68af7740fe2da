import { randomBytes } from 'node:crypto';
import type { RemoteInfo, Socket } from 'node:dgram';
import type { Quiche } from '@matrixai/quic/native/quiche.js';
import type { Config, Connection } from '@matrixai/quic/native/types.js';
import { bindUdp } from '../udp-socket.ts';
import { ErrorBoundary } from '../error-boundary.ts';
import { TokenBucket } from '../../../src/core/token-bucket.ts';
import type { SelfSigned } from '../self-signed.ts';
import type { Admit, QuicActions } from './http3-connection.ts';
import { Http3Connection } from './http3-connection.ts';

/** The limits of a server. */
export interface QuicServerOptions {
  readonly certificate: SelfSigned;
  readonly admit: Admit;
  /** Packets to open a further connection are dropped. @default 32 */
  readonly maxConnections?: number;
  /** From each connection; bursts of twice as many are allowed, and any more are dropped. @default 4000 */
  readonly maxPacketsPerSecond?: number;
  /** A connection for which more waits is closed. @default 4194304 */
  readonly maxWaitingBytes?: number;
}

const ADDRESS = '127.0.0.1';
/** Length of this side's ids, which are in each packet of the page: short, but too long to guess. */
const CONNECTION_ID_BYTES = 8;
/** Less than any path of the internet carries (RFC 9000 §14.1 asks for 1,200). */
const MAX_PACKET_BYTES = 1350;
const IDLE_TIMEOUT_MS = 30_000;
/** Flow control: what a page may send before this side has read it. */
const CONNECTION_WINDOW_BYTES = 2 ** 20;
const STREAM_WINDOW_BYTES = 2 ** 18;
const MAX_STREAMS = 32;
/** Datagrams that wait in either direction. */
const DATAGRAM_QUEUE = 256;
const READ_BYTES = 2 ** 16;
/** RFC 9114 §8.1. */
const H3_NO_ERROR = 0x0100;
const H3_EXCESSIVE_LOAD = 0x0107;

/** Loads the QUIC of the package `@matrixai/quic`. @throws Error that says what to do if it is not installed */
async function loadQuiche(): Promise<Quiche> {
  try {
    const { default: quiche } = await import('@matrixai/quic/native/quiche.js');
    return quiche;
  } catch (cause) {
    throw new Error(
      'The package @matrixai/quic is not installed, or has no build for this system: npm install @matrixai/quic.',
      { cause },
    );
  }
}

/** Bytes that wait for a stream. */
interface Waiting {
  readonly parts: Uint8Array[];
  isLast: boolean;
}

/**
 * A server of HTTP/3 on a UDP port of this machine's loopback. It is for the lab: it has no address validation (RFC 9000
 * §8.1.2), and its QUIC is quiche 0.18, which lacks later fixes against resource exhaustion by strangers.
 */
export class QuicServer {
  readonly address: string = ADDRESS;
  readonly port: number;
  readonly #socket: Socket;
  readonly #quiche: Quiche;
  readonly #config: Config;
  readonly #options: QuicServerOptions;
  readonly #boundary = new ErrorBoundary('WebTransport');
  /** By the id that the client chose first, and by ours. */
  readonly #connections = new Map<string, QuicConnection>();
  readonly #touched = new Set<QuicConnection>();
  #isClosed = false;

  private constructor(quiche: Quiche, socket: Socket, options: QuicServerOptions) {
    this.#quiche = quiche;
    this.#socket = socket;
    this.#options = options;
    this.port = socket.address().port;
    const { key, certificate } = options.certificate;
    this.#config = configOf(quiche, key, certificate);
    socket.on(
      'message',
      this.#boundary.guard((data: Buffer, from: RemoteInfo) => this.#receive(data, from)),
    );
  }

  /** Opens a port. @throws Error if the package is missing, or no port can be opened */
  static async open(options: QuicServerOptions): Promise<QuicServer> {
    const quiche = await loadQuiche();
    return new QuicServer(quiche, await bindUdp(ADDRESS), options);
  }

  /** Connections that are open now. */
  get connectionCount(): number {
    return new Set(this.#connections.values()).size;
  }

  /** Sessions that are open now. */
  get sessionCount(): number {
    const connections = [...new Set(this.#connections.values())];
    return connections.reduce((sum, { http3 }) => sum + (http3?.sessionCount ?? 0), 0);
  }

  /** Ends every connection and frees the port. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const connection of new Set(this.#connections.values())) {
      connection.close(H3_NO_ERROR, 'The server ends.');
      this.#flushOrDrop(connection);
      this.#drop(connection);
    }
    // Node sends in a later task.
    setImmediate(() => this.#socket.close());
  }

  #receive(data: Buffer, from: RemoteInfo): void {
    let id: string;
    let isInitial: boolean;
    try {
      const header = this.#quiche.Header.fromSlice(data, CONNECTION_ID_BYTES);
      id = keyOf(header.dcid);
      isInitial =
        header.ty === this.#quiche.Type.Initial && this.#quiche.versionIsSupported(header.version);
    } catch {
      // Not a QUIC packet.
      return;
    }
    const connection = this.#connections.get(id) ?? (isInitial ? this.#accept(id, from) : null);
    if (connection === null || !connection.rate.tryTake(performance.now())) return;
    this.#boundary.run(
      () => {
        connection.receive(data, from, this.port);
        this.#touch(connection);
      },
      () => this.#drop(connection),
    );
  }

  /** @returns null where there are too many */
  #accept(clientsId: string, from: RemoteInfo): QuicConnection | null {
    const {
      admit,
      maxConnections = 32,
      maxPacketsPerSecond = 4000,
      maxWaitingBytes = 2 ** 22,
    } = this.#options;
    if (this.connectionCount >= maxConnections) return null;
    const id = randomBytes(CONNECTION_ID_BYTES);
    const quic = this.#quiche.Connection.accept(
      id,
      null,
      { host: ADDRESS, port: this.port },
      { host: from.address, port: from.port },
      this.#config,
    );
    const connection = new QuicConnection(quic, this.#quiche, {
      admit,
      rate: TokenBucket.perSecond(maxPacketsPerSecond, performance.now()),
      maxWaitingBytes,
      touch: (touched) => this.#touch(touched),
    });
    this.#connections.set(clientsId, connection);
    this.#connections.set(keyOf(id), connection);
    return connection;
  }

  /** Connections send at the end of the turn, once each. */
  #touch(connection: QuicConnection): void {
    if (this.#touched.size === 0) {
      queueMicrotask(() => {
        const touched = [...this.#touched];
        this.#touched.clear();
        // Everything due has been sent by then.
        if (this.#isClosed) return;
        for (const one of touched) this.#flushOrDrop(one);
      });
    }
    this.#touched.add(connection);
  }

  #flushOrDrop(connection: QuicConnection, before: () => void = () => {}): void {
    this.#boundary.run(
      () => {
        before();
        this.#flush(connection);
      },
      () => this.#drop(connection),
    );
  }

  #flush(connection: QuicConnection): void {
    clearTimeout(connection.timer);
    for (const { data, host, port } of connection.packets()) {
      this.#socket.send(data, port, host, () => {});
    }
    if (connection.isClosed) return this.#drop(connection);
    const timeoutMs = connection.timeoutMs;
    if (timeoutMs === null) return;
    connection.timer = setTimeout(
      () => this.#flushOrDrop(connection, () => connection.onTimeout()),
      timeoutMs,
    );
  }

  #drop(connection: QuicConnection): void {
    clearTimeout(connection.timer);
    for (const [id, one] of this.#connections) {
      if (one === connection) this.#connections.delete(id);
    }
    connection.http3?.end();
  }
}

interface QuicConnectionParts {
  readonly admit: Admit;
  readonly rate: TokenBucket;
  readonly maxWaitingBytes: number;
  /** Called when there may be something to send. */
  readonly touch: (connection: QuicConnection) => void;
}

/** A connection of quiche's, with HTTP/3 on it once its handshake is done. */
class QuicConnection implements QuicActions {
  readonly rate: TokenBucket;
  timer: ReturnType<typeof setTimeout> | undefined;
  http3: Http3Connection | null = null;
  readonly #quic: Connection;
  readonly #quiche: Quiche;
  readonly #parts: QuicConnectionParts;
  readonly #waiting = new Map<number, Waiting>();
  #waitingBytes = 0;
  readonly #buffer = new Uint8Array(READ_BYTES);
  readonly #packet = new Uint8Array(MAX_PACKET_BYTES);

  constructor(quic: Connection, quiche: Quiche, parts: QuicConnectionParts) {
    this.#quic = quic;
    this.#quiche = quiche;
    this.#parts = parts;
    this.rate = parts.rate;
  }

  get isClosed(): boolean {
    return this.#quic.isClosed();
  }

  /** Until `onTimeout` is due, ms; null: never. */
  get timeoutMs(): number | null {
    return this.#quic.timeout();
  }

  onTimeout(): void {
    this.#quic.onTimeout();
  }

  receive(data: Uint8Array, { address, port }: RemoteInfo, localPort: number): void {
    const info = { from: { host: address, port }, to: { host: ADDRESS, port: localPort } };
    try {
      this.#quic.recv(data, info);
    } catch {
      // Undecipherable, or a protocol violation: quiche answers that by itself.
      return;
    }
    if (!this.#quic.isEstablished()) return;
    this.http3 ??= new Http3Connection(this, this.#parts.admit);
    for (const stream of this.#quic.readable()) this.#readStream(this.http3, stream);
    for (;;) {
      const datagram = this.#quic.dgramRecvVec();
      if (datagram === null) break;
      this.http3.receiveDatagram(datagram);
    }
    this.#sendWaiting();
  }

  send(stream: number, bytes: Uint8Array, isLast: boolean): void {
    const waiting = this.#waiting.get(stream) ?? { parts: [], isLast: false };
    waiting.parts.push(bytes.slice());
    waiting.isLast ||= isLast;
    this.#waiting.set(stream, waiting);
    this.#waitingBytes += bytes.length;
    this.#sendWaiting();
    if (this.#waitingBytes > this.#parts.maxWaitingBytes) {
      this.close(H3_EXCESSIVE_LOAD, 'The page reads too slowly.');
    }
    this.#parts.touch(this);
  }

  sendDatagram(bytes: Uint8Array): boolean {
    try {
      this.#quic.dgramSend(bytes);
    } catch {
      // Too long for the path, or as many wait as may.
      return false;
    }
    this.#parts.touch(this);
    return true;
  }

  reset(stream: number, code: number): void {
    this.#forget(stream);
    for (const direction of [this.#quiche.Shutdown.Read, this.#quiche.Shutdown.Write]) {
      try {
        this.#quic.streamShutdown(stream, direction, code);
      } catch {
        // That direction has ended already.
      }
    }
    this.#parts.touch(this);
  }

  close(code: number, reason: string): void {
    try {
      this.#quic.close(true, code, Buffer.from(reason));
    } catch {
      // It is closing already.
    }
    this.#parts.touch(this);
  }

  /** The packets that are due. */
  *packets(): Generator<{ data: Uint8Array; host: string; port: number }> {
    for (;;) {
      const sent = this.#quic.send(this.#packet);
      if (sent === null) return;
      const [length, { to }] = sent;
      yield { data: this.#packet.slice(0, length), host: to.host, port: to.port };
    }
  }

  #readStream(http3: Http3Connection, stream: number): void {
    for (;;) {
      let read: [number, boolean] | null;
      try {
        read = this.#quic.streamRecv(stream, this.#buffer);
      } catch {
        return http3.resetByPeer(stream);
      }
      if (read === null) return;
      const [length, isLast] = read;
      http3.receive(stream, this.#buffer.slice(0, length), isLast);
      if (isLast) return;
    }
  }

  /** Gives quiche what it has room for. */
  #sendWaiting(): void {
    for (const [stream, { parts, isLast }] of this.#waiting) {
      while (parts.length > 0) {
        const part = parts[0]!;
        let sent: number | null;
        try {
          sent = this.#quic.streamSend(stream, part, isLast && parts.length === 1);
        } catch {
          // The page has stopped reading it.
          this.#forget(stream);
          break;
        }
        if (sent === null) break;
        this.#waitingBytes -= sent;
        if (sent < part.length) {
          parts[0] = part.subarray(sent);
          break;
        }
        parts.shift();
      }
      if (parts.length === 0) this.#waiting.delete(stream);
    }
  }

  #forget(stream: number): void {
    for (const { length } of this.#waiting.get(stream)?.parts ?? []) this.#waitingBytes -= length;
    this.#waiting.delete(stream);
  }
}

function configOf(quiche: Quiche, key: string, certificate: string): Config {
  const config = quiche.Config.withBoringSslCtx(
    false,
    false,
    null,
    [Buffer.from(key)],
    [Buffer.from(certificate)],
    null,
  );
  config.setApplicationProtos(['h3']);
  config.setMaxIdleTimeout(IDLE_TIMEOUT_MS);
  config.setMaxRecvUdpPayloadSize(MAX_PACKET_BYTES);
  config.setMaxSendUdpPayloadSize(MAX_PACKET_BYTES);
  config.setInitialMaxData(CONNECTION_WINDOW_BYTES);
  config.setInitialMaxStreamDataBidiLocal(STREAM_WINDOW_BYTES);
  config.setInitialMaxStreamDataBidiRemote(STREAM_WINDOW_BYTES);
  config.setInitialMaxStreamDataUni(STREAM_WINDOW_BYTES);
  config.setInitialMaxStreamsBidi(MAX_STREAMS);
  config.setInitialMaxStreamsUni(MAX_STREAMS);
  config.setMaxStreamWindow(STREAM_WINDOW_BYTES);
  config.setMaxConnectionWindow(CONNECTION_WINDOW_BYTES);
  config.setDisableActiveMigration(true);
  config.enableDgram(true, DATAGRAM_QUEUE, DATAGRAM_QUEUE);
  config.enablePacing(false);
  return config;
}

function keyOf(id: Uint8Array): string {
  return Buffer.from(id).toString('hex');
}
