import { checkObject } from '../../option-names.ts';
import type { IceCandidateType } from '../ice-report.ts';
import type { TransportAddress } from '../stun/transport-address.ts';
import { addressKey } from '../stun/transport-address.ts';

/** The fields that are needed of a candidate: an `IceCandidate` has them, and so does a browser's `RTCIceCandidate`. */
export interface GatheredCandidate {
  readonly type: IceCandidateType | null;
  readonly protocol: string | null;
  readonly address: string | null;
  readonly port: number | null;
  readonly relatedAddress: string | null;
  readonly relatedPort: number | null;
}

/** What a page's own candidates show about its NAT. */
export interface CandidateVerdict {
  /**
   * - `'endpoint-independent'`: no socket has two outside addresses;
   * - `'dependent'`: a socket has two: the mapping depends on the destination, which used to be called symmetric;
   * - `'unknown'`: there is no `srflx` candidate: there is no NAT, or no STUN server has answered.
   */
  readonly mapping: 'endpoint-independent' | 'dependent' | 'unknown';
  /** The outside addresses of all sockets. */
  readonly mapped: readonly TransportAddress[];
}

/**
 * Finds what a NAT's mapping depends on from the candidates that ICE gathers anyway: name two STUN servers with different
 * addresses in `iceServers`, and pass all candidates of one connection. Browsers drop duplicate candidates, so two `srflx`
 * candidates of one socket (`relatedAddress` and `relatedPort`) mean two outside ports. Candidates do not show filtering: see
 * `NatDiscovery`.
 *
 * Browsers that hide addresses give 0 as every related port. The verdict is then valid on machines with one network interface;
 * on others, `'dependent'` may only mean two interfaces.
 */
export function mappingFromCandidates(candidates: readonly GatheredCandidate[]): CandidateVerdict {
  checkObject('candidates must be an array of candidates', candidates, 'length', 'map');
  const bySocket = new Map<string, Set<string>>();
  const mapped = new Map<string, TransportAddress>();
  for (const candidate of candidates) {
    checkObject('candidates must hold candidates', candidate, 'type');
    const { type, protocol, address, port, relatedAddress, relatedPort } = candidate;
    if (type !== 'srflx' || protocol !== 'udp' || address === null || port === null) continue;
    // IPv4 and IPv6 addresses come from different NATs, if from any.
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
