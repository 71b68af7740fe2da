import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { MicwireError } from '../../core/errors.ts';
import type { Service } from '../../core/services/service.ts';
import { pause } from '../pause.ts';
import type { NatsLink } from './nats-connection.ts';
import type { NatsMessage } from './nats-message.ts';
import { subjects } from './nats-options.ts';
import type { NatsSettings } from './nats-options.ts';
import type { PartitionSink } from './partition-reader.ts';
import { ServiceStream } from './service-stream.ts';
import type { ServiceStreamOptions } from './service-stream.ts';
import { StreamEnds } from './stream-ends.ts';
import { textService } from './text-service.ts';
import type { StreamFate, StreamText } from './text-service.ts';

/** How often converters are looked after that nothing comes for, ms. */
const TEND_MS = 500;
/** After a session has failed for good, no other is begun for so long, ms. */
const FAILED_MS = 5000;
/** A service acknowledges when it likes: JetStream sends nothing again by itself. */
const ACK_WAIT_MS = 86_400_000;

/** What a {@link ServiceSink} counts: see `NatsTranscriberStats`. */
type Counted =
  | 'streams'
  | 'connectedStreams'
  | 'packets'
  | 'givenFrames'
  | 'takenFrames'
  | 'waitingFrames'
  | 'texts'
  | 'finalTexts'
  | 'endedStreams'
  | 'refusedStreams';

/** What a {@link ServiceSink} is made with. */
export interface SinkOptions {
  readonly create: ((stream: string) => Service) | undefined;
  readonly sampleRate: number;
  readonly folder: string | undefined;
  readonly idleMs: number;
  readonly heard: (stream: string, text: StreamText) => void;
  readonly streams: Omit<ServiceStreamOptions, 'text'>;
}

/** Has messages heard by a service. */
export class ServiceSink implements PartitionSink {
  readonly group = 'text' as const;
  readonly ackWaitMs: number = ACK_WAIT_MS;
  readonly #link: NatsLink;
  readonly #settings: NatsSettings;
  readonly #options: SinkOptions;
  readonly #streams = new Map<string, ServiceStream>();
  readonly #ends = new StreamEnds();
  /** Text on its way to the file of a stream, one line after the other. */
  readonly #writing = new Map<string, Promise<void>>();
  readonly #tending: ReturnType<typeof setInterval>;
  #pausedUntilMs = 0;
  #packets = 0;
  #texts = 0;
  #finalTexts = 0;
  #ended = 0;
  #refused = 0;
  /** Of streams that are gone. */
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
      givenFrames: given,
      takenFrames: taken,
      waitingFrames: waiting,
      texts: this.#texts,
      finalTexts: this.#finalTexts,
      endedStreams: this.#ended,
      refusedStreams: this.#refused,
    };
  }

  async take(
    id: string,
    said: NatsMessage,
    _atMs: number,
    signal: AbortSignal,
  ): Promise<{ readonly done: Promise<unknown> }> {
    if (said.type === 'end') return { done: this.#end(id) };
    this.#packets += said.packets.length;
    const taken: Promise<unknown>[] = [];
    try {
      for (const packet of said.packets) {
        let stream = this.#streams.get(id);
        if (stream?.isEnding === true) {
          await Promise.race([stream.end(), aborted(signal)]);
          if (signal.aborted) break;
          stream = this.#streams.get(id);
        }
        if (packet.frame + packet.frames <= this.#ends.of(id)) continue;
        if (stream === undefined) {
          await this.#rest(signal);
          stream = this.#begin(id, packet);
        }
        taken.push((await stream.take(packet, signal)).taken);
      }
    } catch (error) {
      for (const one of taken) one.catch(() => {});
      this.#hasFailed(error);
      throw error;
    }
    // Nothing is acknowledged of a partition that is given up.
    if (signal.aborted) throw gone(id);
    const done = Promise.all(taken).then(() => this.#writing.get(id));
    done.catch((error: unknown) => this.#hasFailed(error));
    return { done };
  }

  async suspend(which: (id: string) => boolean): Promise<void> {
    for (const [id, stream] of this.#streams) {
      if (!which(id)) continue;
      stream.stop();
      this.#forget(id, stream);
    }
  }

  /** What the service has not taken, it gets from another worker. */
  async flush(): Promise<void> {}

  async tend(which: (id: string) => boolean): Promise<void> {
    for (const [id, stream] of this.#streams) {
      if (which(id) && !stream.isEnding && stream.idleMs > this.#options.idleMs) {
        this.#end(id).catch((error: unknown) => {
          this.#options.streams.failed(error);
          // What comes of it begins again.
          if (this.#streams.get(id) === stream) this.#forget(id, stream);
        });
      }
    }
  }

  close(): void {
    clearInterval(this.#tending);
  }

  #begin(id: string, format: ConstructorParameters<typeof ServiceStream>[1]): ServiceStream {
    const { create, sampleRate, streams } = this.#options;
    const fate: StreamFate = { isOver: false, refusal: null };
    const service = create === undefined ? textService(id, sampleRate, fate) : create(id);
    if (service.transport !== 'websocket') {
      throw new TypeError(`service must speak over WebSockets, got '${service.id}'.`);
    }
    const stream = new ServiceStream(
      id,
      format,
      { service, isOwn: create === undefined, fate },
      { ...streams, text: (text) => this.#heard(id, text) },
    );
    this.#streams.set(id, stream);
    return stream;
  }

  async #end(id: string): Promise<void> {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
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
      // Nobody waits for it: the file has what counts.
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

  /** A service that refuses each session is not asked all the time. */
  #hasFailed(error: unknown): void {
    const isOurs = error instanceof MicwireError && error.code === 'transport';
    if (isOurs) this.#pausedUntilMs = performance.now() + FAILED_MS;
  }

  async #rest(signal: AbortSignal): Promise<void> {
    const ms = this.#pausedUntilMs - performance.now();
    if (ms > 0) await Promise.race([pause(ms), aborted(signal)]);
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
