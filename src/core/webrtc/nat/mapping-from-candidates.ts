import { checkObject } from '../../option-names.ts';
import type { IceCandidateType } from '../ice-report.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import { addressKey } from '../stun/transport-address.ts';

/** What a candidate must tell: an `IceCandidate`, and a browser's `RTCIceCandidate` too. */
export interface GatheredCandidate {
  readonly type: IceCandidateType | null;
  readonly protocol: string | null;
  readonly address: string | null;
  readonly port: number | null;
  readonly relatedAddress: string | null;
  readonly relatedPort: number | null;
}

/** What a page's own candidates tell of its NAT. */
export interface CandidateVerdict {
  /**
   * - `'endpoint-independent'`: no socket has been seen under two addresses;
   * - `'dependent'`: one has: the mapping depends on the destination, which used to be called symmetric;
   * - `'unknown'`: there is no `srflx` candidate: no NAT, or no STUN server has answered.
   */
  readonly mapping: 'endpoint-independent' | 'dependent' | 'unknown';
  /** The addresses outside, of all sockets. */
  readonly mapped: readonly TransportAddress[];
}

/**
 * Tells what a NAT's mapping depends on by what ICE gathers anyway: name two STUN servers with different addresses in
 * `iceServers`, and give all candidates of one connection. Browsers drop a candidate that is equal to another, so that two
 * `srflx` candidates of one socket (`relatedAddress` and `relatedPort`) mean two ports outside. Filtering cannot be seen so:
 * see `NatDiscovery`.
 *
 * Browsers that hide addresses give 0 for the related port of all. Then the verdict holds on machines with one network
 * interface; elsewhere `'dependent'` may only mean two interfaces.
 */
export function mappingFromCandidates(candidates: readonly GatheredCandidate[]): CandidateVerdict {
  checkObject('candidates must be an array of candidates', candidates, 'length', 'map');
  const bySocket = new Map<string, Set<string>>();
  const mapped = new Map<string, TransportAddress>();
  for (const candidate of candidates) {
    checkObject('candidates must hold candidates', candidate, 'type');
    const { type, protocol, address, port, relatedAddress, relatedPort } = candidate;
    if (type !== 'srflx' || protocol !== 'udp' || address === null || port === null) continue;
    // Addresses of IPv4 and IPv6 come from different NATs, if from any.
    const family = address.includes(':') ? 6 : 4;
    const socket = `${family} ${relatedAddress ?? ''} ${relatedPort ?? 0}`;
    const seen = bySocket.get(socket) ?? new Set();
    bySocket.set(socket, seen.add(addressKey({ address, port })));
    mapped.set(addressKey({ address, port }), { address, port });
  }
  const isDependent = [...bySocket.values()].some((seen) => seen.size > 1);
  const mapping = isDependent ? 'dependent' : 'endpoint-independent';
  return { mapping: bySocket.size === 0 ? 'unknown' : mapping, mapped: [...mapped.values()] };
}
