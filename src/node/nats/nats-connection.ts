import { performance } from 'node:perf_hooks';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { MicwireError, errorText } from '../../core/errors.ts';
import { leaseStream, subjects } from './nats-options.ts';
import type { NatsSettings, WorkGroup } from './nats-options.ts';
import { pause } from '../pause.ts';

/** A connection to NATS, with the clients that use it. */
export interface NatsLink {
  readonly connection: NatsConnection;
  readonly streams: JetStreamClient;
  readonly manager: JetStreamManager;
  /** The packages themselves, which are loaded on demand. */
  readonly core: typeof import('@nats-io/transport-node');
  readonly jetstream: typeof import('@nats-io/jetstream');
}

/**
 * How long JetStream remembers which messages it has stored: a client that reconnects within this time stores no message twice. Later
 * duplicates do no harm either, as frames are written to their own positions.
 */
const DUPLICATE_WINDOW_MS = 120_000;
/** JetStream error: a stream of this name has other settings. */
const OTHER_SETTINGS = 10_058;
/** Interval of requests to JetStream: a server that starts accepts connections before its JetStream is ready. */
const RETRY_MS = 250;
const READY_MS = 15_000;
/** An answer that does not arrive within this time was lost with a connection. */
const TIMEOUT_MS = 2000;

/**
 * Connects, and creates JetStream streams that are missing. Waits for servers that are not available yet.
 * @param need `'audio'`: the stream with the audio; a group: its leases, too; `'nothing'`: the stream must exist
 * @param signal aborts the waiting
 * @throws MicwireError `unsupported` when a package is missing; `transport` when JetStream does not work as required
 */
export async function connectNats(
  settings: NatsSettings,
  client: string,
  need: WorkGroup | 'audio' | 'nothing',
  signal?: AbortSignal,
): Promise<NatsLink> {
  const [core, jetstream] = await importPackages();
  const url = settings.servers.map((server) => asUrl(server));
  const first = url[0]!;
  const connecting = core.connect({
    name: client,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 100,
    waitOnFirstConnect: true,
    // Two in a row may be late: a slow server is not lost.
    pingInterval: 5000,
    maxPingOut: 2,
    ...(first.username === ''
      ? {}
      : { user: decodeURIComponent(first.username), pass: decodeURIComponent(first.password) }),
    ...(url.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}),
    ...settings.connection,
    servers: url.map(({ host }) => host),
  });
  const aborted = new Promise<never>((_, reject) => {
    signal?.addEventListener(
      'abort',
      () => reject(new MicwireError('closed', 'Nobody waits for NATS any more.')),
      { once: true },
    );
  });
  aborted.catch(() => {});
  let connection: NatsConnection;
  try {
    connection = await Promise.race([connecting, aborted]);
  } catch (error) {
    connecting.then((late) => late.close()).catch(() => {});
    throw asTransportError(settings, error);
  }
  try {
    const manager = await jetstream.jetstreamManager(connection, {
      checkAPI: false,
      timeout: TIMEOUT_MS,
    });
    const untilMs = performance.now() + READY_MS;
    for (;;) {
      try {
        await ensureStreams(manager, jetstream, settings, need);
        break;
      } catch (error) {
        const isFinal =
          error instanceof MicwireError ||
          (error instanceof jetstream.JetStreamApiError && error.status < 500);
        if (isFinal || connection.isClosed() || performance.now() > untilMs) throw error;
        await Promise.race([pause(RETRY_MS), aborted]);
      }
    }
    return { connection, manager, streams: jetstream.jetstream(connection), core, jetstream };
  } catch (error) {
    await connection.close().catch(() => {});
    throw asTransportError(settings, error);
  }
}

async function ensureStreams(
  manager: JetStreamManager,
  jetstream: typeof import('@nats-io/jetstream'),
  settings: NatsSettings,
  need: WorkGroup | 'audio' | 'nothing',
): Promise<void> {
  const { name, partitions, replicas, keepMs } = settings;
  const { RetentionPolicy, StorageType, DiscardPolicy } = jetstream;
  const description = `micwire: ${partitions} partitions`;
  const check = async (stream: string): Promise<void> => {
    const { config: found } = await manager.streams.info(stream);
    if (found.description === description) return;
    throw new MicwireError(
      'transport',
      `The JetStream stream ${stream} is there with other partitions, or is not micwire's. Use --partitions as it has, or another name.`,
    );
  };
  const add = async (config: Parameters<JetStreamManager['streams']['add']>[0]): Promise<void> => {
    try {
      await manager.streams.add(config);
    } catch (error) {
      if (!(error instanceof jetstream.JetStreamApiError) || error.code !== OTHER_SETTINGS)
        throw error;
      // It was created with other replicas, or somebody has changed how long it keeps messages. Only the meaning has to match.
      await check(config.name!);
    }
  };
  if (need === 'nothing') {
    try {
      return await check(name);
    } catch (error) {
      if (!(error instanceof jetstream.JetStreamApiError) || error.status !== 404) throw error;
      throw new MicwireError(
        'transport',
        `There is no JetStream stream ${name}. A server makes it: micwire serve --nats. Or give its --name.`,
        { cause: error },
      );
    }
  }
  const common = {
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    num_replicas: replicas,
    allow_direct: true,
  };
  await add({
    ...common,
    name,
    description,
    subjects: [subjects.all(name)],
    max_age: keepMs * 1e6,
    // Messages that a full server rejects are not acknowledged, so clients keep their audio.
    discard: DiscardPolicy.New,
    duplicate_window: Math.min(DUPLICATE_WINDOW_MS, keepMs) * 1e6,
  });
  if (need === 'audio') return;
  await add({
    ...common,
    name: leaseStream(name, need),
    description,
    subjects: [subjects.leases(name, need)],
    max_msgs_per_subject: 1,
    discard: DiscardPolicy.Old,
  });
}

function asUrl(server: string): URL {
  const text = server.includes('://') ? server : `nats://${server}`;
  if (!URL.canParse(text))
    throw new TypeError(`servers must be addresses such as nats://host:4222, got '${server}'.`);
  return new URL(text);
}

async function importPackages(): Promise<
  readonly [typeof import('@nats-io/transport-node'), typeof import('@nats-io/jetstream')]
> {
  try {
    return await Promise.all([import('@nats-io/transport-node'), import('@nats-io/jetstream')]);
  } catch (cause) {
    throw new MicwireError(
      'unsupported',
      "The packages '@nats-io/transport-node' and '@nats-io/jetstream' could not be loaded. Install them: npm install @nats-io/transport-node @nats-io/jetstream",
      { cause },
    );
  }
}

function asTransportError({ servers }: NatsSettings, cause: unknown): Error {
  if (cause instanceof MicwireError || cause instanceof TypeError) return cause;
  const message = errorText(cause);
  const where = servers.map((server) => asUrl(server).host).join(', ');
  return new MicwireError(
    'transport',
    `NATS at ${where}: ${message}. Look whether it was started with JetStream (nats-server -js), and whether this user may use it.`,
    { cause },
  );
}
