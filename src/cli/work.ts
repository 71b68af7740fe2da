import { createServer } from 'node:http';
import { NatsWorker } from '../node/index.ts';
import type { NatsOptions } from '../node/index.ts';
import { workerMetrics } from './nats-metrics.ts';
import { addressesOf, describeError, logRecording } from './serve.ts';
import type { RunningServer } from './serve.ts';
import { listen, statusListener } from './status.ts';

/** What `micwire work` is told. */
export interface WorkOptions {
  readonly nats: NatsOptions;
  /** Where recordings go. */
  readonly folder: string;
  readonly port: number;
  readonly host: string;
  readonly sync: boolean;
  readonly leaseMs: number;
  /** Told what happens: one line each. */
  readonly log: (line: string) => void;
}

/**
 * Records what gateways have stored in NATS. `GET /health` says whether it works, `GET /metrics` how it is.
 * @throws Error with what to do, when the address, the folder or NATS is of no use
 */
export async function work(options: WorkOptions): Promise<RunningServer> {
  const { nats, folder, port, host, sync, leaseMs, log } = options;
  let worker: NatsWorker | null = null;
  let isLeaving = false;
  const server = createServer(
    statusListener({
      isLeaving: () => isLeaving,
      isReady: () => worker?.connected === true,
      metrics: () => (worker === null ? undefined : workerMetrics(worker.stats, worker.connected)),
      otherStatus: () => 404,
    }),
  );
  const at = await listen(server, port, host);
  log(`Connecting to NATS at ${addressesOf(nats)}`);
  try {
    worker = await NatsWorker.start({
      ...nats,
      folder,
      sync,
      leaseMs,
      recorded: (_, recording) => logRecording(log, recording),
      failed: (error) => log(describeError(error)),
    });
  } catch (error) {
    server.close();
    throw error;
  }
  return {
    url: `http://${at}`,
    async drain() {
      isLeaving = true;
      await worker.close();
      server.close();
      server.closeAllConnections();
    },
  };
}
