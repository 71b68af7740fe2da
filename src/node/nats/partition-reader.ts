import type { Consumer, ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { PacketError } from '../../core/errors.ts';
import type { Recording } from '../recording/stream-recorder.ts';
import type { NatsLink } from './nats-connection.ts';
import { decodeMessage } from './nats-message.ts';
import { subjects } from './nats-options.ts';
import type { NatsSettings } from './nats-options.ts';
import type { WorkerFolder } from './worker-folder.ts';
import { pause } from '../pause.ts';

/** How far a partition was read: by a consumer, which began at a sequence. */
export interface ReadPlace {
  readonly consumer: string | null;
  readonly start: number;
}

/** What a {@link PartitionReader} tells its worker, and asks it. */
export interface ReaderOwner {
  /** Whether the partition is still this worker's. */
  holds(): boolean;
  /** A consumer was made. */
  begun(place: { readonly consumer: string; readonly start: number }): void;
  recorded(id: string, recording: Recording): void;
  failed(error: unknown): void;
}

/** Running totals of readers. */
export interface ReaderTotals {
  messages: number;
  packets: number;
  poison: number;
  failures: number;
  restarts: number;
}

/** JetStream sends at most so many messages ahead of what is acknowledged. */
const MAX_PENDING = 2000;
const BATCH = 500;
/** JetStream sends a message again that was not acknowledged: an acknowledgement was lost. */
const ACK_WAIT_MS = 60_000;
const EXPIRES_MS = 5000;
const HEARTBEAT_MS = 1000;
const RETRY_MS = 300;
const AGAIN_MS = 20;

/**
 * Reads one partition in its order, and has it written. Each turn has a consumer of its own, which begins where the one before had
 * everything acknowledged: acknowledgements of a worker that has lost the partition count for nothing, and what a broken connection
 * has swallowed comes again, before what follows it.
 */
export class PartitionReader {
  readonly partition: number;
  readonly #link: NatsLink;
  readonly #settings: NatsSettings;
  readonly #folder: WorkerFolder;
  readonly #owner: ReaderOwner;
  readonly #totals: ReaderTotals;
  #place: ReadPlace;
  #messages: ConsumerMessages | null = null;
  #isStopped = false;
  #turn = 0;
  #failure: unknown;
  readonly #running: Promise<void>;

  constructor(
    partition: number,
    place: ReadPlace,
    at: {
      readonly link: NatsLink;
      readonly settings: NatsSettings;
      readonly folder: WorkerFolder;
      readonly totals: ReaderTotals;
    },
    owner: ReaderOwner,
  ) {
    this.partition = partition;
    this.#place = place;
    this.#link = at.link;
    this.#settings = at.settings;
    this.#folder = at.folder;
    this.#totals = at.totals;
    this.#owner = owner;
    this.#running = this.#run();
  }

  /** Begins again at what is not acknowledged: messages may have been lost on the way. */
  restart(): void {
    this.#messages?.stop();
  }

  /** @returns when nothing is read any more. What is not written comes again to the next reader. Does not reject */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.restart();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const turn = ++this.#turn;
      this.#failure = undefined;
      if (!this.#owner.holds()) {
        // NATS was away for longer than the lease: it is renewed, or this reader stopped.
        await pause(RETRY_MS);
        continue;
      }
      try {
        const consumer = await this.#consumer();
        if (this.#isStopped) break;
        await this.#read(turn, consumer);
      } catch (error) {
        this.#failure ??= error;
      }
      if (this.#isStopped) break;
      this.#totals.restarts++;
      if (this.#failure === undefined) {
        await pause(AGAIN_MS);
        continue;
      }
      this.#totals.failures++;
      this.#owner.failed(this.#failure);
      // A recorder that has failed takes no more.
      await this.#folder.suspend(this.#isMine);
      await pause(RETRY_MS);
    }
  }

  readonly #isMine = (id: string): boolean =>
    subjects.stream(this.#settings.name, this.#settings.partitions, id) ===
    subjects.partition(this.#settings.name, this.partition).replace('>', id);

  async #consumer(): Promise<Consumer> {
    const { name } = this.#settings;
    const { manager, streams, jetstream, core } = this.#link;
    let { start } = this.#place;
    if (this.#place.consumer !== null) {
      try {
        const { ack_floor: floor } = await manager.consumers.info(name, this.#place.consumer);
        start = Math.max(start, floor.stream_seq + 1);
      } catch (error) {
        // Where it is gone, everything since its start comes again.
        if (!(error instanceof jetstream.JetStreamApiError)) throw error;
        if (error.status !== 404) throw error;
      }
    }
    const consumer = `p${this.partition}-${core.nuid.next()}`;
    await manager.consumers.add(name, {
      durable_name: consumer,
      ack_policy: jetstream.AckPolicy.Explicit,
      ack_wait: ACK_WAIT_MS * 1e6,
      deliver_policy: jetstream.DeliverPolicy.StartSequence,
      opt_start_seq: start,
      max_ack_pending: MAX_PENDING,
      filter_subject: subjects.partition(name, this.partition),
    });
    this.#place = { consumer, start };
    this.#owner.begun({ consumer, start });
    return streams.consumers.get(name, consumer);
  }

  async #read(turn: number, consumer: Consumer): Promise<void> {
    const messages = await consumer.consume({
      max_messages: BATCH,
      expires: EXPIRES_MS,
      idle_heartbeat: HEARTBEAT_MS,
      abort_on_missing_resource: true,
    });
    this.#messages = messages;
    try {
      let delivered = 0;
      if (this.#isStopped) return;
      for await (const message of messages) {
        if (this.#isStopped || this.#failure !== undefined || !this.#owner.holds()) return;
        // One that is missing was lost on the way, and would come after what follows it.
        if (message.info.deliverySequence !== ++delivered) return;
        await this.#take(turn, message);
      }
    } finally {
      this.#messages = null;
      messages.stop();
    }
  }

  async #take(turn: number, message: JsMsg): Promise<void> {
    const { subject } = message;
    const id = subject.slice(subject.lastIndexOf('.') + 1);
    this.#totals.messages++;
    try {
      if (!/^[\w-]{1,64}$/.test(id))
        throw new PacketError('bad-field', 'The subject has no name of a stream.');
      const said = decodeMessage((name) => message.headers?.get(name) ?? '', message.data);
      if (said.type === 'end') {
        const recording = await this.#folder.end(id);
        if (recording !== null) this.#owner.recorded(id, recording);
        this.#acknowledge(turn, message);
        return;
      }
      const stored: Promise<unknown>[] = [];
      for (const packet of said.packets) {
        this.#totals.packets++;
        stored.push((await this.#folder.take(id, packet, message.time.getTime())).stored);
      }
      Promise.all(stored).then(
        () => this.#acknowledge(turn, message),
        (error: unknown) => {
          if (turn !== this.#turn) return;
          this.#failure ??= error;
          this.restart();
        },
      );
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      // It would fail each time.
      this.#totals.poison++;
      this.#owner.failed(error);
      if (turn === this.#turn && this.#owner.holds()) message.term();
    }
  }

  #acknowledge(turn: number, message: JsMsg): void {
    if (turn === this.#turn && this.#owner.holds() && !this.#link.connection.isClosed())
      message.ack();
  }
}
