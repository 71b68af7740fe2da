import { performance } from 'node:perf_hooks';
import { describe, integerIn, numberIn } from '../../core/arguments.ts';
import type { OpusLibrary } from '../../core/codec/opus-library.ts';
import { checkObject, checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import type { Service } from '../../core/services/service.ts';
import type { SessionScope } from '../../core/session/session-scope.ts';
import { socketUrl } from '../../core/socket.ts';
import type { WebSocketLike } from '../../core/socket.ts';
import { importWs } from '../import-ws.ts';
import { connectNats } from './nats-connection.ts';
import { NATS_OPTION_NAMES, checkNats } from './nats-options.ts';
import type { NatsOptions } from './nats-options.ts';
import { PartitionPool } from './partition-pool.ts';
import { ServiceSink } from './service-sink.ts';
import type { StreamText } from './text-service.ts';
import { prepareFolder } from './worker-folder.ts';

/** Options of {@link NatsTranscriber.start}. */
export interface NatsTranscriberOptions extends NatsOptions {
  /** Address of the speech service: `ws:` or `wss:`. */
  readonly url: string | (() => string | Promise<string>);
  /** Secret of the service. A function is called before each connection. @default none */
  readonly token?: string | (() => string | Promise<string>);
  /**
   * Creates a service for a stream, such as `() => vosk()` of `micwire/services/vosk`. It must only listen, over WebSockets.
   * @default the protocol that docs/scale.md describes
   */
  readonly service?: (stream: string) => Service;
  /** Sample rate of the audio for the service, in Hz, 8000 to 48000: mono, 16 bits. Only without `service`. @default 16000 */
  readonly sampleRate?: number;
  /** Decodes streams of Opus: see `OpusLibrary` of `micwire/codec`. @default none: streams of Opus are not read */
  readonly opus?: OpusLibrary;
  /** Folder for final text: a file `<stream>.jsonl` for each stream. @default none: text is only published */
  readonly folder?: string;
  /**
   * Maximum length of one stream's audio that the service has not accepted, in ms; beyond it the partition waits.
   * @default 10000
   */
  readonly maxWaitMs?: number;
  /** The connection to a service that has owed an acknowledgement for this time, in ms, is replaced. @default 30000 */
  readonly stallMs?: number;
  /** As for `NatsWorker`. @default 5000 */
  readonly leaseMs?: number;
  /** A stream that has received no audio for this time, in ms, counts as ended. @default 1800000 */
  readonly idleMs?: number;
  /** Called with recognized text. Text is published, and final text is in the file before its audio is acknowledged. */
  readonly heard?: (stream: string, text: StreamText) => void;
  /** Called when something has failed: the service, NATS, a disk, or a message that cannot be read. @default prints the error */
  readonly failed?: (error: unknown) => void;
}

const OPTION_NAMES = {
  ...NATS_OPTION_NAMES,
  url: 1,
  token: 1,
  service: 1,
  sampleRate: 1,
  opus: 1,
  folder: 1,
  maxWaitMs: 1,
  stallMs: 1,
  leaseMs: 1,
  idleMs: 1,
  heard: 1,
  failed: 1,
} satisfies OptionNames<NatsTranscriberOptions>;

/** Running totals and current counts of a {@link NatsTranscriber}. */
export interface NatsTranscriberStats {
  /** Partitions that this worker reads. */
  readonly partitions: number;
  /** Streams in progress, and those of them whose service is connected. */
  readonly streams: number;
  readonly connectedStreams: number;
  readonly messages: number;
  readonly packets: number;
  /**
   * Frames for the service, over all streams: given = taken + waiting + frames lost with a partition, which its next reader sends
   * again.
   */
  readonly givenFrames: number;
  readonly takenFrames: number;
  readonly waitingFrames: number;
  /** Number of received texts, and of final texts among them. */
  readonly texts: number;
  readonly finalTexts: number;
  readonly endedStreams: number;
  /** Streams that the service has refused. */
  readonly refusedStreams: number;
  /** Messages without any valid or decodable packet: they were set aside. */
  readonly poisonMessages: number;
  /** Undecodable packets in messages with other, decodable packets. */
  readonly poisonPackets: number;
  readonly failures: number;
  /**
   * Streams that are read separately from the others of their partition, because the service has failed them or accepts them
   * slowly.
   */
  readonly pausedStreams: number;
  /** How often a stream was paused. */
  readonly pauses: number;
  /** How often a partition was restarted at the first unacknowledged message. */
  readonly restarts: number;
}

/** Length of the longest message of a service, in bytes. */
const MAX_MESSAGE_BYTES = 2 ** 20;

/**
 * Streams the audio of {@link NatsGateway | gateways} to a speech service, with one connection for each stream. Any number of
 * transcribers share the streams; when one dies, others continue its streams. A message is acknowledged when the service has accepted
 * it, so the service receives each frame at least once. Independent of `NatsWorker`: both read all audio.
 */
export class NatsTranscriber {
  readonly #sink: ServiceSink;
  readonly #pool: PartitionPool;

  /**
   * Connects to NATS and starts working. Waits for servers that are not available yet. Needs the package `ws`.
   * @param signal aborts the waiting
   * @throws TypeError or RangeError for an invalid option
   * @throws MicwireError `unsupported` when a package is missing; `transport` when JetStream does not work as required; `recording`
   * when the folder cannot be written to
   */
  static async start(
    options: NatsTranscriberOptions,
    signal?: AbortSignal,
  ): Promise<NatsTranscriber> {
    checkOptions('NatsTranscriber', options, OPTION_NAMES);
    const settings = checkNats(options);
    const { url, token, service, folder, opus } = options;
    if (typeof url === 'string') absolute(url);
    else if (typeof url !== 'function') {
      throw new TypeError(`url must be a string or a function, got ${describe(url)}.`);
    }
    if (token !== undefined && typeof token !== 'string' && typeof token !== 'function') {
      throw new TypeError(`token must be a string or a function, got ${describe(token)}.`);
    }
    if (service !== undefined && typeof service !== 'function') {
      throw new TypeError(`service must be a function, got ${describe(service)}.`);
    }
    if (folder !== undefined && (typeof folder !== 'string' || folder === '')) {
      throw new TypeError(`folder must name a folder, got ${describe(folder)}.`);
    }
    if (opus !== undefined) checkObject('opus must be an OpusLibrary', opus);
    const sampleRate = integerIn('sampleRate', options.sampleRate ?? 16_000, 8000, 48_000);
    const maxWaitMs = numberIn('maxWaitMs', options.maxWaitMs ?? 10_000, 100, 600_000);
    const stallMs = numberIn('stallMs', options.stallMs ?? 30_000, 500, 600_000);
    const leaseMs = numberIn('leaseMs', options.leaseMs ?? 5000, 500, 3_600_000);
    const idleMs = numberIn('idleMs', options.idleMs ?? 1_800_000, 1000, 2 ** 40);
    const { WebSocket } = await importWs();
    if (folder !== undefined) await prepareFolder(folder);
    const link = await connectNats(settings, 'micwire transcriber', 'text', signal);
    const {
      heard = () => {},
      failed = (error: unknown) => console.error('micwire transcriber:', error),
    } = options;
    const sink = new ServiceSink(link, settings, {
      create: service,
      sampleRate,
      folder,
      idleMs,
      heard,
      streams: {
        target: { url, token },
        scope: {
          ...SCOPE,
          createSocket: (address, protocols) =>
            new WebSocket(address, [...protocols], {
              maxPayload: MAX_MESSAGE_BYTES,
              perMessageDeflate: false,
            }) as unknown as WebSocketLike,
        },
        opus,
        maxWaitMs,
        stallMs,
        failed,
      },
    });
    return new NatsTranscriber(sink, new PartitionPool(link, settings, leaseMs, sink, failed));
  }

  private constructor(sink: ServiceSink, pool: PartitionPool) {
    this.#sink = sink;
    this.#pool = pool;
  }

  /** The unique id by which other workers know this one. */
  get id(): string {
    return this.#pool.id;
  }

  get stats(): NatsTranscriberStats {
    const { messages, poison, failures, restarts, paused, pauses } = this.#pool.totals;
    return {
      partitions: this.#pool.partitions,
      messages,
      ...this.#sink.stats,
      poisonMessages: poison,
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

  /**
   * Ends the connections to the service, releases the partitions, and stops; other transcribers continue the streams. Does not
   * reject.
   */
  async close(): Promise<void> {
    await this.#pool.close();
    this.#sink.close();
  }
}

const SCOPE: Omit<SessionScope, 'createSocket'> = {
  now: () => performance.now(),
  setTimer(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
  absolute,
};

function absolute(url: string): string {
  if (!URL.canParse(url)) throw new TypeError(`url must be a ws: or wss: address, got '${url}'.`);
  return socketUrl(new URL(url));
}
