import { WebSocketSignalling, memorySignalling } from 'micwire';
import type { Signalling } from 'micwire';
import type { LinkClient } from '../link/link-client.ts';
import type { LinkStatistics } from '../link/protocol.ts';
import { LinkControlError } from '../link/protocol.ts';
import { isClear } from '../link/settings.ts';
import { DEFAULT_RUN } from '../runs/address.ts';
import type { LinkChoice } from '../runs/run.ts';
import { joined } from './joined.ts';
import type { LaneId } from './lane-ids.ts';
import type { CallEnds, LaneWay, LinkAccess, LinkLane } from './lane.ts';
import { askWebTransport } from './ask-web-transport.ts';
import { linkHost } from './link-host.ts';
import type { LinkWay, WebTransportWay } from './link-way.ts';

/** Sliders change a link more often than necessary: the shortest time between two updates, ms. */
export const LINK_INTERVAL_MS = 100;
/** How long to wait, ms: a server that does not know links may leave the request unanswered. */
const CONNECT_TIMEOUT_MS = 5000;

const CALLS_BARRED =
  'A page cannot delay or lose WebRTC’s packets; the lab’s own server can: npm start.';

/** The page's side of the link that all lanes share. */
export class SharedLink implements LinkAccess {
  /** What it is now. */
  choice: LinkChoice = DEFAULT_RUN.links[0]!;
  /** Why there is no simulated network, in a sentence; empty while there is one, or before it is asked for. */
  missing = '';
  /** Called after `missing` has changed. */
  onchange: (() => void) | null = null;
  /** Called after the network has been changed: `callsBarred` may differ. */
  onset: (() => void) | null = null;
  #client: LinkClient | null = null;
  #connecting: Promise<LinkClient | null> | null = null;
  /** Numbers lanes, so that one that is reopened has a name of its own while the old one still runs. */
  #opened = 0;
  /** What each lane is called on the network now. */
  readonly #names = new Map<LinkLane, string>();
  /** By that name: what TCP retransmitted, over the present connection and over all of them. */
  readonly #repeated = new Map<string, { readonly last: number; readonly total: number }>();

  /** Whether there is a simulated network now. */
  get isThere(): boolean {
    return this.#client !== null;
  }

  /** Why calls cannot go over the network as it is, in sentences; empty where they can. */
  get callsBarred(): string {
    return linkHost.carriesCalls || isClear(this.choice.settings) ? '' : CALLS_BARRED;
  }

  openSocketWay(lane: LinkLane): LaneWay {
    const client = this.#client;
    if (client !== null) return this.#openWay(client, lane, (name) => client.laneUrl(name));
    if (linkHost.carriesCalls) return { way: linkHost.echo(), close() {} };
    throw new LinkControlError('failed', linkHost.missing);
  }

  openDatagramWay(lane: LaneId): LaneWay | null {
    const client = this.#client;
    if (linkHost.carriesCalls) return null;
    if (client === null) throw new LinkControlError('failed', linkHost.missing);
    return this.#openWay(client, lane, (name) => client.datagramsUrl(name));
  }

  async openSignalling(lane: LaneId): Promise<CallEnds<Signalling>> {
    const client = this.#client;
    if (client === null || !linkHost.carriesCalls) {
      const [sender, receiver] = memorySignalling();
      return { sender, receiver };
    }
    const name = this.#nameOf(lane);
    const url = client.signallingUrl(name);
    const options = { room: `${client.session}-${name}` };
    // The first peer is called: the receiver.
    const receiver = WebSocketSignalling.create(url, options);
    await joined(receiver);
    return { receiver, sender: WebSocketSignalling.create(url, options) };
  }

  async openWebTransport(lane: LaneId): Promise<WebTransportWay> {
    const server = await askWebTransport();
    const client = this.#client;
    const name = this.#nameOf(lane);
    // The engine decides who may go over its link; a pair has a unique name.
    const path = `/pair/${client?.session ?? crypto.randomUUID()}-${name}`;
    const splice = client === null ? null : await client.openQuic(name);
    const direct = `https://${server.address}:${server.port}${path}`;
    return {
      sender: splice === null ? direct : `https://${splice.address}:${splice.ports[0]}${path}`,
      receiver: direct,
      certificateHash: server.certificateHash,
      lane: splice?.lane ?? null,
    };
  }

