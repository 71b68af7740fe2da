import type { WireMessage } from '../../src/core/services/service.ts';
import type { VirtualTime } from '../helpers/virtual-time.ts';
import { Pipe } from './pipe.ts';
import type { Closing, Kernel, PipeQuality } from './pipe.ts';

/** The ends that notice that a connection has gone. An end that does not notice waits until it finds out by itself. */
export type Noticed = 'both' | 'client' | 'server' | 'none';

/** What the client's end of a connection tells. */
export interface ClientEnd {
  readonly opened: () => void;
  readonly message: (data: string | Uint8Array<ArrayBuffer>) => void;
  readonly closed: (code: number, reason: string) => void;
}

/** What the server's end tells. */
export interface ServerEnd {
  readonly accepted: (connection: Connection) => void;
  readonly message: (connection: Connection, data: string | Uint8Array<ArrayBuffer>) => void;
  readonly closed: (connection: Connection, code: number) => void;
}

/** What stays the same in a network. */
export interface NetworkWorld extends Kernel {
  readonly latencyMs: number;
  readonly upBytesPerSecond: number;
  readonly downBytesPerSecond: number;
}

/** Round trips until a WebSocket is open: TCP, TLS and HTTP. */
const ROUND_TRIPS = 3;
/** A connection that is refused says so after one. */
const REFUSED_ROUND_TRIPS = 1;
/** A browser that closes a dead WebSocket gives up waiting for the answer. */
const CLOSE_TIMEOUT_MS = 20_000;
/** A connection that was lost without a closing message (RFC 6455 §7.4.1). */
const LOST = 1006;

/** Connections between one client and one server, each a WebSocket over TCP. */
export class Network {
  readonly #time: VirtualTime;
  readonly #world: NetworkWorld;
  readonly server: ServerEnd;
  readonly connections = new Set<Connection>();
  #count = 0;
  /** Faults that last, counted: several may overlap. */
  readonly blocked = { up: 0, down: 0 };
  offline = 0;
  refusing = 0;
  hanging = 0;
  /** For the next connection: it breaks at these bytes. */
  readonly breaks: { readonly direction: 'up' | 'down'; readonly bytes: number }[] = [];
  #slow: { readonly factor: number }[] = [];
  #delays: { readonly ms: number }[] = [];

  constructor(time: VirtualTime, world: NetworkWorld, server: ServerEnd) {
    this.#time = time;
    this.#world = world;
    this.server = server;
  }

  /** The connection that was made last, if it is not closed at both ends. */
  get latest(): Connection | undefined {
    return [...this.connections].at(-1);
  }

