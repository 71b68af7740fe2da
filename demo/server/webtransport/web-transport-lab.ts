import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorText } from '../../../src/core/errors.ts';
import { ErrorBoundary } from '../error-boundary.ts';
import { isFromThisMachine, isOwnRequest, withoutCors } from '../origin.ts';
import { selfSigned } from '../self-signed.ts';
import type { ServerSession, SessionHandler, SessionRequest } from './http3-connection.ts';
import { QuicServer } from './quic-server.ts';

/** The answer to a page: where the server is, or in a sentence why there is no server. */
export type WebTransportAnswer =
  | {
      readonly address: string;
      readonly port: number;
      /** SHA-256 of the certificate, in hexadecimal. */
      readonly certificateHash: string;
    }
  | { readonly missing: string };

/** Options of the lab's server of WebTransport. */
export interface WebTransportLabOptions {
  /** Origins whose pages may connect, besides the server's own. */
  readonly allowedOrigins?: readonly string[];
  /** Called with the server's address, each time it starts. */
  readonly onListening?: (address: string, port: number) => void;
}

/** No other page may have it, as in `ice-servers.ts`. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

/** Names and ports under which the lab is reached: more than any machine has. */
const MAX_ORIGINS = 16;
const PAIR = /^\/pair\/([A-Za-z0-9_-]{1,80})$/;
const MAX_PAIRS = 64;

/** Browsers accept no certificate of more than 14 days; this one also begins a day early. */
const CERTIFICATE_DAYS = 12;
/** A certificate is replaced at half its life, so that none expires in use soon after it was handed out. */
const RENEW_MS = (CERTIFICATE_DAYS / 2) * 86_400_000;

/** HTTP (RFC 9110 §15.5). */
const FORBIDDEN = 403;
const NOT_FOUND = 404;
const CONFLICT = 409;
const UNAVAILABLE = 503;

interface Running {
  readonly server: QuicServer;
  readonly certificateHash: string;
  readonly startedAt: number;
}

/**
 * The lab's server of WebTransport, on this machine's loopback only. It starts when a page first asks for it, at
 * `/webtransport`. Sessions at `/echo` get everything back; each of two sessions at `/pair/NAME` gets what the other sends.
 */
export class WebTransportLab {
  readonly #boundary = new ErrorBoundary('WebTransport');
  readonly #options: WebTransportLabOptions;
  readonly #origins: Set<string>;
  readonly #pairs = new Map<string, ServerSession[]>();
  #running: Promise<Running> | null = null;
  #closed = false;

  constructor(options: WebTransportLabOptions = {}) {
    this.#options = options;
    this.#origins = new Set(options.allowedOrigins);
  }

  /** Answers a GET of this server's own pages with a {@link WebTransportAnswer}. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void =
    this.#boundary.guard(
      (request: IncomingMessage, response: ServerResponse) => this.#answered(request, response),
      (_request, response) => response.destroy(),
    );

  /** Starts the server, if need be. @throws what `QuicServer.open` throws */
  async start(): Promise<Running> {
    const known = this.#running;
    const running = await known?.catch(() => null);
    if (this.#closed) throw new Error('The server has ended.');
    const isOver = !running || Date.now() - running.startedAt > RENEW_MS;
    // Another call, which has waited for the same, may have replaced it.
    if (isOver && this.#running === known) {
      running?.server.close();
      this.#running = this.#open();
    }
    return this.#running!;
  }

  close(): void {
    this.#closed = true;
    this.#running?.then(({ server }) => server.close()).catch(() => {});
    this.#running = null;
  }

  async #open(): Promise<Running> {
    const names = ['localhost', '127.0.0.1'];
    const certificate = selfSigned({ names, days: CERTIFICATE_DAYS });
    const server = await QuicServer.open({
      certificate,
      admit: (request, session) => this.#admit(request, session),
    });
    this.#options.onListening?.(server.address, server.port);
    return {
      server,
      certificateHash: Buffer.from(certificate.hash).toString('hex'),
      startedAt: Date.now(),
    };
  }

  async #answered(request: IncomingMessage, response: ServerResponse): Promise<void> {
    withoutCors(response);
    const status = (code: number): void => void response.writeHead(code).end();
    if (request.method !== 'GET') return status(405);
    if (!isOwnRequest(request.headers)) return status(403);
    const told = (answer: WebTransportAnswer): void =>
      void response.writeHead(200, HEADERS).end(JSON.stringify(answer));
    if (!isFromThisMachine(request)) {
      return told({ missing: 'The lab’s WebTransport listens on the lab’s machine only.' });
    }
    // Its pages may connect: the host is this server's, as `isOwnRequest` has checked.
    if (this.#origins.size < MAX_ORIGINS) this.#origins.add(`http://${request.headers.host}`);
    try {
      const { server, certificateHash } = await this.start();
      told({ address: server.address, port: server.port, certificateHash });
    } catch (error) {
      told({ missing: errorText(error) });
    }
  }

  #admit({ path, origin }: SessionRequest, session: ServerSession): SessionHandler | number {
    if (!this.#origins.has(origin)) return FORBIDDEN;
    if (path === '/echo') return echo(session);
    const name = PAIR.exec(path)?.[1];
    return name === undefined ? NOT_FOUND : this.#pair(name, session);
  }

  #pair(name: string, session: ServerSession): SessionHandler | number {
    const sessions = this.#pairs.get(name) ?? [];
    if (sessions.length >= 2) return CONFLICT;
    if (sessions.length === 0 && this.#pairs.size >= MAX_PAIRS) return UNAVAILABLE;
    sessions.push(session);
    this.#pairs.set(name, sessions);
    const other = (): ServerSession | undefined => sessions.find((one) => one !== session);
    return {
      onDatagram: (bytes) => void other()?.sendDatagram(bytes),
      onStream: (bytes) => other()?.send(bytes),
      onEnd: () => {
        sessions.splice(sessions.indexOf(session), 1);
        if (sessions.length === 0) this.#pairs.delete(name);
      },
    };
  }
}

function echo(session: ServerSession): SessionHandler {
  return {
    onDatagram: (bytes) => void session.sendDatagram(bytes),
    onStream: (bytes) => session.send(bytes),
    onEnd() {},
  };
}
