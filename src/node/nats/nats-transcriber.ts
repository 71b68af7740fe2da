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
  /** Secret of the service: a function is called before each connection. @default none */
  readonly token?: string | (() => string | Promise<string>);
  /**
   * Makes a service for a stream: such as `() => vosk()` of `micwire/services/vosk`. One that only listens, over WebSockets.
   * @default the protocol that docs/scale.md describes
   */
  readonly service?: (stream: string) => Service;
  /** Rate of what the service gets, Hz, 8000 to 48000: mono, 16 bits. Without `service`. @default 16000 */
  readonly sampleRate?: number;
  /** Decodes streams of Opus: see `OpusLibrary` of `micwire/codec`. @default none: such streams are not read */
  readonly opus?: OpusLibrary;
  /** Where final text goes: a file `<stream>.jsonl` for each stream. @default nowhere: it is published only */
  readonly folder?: string;
  /** Audio of one stream that the service has not taken, ms: then its partition waits. @default 10000 */
  readonly maxWaitMs?: number;
  /** A service that owes an acknowledgement for so long is connected to again, ms. @default 30000 */
  readonly stallMs?: number;
  /** As for `NatsWorker`. @default 5000 */
  readonly leaseMs?: number;
  /** A stream that nothing came for in so long is taken for over, ms. @default 1800000 */
  readonly idleMs?: number;
  /** Words have come. They are published, and final ones are in the file before what they are of is acknowledged. */
  readonly heard?: (stream: string, text: StreamText) => void;
  /** Something has failed: the service, NATS, a disk, a message that cannot be read. @default prints the error */
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

/** Running totals of a {@link NatsTranscriber}, and what there is now. */
export interface NatsTranscriberStats {
  /** Partitions that this worker reads. */
  readonly partitions: number;
  /** Streams that are under way, and those of them whose service is there. */
  readonly streams: number;
  readonly connectedStreams: number;
  readonly messages: number;
  readonly packets: number;
  /** Frames of the service, of all streams: given = taken + waiting + lost with a partition, which its next reader has again. */
  readonly givenFrames: number;
  readonly takenFrames: number;
  readonly waitingFrames: number;
  /** Texts that came, and those of them that are final. */
  readonly texts: number;
  readonly finalTexts: number;
  readonly endedStreams: number;
  /** Streams that the service does not want. */
  readonly refusedStreams: number;
  /** Messages of which nothing is what gateways send, or can be decoded: they were put aside. */
  readonly poisonMessages: number;
  /** Packets that cannot be decoded, in messages of which others were. */
  readonly poisonPackets: number;
  readonly failures: number;
  /** Streams that are read apart from the others of their partition: the service has failed them, or is slow to take them. */
  readonly pausedStreams: number;
  /** How often a stream was paused. */
  readonly pauses: number;
  /** How often a partition was begun again, at what was not acknowledged. */
  readonly restarts: number;
}

/** Longest message of a service, bytes. */
const MAX_MESSAGE_BYTES = 2 ** 20;

/**
 * Streams the audio of {@link NatsGateway | gateways} to a speech service, one connection for each stream. Any number of transcribers
 * share the streams; what one had that has died, others continue. A message is acknowledged when the service has taken it, so that the
 * service hears each frame at least once. Independent of `NatsWorker`: both read all audio.
 */
export class NatsTranscriber {
  readonly #sink: ServiceSink;
  readonly #pool: PartitionPool;

  /**
   * Connects to NATS and begins to work. Waits for servers that are not there yet. Needs the package `ws`.
   * @param signal ends the waiting
   * @throws TypeError or RangeError for options that are wrong
   * @throws MicwireError `unsupported` when a package is missing; `transport` when JetStream does not do what it has to; `recording`
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

  /** Unique: as the others know this worker. */
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

  /** Whether NATS is there. */
  get connected(): boolean {
    return this.#pool.connected;
  }

  /** Ends the connections to the service, gives its partitions back, and ends: others continue the streams. Does not reject. */
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