  connect(client: ClientEnd): Connection {
    const connection = new Connection(this, this.#time, this.#count++, client);
    this.connections.add(connection);
    for (const { direction, bytes } of this.breaks.splice(0))
      connection[direction].breakAfter(bytes);
    const roundTripMs = 2 * this.quality('up').latencyMs + 1;
    if (this.offline > 0) connection.refuse(1);
    else if (this.refusing > 0) connection.refuse(REFUSED_ROUND_TRIPS * roundTripMs);
    else if (this.hanging === 0) connection.open(ROUND_TRIPS * roundTripMs);
    return connection;
  }

  quality(direction: 'up' | 'down'): PipeQuality {
    const { latencyMs, upBytesPerSecond, downBytesPerSecond } = this.#world;
    const full = direction === 'up' ? upBytesPerSecond : downBytesPerSecond;
    const factor = Math.min(1, ...this.#slow.map((slow) => slow.factor));
    const delayMs = Math.max(0, ...this.#delays.map(({ ms }) => ms));
    return { bytesPerSecond: full * factor, latencyMs: latencyMs + delayMs };
  }

  pipe(direction: 'up' | 'down', end: ConstructorParameters<typeof Pipe>[3]): Pipe {
    return new Pipe(this.#time, this.quality(direction), this.#world, end);
  }

  block(direction: 'up' | 'down', by: 1 | -1): void {
    this.blocked[direction] += by;
    for (const connection of this.connections) connection.lookAtNetwork();
  }

  slow(factor: number): () => void {
    return this.#during(this.#slow, { factor });
  }

  delay(ms: number): () => void {
    return this.#during(this.#delays, { ms });
  }

  #during<T>(list: T[], item: T): () => void {
    list.push(item);
    this.#applyQuality();
    return () => {
      list.splice(list.indexOf(item), 1);
      this.#applyQuality();
    };
  }

  #applyQuality(): void {
    for (const connection of this.connections) connection.lookAtNetwork();
  }
}

/** A WebSocket: the client's end, and the server's. */
export class Connection {
  readonly number: number;
  readonly #network: Network;
  readonly #time: VirtualTime;
  readonly #client: ClientEnd;
  readonly up: Pipe;
  readonly down: Pipe;
  #clientState: 'connecting' | 'open' | 'closing' | 'closed' = 'connecting';
  #serverState: 'connecting' | 'open' | 'closed' = 'connecting';
  /** Its path is dead for good, and neither end is told. */
  #isDead = false;
  #opensInMs: number | null = null;

  constructor(network: Network, time: VirtualTime, number: number, client: ClientEnd) {
    this.#network = network;
    this.#time = time;
    this.number = number;
    this.#client = client;
    const broke = (): void => this.lose('both');
    this.up = network.pipe('up', { arrived: (content) => this.#atServer(content), broke });
    this.down = network.pipe('down', { arrived: (content) => this.#atClient(content), broke });
    this.lookAtNetwork();
  }

  /** Whether both ends have it, and its path is there. */
  get isSound(): boolean {
    return !this.#isDead && this.#clientState === 'open' && this.#serverState === 'open';
  }

  get isOpenForServer(): boolean {
    return this.#serverState === 'open';
  }

  // --- how it comes about --------------------------------------------------------------------------------------------

  refuse(afterMs: number): void {
    this.#time.after(afterMs, () => this.#closeClient(LOST, ''));
  }

  open(afterMs: number): void {
    this.#opensInMs = afterMs;
    this.#continueOpening();
  }

  /** Attempts that the network blocks continue once it does not: TCP sends them again. */
  #continueOpening(): void {
    const ms = this.#opensInMs;
    const { up, down } = this.#network.blocked;
    if (ms === null || this.#isDead || up > 0 || down > 0) return;
    this.#opensInMs = null;
    this.#time.after(ms / 2, () => {
      const { blocked } = this.#network;
      if (blocked.up > 0 || blocked.down > 0) {
        this.#opensInMs = ms;
        return;
      }
      if (this.#isDead || this.#clientState !== 'connecting') return;
      if (this.#network.refusing > 0) {
        this.refuse(ms / 2);
        return;
      }
      this.#serverState = 'open';
      this.#network.server.accepted(this);
      this.#time.after(ms / 2, () => {
        if (!this.#isDead) this.#openClient();
      });
    });
  }

  #openClient(): void {
    if (this.#clientState !== 'connecting') return;
    this.#clientState = 'open';
    this.#client.opened();
  }

  // --- the two ends --------------------------------------------------------------------------------------------------

  sendFromClient(message: WireMessage): void {
    this.up.write(message);
  }

  sendFromServer(message: WireMessage): void {
    if (this.#serverState === 'open') this.down.write(message);
  }

  /** The client closes: what its socket holds goes out first. */
  closeFromClient(code: number): void {
    if (this.#clientState === 'connecting') this.#time.after(0, () => this.#closeClient(LOST, ''));
    if (this.#clientState !== 'open') return;
    this.#clientState = 'closing';
    this.up.write({ code, reason: '' });
    this.#time.after(CLOSE_TIMEOUT_MS, () => this.#closeClient(LOST, ''));
  }

  closeFromServer(code: number, reason: string): void {
    if (this.#serverState !== 'open') return;
    this.down.write({ code, reason });
    this.#serverState = 'closed';
  }

  /** The server is gone, without a word: the client learns it as soon as the network lets it. */
  crash(): void {
    this.#serverState = 'closed';
    this.down.write({ code: LOST, reason: '' });
  }

  /** The connection breaks. Those who do not notice keep it half-open. */
  lose(noticed: Noticed): void {
    this.#isDead = true;
    this.up.stall();
    this.down.stall();
    if (noticed === 'both' || noticed === 'client') this.#closeClient(LOST, '');
    if (noticed === 'both' || noticed === 'server') this.#closeServer(LOST);
  }

  lookAtNetwork(): void {
    for (const direction of ['up', 'down'] as const) {
      this[direction].quality = this.#network.quality(direction);
      this[direction].blocked = this.#network.blocked[direction] > 0;
    }
    this.#continueOpening();
  }

  #atServer(content: WireMessage | Closing): void {
    if (this.#serverState !== 'open') return;
    if (isClosing(content)) {
      this.#closeServer(content.code);
      this.down.write({ code: content.code, reason: '' });
    } else this.#network.server.message(this, content);
  }

  #atClient(content: WireMessage | Closing): void {
    // What comes first says as well that the server has accepted.
    this.#openClient();
    if (isClosing(content)) this.#closeClient(content.code, content.reason);
    else if (this.#clientState === 'open' || this.#clientState === 'closing') {
      this.#client.message(content);
    }
  }

  #closeClient(code: number, reason: string): void {
    if (this.#clientState === 'closed') return;
    // What a closing socket held is with the system, which sends it even when nobody waits any more.
    if (this.#clientState !== 'closing') this.up.kill();
    this.#clientState = 'closed';
    this.#forget();
    this.#client.closed(code, reason);
  }

  #closeServer(code: number): void {
    if (this.#serverState !== 'open') return;
    this.#serverState = 'closed';
    this.#forget();
    this.#network.server.closed(this, code);
  }

  #forget(): void {
    if (this.#clientState === 'closed' && this.#serverState !== 'open') {
      this.#network.connections.delete(this);
    }
  }
}

function isClosing(content: WireMessage | Closing): content is Closing {
  return typeof content === 'object' && !(content instanceof Uint8Array);
}
