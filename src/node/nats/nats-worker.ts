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
  /** Folder for the files: the same for all workers, on a disk that they share. */
  readonly folder: string;
  /** Whether acknowledged audio survives a power cut, and not only a crash. @default false */
  readonly sync?: boolean;
  /** How long audio waits to be written together with audio that follows, in ms. @default 100 */
  readonly flushMs?: number;
  /**
   * A worker that has not renewed its lease for this time, in ms, counts as dead: others take over its partitions.
   * @default 5000
   */
  readonly leaseMs?: number;
  /** A file that has received no audio for this time, in ms, is completed: its client's gateway is gone. @default 1800000 */
  readonly idleMs?: number;
  /** Called when a file is complete. */
  readonly recorded?: (id: string, recording: Recording) => void;
  /** Called when something has failed: a disk, NATS, or a message that cannot be read. @default prints the error */
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

/** Running totals and current counts of a {@link NatsWorker}. */
export interface NatsWorkerStats {
  /** Partitions that this worker reads. */
  readonly partitions: number;
  /** Files that are open, and files that are complete. */
  readonly openRecordings: number;
  readonly completedRecordings: number;
  readonly messages: number;
  readonly packets: number;
  /** Packets that arrived again, and were already stored. */
  readonly repeatedPackets: number;
  /** Messages without any valid packet: they were set aside. */
  readonly poisonMessages: number;
  /** Packets that cannot be recorded, in messages whose other packets were recorded. */
  readonly poisonPackets: number;
  readonly failures: number;
  /** Streams whose file cannot be written: each is retried, while the others of its partition continue. */
  readonly pausedStreams: number;
  /** How often a stream was paused. */
  readonly pauses: number;
  /** How often a partition was restarted at the first unacknowledged message. */
  readonly restarts: number;
}

const IDLE_LOOK_MS = 60_000;

/**
 * Records the streams of {@link NatsGateway | gateways} to files. Any number of workers share the partitions: when one dies, others
 * continue its recordings at the same position in the same files. A message is acknowledged once it is written.
 */
export class NatsWorker {
  readonly #folder: WorkerFolder;
  readonly #sink: RecordingSink;
  readonly #pool: PartitionPool;

  /**
   * Connects to NATS and starts working. Waits for servers that are not available yet.
   * @param signal aborts the waiting
   * @throws TypeError or RangeError for an invalid option
   * @throws MicwireError `unsupported` when a package is missing; `transport` when JetStream does not work as required; `recording`
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

  /** The unique id by which other workers know this one. */
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

  /** True while NATS is connected. */
  get connected(): boolean {
    return this.#pool.connected;
  }

  /** Writes and acknowledges the received audio, releases the partitions, and stops. Does not reject. */
  close(): Promise<void> {
    return this.#pool.close();
  }
}

/** Writes messages to the files of a folder. */
class RecordingSink implements PartitionSink {
  readonly group = 'record' as const;
  readonly ackWaitMs = 60_000;
  /** Disks may take any length of time. */
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
    // A message with at least one valid packet counts as valid.
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

  /** Completes files that no longer receive audio. */
  async tend(which: (id: string) => boolean): Promise<void> {
    const now = Date.now();
    if (now - this.#tendedMs < Math.min(IDLE_LOOK_MS, this.#idleMs)) return;
    this.#tendedMs = now;
    for (const id of await this.#folder.idle(this.#idleMs, which)) {
      // A file that cannot be completed is retried after the others.
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
