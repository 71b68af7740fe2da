import { performance } from 'node:perf_hooks';
import type { NatsConnection } from '@nats-io/transport-node';
import { integerIn, numberIn } from '../../core/arguments.ts';
import { MicwireError, errorText } from '../../core/errors.ts';
import { checkObject, checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { Fifo } from '../../core/session/fifo.ts';
import { CLOSING } from '../../core/session/protocol.ts';
import type { SessionRefusal } from '../../core/session/server/session-host.ts';
import type { AcceptedStream, StreamChunk, StreamEnding } from '../accepted-stream.ts';
import type { StreamAnswer, StreamArrival, StreamHost } from '../stream-host.ts';
import { connectNats } from './nats-connection.ts';
import type { NatsLink } from './nats-connection.ts';
import { HEADER, checkPackets, encodeChunks } from './nats-message.ts';
import { NATS_OPTION_NAMES, checkNats, subjects } from './nats-options.ts';
import type { NatsOptions, NatsSettings } from './nats-options.ts';
import { Unanswered } from './unanswered.ts';
import { pause } from '../pause.ts';

/** Options of {@link NatsGateway.connect}. */
export interface NatsGatewayOptions extends NatsOptions {
  /** Maximum number of chunks in one message. Larger values mean fewer messages, and up to `batchMs` more delay. @default 1 */
  readonly chunksPerMessage?: number;
  /** How long a message with room left waits for a further chunk, in ms. @default 200 */
  readonly batchMs?: number;
  /** Maximum number of messages of one stream that are not stored yet; beyond it the client waits. @default 50 */
  readonly pendingPerStream?: number;
  /** The same limit for all streams together: more messages would only wait longer at NATS. @default 4000 */
  readonly pending?: number;
  /**
   * NATS counts as unavailable when it has not answered for this time, in ms: clients then reconnect and send again. While NATS
   * answers, late or not, a message is abandoned after this time only if later ones were answered. @default 5000
   */
  readonly timeoutMs?: number;
}

const OPTION_NAMES = {
  ...NATS_OPTION_NAMES,
  chunksPerMessage: 1,
  batchMs: 1,
  pendingPerStream: 1,
  pending: 1,
  timeoutMs: 1,
} satisfies OptionNames<NatsGatewayOptions>;

/** Running totals and current counts of a {@link NatsGateway}. */
export interface NatsGatewayStats {
  readonly connected: boolean;
  readonly disconnects: number;
  /** Messages that were sent to NATS: stored + failed + pending. */
  readonly publishedMessages: number;
  readonly storedMessages: number;
  /** Stored messages that were already present. */
  readonly duplicateMessages: number;
  /** Messages that NATS rejected, or whose connection was lost. Their clients send them again. */
  readonly failedMessages: number;
  readonly pendingMessages: number;
  /** Streams whose end is stored, and streams whose end is not stored yet. */
  readonly endedStreams: number;
  readonly endingStreams: number;
}

/** A message that NATS has not answered yet. */
interface Asked {
  readonly publication: Publication;
  readonly end: number;
  isStored: boolean;
}

/** The end of a stream, to be stored. */
interface Ending {
  readonly id: string;
  readonly ending: StreamEnding;
  readonly frame: number;
  /** The stream ends if this is still its last message: another gateway may have its client now. */
  readonly lastSequence: number | undefined;
}

/** Size in bytes above which a message accepts no further chunk. */
const BATCH_BYTES = 2 ** 18;
/** Interval of the attempts to store a stream's end, in ms. */
const ENDING_RETRY_MS = 1000;
const LOOK_MS = 250;
/** A timer that is this late, in ms, shows that the process was suspended. */
const STALL_MS = 500;
/** Maximum number of requested streams that have not begun: their clients may have left. */
const MAX_LAST = 10_000;
const MAX_CLOSE_MS = 600_000;
/** JetStream error: the subject's last message is another one. */
const OTHER_SEQUENCE = 10_071;

/**
 * Passes the streams of a `StreamServer` to NATS JetStream: the host of a server with `acknowledge: 'stored'`. Audio is acknowledged to
 * clients once JetStream has stored it; audio that is not stored when a connection breaks is sent again. A gateway keeps no state, so
 * clients may reconnect to any other gateway.
 */
export class NatsGateway implements StreamHost {
  readonly #settings: NatsSettings;
  readonly #limits: {
    readonly chunksPerMessage: number;
    readonly batchMs: number;
    readonly pendingPerStream: number;
    readonly pending: number;
    readonly timeoutMs: number;
  };
  readonly #link: NatsLink;
  readonly #inbox: string;
  readonly #asked = new Unanswered<Asked>();
  readonly #publications = new Set<Publication>();
  /** Publications that wait for room among all messages. */
  readonly #waiting = new Fifo<() => void>();
  /** The last messages of streams that are about to begin. */
  readonly #last = new Map<string, number>();
  readonly #endings = new Set<Ending>();
  readonly #looking: ReturnType<typeof setInterval>;
  #lookedMs: number = performance.now();
  #isConnected = true;
  #isClosing = false;
  #disconnects = 0;
  #published = 0;
  #stored = 0;
  #duplicates = 0;
  #failed = 0;
  #ended = 0;

  /**
   * Connects to NATS, and creates the JetStream stream if it is missing. Waits for servers that are not available yet.
   * @param signal aborts the waiting
   * @throws TypeError or RangeError for an invalid option
   * @throws MicwireError `unsupported` when a package is missing; `transport` when JetStream does not work as required
   */
  static async connect(options: NatsGatewayOptions, signal?: AbortSignal): Promise<NatsGateway> {
    checkOptions('NatsGateway', options, OPTION_NAMES);
    const settings = checkNats(options);
    const limits = {
      chunksPerMessage: checkPackets(options.chunksPerMessage ?? 1),
      batchMs: numberIn('batchMs', options.batchMs ?? 200, 0, 60_000),
      pendingPerStream: integerIn('pendingPerStream', options.pendingPerStream ?? 50, 1, 1e6),
      pending: integerIn('pending', options.pending ?? 4000, 1, 1e7),
      timeoutMs: numberIn('timeoutMs', options.timeoutMs ?? 5000, 100, 600_000),
    };
    const link = await connectNats(settings, 'micwire gateway', 'audio', signal);
    return new NatsGateway(settings, limits, link);
  }

  private constructor(
    settings: NatsSettings,
    limits: {
      readonly chunksPerMessage: number;
      readonly batchMs: number;
      readonly pendingPerStream: number;
      readonly pending: number;
      readonly timeoutMs: number;
    },
    link: NatsLink,
  ) {
    this.#settings = settings;
    this.#limits = limits;
    this.#link = link;
    this.#inbox = link.core.createInbox();
    // One subscription for all answers: a separate request for each message costs more than twice as much.
    link.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#answered(message.subject, message.string());
      },
    });
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
    this.#looking.unref();
    void this.#watch(link.connection);
  }

  get stats(): NatsGatewayStats {
    return {
      connected: this.#isConnected,
      disconnects: this.#disconnects,
      publishedMessages: this.#published,
      storedMessages: this.#stored,
      duplicateMessages: this.#duplicates,
      failedMessages: this.#failed,
      pendingMessages: this.#asked.size,
      endedStreams: this.#ended,
      endingStreams: this.#endings.size,
    };
  }

  /** Decides whether a stream can be stored now; for `authorize` of a host. */
  async authorize(arrival: StreamArrival): Promise<StreamAnswer | SessionRefusal> {
    checkObject('arrival must be a StreamArrival', arrival, 'id', 'frame');
    const { id, frame, known } = arrival;
    // No audio is sent back.
    if (known) return { output: null };
    const busy = { code: CLOSING.busy, reason: 'The store cannot be reached. Come back.' };
    if (!this.#isConnected) return busy;
    try {
      const { name, partitions } = this.#settings;
      const subject = subjects.stream(name, partitions, id);
      const last = await this.#link.manager.streams.getMessage(name, { last_by_subj: subject });
      if (last === null) return { output: null };
      if (frame === 0 && last.header.get(HEADER.end) === 'bye') {
        // Its frames would be mistaken for those of the earlier stream.
        return { code: CLOSING.over, reason: 'A stream of this name has ended. Use another name.' };
      }
      // Only used to detect, much later, whether another gateway has the client. The client itself knows best what is acknowledged:
      // after a crash the last message may be stored and an earlier one may not.
      if (this.#last.size > MAX_LAST) this.#last.clear();
      this.#last.set(id, last.seq);
      return { output: null };
    } catch {
      return busy;
    }
  }

  /**
   * Stores a stream up to its end. Return its promise from `stream`: a failure then makes the client reconnect.
   * @throws MicwireError `transport` when NATS is not available, or does not store a message
   */
  async stream(stream: AcceptedStream): Promise<void> {
    checkObject('stream must be an AcceptedStream', stream, 'id', 'format');
    const lastSequence = this.#last.get(stream.id);
    this.#last.delete(stream.id);
    if (!this.#isConnected) throw noConnection();
    const publication = new Publication(stream, lastSequence, {
      ...this.#limits,
      room: (of) => this.#room(of),
      publish: (of, chunks) => this.#publish(of, chunks),
    });
    this.#publications.add(publication);
    try {
      await publication.run();
    } finally {
      this.#publications.delete(publication);
    }
    const { ending } = stream;
    // A stream that this side has closed continues at another gateway.
    if (ending === null || ending === 'closed' || this.#isClosing) return;
    const end: Ending = {
      id: stream.id,
      ending,
      frame: publication.end,
      lastSequence: ending === 'expired' ? publication.lastSequence : undefined,
    };
    // No part of it is stored.
    if (ending === 'expired' && end.lastSequence === undefined) return;
    this.#endings.add(end);
    await this.#storeEnding(end);
  }

  /**
   * Closes the connection when the ends of streams are stored, or cannot be stored within `inMs`, 0–600000. Rejects only if the
   * number is out of range.
   */
  async close(inMs = 2000): Promise<void> {
    numberIn('inMs', inMs, 0, MAX_CLOSE_MS);
    this.#isClosing = true;
    const untilMs = performance.now() + inMs;
    while (this.#endings.size > 0 && performance.now() < untilMs) await pause(20);
    clearInterval(this.#looking);
    for (const publication of this.#publications) publication.fail(noConnection());
    await this.#link.connection.close().catch(() => {});
  }

  async #storeEnding(end: Ending): Promise<void> {
    const { name, partitions } = this.#settings;
    const headers = this.#link.core.headers();
    headers.set(HEADER.end, end.ending);
    headers.set(HEADER.frame, String(end.frame));
    try {
      await this.#link.streams.publish(
        subjects.stream(name, partitions, end.id),
        new Uint8Array(0),
        {
          headers,
          msgID: `${end.id}:end:${end.frame}`,
          timeout: this.#limits.timeoutMs,
          retries: 0,
          ...(end.lastSequence === undefined
            ? {}
            : { expect: { lastSubjectSequence: end.lastSequence } }),
        },
      );
      this.#ended++;
      this.#endings.delete(end);
    } catch (error) {
      const { JetStreamApiError } = this.#link.jetstream;
      if (error instanceof JetStreamApiError && error.code === OTHER_SEQUENCE) {
        // Its client is at another gateway.
        this.#endings.delete(end);
        return;
      }
      setTimeout(() => {
        if (!this.#link.connection.isClosed()) void this.#storeEnding(end);
      }, ENDING_RETRY_MS).unref();
    }
  }

  async #room(publication: Publication): Promise<void> {
    while (this.#asked.size >= this.#limits.pending) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    // A publication that does not need the room leaves it to the next one.
    if (publication.hasFailed) this.#waiting.shift()?.();
  }

  #publish(publication: Publication, chunks: readonly StreamChunk[]): Asked {
    const { id, format } = publication.stream;
    const { name, partitions } = this.#settings;
    const first = chunks[0]!;
    const last = chunks.at(-1)!;
    const end = last.frame + last.frames;
    const headers = this.#link.core.headers();
    // Includes the end: the same frames may arrive again in a different number of chunks.
    headers.set('Nats-Msg-Id', `${id}:${first.frame}-${end}`);
    if (chunks.length > 1) headers.set(HEADER.packets, String(chunks.length));
    const asked: Asked = { publication, end, isStored: false };
    const number = this.#asked.add(asked, performance.now());
    this.#link.connection.publish(
      subjects.stream(name, partitions, id),
      encodeChunks(format, chunks),
      { headers, reply: `${this.#inbox}.${number}` },
    );
    this.#published++;
    return asked;
  }

  #answered(subject: string, text: string): void {
    const number = Number(subject.slice(this.#inbox.length + 1));
    // An empty answer means "503 no responders": the message is not stored.
    const [, sequence] = text.includes('"error"') ? [] : (/"seq":\s*(\d+)/.exec(text) ?? []);
    const asked = this.#asked.take(number, sequence !== undefined, performance.now());
    if (asked === undefined) return;
    this.#waiting.shift()?.();
    const { publication } = asked;
    if (sequence === undefined) {
      this.#failed++;
      publication.fail(
        new MicwireError(
          'transport',
          `NATS has not stored a message: ${text.slice(0, 200) || 'JetStream is not there'}. The client sends it again.`,
        ),
      );
      return;
    }
    this.#stored++;
    if (text.includes('"duplicate":true')) this.#duplicates++;
    asked.isStored = true;
    publication.stored(Number(sequence));
  }

  /** Abandons messages that have waited too long. */
  #look(): void {
    const { timeoutMs } = this.#limits;
    const nowMs = performance.now();
    const passedMs = nowMs - this.#lookedMs;
    this.#lookedMs = nowMs;
    // This process was suspended: answers that arrived meanwhile have not been read yet.
    if (passedMs > LOOK_MS + STALL_MS) return;
    for (const { publication } of this.#asked.overdue(timeoutMs, nowMs)) {
      this.#failed++;
      this.#waiting.shift()?.();
      publication.fail(
        new MicwireError(
          'transport',
          `NATS has not answered for ${timeoutMs} ms. The client comes back.`,
        ),
      );
    }
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'reconnect') this.#isConnected = true;
      if (type !== 'disconnect') continue;
      this.#isConnected = false;
      this.#disconnects++;
      // It is unknown what was stored: all clients reconnect, and send again what was not acknowledged.
      this.#failed += this.#asked.size;
      this.#asked.clear();
      for (const publication of this.#publications) publication.fail(noConnection());
      while (this.#waiting.length > 0) this.#waiting.shift()!();
    }
    this.#isConnected = false;
  }
}

interface PublicationOwner {
  readonly chunksPerMessage: number;
  readonly batchMs: number;
  readonly pendingPerStream: number;
  /** Waits until another message may be in flight. */
  room(publication: Publication): Promise<void>;
  publish(publication: Publication, chunks: readonly StreamChunk[]): Asked;
}

/** A stream that is being published to JetStream. */
class Publication {
  readonly stream: AcceptedStream;
  readonly #owner: PublicationOwner;
  readonly #chunks: AsyncIterator<StreamChunk, void>;
  /** Messages that are not stored, or that follow one that is not stored. */
  readonly #pending = new Fifo<Asked>();
  #lastSequence: number | undefined;
  #failure: MicwireError | null = null;
  #wake: (() => void) | null = null;
  #end: number;

  constructor(stream: AcceptedStream, lastSequence: number | undefined, owner: PublicationOwner) {
    this.stream = stream;
    this.#lastSequence = lastSequence;
    this.#owner = owner;
    this.#end = stream.stats.storedFrame;
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** The sequence of the stream's last message, as far as this gateway knows. */
  get lastSequence(): number | undefined {
    return this.#lastSequence;
  }

  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** The frame after all published audio. */
  get end(): number {
    return this.#end;
  }

  async run(): Promise<void> {
    const { pendingPerStream } = this.#owner;
    let next: Promise<IteratorResult<StreamChunk, void>> | null = null;
    for (;;) {
      const first: IteratorResult<StreamChunk, void> = await (next ?? this.#chunks.next());
      next = null;
      this.#check();
      if (first.done === true) break;
      const batch = [first.value];
      if (this.#owner.chunksPerMessage > 1) ({ next } = await this.#fill(batch));
      while (this.#pending.length >= pendingPerStream) await this.#settled();
      await this.#owner.room(this);
      this.#check();
      try {
        this.#pending.push(this.#owner.publish(this, batch));
      } catch (cause) {
        throw new MicwireError(
          'transport',
          `A message cannot be sent to NATS: ${errorText(cause)}. The client comes back.`,
          { cause },
        );
      }
      const last = batch.at(-1)!;
      this.#end = last.frame + last.frames;
    }
    while (this.#pending.length > 0) await this.#settled();
    this.#check();
  }

  /** Handles a message that JetStream has stored. */
  stored(sequence: number): void {
    this.#lastSequence = Math.max(this.#lastSequence ?? 0, sequence);
    let end: number | undefined;
    while (this.#pending.at(0)?.isStored === true) end = this.#pending.shift()!.end;
    if (end !== undefined && this.#failure === null) this.stream.stored(end);
    this.#notify();
  }

  fail(error: MicwireError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#pending.clear();
    void this.#chunks.return?.();
    this.#notify();
  }

  /** Waits for chunks that the message has room for. @returns the next chunk if it is late */
  async #fill(
    batch: StreamChunk[],
  ): Promise<{ readonly next: Promise<IteratorResult<StreamChunk, void>> | null }> {
    const { chunksPerMessage, batchMs } = this.#owner;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), batchMs);
    });
    try {
      let bytes = batch[0]!.bytes.length;
      while (batch.length < chunksPerMessage && bytes < BATCH_BYTES) {
        const next = this.#chunks.next();
        const come = await Promise.race([next, late]);
        // In an object: a promise of a promise would wait for both.
        if (come === null || come.done === true) return { next };
        batch.push(come.value);
        bytes += come.value.bytes.length;
      }
      return { next: null };
    } finally {
      clearTimeout(timer);
    }
  }

  #settled(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}

function noConnection(): MicwireError {
  return new MicwireError(
    'transport',
    'The connection to NATS is lost. Clients come back when it is there again.',
  );
}
