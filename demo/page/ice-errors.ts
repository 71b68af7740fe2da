import type { IceCandidateReport } from 'micwire';

/** An error of gathering, and how often it occurred: once for each of the machine's addresses. */
export interface GatheringError {
  readonly code: number;
  /** The browser's words. */
  readonly text: string;
  readonly url: string;
  readonly times: number;
}

/** Counts an error that is there already. */
export function addError(
  errors: readonly GatheringError[],
  { code, text, url }: Omit<GatheringError, 'times'>,
): readonly GatheringError[] {
  const at = errors.findIndex((one) => one.code === code && one.url === url);
  if (at < 0) return [...errors, { code, text, url, times: 1 }];
  return errors.with(at, { ...errors[at]!, times: errors[at]!.times + 1 });
}

/** What an error of gathering means, and what to do about it. */
export interface IceErrorWords {
  readonly meaning: string;
  readonly cure: string;
  readonly clause: string;
}

/** Codes of `icecandidateerror`: those of STUN and TURN, and 701. */
const ERRORS: ReadonlyMap<number, IceErrorWords> = new Map([
  [
    300,
    {
      meaning: 'The server sends clients to another server.',
      cure: 'Use that server’s address.',
      clause: 'RFC 8489 §14.8',
    },
  ],
  [
    400,
    {
      meaning: 'The server found the request malformed.',
      cure: 'Check that it is a STUN or TURN server.',
      clause: 'RFC 8489 §14.8',
    },
  ],
  [
    401,
    {
      meaning: 'The user name or the password is wrong, or has expired.',
      cure: 'Fetch new credentials right before each call.',
      clause: 'RFC 8489 §14.8',
    },
  ],
  [
    403,
    {
      meaning: 'The credentials are right, but this user may not do that.',
      cure: 'Check what the server’s configuration allows.',
      clause: 'RFC 8656 §19',
    },
  ],
  [
    437,
    {
      meaning: 'There is already an allocation, or there is no allocation.',
      cure: 'Gather again.',
      clause: 'RFC 8656 §19',
    },
  ],
  [
    438,
    {
      meaning: 'The server’s nonce has expired.',
      cure: 'Browsers ask again by themselves. If the error persists, check the server’s clock.',
      clause: 'RFC 8489 §14.8',
    },
  ],
  [
    441,
    {
      meaning: 'The allocation belongs to another user.',
      cure: 'Use the same credentials for the whole call.',
      clause: 'RFC 8656 §19',
    },
  ],
  [
    442,
    {
      meaning: 'The server does not relay this transport.',
      cure: 'Ask for UDP behind the relay.',
      clause: 'RFC 8656 §19',
    },
  ],
  [
    486,
    {
      meaning: 'This user has as many allocations as it is allowed.',
      cure: 'Close old connections, or raise the quota.',
      clause: 'RFC 8656 §19',
    },
  ],
  [
    500,
    {
      meaning: 'The server has a fault.',
      cure: 'Try again, or another server.',
      clause: 'RFC 8489 §14.8',
    },
  ],
  [
    508,
    {
      meaning: 'The server has no port left.',
      cure: 'Try again later, or another server.',
      clause: 'RFC 8656 §19',
    },
  ],
  [
    701,
    {
      meaning: 'The browser could not reach the server: no such name, or no answer.',
      cure: 'Check name, port and firewall. With one address family it may be harmless: the other may have worked.',
      clause: 'W3C webrtc, RTCPeerConnectionIceErrorEvent',
    },
  ],
]);

/** Explains a code of `icecandidateerror`. */
export function iceErrorWords(code: number): IceErrorWords {
  return (
    ERRORS.get(code) ?? {
      meaning: `A code that this page does not know. ${code >= 500 ? 'The fault is the server’s.' : 'The server rejected the request.'}`,
      cure: 'Look it up in the registry of STUN error codes.',
      clause: 'RFC 8489 §14.8',
    }
  );
}

/** What became of asking one server. */
export interface ServerAsked {
  readonly url: string;
  /** How many candidates it gave; null where the browser does not say from which server candidates are. */
  readonly candidates: number | null;
  readonly errors: readonly GatheringError[];
}

/**
 * What became of the servers of a call.
 * @param urls of all of them
 * @param candidates of this side, with the servers that they came from
 * @param errors as `addError` counts them
 */
export function serversAsked(
  urls: readonly string[],
  candidates: readonly Pick<IceCandidateReport, 'url' | 'type'>[],
  errors: readonly GatheringError[],
): readonly ServerAsked[] {
  const fromServers = candidates.filter(({ type }) => type === 'srflx' || type === 'relay');
  const isTold = fromServers.length === 0 || fromServers.some((candidate) => candidate.url !== '');
  return urls.map((url) => ({
    url,
    candidates: isTold
      ? fromServers.filter((candidate) => isSameServer(candidate.url, url)).length
      : null,
    errors: errors.filter((error) => isSameServer(error.url, url)),
  }));
}

/** Browsers write the default port, and the transport, where an address leaves them out (RFC 7064, RFC 7065). */
function isSameServer(a: string, b: string): boolean {
  return serverKey(a) === serverKey(b);
}

/** The name or address of a STUN or TURN server; empty for any other URL. */
export function serverHost(url: string): string {
  return partsOf(url)[1];
}

function serverKey(url: string): string {
  const [scheme, host, port, transport] = partsOf(url);
  const secure = scheme.endsWith('s');
  const usual = secure ? '5349' : '3478';
  return `${scheme}:${host}:${port || usual}:${transport || (secure ? 'tcp' : 'udp')}`;
}

function partsOf(url: string): [scheme: string, host: string, port: string, transport: string] {
  const [, scheme = '', host = '', port = '', transport = ''] =
    /^(stuns?|turns?):(\[[^\]]*\]|[^:?]*)(?::(\d+))?(?:\?transport=(\w+))?$/.exec(url) ?? [];
  return [scheme, host, port, transport];
}
