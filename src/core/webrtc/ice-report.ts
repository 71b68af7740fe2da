import type { StatsEntry } from './call-figures.ts';
import { selectedPair, statsIndex, statsNumber, statsText } from './call-figures.ts';

/**
 * - `'host'`: an address of the machine itself;
 * - `'srflx'`: server reflexive, the address under which a STUN server saw the machine: that of its NAT;
 * - `'prflx'`: peer reflexive, an address that appeared only in the other side's checks;
 * - `'relay'`: an address at a TURN server, which forwards all packets.
 */
export type IceCandidateType = 'host' | 'srflx' | 'prflx' | 'relay';

/** An address at which a peer may be reached (RFC 8445 §4). */
export interface IceCandidateReport {
  readonly id: string;
  readonly type: IceCandidateType;
  /** `'udp'` or `'tcp'`. */
  readonly protocol: string;
  /**
   * Address of the candidate; empty if the browser hides it; a name that ends in `.local` if the browser hides it from the other
   * side (mDNS).
   */
  readonly address: string;
  readonly port: number;
  readonly priority: number;
  /** The STUN or TURN server from which the candidate was obtained; empty for other candidates. */
  readonly url: string;
  /** Transport to the TURN server: `'udp'`, `'tcp'` or `'tls'`; empty for other candidates. */
  readonly relayProtocol: string;
}

/** Two candidates that were tried together. */
export interface IcePairReport {
  readonly id: string;
  readonly local: IceCandidateReport | null;
  readonly remote: IceCandidateReport | null;
  /** `'frozen'`, `'waiting'`, `'in-progress'`, `'failed'` or `'succeeded'` (RFC 8445 §6.1.2.6). */
  readonly state: string;
  readonly nominated: boolean;
  /** Whether the pair carries the call now. */
  readonly selected: boolean;
  readonly priority: number;
  /** Round-trip time of the last check, in seconds; null before the first answer. */
  readonly roundTripTime: number | null;
  readonly requestsSent: number;
  readonly responsesReceived: number;
  /**
   * Requests for consent on a pair that works already (RFC 7675), which are part of the requests; null if the engine does not count
   * them separately.
   */
  readonly consentRequestsSent: number | null;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** The candidates and pairs that ICE has found. */
export interface IceReport {
  readonly local: readonly IceCandidateReport[];
  readonly remote: readonly IceCandidateReport[];
  /** The pair in use first, then by priority. */
  readonly pairs: readonly IcePairReport[];
  /** The pair in use; null before there is one. */
  readonly selected: IcePairReport | null;
}

/** @param entries all entries of one `getStats()` */
export function iceReport(entries: readonly StatsEntry[]): IceReport {
  const inUse = selectedPair(entries);
  const index = statsIndex(entries);
  const pairs = entries
    .filter((entry) => entry.type === 'candidate-pair')
    .map((pair) => pairReport(index, pair, pair === inUse))
    .toSorted((a, b) => Number(b.selected) - Number(a.selected) || b.priority - a.priority);
  return {
    local: candidates(entries, 'local-candidate'),
    remote: candidates(entries, 'remote-candidate'),
    pairs,
    selected: pairs.find((pair) => pair.selected) ?? null,
  };
}

function candidates(entries: readonly StatsEntry[], type: string): readonly IceCandidateReport[] {
  return entries
    .filter((entry) => entry.type === type)
    .map(candidateReport)
    .toSorted((a, b) => b.priority - a.priority);
}

function candidateReport(entry: StatsEntry): IceCandidateReport {
  return {
    id: entry.id,
    type: candidateType(statsText(entry, 'candidateType')),
    protocol: statsText(entry, 'protocol'),
    address: statsText(entry, 'address') || statsText(entry, 'ip'),
    port: statsNumber(entry, 'port', 0),
    priority: statsNumber(entry, 'priority', 0),
    url: statsText(entry, 'url'),
    relayProtocol: statsText(entry, 'relayProtocol'),
  };
}

/** Reads a type. Older versions of Firefox reported `serverreflexive` and similar; an unknown type counts as `host`. */
function candidateType(text: string): IceCandidateType {
  if (text === 'srflx' || text === 'serverreflexive') return 'srflx';
  if (text === 'prflx' || text === 'peerreflexive') return 'prflx';
  if (text === 'relay' || text === 'relayed') return 'relay';
  return 'host';
}

function pairReport(
  index: ReadonlyMap<string, StatsEntry>,
  pair: StatsEntry,
  selected: boolean,
): IcePairReport {
  const local = index.get(statsText(pair, 'localCandidateId'));
  const remote = index.get(statsText(pair, 'remoteCandidateId'));
  return {
    id: pair.id,
    local: local === undefined ? null : candidateReport(local),
    remote: remote === undefined ? null : candidateReport(remote),
    state: statsText(pair, 'state'),
    nominated: pair['nominated'] === true,
    selected,
    priority: statsNumber(pair, 'priority', 0),
    roundTripTime: statsNumber(pair, 'currentRoundTripTime', null),
    requestsSent: statsNumber(pair, 'requestsSent', 0),
    responsesReceived: statsNumber(pair, 'responsesReceived', 0),
    consentRequestsSent: statsNumber(pair, 'consentRequestsSent', null),
    packetsSent: statsNumber(pair, 'packetsSent', 0),
    packetsReceived: statsNumber(pair, 'packetsReceived', 0),
    bytesSent: statsNumber(pair, 'bytesSent', 0),
    bytesReceived: statsNumber(pair, 'bytesReceived', 0),
  };
}
