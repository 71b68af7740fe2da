import { timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { NatsGateway, RecordingFolder, StreamServer, metricsText } from '../node/index.ts';
import type {
  AcceptedStream,
  NatsGatewayOptions,
  NatsOptions,
  Recording,
  StreamAnswer,
  StreamArrival,
  StreamHost,
  StreamServerOptions,
} from '../node/index.ts';
import { gatewayMetrics } from './nats-metrics.ts';
import { listen, statusListener } from './status.ts';
import { errorText } from '../core/errors.ts';

/** What `micwire serve` is told. */
export interface ServeOptions {
  readonly port: number;
  readonly host: string;
  /** Where recordings go. */
  readonly folder: string;
  /** What clients have to show; undefined: nothing. */
  readonly token?: string | undefined;
  readonly origins?: readonly string[] | '*' | undefined;
  readonly maxStreams?: number | undefined;
  /** Connections of one address at once. */
  readonly maxPerAddress?: number | undefined;
  readonly plain?: boolean | undefined;
  readonly sync?: boolean | undefined;
  /** Where streams go instead of the folder. */
  readonly nats?: NatsGatewayOptions | undefined;
  /** Files with a certificate and its key. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Told what happens: one line each. */
  readonly log: (line: string) => void;
}

/** A server that runs. */
export interface RunningServer {
  readonly url: string;
  /** Sends clients elsewhere, stores what has come, and ends. Does not reject. */
  drain(ms: number): Promise<void>;
}

/** Where streams go. */
interface Store {
  stream(stream: AcceptedStream): Promise<void>;
  authorize(arrival: StreamArrival): ReturnType<NonNullable<StreamHost['authorize']>>;
  isReady(): boolean;
  metrics(): string;
  close(): Promise<void>;
}

/** Longest message to NATS, unless its servers are told otherwise, with room for what is added. */
const NATS_MESSAGE_BYTES = 2 ** 20 - 2 ** 12;
/** A client may come back to its stream for so long, ms. */
const EXPIRE_MS = 600_000;
/** How often what nobody continues is looked for, ms. */
const RECOVER_MS = 60_000;

/**
 * Serves clients over WebSockets, and records each stream to a file. What is acknowledged is in its file, so that a process that is
 * killed and started again loses nothing. `GET /health` says whether it takes clients, `GET /metrics` how it is.
 * @throws Error with what to do, when the address, the certificate or the folder is of no use
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { port, host, token, origins, maxStreams, maxPerAddress, plain, tls, log } = options;
  const store =
    options.nats === undefined ? await folderStore(options) : await natsStore(options.nats, log);

  const settings: StreamServerOptions = {
    acknowledge: 'stored',
    expireMs: EXPIRE_MS,
    ...(origins === undefined ? {} : { origins }),
    ...(maxStreams === undefined ? {} : { maxStreams, maxConnections: 2 * maxStreams }),
    ...(maxPerAddress === undefined ? {} : { maxConnectionsPerAddress: maxPerAddress }),
    ...(plain === undefined ? {} : { plain }),
    ...(options.nats === undefined ? {} : { maxMessageBytes: NATS_MESSAGE_BYTES }),
  };
  const streams = new StreamServer(
    {
      async stream(stream) {
        log(`${stream.id}: begins, from ${stream.address}, ${describeStream(stream.format)}`);
        await store.stream(stream);
      },
      async authorize(arrival) {
        if (token !== undefined && !isToken(tokenOf(arrival), token)) {
          return { code: 4401, reason: 'The token is missing or wrong.' };
        }
        return store.authorize(arrival);
      },
      failed: (error, id) => log(`${id ?? 'server'}: ${errorText(error)}`),
    },
    settings,
  );

  let isLeaving = false;
  const answer = statusListener({
    isLeaving: () => isLeaving,
    isReady: () => store.isReady(),
    metrics: () => metricsText(streams.stats) + store.metrics(),
    otherStatus: (path) => (path === '/' ? 426 : 404),
  });
  const server: Server =
    tls === undefined
      ? createServer(answer)
      : createSecureServer(
          { cert: await readFile(tls.cert), key: await readFile(tls.key) },
          answer,
        );
  server.on('upgrade', (request, socket, head) => {
    void streams.handleUpgrade(request, socket, head);
  });
  const at = await listen(server, port, host);
  return {
    url: `${tls === undefined ? 'ws' : 'wss'}://${at}`,
    async drain(ms) {
      isLeaving = true;
      await streams.drain(ms);
      await store.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function folderStore({ folder: path, sync = false, log }: ServeOptions): Promise<Store> {
  const folder = new RecordingFolder(path, { sync });
  const recover = async (): Promise<void> => {
    for (const recording of await folder.recover(EXPIRE_MS)) logRecording(log, recording);
  };
  await recover();
  const recovering = setInterval(() => {
    recover().catch((error: unknown) => log(errorText(error)));
  }, RECOVER_MS);
  recovering.unref();
  return {
    async stream(stream) {
      logRecording(log, await folder.record(stream));
    },
    async authorize({ known, id }): Promise<StreamAnswer> {
      const frame = known ? undefined : await folder.storedFrame(id);
      // Nothing is sent back.
      return { output: null, ...(frame === undefined ? {} : { frame }) };
    },
    isReady: () => true,
    metrics: () => '',
    async close() {
      clearInterval(recovering);
    },
  };
}

async function natsStore(options: NatsGatewayOptions, log: (line: string) => void): Promise<Store> {
  log(`Connecting to NATS at ${addressesOf(options)}`);
  const gateway = await NatsGateway.connect(options);
  return {
    async stream(stream) {
      await gateway.stream(stream);
      log(
        `${stream.id}: ${stream.ending ?? 'closed'}, stored to frame ${stream.stats.storedFrame}`,
      );
    },
    authorize: (arrival) => gateway.authorize(arrival),
    isReady: () => gateway.stats.connected,
    metrics: () => gatewayMetrics(gateway.stats),
    close: () => gateway.close(),
  };
}

/** Some clients, such as a browser without `micwire`, can show a token in their address alone. */
function tokenOf({ token, request }: StreamArrival): string | undefined {
  return token ?? (request === null ? undefined : (queryOf(request).get('token') ?? undefined));
}

function queryOf({ url }: IncomingMessage): URLSearchParams {
  return new URLSearchParams((url ?? '').split('?').slice(1).join('?'));
}

/** Compares in a time that says nothing about where they differ. */
function isToken(shown: string | undefined, wanted: string): boolean {
  if (shown === undefined) return false;
  const [a, b] = [Buffer.from(shown), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Tells what a stream is of. */
export function describeStream({ format, sampleRate, channels }: Recording['stream']): string {
  return `${format}, ${sampleRate} Hz, ${channels} ${channels === 1 ? 'channel' : 'channels'}`;
}

/** Tells of a file that is complete. */
export function logRecording(log: (line: string) => void, recording: Recording): void {
  const { path, stream, frames, gaps } = recording;
  const missing = gaps.reduce((sum, gap) => sum + gap.frames, 0);
  const seconds = (count: number): string => (count / stream.sampleRate).toFixed(3);
  const gone =
    missing === 0 ? 'nothing missing' : `${seconds(missing)} s missing in ${gaps.length} gaps`;
  log(`${path}: ${seconds(frames)} s, ${gone}`);
}

/** Addresses of NATS, without what is secret in them. */
export function addressesOf({ servers }: NatsOptions): string {
  return [servers]
    .flat()
    .map((server) => server.replace(/\/\/.*@/, '//'))
    .join(', ');
}
