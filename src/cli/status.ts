import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { METRICS_TYPE } from '../node/index.ts';

/** How a command is. */
export interface Status {
  isLeaving(): boolean;
  /** Whether it has all that it needs. */
  isReady(): boolean;
  /** Undefined while there is none. */
  metrics(): string | undefined;
  /** What a request for any other path is answered with. */
  otherStatus(path: string): number;
}

/** Answers `GET /health` and `GET /metrics`. */
export function statusListener(status: Status): RequestListener {
  return ({ method, url }, response) => {
    const path = (url ?? '/').split('?', 1)[0]!;
    const metrics = path === '/metrics' ? status.metrics() : undefined;
    response.setHeader('Cache-Control', 'no-store');
    if (method !== 'GET' && method !== 'HEAD') response.statusCode = 405;
    else if (path === '/health') {
      const isLeaving = status.isLeaving();
      const isOk = !isLeaving && status.isReady();
      response.statusCode = isOk ? 200 : 503;
      response.write(isOk ? 'ok\n' : isLeaving ? 'leaving\n' : 'no store\n');
    } else if (metrics !== undefined) {
      response.setHeader('Content-Type', METRICS_TYPE);
      response.write(metrics);
    } else response.statusCode = status.otherStatus(path);
    response.end();
  };
}

/** Listens. @returns where, as an address has it: `127.0.0.1:8080`, `[::1]:8080` */
export async function listen(server: Server, port: number, host: string): Promise<string> {
  server.listen(port, host);
  await once(server, 'listening');
  const { family, address, port: given } = server.address() as AddressInfo;
  return `${family === 'IPv6' ? `[${address}]` : address}:${given}`;
}