  /**
   * A capture file (pcapng) of what passed the network of a lane's last call: STUN, DTLS and SRTP. Null where nothing has: without a
   * simulated network calls go directly.
   */
  async captureCall(lane: LaneId): Promise<Uint8Array | null> {
    const name = this.#names.get(lane);
    const client = this.#client;
    if (name === undefined || client === null || !linkHost.carriesCalls) return null;
    try {
      const file = await client.capture(name);
      return file.length === 0 ? null : file;
    } catch (error) {
      // Of a lane without a call, too.
      if (error instanceof LinkControlError) return null;
      throw error;
    }
  }

  closeWebTransport({ lane }: WebTransportWay): void {
    // A lane that has already ended needs nothing.
    if (lane !== null) this.#client?.closeLane(lane).catch(() => {});
  }

  /** Connects to the engine, if that has not been done. Without one, lanes go directly: see `missing`. */
  async open(): Promise<void> {
    this.#connecting ??= connect();
    const client = await this.#connecting;
    if (client === null) {
      this.#connecting = null;
      this.#tell(linkHost.missing);
      return;
    }
    if (this.#client === client) return;
    this.#client = client;
    // From the first packet of each call on: the packets that set it up are part of the file's key.
    if (linkHost.carriesCalls) await client.record().catch(() => {});
    client.onclose = () => {
      if (this.#client !== client) return;
      this.#client = null;
      this.#connecting = null;
      this.#tell('The simulated network has ended, and the lanes with it. Start them again.');
    };
    this.#tell('');
  }

  /** Changes the link, also for everything under way. */
  async set(choice: LinkChoice): Promise<void> {
    await this.open();
    await this.#client?.configure(choice.settings);
    this.choice = choice;
    this.onset?.();
  }

  /** Restarts: chance from the seed, statistics at nothing. */
  async restart(seed: number): Promise<void> {
    await this.#client?.restart(seed);
  }

  /** What it has carried since then; null without an engine. */
  async statistics(): Promise<LinkStatistics | null> {
    const statistics = (await this.#client?.statistics()) ?? null;
    if (statistics !== null) {
      for (const { lane, repeatedWireBytes } of statistics.lanes) {
        const { last, total } = this.#repeated.get(lane) ?? { last: 0, total: 0 };
        // A connection that is new counts from 0.
        const grown = repeatedWireBytes < last ? repeatedWireBytes : repeatedWireBytes - last;
        this.#repeated.set(lane, { last: repeatedWireBytes, total: total + grown });
      }
    }
    return statistics;
  }

  repeatedWireBytes(lane: LaneId): number {
    return this.#repeated.get(this.#names.get(lane) ?? '')?.total ?? 0;
  }

  close(): void {
    this.onchange = null;
    this.onset = null;
    this.#client?.close();
    this.#client = null;
    this.#connecting = null;
  }

  #openWay(client: LinkClient, lane: LinkLane, urlOf: (name: string) => string): LaneWay {
    const name = this.#nameOf(lane);
    const way: LinkWay = linkHost.wayTo(urlOf(name));
    return {
      way,
      close() {
        // A WebSocket's end is noticed. A lane that has already ended needs nothing.
        if (way.gateway !== null) client.closeLane(name).catch(() => {});
      },
    };
  }

  #nameOf(lane: LinkLane): string {
    this.#repeated.delete(this.#names.get(lane) ?? '');
    const name = `${lane}-${++this.#opened}`;
    this.#names.set(lane, name);
    return name;
  }

  #tell(missing: string): void {
    if (missing === this.missing) return;
    this.missing = missing;
    this.onchange?.();
  }
}

/** By how much the network was recently later than its model, the 99th percentile, ms; null while nothing went over it. */
export function recentLatenessMs(statistics: LinkStatistics | null): number | null {
  const { count = 0, p99Ms = 0 } = statistics?.recentLateness ?? {};
  return count > 0 ? p99Ms : null;
}

/** @returns null where there is none, or it does not answer */
function connect(): Promise<LinkClient | null> {
  const client = linkHost.connect();
  return Promise.race([
    client.catch(() => null),
    new Promise<null>((resolve) => setTimeout(() => resolve(null), CONNECT_TIMEOUT_MS)),
  ]);
}
