import { booleanOf, describe, numberIn } from '../../core/arguments.ts';
import { PacketError } from '../../core/errors.ts';
import { checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import type { Recording } from '../recording/stream-recorder.ts';
import { connectNats } from './nats-connection.ts';
import type { NatsMessage } from './nats-message.ts';
import { NATS_OPTION_NAMES, checkNats } from './nats-options.ts';
import type { NatsOptions } from './nats-options.ts';
import { PartitionPool } from './partition-pool.ts';
import type { PartitionSink } from './partition-sink.ts';
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
  /** Messages of which nothing is what gateways send: they were put aside. */
  readonly poisonMessages: number;
  /** Packets that cannot be recorded, in messages of which the others were. */
  readonly poisonPackets: number;
  readonly failures: number;
  /** Streams whose file cannot be written: each is tried again, while the others of its partition continue. */
  readonly pausedStreams: number;
  /** How often a stream was paused. */
  readonly pauses: number;
  /** How often a partition was begun again, at what was not acknowledged. */
  readonly restarts: number;
}

const IDLE_LOOK_MS = 60_000;

/**
 * Records the streams of {@link NatsGateway | gateways} to files. Any number of workers share the partitions: what one had that has
 * died, others continue, at the place in the same file. A message is acknowledged when it is written.
 */
export class NatsWorker {
  readonly #folder: WorkerFolder;
  readonly #sink: RecordingSink;
  readonly #pool: PartitionPool;

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
    const folder = new WorkerFolder(path, {
      sync: booleanOf('sync', options.sync ?? false),
      flushMs,
    });
    await folder.prepare();
    const link = await connectNats(settings, 'micwire worker', 'record', signal);
    const {
      recorded = () => {},
      failed = (error: unknown) => console.error('micwire worker:', error),
    } = options;
    const sink = new RecordingSink(folder, idleMs, recorded, failed);
    return new NatsWorker(folder, sink, new PartitionPool(link, settings, leaseMs, sink, failed));
  }

  private constructor(folder: WorkerFolder, sink: RecordingSink, pool: PartitionPool) {
    this.#folder = folder;
    this.#sink = sink;
    this.#pool = pool;
  }

  /** Unique: as the others know this worker. */
  get id(): string {
    return this.#pool.id;
  }

  get stats(): NatsWorkerStats {
    const { messages, poison, failures, restarts, paused, pauses } = this.#pool.totals;
    return {
      partitions: this.#pool.partitions,
      openRecordings: this.#folder.recordings,
      completedRecordings: this.#folder.completed,
      messages,
      packets: this.#sink.packets,
      repeatedPackets: this.#folder.repeated,
      poisonMessages: poison,
      poisonPackets: this.#sink.poisonPackets,
      failures,
      pausedStreams: paused,
      pauses,
      restarts,
    };
  }

  /** Whether NATS is there. */
  get connected(): boolean {
    return this.#pool.connected;
  }

  /** Writes and acknowledges what has come, gives its partitions back, and ends. Does not reject. */
  close(): Promise<void> {
    return this.#pool.close();
  }
}

/** Has messages written to the files of a folder. */
class RecordingSink implements PartitionSink {
  readonly group = 'record' as const;
  readonly ackWaitMs = 60_000;
  /** Disks are not hurried. */
  readonly patienceMs = Infinity;
  readonly isTaking = true;
  packets = 0;
  poisonPackets = 0;
  readonly #folder: WorkerFolder;
  readonly #idleMs: number;
  readonly #recorded: (id: string, recording: Recording) => void;
  readonly #failed: (error: unknown) => void;
  #tendedMs = 0;

  constructor(
    folder: WorkerFolder,
    idleMs: number,
    recorded: (id: string, recording: Recording) => void,
    failed: (error: unknown) => void,
  ) {
    this.#folder = folder;
    this.#idleMs = idleMs;
    this.#recorded = recorded;
    this.#failed = failed;
  }

  async take(
    id: string,
    said: NatsMessage,
    atMs: number,
  ): Promise<{ readonly done: Promise<unknown> }> {
    if (said.type === 'end') {
      await this.#end(id);
      return { done: Promise.resolve() };
    }
    const stored: Promise<unknown>[] = [];
    let refusal: PacketError | undefined;
    try {
      for (const packet of said.packets) {
        this.packets++;
        try {
          stored.push((await this.#folder.take(id, packet, atMs)).stored);
        } catch (error) {
          if (!(error instanceof PacketError)) throw error;
          if (refusal !== undefined) this.#poison(refusal);
          refusal = error;
        }
      }
    } catch (error) {
      for (const one of stored) one.catch(() => {});
      throw error;
    }
    // A message with something good in it is a good one.
    if (refusal !== undefined && stored.length === 0) throw refusal;
    if (refusal !== undefined) this.#poison(refusal);
    return { done: Promise.all(stored) };
  }

  suspend(which: (id: string) => boolean): Promise<void> {
    return this.#folder.suspend(which);
  }

  flush(): Promise<void> {
    return this.#folder.flush();
  }

  /** Completes files that nothing comes for. */
  async tend(which: (id: string) => boolean): Promise<void> {
    const now = Date.now();
    if (now - this.#tendedMs < Math.min(IDLE_LOOK_MS, this.#idleMs)) return;
    this.#tendedMs = now;
    for (const id of await this.#folder.idle(this.#idleMs, which)) {
      // One that cannot be completed is tried again, after the others.
      await this.#end(id).catch((error: unknown) => this.#failed(error));
    }
  }

  #poison(refusal: unknown): void {
    this.poisonPackets++;
    this.#failed(refusal);
  }

  async #end(id: string): Promise<void> {
    const recording = await this.#folder.end(id);
    if (recording !== null) this.#recorded(id, recording);
  }
}
