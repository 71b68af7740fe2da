import { WebSocketSignalling, memorySignalling } from 'micwire';
import type { Signalling } from 'micwire';
import { LinkClient } from '../link/link-client.ts';
import type { LinkStatistics } from '../link/protocol.ts';
import { DEFAULT_RUN } from '../runs/address.ts';
import type { LinkChoice } from '../runs/run.ts';
import { joined } from './joined.ts';
import type { LaneId } from './lane-ids.ts';
import type { CallEnds, LinkAccess } from './lane.ts';

/** A server that knows nothing of links may leave the request unanswered, ms. */
const CONNECT_TIMEOUT_MS = 5000;

/** The page's side of the link that all lanes share. */
export class SharedLink implements LinkAccess {
  /** What it is now. */
  choice: LinkChoice = DEFAULT_RUN.links[0]!;
  /** Why there is no simulated network, in a sentence; empty while there is one, or before it is asked for. */
  missing = '';
  /** Called after `missing` has changed. */
  onchange: (() => void) | null = null;
  #client: LinkClient | null = null;
  #connecting: Promise<LinkClient | null> | null = null;
  /** Numbers lanes, so that one that is reopened has a name of its own while the old one still runs. */
  #opened = 0;
  /** What each lane is called on the network now. */
  readonly #names = new Map<LaneId, string>();
  #repeatedWireBytes: ReadonlyMap<string, number> = new Map();

  socketUrl(lane: LaneId): string {
    const client = this.#client;
    return client === null ? webSocketUrl('/echo') : client.laneUrl(this.#nameOf(lane));
  }

  async openSignalling(lane: LaneId): Promise<CallEnds<Signalling>> {
    const client = this.#client;
    if (client === null) {
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

  /** Connects to the engine, if that has not been done. Without one lanes go directly: `missing` tells. */
  async open(): Promise<void> {
    this.#connecting ??= connect();
    const client = await this.#connecting;
    if (client === null) {
      this.#connecting = null;
      this.#tell(
        'The server has no simulated network: lanes go directly, whatever is chosen here.',
      );
      return;
    }
    if (this.#client === client) return;
    this.#client = client;
    client.onclose = () => {
      if (this.#client !== client) return;
      this.#client = null;
      this.#connecting = null;
      this.#tell('The simulated network has ended, and the lanes with it. Start them again.');
    };
    this.#tell('');
  }

  /** Makes the link another one, for everything that is under way too. */
  async set(choice: LinkChoice): Promise<void> {
    await this.open();
    await this.#client?.configure(choice.settings);
    this.choice = choice;
  }

  /** Restarts: chance from the seed, statistics at nothing. */
  async restart(seed: number): Promise<void> {
    await this.#client?.restart(seed);
  }

  /** What it has carried since then; null without an engine. */
  async statistics(): Promise<LinkStatistics | null> {
    const statistics = (await this.#client?.statistics()) ?? null;
    if (statistics !== null) {
      this.#repeatedWireBytes = new Map(
        statistics.lanes.map(({ lane, repeatedWireBytes }) => [lane, repeatedWireBytes]),
      );
    }
    return statistics;
  }

  repeatedWireBytes(lane: LaneId): number {
    return this.#repeatedWireBytes.get(this.#names.get(lane) ?? '') ?? 0;
  }

  close(): void {
    this.onchange = null;
    this.#client?.close();
    this.#client = null;
    this.#connecting = null;
  }

  #nameOf(lane: LaneId): string {
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

/** @returns null where there is none, or it does not answer */
function connect(): Promise<LinkClient | null> {
  const client = LinkClient.connect(location.origin.replace(/^http/, 'ws'));
  return Promise.race([
    client.catch(() => null),
    new Promise<null>((resolve) => setTimeout(() => resolve(null), CONNECT_TIMEOUT_MS)),
  ]);
}

function webSocketUrl(path: string): string {
  return new URL(path, location.href.replace(/^http/, 'ws')).href;
}
