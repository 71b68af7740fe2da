import type { Consumer, ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { PacketError } from '../../core/errors.ts';
import { pause } from '../pause.ts';
import type { NatsLink } from './nats-connection.ts';
import { consumerPrefix, pausedPrefix, subjects } from './nats-options.ts';
import type { NatsSettings } from './nats-options.ts';
import { addConsumer, messagesOf } from './ordered-consumer.ts';
import { SlowStream, decodeFrom, streamOf } from './partition-sink.ts';
import type { PartitionSink, ReaderTotals } from './partition-sink.ts';
import { PausedStream, findPaused } from './paused-stream.ts';
import type { PausedPlace, PausedStreamOwner } from './paused-stream.ts';

/** How far a partition was read, by a consumer that began at a sequence. */
export interface ReadPlace {
  readonly consumer: string | null;
  readonly start: number;
}

/** What a {@link PartitionReader} reports to its worker, and asks it. */
export interface ReaderOwner {
  /** Whether this worker still holds the partition. */
  holds(): boolean;
  /** A consumer was created. */
  begun(place: { readonly consumer: string; readonly start: number }): void;
  failed(error: unknown): void;
}

/** Maximum number of messages that JetStream sends ahead of the acknowledged ones. */
const MAX_PENDING = 2000;
/** Above this, slow streams are read separately. */
const MUCH_PENDING = MAX_PENDING / 2;
/**
 * Maximum number of streams of a partition that are paused at the same time. Beyond it, the partition waits until one of them
 * continues.
 */
const MAX_PAUSED = 256;
/** Number of pending messages between two searches for slow streams, while many messages wait. */
const LOOK_EACH = 50;
const BATCH = 500;
const RETRY_MS = 300;
const AGAIN_MS = 20;

/** A message that is not acknowledged yet. */
interface PendingMessage {
  readonly message: JsMsg;
  readonly sinceMs: number;
}

/**
 * Reads one partition in order, and passes its messages to a sink. Each turn has a consumer of its own, which begins at the first
 * message that the previous one had not acknowledged: acknowledgements of a worker that has lost the partition have no effect, and
 * messages lost with a connection arrive again, before later ones. A stream that fails, or that would keep the others waiting, is
 * paused: its messages are skipped, and it continues with a consumer of its own.
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
  /** Of the current turn. */
  #abort = new AbortController();
  #turn = 0;
  /** Unacknowledged messages of the current turn, by stream and JetStream sequence, in order. */
  readonly #pending = new Map<string, Map<number, PendingMessage>>();
  #pendingCount = 0;
  readonly #paused = new Map<string, PausedStream>();
  /** Whether streams that other workers left paused were looked up. */
  #isResumed = false;
  /** Number of paused streams that have a consumer or are creating it, and those that wait for permission. */
  #entered = 0;
  readonly #entering: ((mayEnter: boolean) => void)[] = [];
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

  /** Whether a stream is paused: not everything that arrived is stored. */
  isPaused(id: string): boolean {
    return this.#paused.has(id);
  }

  /** Restarts at the first unacknowledged message, because messages may have been lost in transit. */
  restart(): void {
    this.#restart();
    for (const paused of this.#paused.values()) paused.restart();
  }

  /** Keeps slow streams from using up the messages that JetStream sends ahead. Called regularly. */
  tend(): void {
    if (this.#pendingCount < MUCH_PENDING || !this.#sink.isTaking) return;
    const beforeMs = performance.now() - this.#sink.patienceMs;
    for (const [id, pending] of this.#pending) {
      const [oldest] = pending.values();
      if (oldest !== undefined && oldest.sinceMs < beforeMs) this.#pause(id, undefined);
    }
  }

  /** Stops reading. Settles when nothing is read any more; unwritten messages go to the next reader. Does not reject. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#restart();
    for (const enter of this.#entering.splice(0)) enter(false);
    await Promise.all([...this.#paused.values()].map((paused) => paused.stop()));
    await this.#running;
    // Streams that were paused meanwhile.
    await Promise.all([...this.#paused.values()].map((paused) => paused.stop()));
    this.#totals.paused -= this.#paused.size;
    this.#paused.clear();
  }

  #restart(): void {
    this.#abort.abort();
    this.#messages?.stop();
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const turn = ++this.#turn;
      this.#pending.clear();
      this.#pendingCount = 0;
      this.#abort = new AbortController();
      if (!this.#owner.holds()) {
        // NATS was unavailable for longer than the lease, which is now renewed, or this reader is stopped.
        await pause(RETRY_MS);
        continue;
      }
      // If NATS does not answer, writing has not failed, and continues.
      let retryMs = AGAIN_MS;
      try {
        await this.#resume();
        const consumer = await this.#consumer();
        if (this.#isStopped) break;
        // If it was restarted meanwhile, reports of this turn are ignored.
        if (!this.#abort.signal.aborted) await this.#read(turn, consumer);
      } catch (error) {
        if (this.#isStopped) break;
        // An aborted read has not failed.
        if (!this.#abort.signal.aborted) {
          retryMs = RETRY_MS;
          this.#totals.failures++;
          this.#owner.failed(error);
        }
      }
      if (this.#isStopped) break;
      this.#totals.restarts++;
      // Audio written now is acknowledged in this turn, and does not arrive again.
      await this.#sink.flush();
      await pause(retryMs);
    }
  }

  /** Continues streams that other workers left paused. */
  async #resume(): Promise<void> {
    if (this.#isResumed) return;
    const prefix = pausedPrefix(this.#sink.group, this.partition);
    const found = await findPaused(this.#link, this.#settings, prefix);
    this.#isResumed = true;
    if (this.#isStopped) return;
    for (const [id, place] of found) this.#add(id, place, undefined);
  }

  async #consumer(): Promise<Consumer> {
    const { name } = this.#settings;
    const { manager, streams, jetstream, core } = this.#link;
    let { start } = this.#place;
    if (this.#place.consumer !== null) {
      try {
        const { ack_floor: floor } = await manager.consumers.info(name, this.#place.consumer);
        start = Math.max(start, floor.stream_seq + 1);
      } catch (error) {
        // If it no longer exists, everything since its start arrives again.
        if (!(error instanceof jetstream.JetStreamApiError)) throw error;
        if (error.status !== 404) throw error;
      }
    }
    const consumer = consumerPrefix(this.#sink.group, this.partition) + core.nuid.next();
    await addConsumer(this.#link, this.#settings, {
      consumer,
      start,
      subject: subjects.partition(name, this.partition),
      ackWaitMs: this.#sink.ackWaitMs,
      maxPending: MAX_PENDING,
    });
    this.#place = { consumer, start };
    this.#owner.begun({ consumer, start });
    return streams.consumers.get(name, consumer);
  }

  async #read(turn: number, consumer: Consumer): Promise<void> {
    const messages = await messagesOf(consumer, BATCH);
    this.#messages = messages;
    try {
      let delivered = 0;
      if (this.#isStopped || this.#abort.signal.aborted) return;
      for await (const message of messages) {
        if (this.#isStopped || this.#abort.signal.aborted || !this.#owner.holds()) return;
        // A missing message was lost in transit, and would arrive after later ones.
        if (message.info.deliverySequence !== ++delivered) return;
        await this.#take(turn, message);
      }
    } finally {
      this.#messages = null;
      messages.stop();
    }
  }

  async #take(turn: number, message: JsMsg): Promise<void> {
    const id = streamOf(message);
    const { seq } = message;
    const { signal } = this.#abort;
    this.#totals.messages++;
    this.#keep(id, message);
    const paused = this.#paused.get(id);
    if (paused?.isReading === true) return this.#pass(turn, id, paused);
    if (this.#pendingCount >= MUCH_PENDING && this.#pendingCount % LOOK_EACH === 0) this.tend();
    try {
      const said = decodeFrom(message);
      const atMs = message.time.getTime();
      const { done } = await this.#sink.take(id, said, atMs, { signal, isPatient: false });
      done.then(
        () => this.#acknowledge(turn, id, seq),
        (error: unknown) => {
          if (turn === this.#turn && !signal.aborted) this.#pause(id, error);
        },
      );
    } catch (error) {
      if (error instanceof PacketError) {
        // It would fail every time.
        this.#totals.poison++;
        this.#owner.failed(error);
        this.#forget(id, seq);
        if (turn === this.#turn && this.#owner.holds()) message.term();
        return;
      }
      if (signal.aborted) return;
      this.#pause(id, error instanceof SlowStream ? undefined : error);
      // The others only wait for a moment, until the stream has its consumer.
      const reading = this.#paused.get(id);
      if (reading !== undefined) await this.#pass(turn, id, reading);
    }
  }

  /** @param failure undefined if the stream is only slow */
  #pause(id: string, failure: unknown): void {
    const paused = this.#paused.get(id);
    const pending = this.#pending.get(id);
    if (paused !== undefined) {
      // It was about to continue normally.
      if (!paused.isReading) paused.again(failure);
    } else {
      const [start] = pending?.keys() ?? [];
      // The failed message was already acknowledged, in an earlier turn.
      if (start === undefined) return;
      this.#add(id, { start, consumers: [] }, failure);
    }
    void this.#pass(this.#turn, id, this.#paused.get(id)!);
  }

  #add(id: string, place: PausedPlace, failure: unknown): void {
    const owner: PausedStreamOwner = {
      partition: this.partition,
      link: this.#link,
      settings: this.#settings,
      sink: this.#sink,
      totals: this.#totals,
      holds: () => this.#owner.holds(),
      enter: () => this.#enter(),
      failed: (error) => this.#owner.failed(error),
      resumed: () => {
        this.#paused.delete(id);
        this.#totals.paused--;
        const next = this.#entering.shift();
        if (next === undefined) this.#entered--;
        else next(true);
      },
    };
    this.#totals.paused++;
    this.#totals.pauses++;
    this.#paused.set(id, new PausedStream(id, place, failure, owner));
  }

  async #enter(): Promise<boolean> {
    if (this.#isStopped) return false;
    if (this.#entered < MAX_PAUSED) {
      this.#entered++;
      return true;
    }
    return new Promise((resolve) => this.#entering.push(resolve));
  }

  /** Skips the unacknowledged messages of a paused stream. */
  async #pass(turn: number, id: string, paused: PausedStream): Promise<void> {
    const sequences = [...(this.#pending.get(id)?.keys() ?? [])];
    const placed = await Promise.all(sequences.map((sequence) => paused.pass(sequence)));
    if (placed.includes(false)) return;
    for (const sequence of sequences) this.#acknowledge(turn, id, sequence);
  }

  #keep(id: string, message: JsMsg): void {
    let pending = this.#pending.get(id);
    if (pending === undefined) this.#pending.set(id, (pending = new Map()));
    pending.set(message.seq, { message, sinceMs: performance.now() });
    this.#pendingCount++;
  }

  /** @returns the message; undefined if it is acknowledged, or belongs to another turn */
  #forget(id: string, sequence: number): JsMsg | undefined {
    const pending = this.#pending.get(id);
    const found = pending?.get(sequence);
    if (pending === undefined || found === undefined) return undefined;
    this.#pendingCount--;
    pending.delete(sequence);
    if (pending.size === 0) this.#pending.delete(id);
    return found.message;
  }

  #acknowledge(turn: number, id: string, sequence: number): void {
    if (turn !== this.#turn || !this.#owner.holds() || this.#link.connection.isClosed()) return;
    this.#forget(id, sequence)?.ack();
  }
}
