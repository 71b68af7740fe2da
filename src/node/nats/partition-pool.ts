import type { NatsLink } from './nats-connection.ts';
import { NatsLeases } from './nats-leases.ts';
import { consumerPrefix, partitionOf } from './nats-options.ts';
import type { NatsSettings } from './nats-options.ts';
import { PartitionReader } from './partition-reader.ts';
import type { PartitionSink, ReaderTotals } from './partition-sink.ts';

/** How often a lease is renewed within its duration. */
const RENEWALS = 5;

/**
 * The partitions that one worker of a group reads: exactly those that it holds leases for. Any number of workers share them; when one
 * dies, others continue its partitions.
 */
export class PartitionPool {
  readonly id: string;
  readonly #link: NatsLink;
  readonly #settings: NatsSettings;
  readonly #leaseMs: number;
  readonly #sink: PartitionSink;
  readonly #leases: NatsLeases;
  readonly #readers = new Map<number, PartitionReader>();
  /** New consumers that the other workers do not know yet. */
  readonly #begun = new Map<number, { readonly consumer: string; readonly start: number }>();
  readonly #stopped = new Set<number>();
  readonly #totals: ReaderTotals = {
    messages: 0,
    poison: 0,
    failures: 0,
    restarts: 0,
    paused: 0,
    pauses: 0,
  };
  readonly #failed: (error: unknown) => void;
  #renewing: Promise<void>;
  #settling: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isConnected = true;
  #closing: Promise<void> | null = null;

  /** @param sink suspended when the pool closes */
  constructor(
    link: NatsLink,
    settings: NatsSettings,
    leaseMs: number,
    sink: PartitionSink,
    failed: (error: unknown) => void,
  ) {
    this.id = link.core.nuid.next();
    this.#link = link;
    this.#settings = settings;
    this.#leaseMs = leaseMs;
    this.#sink = sink;
    this.#failed = failed;
    this.#leases = new NatsLeases(link, settings, sink.group, this.id, leaseMs);
    this.#renewing = this.#renew();
    void this.#watch();
  }

  /** Partitions that this worker reads. */
  get partitions(): number {
    return this.#readers.size;
  }

  get totals(): Readonly<ReaderTotals> {
    return this.#totals;
  }

  /** Whether NATS is connected. */
  get connected(): boolean {
    return this.#isConnected;
  }

  /** Stores and acknowledges the received audio, releases the partitions, and closes the connection. Does not reject. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#renewing;
    await this.#settling;
    clearTimeout(this.#timer);
    await this.#sink.flush();
    await Promise.all([...this.#readers.values()].map((reader) => reader.stop()));
    this.#readers.clear();
    await this.#sink.suspend(() => true);
    if (this.#isConnected) {
      await this.#link.connection.flush().catch(() => {});
      await this.#leases.leave().catch((error: unknown) => this.#failed(error));
    }
    await this.#link.connection.close().catch(() => {});
  }

  /** Renews the leases, and reads the partitions that this worker holds. */
  async #renew(): Promise<void> {
    let surplus: readonly number[] = [];
    try {
      const stopped = new Set(this.#stopped);
      const consumers = new Map(this.#begun);
      surplus = await this.#leases.renew({ stopped, consumers });
      for (const partition of stopped) this.#stopped.delete(partition);
      for (const [partition, place] of consumers) {
        if (this.#begun.get(partition) !== place) continue;
        this.#begun.delete(partition);
        if (this.#leases.holds(partition)) void this.#removeOthers(partition, place.consumer);
      }
    } catch (error) {
      if (this.#isConnected && this.#closing === null) this.#failed(error);
    }
    if (this.#closing !== null) return;
    // Leases are renewed in time, however long it takes to release a partition or to complete a file.
    this.#settling ??= this.#settle(surplus).finally(() => (this.#settling = null));
    const soon = surplus.length > 0 || this.#begun.size > 0;
    const waitMs = this.#leaseMs / RENEWALS;
    this.#timer = setTimeout(
      () => {
        this.#renewing = this.#renew();
      },
      soon ? waitMs / 10 : waitMs,
    );
  }

  /** Reads exactly the partitions that this worker holds. Does not reject. */
  async #settle(surplus: readonly number[]): Promise<void> {
    const held = new Set(this.#leases.held);
    for (const partition of surplus) held.delete(partition);
    await Promise.all(
      [...this.#readers.keys()].filter((p) => !held.has(p)).map((p) => this.#giveUp(p)),
    );
    for (const partition of surplus) this.#stopped.add(partition);
    for (const partition of held) if (!this.#readers.has(partition)) this.#read(partition);
    for (const reader of this.#readers.values()) reader.tend();
    await this.#sink
      .tend((id) => this.#readers.get(this.#partitionOf(id))?.isPaused(id) === false)
      .catch((error: unknown) => this.#failed(error));
  }

  #read(partition: number): void {
    const lease = this.#leases.table.partitions[partition];
    const place = { consumer: lease?.consumer ?? null, start: lease?.start ?? 1 };
    const at = {
      link: this.#link,
      settings: this.#settings,
      sink: this.#sink,
      totals: this.#totals,
    };
    const reader = new PartitionReader(partition, place, at, {
      holds: () => this.#leases.holds(partition),
      begun: (begun) => this.#begun.set(partition, begun),
      failed: (error) => this.#failed(error),
    });
    this.#readers.set(partition, reader);
  }

  /** Stops reading a partition, and stores what has arrived. */
  async #giveUp(partition: number): Promise<void> {
    const reader = this.#readers.get(partition);
    if (this.#leases.holds(partition)) await this.#sink.flush();
    await reader?.stop();
    await this.#sink.suspend((id) => this.#partitionOf(id) === partition);
    this.#readers.delete(partition);
    this.#begun.delete(partition);
  }

  #partitionOf(id: string): number {
    return partitionOf(id, this.#settings.partitions);
  }

  /** Deletes the consumers of earlier owners of a partition. */
  async #removeOthers(partition: number, own: string): Promise<void> {
    const { name } = this.#settings;
    const prefix = consumerPrefix(this.#sink.group, partition);
    try {
      for await (const { name: consumer } of this.#link.manager.consumers.list(name)) {
        if (!consumer.startsWith(prefix) || consumer === own) continue;
        await this.#link.manager.consumers.delete(name, consumer);
      }
    } catch {
      // The next owner does it.
    }
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#link.connection.status()) {
      if (type === 'disconnect') this.#isConnected = false;
      if (type !== 'reconnect') continue;
      this.#isConnected = true;
      // Messages in flight are lost, and would arrive after later ones.
      for (const reader of this.#readers.values()) reader.restart();
    }
    this.#isConnected = false;
  }
}
