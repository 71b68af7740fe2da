import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MicwireError, PacketError } from '../../core/errors.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';
import type { Service } from '../../core/services/service.ts';
import { pause } from '../pause.ts';
import type { NatsLink } from './nats-connection.ts';
import type { NatsMessage } from './nats-message.ts';
import { subjects } from './nats-options.ts';
import type { NatsSettings } from './nats-options.ts';
import { SlowStream } from './partition-sink.ts';
import type { PartitionSink, ReaderTurn } from './partition-sink.ts';
import { ServiceStream } from './service-stream.ts';
import type { ServiceStreamOptions } from './service-stream.ts';
import { StreamEnds } from './stream-ends.ts';
import { textService } from './text-service.ts';
import type { StreamFate, StreamText } from './text-service.ts';

/** Interval at which idle converters are flushed, in ms. */
const TEND_MS = 500;
/** Maximum time that a stream keeps the others of its partition waiting, in ms. */
const PATIENCE_MS = 2000;
/** A service may acknowledge at any time: JetStream must not send messages again by itself. */
const ACK_WAIT_MS = 86_400_000;

/** Counters of a {@link ServiceSink}: see `NatsTranscriberStats`. */
type Counted =
  | 'streams'
  | 'connectedStreams'
  | 'packets'
  | 'poisonPackets'
  | 'givenFrames'
  | 'takenFrames'
  | 'waitingFrames'
  | 'texts'
  | 'finalTexts'
  | 'endedStreams'
  | 'refusedStreams';

/** Options of {@link ServiceSink}. */
export interface SinkOptions {
  readonly create: ((stream: string) => Service) | undefined;
  readonly sampleRate: number;
  readonly folder: string | undefined;
  readonly idleMs: number;
  readonly heard: (stream: string, text: StreamText) => void;
  readonly streams: Omit<ServiceStreamOptions, 'text' | 'patienceMs' | 'isTaking'>;
}

/** Sends the audio of messages to a service. */
export class ServiceSink implements PartitionSink {
  readonly group = 'text' as const;
  readonly ackWaitMs: number = ACK_WAIT_MS;
  readonly patienceMs: number = PATIENCE_MS;
  readonly #link: NatsLink;
  readonly #settings: NatsSettings;
  readonly #options: SinkOptions;
  readonly #streams = new Map<string, ServiceStream>();
  readonly #ends = new StreamEnds();
  /** Pending writes of text to the file of a stream, one line after the other. */
  readonly #writing = new Map<string, Promise<void>>();
  readonly #tending: ReturnType<typeof setInterval>;
  #packets = 0;
  #poisonPackets = 0;
  #texts = 0;
  #finalTexts = 0;
  #ended = 0;
  #refused = 0;
  /** Frames of streams that have been removed. */
  #given = 0;
  #taken = 0;

