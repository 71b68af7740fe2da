import type { ConsumerMessages } from '@nats-io/jetstream';
import { describe, integerIn, numberIn } from '../../core/arguments.ts';
import { MicwireError, errorText } from '../../core/errors.ts';
import { checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { pause } from '../pause.ts';
import { findFrame } from './find-frame.ts';
import { ListenedStream, hand } from './listened-stream.ts';
import type { ListeningPlan } from './listened-stream.ts';
import { connectNats } from './nats-connection.ts';
import type { NatsLink } from './nats-connection.ts';
import { HEADER, decodeMessage } from './nats-message.ts';
import { NATS_OPTION_NAMES, checkNats, isStreamName, subjects } from './nats-options.ts';
import type { NatsOptions, NatsSettings } from './nats-options.ts';

/** Options of {@link NatsListener.connect}. */
export interface NatsListenerOptions extends NatsOptions {
  /**
   * Called when something has failed, for example because NATS is unavailable. The listener tries again.
   * @default prints the error
   */
  readonly failed?: (error: unknown) => void;
}

const OPTION_NAMES = {
  ...NATS_OPTION_NAMES,
  failed: 1,
} satisfies OptionNames<NatsListenerOptions>;

/** Options of {@link NatsListener.listen}; set at most one of them. */
export interface ListenOptions {
  /** Replays stored audio from this frame on, and continues with live audio. @default live audio only */
  readonly from?: number;
  /** The same position in ms from the start of the stream. */
  readonly fromMs?: number;
}

const LISTEN_NAMES = { from: 1, fromMs: 1 } satisfies OptionNames<ListenOptions>;

const MAX_FRAME = 2 ** 52;
/**
 * How long a replay waits for a gap to be filled, in ms of stored audio, because a client that reconnects may fill it. Live
 * listeners do not wait.
 */
const REPLAY_HOLD_MS = 10_000;
const LIVE_HOLD_MS = 1000;
const BATCH = 200;
const HEARTBEAT_MS = 1000;
const EXPIRES_MS = 5000;
const RETRY_MS = 300;

/** Listens to the streams of {@link NatsGateway | gateways}: live, or from any frame that JetStream still has. */
export class NatsListener {
  readonly #link: NatsLink;
  readonly #settings: NatsSettings;
  readonly #failed: (error: unknown) => void;
  readonly #streams = new Set<ListenedStream>();

  /**
   * Connects to NATS. Waits for servers that are not available yet.
   * @param signal aborts the waiting
   * @throws TypeError or RangeError for an invalid option
   * @throws MicwireError `unsupported` when a package is missing; `transport` when the JetStream stream does not exist
   */
  static async connect(options: NatsListenerOptions, signal?: AbortSignal): Promise<NatsListener> {
    checkOptions('NatsListener', options, OPTION_NAMES);
    const settings = checkNats(options);
    const link = await connectNats(settings, 'micwire listener', 'nothing', signal);
    const { failed = (error: unknown) => console.error('micwire listener:', error) } = options;
    return new NatsListener(link, settings, failed);
  }

  private constructor(link: NatsLink, settings: NatsSettings, failed: (error: unknown) => void) {
    this.#link = link;
    this.#settings = settings;
    this.#failed = failed;
    void this.#watch();
  }

  /**
   * Listens to a stream, which need not have begun.
   *
   * Live listening uses a subscription of core NATS: audio is missing, and reported as missing, when the reader is too slow or NATS
   * is unavailable. A replay uses an ordered consumer of JetStream: no stored audio is missing, and a slow reader slows the replay
   * down.
   * @param id the stream's name: 1 to 64 characters of A–Z, a–z, 0–9, _ and -
   * @throws TypeError or RangeError for invalid arguments
   * @throws MicwireError `closed` for a stream that has ended, unless it is replayed; `transport` when NATS does not answer
   */
  async listen(id: string, options: ListenOptions = {}): Promise<ListenedStream> {
    checkOptions('listen', options, LISTEN_NAMES);
    if (typeof id !== 'string' || !isStreamName(id)) {
      throw new TypeError(`id must be the name of a stream, got ${describe(id)}.`);
    }
    const { from, fromMs } = options;
    if (from !== undefined && fromMs !== undefined) {
      throw new TypeError('listen takes from or fromMs, not both.');
    }
    if (from !== undefined) integerIn('from', from, 0, MAX_FRAME);
    if (fromMs !== undefined) numberIn('fromMs', fromMs, 0, MAX_FRAME);
    const start = from === undefined ? undefined : { frame: from };
    const at = fromMs === undefined ? start : { ms: fromMs };
    try {
      return await (at === undefined ? this.#live(id) : this.#replay(id, at));
    } catch (cause) {
      if (cause instanceof MicwireError) throw cause;
      const message = errorText(cause);
      throw new MicwireError('transport', `${id} cannot be listened to: ${message}. Try again.`, {
        cause,
      });
    }
  }

  /** Closes all streams and the connection. Does not reject. */
  async close(): Promise<void> {
    await Promise.all([...this.#streams].map((stream) => stream.close()));
    await this.#link.connection.close().catch(() => {});
  }

  async #live(id: string): Promise<ListenedStream> {
    const { connection, manager } = this.#link;
    const { name, partitions } = this.#settings;
    const subject = subjects.stream(name, partitions, id);
    const subscription = connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return this.#failed(error);
        hand(stream, () =>
          decodeMessage((header) => message.headers?.get(header) ?? '', message.data),
        );
      },
    });
    const plan = { from: null, stored: 0, waits: false, holdMs: LIVE_HOLD_MS };
    const stream = this.#add(id, plan, () => subscription.unsubscribe());
    try {
      const last = await manager.streams.getMessage(name, { last_by_subj: subject });
      if (last?.header.get(HEADER.end) === 'bye') {
        throw new MicwireError('closed', `${id} is over. Replay it: from: 0.`);
      }
    } catch (error) {
      await stream.close();
      throw error;
    }
    return stream;
  }

  async #replay(
    id: string,
    at: { readonly frame: number } | { readonly ms: number },
  ): Promise<ListenedStream> {
    const { manager } = this.#link;
    const { name, partitions } = this.#settings;
    const subject = subjects.stream(name, partitions, id);
    const { sequence, stored, sampleRate } = await findFrame(manager, name, subject, at);
    // A stream that has not begun is read from its start.
    const from = 'frame' in at ? at.frame : Math.round((at.ms * (sampleRate ?? 0)) / 1000);
    const source: { messages: ConsumerMessages | null } = { messages: null };
    const plan = { from, stored, waits: true, holdMs: REPLAY_HOLD_MS };
    const stream = this.#add(id, plan, () => source.messages?.stop());
    void this.#pump(stream, subject, sequence, source);
    return stream;
  }

  #add(id: string, plan: Omit<ListeningPlan, 'close'>, stop: () => void): ListenedStream {
    const stream: ListenedStream = new ListenedStream(id, {
      ...plan,
      close: async () => {
        stop();
        this.#streams.delete(stream);
      },
    });
    this.#streams.add(stream);
    return stream;
  }

  /** Reads stored messages, one after the other, as fast as the reader accepts them. */
  async #pump(
    stream: ListenedStream,
    subject: string,
    sequence: number,
    source: { messages: ConsumerMessages | null },
  ): Promise<void> {
    const { streams, connection } = this.#link;
    let next = sequence;
    while (stream.ending === null && !connection.isClosed()) {
      try {
        const consumer = await streams.consumers.get(this.#settings.name, {
          filter_subjects: subject,
          opt_start_seq: next,
        });
        const messages = await consumer.consume({
          max_messages: BATCH,
          expires: EXPIRES_MS,
          idle_heartbeat: HEARTBEAT_MS,
        });
        source.messages = messages;
        // The stream may have been closed meanwhile.
        if (stream.ending !== null) messages.stop();
        for await (const message of messages) {
          await stream.room();
          if (stream.ending !== null) break;
          next = message.seq + 1;
          hand(stream, () => {
            const said = decodeMessage(
              (header) => message.headers?.get(header) ?? '',
              message.data,
            );
            // A stream that its gateway gave up may continue.
            const isOver =
              said.type !== 'end' || said.ending === 'bye' || message.info.pending === 0;
            return isOver ? said : { type: 'chunks', packets: [] };
          });
        }
        await consumer.delete().catch(() => {});
      } catch (error) {
        if (stream.ending === null && !connection.isClosed()) this.#failed(error);
      }
      source.messages = null;
      if (stream.ending === null) await pause(RETRY_MS);
    }
    // The connection is closed permanently.
    if (stream.ending === null) await stream.close();
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#link.connection.status()) {
      if (type === 'reconnect') for (const stream of this.#streams) stream.lost();
    }
  }
}
