import type { Consumer, ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { PacketError } from '../../core/errors.ts';
import type { NatsLink } from './nats-connection.ts';
import { decodeMessage } from './nats-message.ts';
import type { NatsMessage } from './nats-message.ts';
import { consumerPrefix, isStreamName, partitionOf, subjects } from './nats-options.ts';
import type { NatsSettings, WorkGroup } from './nats-options.ts';
import { pause } from '../pause.ts';

/** How far a partition was read: by a consumer, which began at a sequence. */
export interface ReadPlace {
  readonly consumer: string | null;
  readonly start: number;
}

/** What is done with the messages of partitions: they are recorded, or heard by a service. */
export interface PartitionSink {
  readonly group: WorkGroup;
  /** JetStream sends a message again that is not acknowledged for so long, ms: an acknowledgement was lost. */
  readonly ackWaitMs: number;
  /**
   * Takes a message of a stream. They come one after the other, in the order of their partition: while this waits, no other comes.
   * @param atMs when it was stored, ms since 1970
   * @param signal the partition is not read any more: nothing more may be taken
   * @returns settles when the message need not come again
   * @throws PacketError for a message that cannot be taken, however often it comes
   */
  take(
    id: string,
    said: NatsMessage,
    atMs: number,
    signal: AbortSignal,
  ): Promise<{ readonly done: Promise<unknown> }>;
  /** Some streams are read no more: another worker may continue them. Does not reject. */
  suspend(which: (id: string) => boolean): Promise<void>;
  /** Does what is near its end, before partitions are given up in good order. Does not reject. */
  flush(): Promise<void>;
  /** Looks after streams that nothing comes of. Called now and then. */
  tend(which: (id: string) => boolean): Promise<void>;
}

/** What a {@link PartitionReader} tells its worker, and asks it. */
export interface ReaderOwner {
  /** Whether the partition is still this worker's. */
  holds(): boolean;
  /** A consumer was made. */
  begun(place: { readonly consumer: string; readonly start: number }): void;
  failed(error: unknown): void;
}

/** Running totals of readers. */
export interface ReaderTotals {
  messages: number;
  poison: number;
  failures: number;
  restarts: number;
}

/** JetStream sends at most so many messages ahead of what is acknowledged. */
const MAX_PENDING = 2000;
const BATCH = 500;
const EXPIRES_MS = 5000;
const HEARTBEAT_MS = 1000;
const RETRY_MS = 300;
const AGAIN_MS = 20;

/**
 * Reads one partition in its order, and hands it to a sink. Each turn has a consumer of its own, which begins where the one before had
 * everything acknowledged: acknowledgements of a worker that has lost the partition count for nothing, and what a broken connection
 * has swallowed comes again, before what follows it.
 */
export class PartitionReader {
  readonly partition: number;
  readonly #link: NatsLink;
  readonly #settings: NatsSettings;
  readonly #sink: PartitionSink;
  readonly #owner: ReaderOwner;
  readonly #totals: ReaderTotals;
  #place: ReadPlace;
  #messages: ConsumerMessages | null = null;
  #isStopped = false;
  /** Of the present turn. */
  #abort = new AbortController();
  #turn = 0;
  #failure: unknown;
  readonly #running: Promise<void>;

  constructor(
    partition: number,
    place: ReadPlace,
    at: {
      readonly link: NatsLink;
      readonly settings: NatsSettings;
      readonly sink: PartitionSink;
      readonly totals: ReaderTotals;
    },
    owner: ReaderOwner,
  ) {
    this.partition = partition;
    this.#place = place;
    this.#link = at.link;
    this.#settings = at.settings;
    this.#sink = at.sink;
    this.#totals = at.totals;
    this.#owner = owner;
    this.#running = this.#run();
  }

  /** Begins again at what is not acknowledged: messages may have been lost on the way. */
  restart(): void {
    this.#abort.abort();
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
      this.#abort = new AbortController();
      if (!this.#owner.holds()) {
        // NATS was away for longer than the lease: it is renewed, or this reader stopped.
        await pause(RETRY_MS);
        continue;
      }
      const consumer = await this.#consumer().catch((error: unknown) => {
        // NATS has not answered: what is being written has not failed, and stays as it is.
        this.#totals.failures++;
        this.#owner.failed(error);
        return null;
      });
      if (this.#isStopped) break;
      if (consumer === null) {
        this.#totals.restarts++;
        await pause(RETRY_MS);
        continue;
      }
      try {
        // Begun again meanwhile: what it would report of this turn nobody would hear.
        if (!this.#abort.signal.aborted) await this.#read(turn, consumer);
      } catch (error) {
        // What was aborted has not failed.
        if (!this.#abort.signal.aborted) this.#failure ??= error;
      }
      if (this.#isStopped) break;
      this.#totals.restarts++;
      if (this.#failure === undefined) {
        // What is written now is acknowledged in this turn, and does not come again.
        await this.#sink.flush();
        await pause(AGAIN_MS);
        continue;
      }
      this.#totals.failures++;
      this.#owner.failed(this.#failure);
      // What has failed takes no more.
      await this.#sink.suspend(this.#isMine);
      await pause(RETRY_MS);
    }
  }

  readonly #isMine = (id: string): boolean =>
    partitionOf(id, this.#settings.partitions) === this.partition;

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
    const consumer = consumerPrefix(this.#sink.group, this.partition) + core.nuid.next();
    await manager.consumers.add(name, {
      durable_name: consumer,
      ack_policy: jetstream.AckPolicy.Explicit,
      ack_wait: this.#sink.ackWaitMs * 1e6,
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
      if (this.#isStopped || this.#abort.signal.aborted) return;
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
      if (!isStreamName(id))
        throw new PacketError('bad-field', 'The subject has no name of a stream.');
      const said = decodeMessage((name) => message.headers?.get(name) ?? '', message.data);
      const { signal } = this.#abort;
      const { done } = await this.#sink.take(id, said, message.time.getTime(), signal);
      done.then(
        () => this.#acknowledge(turn, message),
        (error: unknown) => {
          if (turn !== this.#turn || signal.aborted) return;
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