  constructor(link: NatsLink, settings: NatsSettings, options: SinkOptions) {
    this.#link = link;
    this.#settings = settings;
    this.#options = options;
    this.#tending = setInterval(() => {
      for (const stream of this.#streams.values()) stream.tend();
    }, TEND_MS);
    this.#tending.unref();
  }

  get stats(): Readonly<Record<Counted, number>> {
    let [given, taken, waiting, connected] = [this.#given, this.#taken, 0, 0];
    for (const stream of this.#streams.values()) {
      const { givenFrames, takenFrames } = stream.stats;
      given += givenFrames;
      taken += takenFrames;
      waiting += givenFrames - takenFrames;
      if (stream.isConnected) connected++;
    }
    return {
      streams: this.#streams.size,
      connectedStreams: connected,
      packets: this.#packets,
      poisonPackets: this.#poisonPackets,
      givenFrames: given,
      takenFrames: taken,
      waitingFrames: waiting,
      texts: this.#texts,
      finalTexts: this.#finalTexts,
      endedStreams: this.#ended,
      refusedStreams: this.#refused,
    };
  }

  get isTaking(): boolean {
    for (const { isConnected } of this.#streams.values()) if (isConnected) return true;
    return false;
  }

  async take(
    id: string,
    said: NatsMessage,
    _atMs: number,
    turn: ReaderTurn,
  ): Promise<{ readonly done: Promise<unknown> }> {
    if (said.type === 'end') return { done: this.#end(id, said.frame > 0) };
    this.#packets += said.packets.length;
    const { signal } = turn;
    const taken: Promise<unknown>[] = [];
    const refusals: PacketError[] = [];
    try {
      for (const packet of said.packets) {
        let stream = this.#streams.get(id);
        if (stream?.isEnding === true) {
          await this.#whenEnded(stream, turn);
          if (signal.aborted) break;
          stream = this.#streams.get(id);
        }
        if (packet.frame + packet.frames <= this.#ends.of(id)) continue;
        try {
          stream ??= this.#begin(id, packet);
          taken.push((await stream.take(packet, turn)).taken);
        } catch (error) {
          if (!(error instanceof PacketError)) throw error;
          refusals.push(error);
        }
      }
    } catch (error) {
      for (const one of taken) one.catch(() => {});
      throw error;
    }
    // Nothing is acknowledged for a partition that is released.
    if (signal.aborted) throw gone(id);
    if (refusals.length === said.packets.length) throw refusals[0]!;
    // A message with at least one valid packet counts as valid.
    this.#poisonPackets += refusals.length;
    for (const refusal of refusals) this.#options.streams.failed(refusal);
    return { done: Promise.all(taken).then(() => this.#writing.get(id)) };
  }

  async suspend(which: (id: string) => boolean): Promise<void> {
    for (const [id, stream] of this.#streams) {
      if (!which(id)) continue;
      stream.stop();
      this.#forget(id, stream);
    }
  }

  /** Audio that the service has not taken is sent by another worker. */
  async flush(): Promise<void> {}

  async tend(which: (id: string) => boolean): Promise<void> {
    for (const [id, stream] of this.#streams) {
      if (which(id) && !stream.isEnding && stream.idleMs > this.#options.idleMs) {
        this.#end(id, false).catch((error: unknown) => {
          this.#options.streams.failed(error);
          // Further audio starts the stream again.
          if (this.#streams.get(id) === stream) this.#forget(id, stream);
        });
      }
    }
  }

  close(): void {
    clearInterval(this.#tending);
  }

  /** Waits until a stream has ended: audio after its end belongs to another one. */
  async #whenEnded(stream: ServiceStream, { signal, isPatient }: ReaderTurn): Promise<void> {
    const ended = stream.end().then(() => true);
    const patience = isPatient ? [] : [pause(PATIENCE_MS).then(() => false)];
    const isOver = await Promise.race([ended, aborted(signal).then(() => true), ...patience]);
    if (!isOver) throw new SlowStream(stream.id);
  }

  /** @param format null if only its end has arrived */
  #begin(id: string, format: StreamFormat | null): ServiceStream {
    const { create, sampleRate, streams } = this.#options;
    const fate: StreamFate = {
      isOver: false,
      isTold: false,
      isAnswered: false,
      isLost: false,
      refusal: null,
    };
    const service = create === undefined ? textService(id, sampleRate, fate) : create(id);
    if (service.transport !== 'websocket') {
      throw new TypeError(`service must speak over WebSockets, got '${service.id}'.`);
    }
    const stream = new ServiceStream(
      id,
      format ?? service.input,
      { service, isOwn: create === undefined, fate },
      {
        ...streams,
        patienceMs: PATIENCE_MS,
        isTaking: () => this.isTaking,
        text: (text) => this.#heard(id, text),
      },
    );
    this.#streams.set(id, stream);
    return stream;
  }

  /** @param isHeard whether the service has received any of its audio: it is then told the end, even if other workers sent the audio */
  async #end(id: string, isHeard: boolean): Promise<void> {
    let stream = this.#streams.get(id);
    if (stream === undefined) {
      // A service of the app cannot be told the end of audio that other workers sent.
      const isTold = this.#options.create !== undefined || this.#ends.has(id);
      if (isTold || !isHeard) return;
      stream = this.#begin(id, null);
    }
    await stream.end();
    await this.#writing.get(id);
    if (this.#streams.get(id) !== stream) return;
    this.#ends.add(id, stream.endFrame);
    this.#ended++;
    if (stream.isRefused) this.#refused++;
    this.#forget(id, stream);
  }

  #forget(id: string, stream: ServiceStream): void {
    const { givenFrames, takenFrames } = stream.stats;
    this.#given += givenFrames;
    this.#taken += takenFrames;
    this.#streams.delete(id);
    this.#writing.delete(id);
  }

  #heard(id: string, text: StreamText): void {
    const { folder, heard, streams } = this.#options;
    this.#texts++;
    const line = `${JSON.stringify({ ...text, stream: id, at: new Date().toISOString() })}\n`;
    try {
      this.#link.connection.publish(subjects.text(this.#settings.name, id), line);
      heard(id, text);
    } catch (error) {
      // Nobody depends on this: final text is in the file.
      streams.failed(error);
    }
    if (!text.final) return;
    this.#finalTexts++;
    if (folder === undefined) return;
    const before = this.#writing.get(id) ?? Promise.resolve();
    const writing = before.then(() => appendText(join(folder, `${id}.jsonl`), line));
    writing.catch(() => {});
    this.#writing.set(id, writing);
  }
}

async function appendText(path: string, line: string): Promise<void> {
  try {
    await appendFile(path, line);
  } catch (cause) {
    throw new MicwireError(
      'recording',
      `${path} cannot be written: ${(cause as Error).message}. Look whether its folder may be written to, and has room.`,
      { cause },
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function gone(id: string): MicwireError {
  return new MicwireError('closed', `${id} is not read any more.`);
}
