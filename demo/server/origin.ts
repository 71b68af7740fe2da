import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';

/**
 * Whether a page may open a WebSocket to this server. Browsers let any page connect to any address, so that without this check any web site
 * that a developer visits could talk to the server on their machine (RFC 6455 §10.2).
 *
 * Trusted are the origins in `allowed`, and a page that this server served itself: its origin names the same host and
 * port as the request. In the latter case the name must be `localhost` or an address, because any other name may have been
 * pointed at this machine by its owner (DNS rebinding). A request without an origin is not from a browser, and is refused as well.
 *
 * @param origin the header `Origin`
 * @param host the header `Host`
 * @param allowed further origins, such as `'https://lab.example'`
 */
export function isTrustedOrigin(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined || host === undefined) return false;
  if (allowed.includes(origin)) return true;
  let url: URL;
  try {
    url = new URL(origin);
  } catch {
    return false;
  }
  return url.host === host.toLowerCase() && isOwnName(url.hostname);
}

/**
 * Whether a request over HTTP comes from a page of this server's own, or from no page at all: only such requests may learn a password. The
 * host has to be `localhost` or an address (DNS rebinding: see `isTrustedOrigin`); an `Origin`, which requests of other
 * origins carry, has to be the server's own; and so has the site that the browser names in `Sec-Fetch-Site` (Fetch Metadata
 * Request Headers), which a page cannot change. `none` there means that a person has typed the address.
 */
export function isOwnRequest(headers: IncomingHttpHeaders): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (!isTrustedOrigin(`http://${host}`, host, [])) return false;
  if (origin !== undefined && !isTrustedOrigin(origin, host, [])) return false;
  return site === undefined || site === 'same-origin' || site === 'none';
}

/** Whether the client is on this machine, and so reaches its loopback. */
export function isFromThisMachine({ socket }: IncomingMessage): boolean {
  const { remoteAddress = '', localAddress } = socket;
  const address = remoteAddress.replace(/^::ffff:/, '');
  // By an address of its own network, a machine reaches itself from that same address.
  return address.startsWith('127.') || address === '::1' || remoteAddress === localAddress;
}

/** Removes the headers that a server in front of this one has set, so that no other origin can read the response (CORS). */
export function withoutCors(response: ServerResponse): void {
  for (const name of response.getHeaderNames()) {
    if (name.startsWith('access-control-')) response.removeHeader(name);
  }
}

function isOwnName(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, '');
  return name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0;
}
