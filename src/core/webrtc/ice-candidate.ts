import { PacketError } from '../errors.ts';
import type { IceCandidateType } from './ice-report.ts';

/** A candidate as it stands in a description or trickles in (RFC 8839 §5.1). */
export interface IceCandidate {
  /** The same for candidates of one type, base and server: pairs with like foundations share their fate. */
  readonly foundation: string;
  /** 1: RTP, and RTCP where the two share a port; 2: RTCP. */
  readonly component: number;
  /** `'udp'` or `'tcp'`. */
  readonly protocol: string;
  /** 0 to 2³² − 1: the higher, the sooner it is tried. */
  readonly priority: number;
  /** An IP address, or a name that ends on `.local` (mDNS). */
  readonly address: string;
  readonly port: number;
  readonly type: IceCandidateType;
  /** The address behind it: of a `srflx` or `prflx` its base, of a `relay` the one that the server saw; empty for others. */
  readonly relatedAddress: string;
  readonly relatedPort: number;
}

/** What a candidate of each type is, in a few words. */
export const CANDIDATE_WORDS: Readonly<Record<IceCandidateType, string>> = {
  host: 'an address of the machine itself',
  srflx: 'the address that a STUN server saw: that of the NAT in between',
  prflx: 'an address that showed only when the other side was tried',
  relay: 'a port at a TURN server, which passes everything on',
};

const MAX_PRIORITY = 2 ** 32 - 1;
const MAX_LENGTH = 1024;

/**
 * Reads a candidate.
 * @param text with or without `a=` and `candidate:` in front
 * @throws PacketError `oversized`, `truncated`, `unknown-type` or `bad-field`, and nothing else
 */
export function parseIceCandidate(text: string): IceCandidate {
  if (text.length > MAX_LENGTH) {
    throw new PacketError('oversized', `A candidate may have ${MAX_LENGTH} characters.`);
  }
  const words = text
    .replace(/^(a=)?(candidate:)?/, '')
    .trim()
    .split(/\s+/);
  const [foundation = '', component, protocol, priority, address, port, typ, type] = words;
  if (type === undefined)
    throw new PacketError('truncated', 'A candidate has eight words at least.');
  if (typ !== 'typ')
    throw new PacketError('bad-field', "The seventh word of a candidate must be 'typ'.");
  if (type !== 'host' && type !== 'srflx' && type !== 'prflx' && type !== 'relay') {
    throw new PacketError('unknown-type', 'A candidate must be host, srflx, prflx or relay.');
  }
  const related = new Map<string, string>();
  for (let i = 8; i + 1 < words.length; i += 2) related.set(words[i] ?? '', words[i + 1] ?? '');
  return {
    foundation,
    component: integer('component', component, 1, 256),
    protocol: (protocol ?? '').toLowerCase(),
    priority: integer('priority', priority, 0, MAX_PRIORITY),
    address: address ?? '',
    port: integer('port', port, 0, 65_535),
    type,
    relatedAddress: related.get('raddr') ?? '',
    relatedPort: related.has('rport') ? integer('rport', related.get('rport'), 0, 65_535) : 0,
  };
}

function integer(name: string, text: string | undefined, min: number, max: number): number {
  const value = /^\d{1,10}$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new PacketError('bad-field', `A candidate's ${name} must lie between ${min} and ${max}.`);
  }
  return value;
}
