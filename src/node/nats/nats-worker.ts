import { describe, numberIn } from '../../core/arguments.ts';
import { checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import type { Recording } from '../recording/stream-recorder.ts';
import { connectNats } from './nats-connection.ts';
import type { NatsLink } from './nats-connection.ts';
import { NatsLeases } from './nats-leases.ts';
import { NATS_OPTION_NAMES, checkNats, partitionOf } from './nats-options.ts';
import type { NatsOptions, NatsSettings } from './nats-options.ts';
import { PartitionReader } from './partition-reader.ts';
import type { ReaderTotals } from './partition-reader.ts';
import { WorkerFolder } from './worker-folder.ts';

/** Options of {@link NatsWorker.start}. */
export interface NatsWorkerOptions extends NatsOptions {
  /** Where the files go: one folder for all workers, on a disk that they share. */
  readonly folder: string;
  /** Whether what is acknowledged survives a power cut, and not just a crash. @default false */
  readonly sync?: boolean;
  /** Audio that waits to be written together with what follows, ms. @default 100 */
  readonly flushMs?: number;
  /** A worker that was not heard of for so long is taken for dead, ms: others take over what it had. @default 5000 */
  readonly leaseMs?: number;
  /** A file that nothing came for in so long is completed, ms: the gateway that had its client is gone. @default 1800000 */
  readonly idleMs?: number;
  /** A file is complete. */
  readonly recorded?: (id: string, recording: Recording) => void;
  /** Something has failed: a disk, NATS, a message that cannot be read. @default prints the error */
  readonly failed?: (error: unknown) => void;
}

const OPTION_NAMES = {
  ...NATS_OPTION_NAMES,
  folder: 1,
  sync: 1,
  flushMs: 1,
  leaseMs: 1,
  idleMs: 1,
  recorded: 1,
  failed: 1,
} satisfies OptionNames<NatsWorkerOptions>;

/** Running totals of a {@link NatsWorker}, and what there is now. */
export interface NatsWorkerStats {
  /** Partitions that this worker reads. */
  readonly partitions: number;
  /** Files that are open, and files that are complete. */
  readonly openRecordings: number;
  readonly completedRecordings: number;
  readonly messages: number;
  readonly packets: number;
  /** Packets that came again, and were there. */
  readonly repeatedPackets: number;
  /** Messages that are not what gateways send: they were put aside. */
  readonly poisonMessages: number;
  readonly failures: number;
  /** How often a partition was begun again, at what was not acknowledged. */
  readonly restarts: number;
}

/** How often a lease is renewed within its time. */
const RENEWALS = 5;
const IDLE_LOOK_MS = 60_000;

/**
 * Records the streams of {@link NatsGateway | gateways} to files. Any number of workers share the partitions: what one had that has
 * died, others continue, at the place in the same file. A message is acknowledged when it is written.
 */
export class NatsWorker {
  readonly id: string;
  readonly #link: NatsLink;
  readonly #settings: NatsSettings;
  readonly #options: { readonly leaseMs: number; readonly idleMs: number };
  readonly #folder: WorkerFolder;
  readonly #leases: NatsLeases;
  readonly #readers = new Map<number, PartitionReader>();
  /** Consumers that were made and that the others do not know yet. */
  readonly #begun = new Map<number, { readonly consumer: string; readonly start: number }>();
  readonly #stopped = new Set<number>();
  readonly #totals: ReaderTotals = { messages: 0, packets: 0, poison: 0, failures: 0, restarts: 0 };
  readonly #recorded: (id: string, recording: Recording) => void;
  readonly #failed: (error: unknown) => void;
  #renewing: Promise<void>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lookedMs = 0;
  #isConnected = true;
  #closing: Promise<void> | null = null;

  /**
   * Connects to NATS and begins to work. Waits for servers that are not there yet.
   * @param signal ends the waiting
   * @throws TypeError or RangeError for options that are wrong
   * @throws MicwireError `unsupported` when a package is missing; `transport` when JetStream does not do what it has to; `recording`
   * when the folder cannot be written to
   */
  static async start(options: NatsWorkerOptions, signal?: AbortSignal): Promise<NatsWorker> {
    checkOptions('NatsWorker', options, OPTION_NAMES);
    const settings = checkNats(options);
    const { folder: path } = options;
    if (typeof path !== 'string' || path === '') {
      throw new TypeError(`folder must name a folder, got ${describe(path)}.`);
    }
    const leaseMs = numberIn('leaseMs', options.leaseMs ?? 5000, 500, 3_600_000);
    const idleMs = numberIn('idleMs', options.idleMs ?? 1_800_000, 1000, 2 ** 40);
    const flushMs = numberIn('flushMs', options.flushMs ?? 100, 0, 60_000);
    const folder = new WorkerFolder(path, { sync: options.sync ?? false, flushMs });
    await folder.prepare();
    const link = await connectNats(settings, 'micwire worker', signal);
    const {
      recorded = () => {},
      failed = (error: unknown) => console.error('micwire worker:', error),
    } = options;
    return new NatsWorker(link, settings, { leaseMs, idleMs, folder, recorded, failed });
  }

  private constructor(
    link: NatsLink,
    settings: NatsSettings,
    options: {
      readonly leaseMs: number;
      readonly idleMs: number;
      readonly folder: WorkerFolder;
      readonly recorded: (id: string, recording: Recording) => void;
      readonly failed: (error: unknown) => void;
    },
  ) {
    this.id = link.core.nuid.next();
    this.#link = link;
    this.#settings = settings;
    this.#options = options;
    this.#folder = options.folder;
    this.#recorded = options.recorded;
    this.#failed = options.failed;
    this.#leases = new NatsLeases(link, settings, this.id, options.leaseMs);
    this.#renewing = this.#renew();
    void this.#watch();
  }

  get stats(): NatsWorkerStats {
    const { messages, packets, poison, failures, restarts } = this.#totals;
    return {
      partitions: this.#readers.size,
      openRecordings: this.#folder.recordings,
      completedRecordings: this.#folder.completed,
      messages,
      packets,
      repeatedPackets: this.#folder.repeated,
      poisonMessages: poison,
      failures,
      restarts,
    };
  }

  /** Whether NATS is there. */
  get connected(): boolean {
    return this.#isConnected;
  }

  /** Writes and acknowledges what has come, gives its partitions back, and ends. Does not reject. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#renewing;
    clearTimeout(this.#timer);
    await this.#folder.flush();
    await Promise.all([...this.#readers.values()].map((reader) => reader.stop()));
    this.#readers.clear();
    await this.#folder.suspend();
    if (this.#isConnected) {
      await this.#link.connection.flush().catch(() => {});
      await this.#leases.leave().catch((error: unknown) => this.#failed(error));
    }
    await this.#link.connection.close().catch(() => {});
  }

  /** Renews the leases, and reads what this worker holds, and nothing else. */
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
    const held = new Set(this.#leases.held);
    for (const partition of surplus) held.delete(partition);
    await Promise.all(
      [...this.#readers.keys()].filter((p) => !held.has(p)).map((p) => this.#giveUp(p)),
    );
    for (const partition of surplus) this.#stopped.add(partition);
    for (const partition of held) if (!this.#readers.has(partition)) this.#read(partition);
    await this.#completeIdle();
    if (this.#closing !== null) return;
    const soon = surplus.length > 0 || this.#begun.size > 0;
    const waitMs = this.#options.leaseMs / RENEWALS;
    this.#timer = setTimeout(
      () => {
        this.#renewing = this.#renew();
      },
      soon ? waitMs / 10 : waitMs,
    );
  }

  #read(partition: number): void {
    const lease = this.#leases.table.partitions[partition];
    const place = { consumer: lease?.consumer ?? null, start: lease?.start ?? 1 };
    const { folder, link, settings, totals } = {
      folder: this.#folder,
      link: this.#link,
      settings: this.#settings,
      totals: this.#totals,
    };
    const reader = new PartitionReader(
      partition,
      place,
      { folder, link, settings, totals },
      {
        holds: () => this.#leases.holds(partition),
        begun: (begun) => this.#begun.set(partition, begun),
        recorded: (id, recording) => this.#recorded(id, recording),
        failed: (error) => this.#failed(error),
      },
    );
    this.#readers.set(partition, reader);
  }

  /** Stops to read a partition, with everything written that has come. */
  async #giveUp(partition: number): Promise<void> {
    const reader = this.#readers.get(partition);
    if (this.#leases.holds(partition)) await this.#folder.flush();
    await reader?.stop();
    await this.#folder.suspend((id) => partitionOf(id, this.#settings.partitions) === partition);
    this.#readers.delete(partition);
    this.#begun.delete(partition);
  }

  /** Consumers of those who had the partition before. */
  async #removeOthers(partition: number, own: string): Promise<void> {
    const { name } = this.#settings;
    try {
      for await (const { name: consumer } of this.#link.manager.consumers.list(name)) {
        if (!consumer.startsWith(`p${partition}-`) || consumer === own) continue;
        await this.#link.manager.consumers.delete(name, consumer);
      }
    } catch {
      // The next one does it.
    }
  }

  async #completeIdle(): Promise<void> {
    const now = Date.now();
    if (now - this.#lookedMs < Math.min(IDLE_LOOK_MS, this.#options.idleMs)) return;
    this.#lookedMs = now;
    try {
      const isMine = (id: string): boolean =>
        this.#readers.has(partitionOf(id, this.#settings.partitions));
      for (const id of await this.#folder.idle(this.#options.idleMs, isMine)) {
        const recording = await this.#folder.end(id);
        if (recording !== null) this.#recorded(id, recording);
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#link.connection.status()) {
      if (type === 'disconnect') this.#isConnected = false;
      if (type !== 'reconnect') continue;
      this.#isConnected = true;
      // What was on the way is lost, and would come after what follows it.
      for (const reader of this.#readers.values()) reader.restart();
    }
    this.#isConnected = false;
  }
}
