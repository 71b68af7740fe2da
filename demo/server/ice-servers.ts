import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isTrustedOrigin } from './origin.ts';
import { TurnServer } from './turn/turn-server.ts';

/** An entry of `RTCConfiguration.iceServers`. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username: string;
  readonly credential: string;
}

/** More addresses than a machine is reached under. */
const MAX_SERVERS = 8;

/**
 * Tells the page which STUN and TURN server it can use: its own, which starts when first asked for. It listens at the address
 * under which the page was reached, so that another machine's page gets one that it reaches too.
 */
export class IceServers {
  private readonly servers = new Map<string, Promise<TurnServer>>();
  private readonly address: string | null;
  private readonly username = 'lab';
  private readonly credential = randomBytes(16).toString('hex');
  private closed = false;

  /** @param address of this machine, to listen at in place of the one under which a page was reached; null for that one */
  constructor(address: string | null = null) {
    this.address = address;
  }

  /** Answers a GET with a JSON array of {@link IceServer}. */
  readonly answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { host } = request.headers;
    const status = (code: number): void => void response.writeHead(code).end();
    if (request.method !== 'GET') return status(405);
    // No name of someone else's that points here may read the password (DNS rebinding).
    if (!isTrustedOrigin(`http://${host}`, host, [])) return status(403);
    this.at(this.address ?? localAddress(request)).then(
      (servers) => {
        const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
        response.writeHead(200, headers).end(JSON.stringify(servers));
      },
      () => status(503),
    );
  };

  /** @param address an address of this machine */
  async at(address: string): Promise<readonly IceServer[]> {
    const { username, credential } = this;
    let opening = this.servers.get(address);
    if (opening === undefined) {
      if (this.closed || this.servers.size >= MAX_SERVERS)
        throw new Error('No further TURN server.');
      opening = TurnServer.open({ host: address, username, password: credential });
      this.servers.set(address, opening);
      opening.catch(() => this.servers.delete(address));
    }
    const { url } = await opening;
    return [{ urls: [url, stunUrl(url)], username, credential }];
  }

  close(): void {
    this.closed = true;
    for (const opening of this.servers.values())
      opening.then((server) => server.close()).catch(() => {});
    this.servers.clear();
  }
}

function stunUrl(turnUrl: string): string {
  return turnUrl.replace(/^turn:/, 'stun:').replace(/\?.*$/, '');
}

/** The loopback is one, whatever family it was reached by. */
function localAddress(request: IncomingMessage): string {
  const address = (request.socket.localAddress ?? '127.0.0.1').replace(/^::ffff:/, '');
  return address === '::1' ? '127.0.0.1' : address;
}
