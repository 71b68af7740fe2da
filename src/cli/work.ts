import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { METRICS_TYPE, NatsWorker } from '../node/index.ts';
import type { NatsOptions } from '../node/index.ts';
import { workerMetrics } from './nats-metrics.ts';
import { addressesOf, describeError, logRecording } from './serve.ts';
import type { RunningServer } from './serve.ts';

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
  const server = createServer(({ method, url }, response) => {
    const path = (url ?? '/').split('?', 1)[0];
    response.setHeader('Cache-Control', 'no-store');
    if (method !== 'GET' && method !== 'HEAD') response.statusCode = 405;
    else if (path === '/health') {
      const isOk = !isLeaving && worker?.connected === true;
      response.statusCode = isOk ? 200 : 503;
      response.write(isOk ? 'ok\n' : isLeaving ? 'leaving\n' : 'no store\n');
    } else if (path === '/metrics' && worker !== null) {
      response.setHeader('Content-Type', METRICS_TYPE);
      response.write(workerMetrics(worker.stats, worker.connected));
    } else response.statusCode = 404;
    response.end();
  });
  server.listen(port, host);
  await once(server, 'listening');
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
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}`,
    async drain() {
      isLeaving = true;
      await worker.close();
      server.close();
      server.closeAllConnections();
    },
  };
}
