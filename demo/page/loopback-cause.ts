import { serverHost } from './ice-errors.ts';

/** What Firefox reports if it has no path to a lab that listens on the loopback, and what to do. */
export const LOOPBACK_WORDS =
  'Firefox uses no loopback addresses for calls, and the lab listens on one. Restart it with an address of this machine: npm start -- --udp-host ADDRESS.';

/** What is known of a connection that has no path yet. */
export interface PathSearch {
  /** Whether the browser is built on Firefox's engine. */
  readonly isGecko: boolean;
  readonly gathering: RTCIceGatheringState;
  readonly ice: RTCIceConnectionState;
  /** This side's description, with its candidates so far; empty before. */
  readonly local: string;
  /** The other side's description as it came; empty before. */
  readonly remote: string;
  /** Addresses of the STUN and TURN servers, where only what they give may be used; else empty. */
  readonly onlyServers: readonly string[];
}

/**
 * Whether a connection waits in vain, because Firefox pairs a loopback address only with another one, and asks no server there: the other
 * side has no other address, or the servers have not.
 */
export function isLoopbackInTheWay(search: PathSearch): boolean {
  const { isGecko, gathering, ice, local, remote, onlyServers } = search;
  if (!isGecko || gathering !== 'complete' || isFound(ice)) return false;
  const own = candidatesOf(local);
  if (own.some(({ address }) => isLoopback(address))) return false;
  const theirs = candidatesOf(remote);
  // Without that line, others may come one by one.
  const isWhole = /^a=end-of-candidates/m.test(remote);
  if (isWhole && theirs.length > 0 && theirs.every(({ address }) => isLoopback(address))) {
    return true;
  }
  const hasAnswer = own.some(({ type }) => type === 'srflx' || type === 'relay');
  return onlyServers.length > 0 && !hasAnswer && onlyServers.map(serverHost).every(isLoopback);
}

function isFound(ice: RTCIceConnectionState): boolean {
  return ice === 'connected' || ice === 'completed' || ice === 'closed';
}

/** The addresses and types of a description's candidates (RFC 8839 §5.1). */
function candidatesOf(sdp: string): readonly { readonly address: string; readonly type: string }[] {
  const lines = sdp.matchAll(/^a=candidate:(?:\S+ ){4}(\S+) \S+ typ (\S+)/gm);
  return [...lines].map(([, address = '', type = '']) => ({ address, type }));
}

function isLoopback(address: string): boolean {
  return /^(?:127\.|\[?::1\]?$|localhost$)/.test(address);
}
