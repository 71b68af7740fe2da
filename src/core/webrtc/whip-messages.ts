import { MicwireError } from '../errors.ts';
import { ICE_FRAGMENT_TYPE } from './ice-fragment.ts';

/** Headers of an HTTP response, such as the `Headers` of Fetch: names in any case, repeated headers joined by commas. */
export interface HttpHeaders {
  get(name: string): string | null;
}

/** A STUN or TURN server, as in `RTCConfiguration.iceServers`. */
interface LinkedIceServer {
  readonly urls: string;
  readonly username?: string;
  readonly credential?: string;
}

/** Data about the session in the headers of a `201 Created` (RFC 9725 §4.2). */
export interface CreatedSession {
  /** Address of the session, absolute or relative to the address that answered. */
  readonly location: string;
  /** Identifies the ICE session (RFC 9725 §4.3.1); null if the server does not identify it. */
  readonly etag: string | null;
  /** Whether the server declares that it accepts candidates and restarts by PATCH. */
  readonly takesPatch: boolean;
  readonly iceServers: readonly LinkedIceServer[];
}

/** Why a server refused a request: the `cause` of the error. */
export interface WhipRefusal {
  /** The HTTP status, such as 401. */
  readonly status: number;
  /** How long the server asks to wait (`Retry-After`), in ms, at most a day; null if it does not say. */
  readonly retryAfterMs: number | null;
}

const MAX_LINKS_LENGTH = 16_384;
const MAX_ICE_SERVERS = 16;
const MAX_LOCATION_LENGTH = 4096;
const MAX_WAIT_MS = 86_400_000;
/** `<target>` and `; name=value` (RFC 8288 §3), each directly after the previous one. */
const LINK = /[\s,]*<([^>]*)>/y;
const LINK_PARAMETER = /\s*;\s*([\w!#$&+.^`|~*-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+)))?/y;

/** Reads the headers of a created session; null if the session's address is missing. */
export function readCreated(headers: HttpHeaders): CreatedSession | null {
  const location = headers.get('location') ?? '';
  if (location === '' || location.length > MAX_LOCATION_LENGTH) return null;
  const etag = headers.get('etag');
  const patches = headers.get('accept-patch') ?? '';
  const takesPatch = etag !== null || patches.includes(ICE_FRAGMENT_TYPE);
  return { location, etag, takesPatch, iceServers: readIceServers(headers.get('link') ?? '') };
}

/**
 * Reads the servers of a `Link` header (RFC 9725 §4.6). Leaves out other kinds of links, and servers that a browser would refuse;
 * the list ends at text that cannot be read.
 */
function readIceServers(links: string): readonly LinkedIceServer[] {
  const servers: LinkedIceServer[] = [];
  if (links.length > MAX_LINKS_LENGTH) return servers;
  let at = 0;
  while (servers.length < MAX_ICE_SERVERS) {
    LINK.lastIndex = at;
    const [link, target = ''] = LINK.exec(links) ?? [];
    if (link === undefined) break;
    at += link.length;
    const parameters = new Map<string, string>();
    for (;;) {
      LINK_PARAMETER.lastIndex = at;
      const [text, name = '', quoted, word] = LINK_PARAMETER.exec(links) ?? [];
      if (text === undefined) break;
      at += text.length;
      const key = name.toLowerCase();
      // The first one counts (RFC 8288 §3.3).
      if (!parameters.has(key)) {
        parameters.set(key, quoted?.replaceAll(/\\(.)/g, '$1') ?? word ?? '');
      }
    }
    const server = iceServer(target.trim(), parameters);
    if (server !== null) servers.push(server);
  }
  return servers;
}

function iceServer(urls: string, parameters: ReadonlyMap<string, string>): LinkedIceServer | null {
  const relations = parameters.get('rel')?.toLowerCase().split(/\s+/) ?? [];
  if (!relations.includes('ice-server')) return null;
  if (/^stuns?:./i.test(urls)) return { urls };
  const username = parameters.get('username');
  const credential = parameters.get('credential');
  const type = parameters.get('credential-type') ?? 'password';
  if (!/^turns?:./i.test(urls) || type !== 'password') return null;
  return username === undefined || credential === undefined ? null : { urls, username, credential };
}

/**
 * Reads the status of a response, and how long to wait.
 * @param msUntil returns the ms from now to a date in HTTP's format; NaN for anything else
 */
export function readRefusal(
  status: number,
  headers: HttpHeaders,
  msUntil: (date: string) => number,
): WhipRefusal {
  const text = headers.get('retry-after')?.trim() ?? '';
  // Seconds, or a date (RFC 9110 §10.2.3).
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : msUntil(text);
  const retryAfterMs = Number.isNaN(waitMs) ? null : Math.min(Math.max(0, waitMs), MAX_WAIT_MS);
  return { status, retryAfterMs };
}

/** Advice for each status with which an endpoint refuses an offer. */
const OFFER_CURES: Readonly<Record<number, string>> = {
  400: 'It does not understand the offer.',
  401: 'It wants a token, or another one: see the option token.',
  403: 'The token does not allow this, or pages of this origin may not do it.',
  404: 'There is nothing at this address. Is it right, and does the stream exist?',
  405: 'Is it the address of a WHIP or WHEP endpoint?',
  406: 'It takes no such offer. A WHEP server may want to make the offer itself: see the option offer.',
  409: 'Another publisher has the stream, or there is nothing to play yet. Try again later.',
  429: 'It has too much to do. Try again later.',
  501: 'It cannot do this here.',
  503: 'It has too much to do. Try again later.',
};
/** Advice if it refuses to restart ICE (RFC 9725 §4.3.3): the session continues. */
const RESTART_CURES: Readonly<Record<number, string>> = {
  404: 'The session has ended there. Connect again.',
};
/** Statuses of a server that never supports a request; 204 for a restart: the server took it for candidates. */
const UNSUPPORTED: Readonly<Record<WhipRequest, readonly number[]>> = {
  offer: [405, 406, 415, 422, 501],
  answer: [405, 406, 415, 422, 501],
  restart: [204, 405, 412, 415, 422, 428, 501],
};
const DEEDS: Readonly<Record<WhipRequest, string>> = {
  offer: 'take the offer',
  answer: 'take the answer',
  restart: 'restart ICE',
};

/** A request to a server. */
export type WhipRequest = 'offer' | 'answer' | 'restart';

/**
 * Creates the error for an unexpected status.
 * @param crossedOrigins whether the server was reached through a redirect to another origin, to which browsers send no token
 */
export function refusedError(
  request: WhipRequest,
  refusal: WhipRefusal,
  crossedOrigins: boolean,
): MicwireError {
  const { status, retryAfterMs } = refusal;
  const isUnsupported = UNSUPPORTED[request].includes(status);
  const words = [`The server did not ${DEEDS[request]} (HTTP status ${status}).`];
  const cure = (request === 'restart' ? RESTART_CURES : OFFER_CURES)[status];
  if (request === 'restart' && isUnsupported) {
    words.push(
      'The session continues as it is. To move to another network, close it and connect again.',
    );
  } else if (cure !== undefined) words.push(cure);
  else if (status >= 500) words.push('It has failed. Try again later.');
  if (status === 401 && crossedOrigins) {
    words.push(
      'It was reached by a redirect to another origin, to which browsers send no token: use its address.',
    );
  }
  if (retryAfterMs !== null) words.push(`It asks to wait ${Math.ceil(retryAfterMs / 1000)} s.`);
  const code = isUnsupported ? 'unsupported' : 'transport';
  return new MicwireError(code, words.join(' '), { cause: refusal });
}
