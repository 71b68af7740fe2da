import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { OpusLibrary } from '../core/codec/opus-library.ts';
import { NatsTranscriber, NatsWorker } from '../node/index.ts';
import type { NatsOptions } from '../node/index.ts';
import { processMetrics, metricLines } from '../node/metrics.ts';
import { loadListener } from './listeners.ts';
import { connectionMetrics, transcriberMetrics, workerMetrics } from './nats-metrics.ts';
import { addressesOf, logRecording } from './serve.ts';
import type { RunningServer } from './serve.ts';
import { listen, statusListener } from './status.ts';
import { errorText } from '../core/errors.ts';

/** In Node, but not in its types without those of pages. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<object> };

/** What `micwire work` is told. */
export interface WorkOptions {
  readonly nats: NatsOptions;
  /** Where recordings go; undefined: nothing is recorded. */
  readonly folder: string | undefined;
  /** The service that hears the streams; undefined: none. */
  readonly speech: SpeechOptions | undefined;
  readonly port: number;
  readonly host: string;
  readonly sync: boolean;
  readonly leaseMs: number;
  /** Told what happens: one line each. */
  readonly log: (line: string) => void;
}

/** A speech service. */
interface SpeechOptions {
  readonly url: string;
  readonly token: string | undefined;
  /** One of `LISTENER_NAMES`; undefined: it speaks our own protocol. */
  readonly service: string | undefined;
  /** Hz; undefined: 16 kHz, or as the service likes it. */
  readonly sampleRate: number | undefined;
  /** The file libopus.wasm. */
  readonly opus: URL;
}

/**
 * Records what gateways have stored in NATS, has it heard by a speech service, or both. `GET /health` says whether it works,
 * `GET /metrics` how it is.
 * @throws Error with what to do, when the address, the folder or NATS is of no use
 */
export async function work(options: WorkOptions): Promise<RunningServer> {
  const { nats, folder, speech, port, host, sync, leaseMs, log } = options;
  let worker: NatsWorker | null = null;
  let transcriber: NatsTranscriber | null = null;
  let isLeaving = false;
  const isReady = (): boolean =>
    (folder === undefined || worker?.connected === true) &&
    (speech === undefined || transcriber?.connected === true);
  const server = createServer(
    statusListener({
      isLeaving: () => isLeaving,
      isReady,
      metrics: () =>
        (worker === null ? '' : workerMetrics(worker.stats)) +
        (transcriber === null ? '' : transcriberMetrics(transcriber.stats)) +
        metricLines([...connectionMetrics(isReady()), ...processMetrics()]),
      otherStatus: () => 404,
    }),
  );
  const at = await listen(server, port, host);
  log(`Connecting to NATS at ${addressesOf(nats)}`);
  const failed = (error: unknown): void => log(errorText(error));
  const close = async (): Promise<void> => {
    await Promise.all([worker?.close(), transcriber?.close()]);
    server.close();
    server.closeAllConnections();
  };
  try {
    if (folder !== undefined) {
      worker = await NatsWorker.start({
        ...nats,
        folder,
        sync,
        leaseMs,
        recorded: (_, recording) => logRecording(log, recording),
        failed,
      });
    }
    if (speech !== undefined) {
      const { url, token, service, sampleRate } = speech;
      const opus = await openOpus(speech.opus);
      transcriber = await NatsTranscriber.start({
        ...nats,
        url,
        leaseMs,
        failed,
        ...(token === undefined ? {} : { token }),
        ...(folder === undefined ? {} : { folder }),
        ...(opus === undefined ? {} : { opus }),
        ...(service === undefined ? {} : { service: await loadListener(service, sampleRate) }),
        ...(service !== undefined || sampleRate === undefined ? {} : { sampleRate }),
      });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url: `http://${at}`,
    async drain() {
      isLeaving = true;
      await close();
    },
  };
}

/** libopus; undefined where the package was not built, which matters to streams of Opus only. */
async function openOpus(file: URL): Promise<OpusLibrary | undefined> {
  try {
    return new OpusLibrary(await WebAssembly.compile(await readFile(file)));
  } catch {
    return undefined;
  }
}
