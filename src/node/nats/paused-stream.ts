import type { Consumer, ConsumerInfo, ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { deferred } from '../../core/deferred.ts';
import type { Deferred } from '../../core/deferred.ts';
import { MicwireError, PacketError, errorText } from '../../core/errors.ts';
import type { NatsLink } from './nats-connection.ts';
import { pausedPrefix, subjects } from './nats-options.ts';
import type { NatsSettings } from './nats-options.ts';
import { addConsumer, messagesOf } from './ordered-consumer.ts';
import { decodeFrom } from './partition-sink.ts';
import type { PartitionSink, ReaderTotals } from './partition-sink.ts';

/** What a {@link PausedStream} needs from the reader of its partition. */
export interface PausedStreamOwner {
  readonly partition: number;
  readonly link: NatsLink;
  readonly settings: NatsSettings;
  readonly sink: PartitionSink;
  readonly totals: ReaderTotals;
  /** Whether this worker still holds the partition. */
  holds(): boolean;
  /** Waits until another stream may be paused. @returns false if the partition is no longer read */
  enter(): Promise<boolean>;
  failed(error: unknown): void;
  /** All skipped messages are stored: the stream continues normally. */
  resumed(): void;
}

/** Where a stream continues, as other workers left it. */
export interface PausedPlace {
  readonly start: number;
  /** Its existing consumers, which are deleted when a new one is created. */
  readonly consumers: readonly string[];
}

/** A failed stream is retried after this time, in ms, then after twice that, and so on. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;
/** Time until the next attempt when NATS has not answered, in ms. */
const NATS_RETRY_MS = 300;
const REMOVE_TRIES = 5;
/** Maximum number of the stream's messages that JetStream sends ahead of the acknowledged ones. */
const MAX_PENDING = 500;
const BATCH = 100;

/**
 * A stream whose messages the reader of its partition skips, because they cannot be stored, or not in time. It has a consumer of its
 * own, which begins at the first message that is not stored. The stream can thus be retried again and again while the others of its
 * partition continue, and the next worker with the partition finds the consumer and continues.
 */
export class PausedStream {
  readonly id: string;
  readonly #owner: PausedStreamOwner;
  /** The first message that was not taken from the consumer. */
  #next: number;
  /** Messages that were taken and are not stored yet, in order. */
  readonly #pending = new Set<number>();
  /** The last message that the partition's reader has skipped. */
  #passed = 0;
  #consumer: string | null = null;
  #others: readonly string[];
  #failure: unknown;
  #retryMs = FIRST_RETRY_MS;
  #retryAtMs = 0;
  #isReading = true;
  #abort = new AbortController();
  readonly #stopped = new AbortController();
  #messages: ConsumerMessages | null = null;
  #isPlaced = false;
  readonly #placed: Deferred<boolean> = deferred();
  /** Settles when something has changed. */
  #change: Deferred<void> = deferred();
  readonly #running: Promise<void>;

  /** @param failure why it is paused; undefined if it is only slow, and is read immediately */
  constructor(id: string, place: PausedPlace, failure: unknown, owner: PausedStreamOwner) {
    this.id = id;
    this.#owner = owner;
    this.#next = place.start;
    this.#others = place.consumers;
    if (failure !== undefined) this.#tell(failure);
    this.#running = this.#run();
  }

  /** Whether the partition's reader must skip the messages of this stream. */
  get isReading(): boolean {
    return this.#isReading;
  }

  /**
   * Registers a message that the partition's reader skips. It may acknowledge the message when the promise has settled.
   * @returns whether the next reader of the partition will find the message
   */
  pass(sequence: number): Promise<boolean> {
    this.#passed = Math.max(this.#passed, sequence);
    return this.#placed.promise;
  }

  /** Pauses the stream again: it cannot be stored, or is only slow if `failure` is undefined. */
  again(failure: unknown): void {
    this.#isReading = true;
    if (this.#failure !== undefined || this.#stopped.signal.aborted) return;
    if (failure !== undefined) this.#tell(failure);
    this.restart();
  }

  /** Restarts at the first message that is not stored, because messages may have been lost in transit. */
  restart(): void {
    this.#abort.abort();
    this.#messages?.stop();
    this.#notify();
  }

  /** Stops reading. Settles when nothing is read any more; the consumer remains for the next worker. Does not reject. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#placed.resolve(this.#isPlaced);
    this.restart();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    if (!(await this.#owner.enter())) return;
    while (!signal.aborted) {
      try {
        const { consumer, info } = await this.#place();
        if (this.#failure !== undefined) {
          // The failed stream takes nothing more, and restarts from what is stored.
          await this.#owner.sink.suspend((id) => id === this.id);
          await this.#pause(this.#retryAtMs - performance.now());
          this.#failure = undefined;
        }
        if (signal.aborted) return;
        this.#abort.abort();
        this.#abort = new AbortController();
        this.#pending.clear();
        const isAtEnd = info.num_pending === 0 && this.#passed < this.#next;
        if (isAtEnd) this.#isReading = false;
        else await this.#read(consumer);
        if (!this.#isReading && (await this.#drained())) {
          this.#owner.resumed();
          await this.#remove([this.#consumer!]);
          return;
        }
      } catch (error) {
        // The sink's failures are reported at their source: this is a failure of NATS.
        if (signal.aborted) return;
        this.#owner.totals.failures++;
        this.#owner.failed(error);
      }
      // A consumer that was already read from is not reused.
      if (this.#failure === undefined) await this.#pause(NATS_RETRY_MS);
    }
  }

  /** Creates a consumer that begins at the first message that is not stored, and only then deletes the previous one. */
  async #place(): Promise<{ readonly consumer: Consumer; readonly info: ConsumerInfo }> {
    const { partition, link, settings, sink } = this.#owner;
    const { streams, core } = link;
    const { name } = settings;
    while (!this.#owner.holds() && !this.#stopped.signal.aborted) await this.#pause(NATS_RETRY_MS);
    if (this.#stopped.signal.aborted) {
      throw new MicwireError('closed', `${this.id} is not read any more.`);
    }
    const [first = this.#next] = this.#pending;
    this.#next = first;
    const consumer = pausedPrefix(sink.group, partition) + core.nuid.next();
    const info = await addConsumer(link, settings, {
      consumer,
      start: first,
      subject: subjects.stream(name, settings.partitions, this.id),
      ackWaitMs: sink.ackWaitMs,
      maxPending: MAX_PENDING,
    });
    const others = [...this.#others, ...(this.#consumer === null ? [] : [this.#consumer])];
    this.#consumer = consumer;
    this.#others = [];
    this.#isPlaced = true;
    this.#placed.resolve(true);
    await this.#remove(others);
    return { consumer: await streams.consumers.get(name, consumer), info };
  }

  /** Reads until all messages that the partition's reader has skipped are taken, or something has failed. */
  async #read(consumer: Consumer): Promise<void> {
    const { signal } = this.#abort;
    const messages = await messagesOf(consumer, BATCH);
    this.#messages = messages;
    try {
      let delivered = 0;
      if (signal.aborted) return;
      for await (const message of messages) {
        if (signal.aborted || !this.#owner.holds()) return;
        // A missing message was lost in transit.
        if (message.info.deliverySequence !== ++delivered) return;
        if (!(await this.#take(message, signal))) return;
        if (message.info.pending === 0 && this.#passed <= message.seq) {
          this.#isReading = false;
          return;
        }
      }
    } finally {
      this.#messages = null;
      messages.stop();
    }
  }

  /** @returns false if it has failed */
  async #take(message: JsMsg, signal: AbortSignal): Promise<boolean> {
    const { sink, totals } = this.#owner;
    const { seq } = message;
    try {
      const said = decodeFrom(message);
      const turn = { signal, isPatient: true };
      const { done } = await sink.take(this.id, said, message.time.getTime(), turn);
      this.#pending.add(seq);
      done.then(
        () => {
          if (signal.aborted) return;
          this.#pending.delete(seq);
          // Successful storage resets the retry interval.
          this.#retryMs = FIRST_RETRY_MS;
          if (this.#owner.holds()) message.ack();
          this.#notify();
        },
        (error: unknown) => {
          if (!signal.aborted) this.again(error);
        },
      );
    } catch (error) {
      if (!(error instanceof PacketError)) {
        if (!signal.aborted) this.again(error);
        return false;
      }
      totals.poison++;
      this.#owner.failed(error);
      if (this.#owner.holds()) message.term();
    }
    this.#next = seq + 1;
    return true;
  }

  /** Waits until everything that was taken is stored. @returns false if some of it was not */
  async #drained(): Promise<boolean> {
    const { signal } = this.#abort;
    while (this.#pending.size > 0 && !signal.aborted) await this.#change.promise;
    // The stream may have been paused again meanwhile.
    return !signal.aborted && !this.#isReading;
  }

  #tell(error: unknown): void {
    this.#failure = error;
    this.#owner.totals.failures++;
    this.#retryAtMs = performance.now() + this.#retryMs;
    const seconds = this.#retryMs / 1000;
    const text = `${this.id} is paused, and tried again in ${seconds} s; other streams continue. ${errorText(error)}`;
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
    const { group } = this.#owner.sink;
    const code =
      error instanceof MicwireError ? error.code : group === 'record' ? 'recording' : 'transport';
    this.#owner.failed(new MicwireError(code, text, { cause: error }));
  }

  async #remove(consumers: readonly string[]): Promise<void> {
    const { link, settings } = this.#owner;
    for (const consumer of consumers) {
      // The next worker finds a consumer that remains, which has nothing new for it.
      for (let i = 0; i < REMOVE_TRIES && !link.connection.isClosed(); i++) {
        try {
          await link.manager.consumers.delete(settings.name, consumer);
          break;
        } catch (error) {
          if (error instanceof link.jetstream.JetStreamApiError && error.status === 404) break;
          await this.#pause(NATS_RETRY_MS);
        }
      }
    }
  }

  /** Waits, unless the stream is stopped. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopped;
    if (ms <= 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end, { once: true });
    });
  }

  #notify(): void {
    this.#change.resolve();
    this.#change = deferred();
  }
}

/** Finds the streams that earlier workers left paused in a partition, by name. */
export async function findPaused(
  link: NatsLink,
  settings: NatsSettings,
  prefix: string,
): Promise<Map<string, PausedPlace>> {
  const found = new Map<string, PausedPlace>();
  for await (const { name, config, ack_floor } of link.manager.consumers.list(settings.name)) {
    if (!name.startsWith(prefix)) continue;
    const { filter_subject: subject = '', opt_start_seq: from = 1 } = config;
    const id = subject.slice(subject.lastIndexOf('.') + 1);
    const start = Math.max(from, ack_floor.stream_seq + 1);
    const other = found.get(id);
    found.set(id, {
      start: Math.min(start, other?.start ?? start),
      consumers: [...(other?.consumers ?? []), name],
    });
  }
  return found;
}
