import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ErrorBoundary } from './error-boundary.ts';
import { isOwnRequest, withoutCors } from './origin.ts';
import { TurnServer } from './turn/turn-server.ts';

/** An entry of `RTCConfiguration.iceServers`. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username: string;
  readonly credential: string;
}

/** No other page may load it, not even as a script or a picture that it cannot read. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

/** More addresses than a machine has. */
const MAX_SERVERS = 8;

/**
 * Tells the page which STUN and TURN server it can use: its own, which starts when first asked for. It listens at the address
 * under which the page was reached, so that another machine's page gets one that it can reach.
 */
export class IceServers {
  readonly #boundary = new ErrorBoundary('ICE servers');
  readonly #servers = new Map<string, Promise<TurnServer>>();
  readonly #address: string | null;
  readonly #username = 'lab';
  readonly #credential = randomBytes(16).toString('hex');
  #closed = false;

  /** @param address of this machine, to listen at in place of the one under which a page was reached; null for that one */
  constructor(address: string | null = null) {
    this.#address = address;
  }

  /** Answers a GET of this server's own pages with a JSON array of {@link IceServer}; nobody else gets the password. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void =
    this.#boundary.guard(
      (request: IncomingMessage, response: ServerResponse) => this.#answered(request, response),
      (_request, response) => response.destroy(),
    );

  async #answered(request: IncomingMessage, response: ServerResponse): Promise<void> {
    withoutCors(response);
    const status = (code: number): void => void response.writeHead(code).end();
    if (request.method !== 'GET') return status(405);
    if (!isOwnRequest(request.headers)) return status(403);
    let servers: readonly IceServer[];
    try {
      servers = await this.at(this.#address ?? localAddress(request));
    } catch {
      return status(503);
    }
    response.writeHead(200, HEADERS).end(JSON.stringify(servers));
  }

  /** @param address an address of this machine */
  async at(address: string): Promise<readonly IceServer[]> {
    const username = this.#username;
    const credential = this.#credential;
    let opening = this.#servers.get(address);
    if (opening === undefined) {
      if (this.#closed || this.#servers.size >= MAX_SERVERS)
        throw new Error('No further TURN server.');
      opening = TurnServer.open({ host: address, username, password: credential });
      this.#servers.set(address, opening);
      opening.catch(() => this.#servers.delete(address));
    }
    const { url, tcpUrl } = await opening;
    return [{ urls: [url, stunUrl(url), tcpUrl], username, credential }];
  }

  close(): void {
    this.#closed = true;
    for (const opening of this.#servers.values())
      opening.then((server) => server.close()).catch(() => {});
    this.#servers.clear();
  }
}

function stunUrl(turnUrl: string): string {
  return turnUrl.replace(/^turn:/, 'stun:').replace(/\?.*$/, '');
}

/** The loopback is one address, in either family. */
function localAddress(request: IncomingMessage): string {
  const address = (request.socket.localAddress ?? '127.0.0.1').replace(/^::ffff:/, '');
  return address === '::1' ? '127.0.0.1' : address;
}
