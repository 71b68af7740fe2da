import { micwire } from '../../src/core/services/micwire.ts';
import type { MicwireOptions } from '../../src/core/services/micwire.ts';
import type {
  ServiceConnection,
  ServiceEvent,
  ServiceRequest,
  WireMessage,
} from '../../src/core/services/service.ts';
import type { SessionHost, SessionWire } from '../../src/core/session/server/session-host.ts';
import { SessionServer } from '../../src/core/session/server/session-server.ts';
import type {
  ServerConnection,
  SessionServerOptions,
} from '../../src/core/session/server/session-server.ts';

/** A client's connection to a `SessionServer` in the same process: messages wait until they are delivered. */
export class LinkedConnection implements SessionWire {
  readonly client: ServiceConnection;
  readonly server: ServerConnection;
  /** What the server has sent and the client has not got. */
  readonly down: WireMessage[] = [];
  /** What the client has found in it. */
  readonly events: ServiceEvent[] = [];
  /** How the server has closed it. */
  closing: { readonly code: number; readonly reason: string } | undefined;
  /** What the server believes to be in its socket. */
  bufferedBytes = 0;
  readonly #link: SessionLink;

  constructor(link: SessionLink, client: ServiceConnection, token: string | undefined) {
    this.#link = link;
    this.client = client;
    this.server = link.server.connect(this, { token }, link.nowMs);
  }

  send(message: WireMessage): void {
    this.down.push(message);
  }

  close(code: number, reason: string): void {
    this.closing = { code, reason };
  }

  /** Sends what carries out a request. */
  up(request: ServiceRequest): void {
    for (const message of this.client.encode(request)) this.raw(message);
  }

  raw(message: string | Uint8Array): void {
    this.server.receive(message, this.#link.nowMs);
  }

  /** Delivers what the server has sent, or the first `count` of it, with the client's replies. @returns the events */
  receive(count: number = Infinity): ServiceEvent[] {
    const found: ServiceEvent[] = [];
    for (let i = 0; i < count && this.down.length > 0; i++) {
      for (const event of this.client.decode(this.down.shift()!)) {
        if (event.type === 'reply') this.raw(event.message);
        else if (event.type === 'handle') this.#link.handle = event.handle;
        found.push(event);
      }
    }
    this.events.push(...found);
    return found;
  }

  /** The network loses it, with what was on the way. */
  lose(): void {
    this.down.length = 0;
    this.server.closed(this.#link.nowMs);
  }
}

/** A client's session, and its server. */
export class SessionLink {
  readonly service;
  readonly host: SessionHost;
  server: SessionServer;
  nowMs = 1000;
  handle: string | null = null;
  connections = 0;
  readonly #serverOptions: SessionServerOptions;

  constructor(host: SessionHost, options: SessionServerOptions = {}, client: MicwireOptions = {}) {
    this.host = host;
    this.#serverOptions = options;
    this.service = micwire(client);
    this.server = new SessionServer(host, options);
  }

  /** A new connection, whose hello was sent. */
  connect({
    frame = 0,
    session = 's1',
    token,
  }: { frame?: number; session?: string; token?: string } = {}): LinkedConnection {
    const connection = new LinkedConnection(this, this.service.connect(), token);
    connection.up({
      type: 'open',
      session,
      handle: this.handle,
      frame,
      connections: this.connections++,
    });
    return connection;
  }

  /** The server's process ends, and another one begins. */
  restart(): void {
    this.server = new SessionServer(this.host, this.#serverOptions);
  }

  /** Time passes. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.server.tick(this.nowMs);
  }
}
