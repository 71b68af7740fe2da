import { checkText } from '../option-names.ts';
import { PacketError } from '../errors.ts';
import type { PacketErrorReason } from '../errors.ts';
import type { IceCandidateType } from './ice-report.ts';

/** A candidate, from a description or trickled separately (RFC 8839 §5.1). */
export interface IceCandidate {
  /** The same for candidates with the same type, base and server: pairs with equal foundations succeed or fail together. */
  readonly foundation: string;
  /** 1: RTP, and RTCP if the two share a port; 2: RTCP. */
  readonly component: number;
  /** `'udp'` or `'tcp'`. */
  readonly protocol: string;
  /** 0 to 2³² − 1; candidates with a higher priority are tried sooner. */
  readonly priority: number;
  /** An IP address, or a name that ends in `.local` (mDNS). */
  readonly address: string;
  readonly port: number;
  readonly type: IceCandidateType;
  /** Address behind the candidate: the base of a `srflx` or `prflx`; for a `relay`, the one that the server saw; empty for others. */
  readonly relatedAddress: string;
  readonly relatedPort: number;
}

/** Describes a candidate of each type in a few words. */
export const CANDIDATE_WORDS: Readonly<Record<IceCandidateType, string>> = {
  host: 'an address of the machine itself',
  srflx: 'the address that a STUN server saw: that of the NAT in between',
  prflx: 'an address that showed only when the other side was tried',
  relay: 'a port at a TURN server, which passes everything on',
};

const MAX_PRIORITY = 2 ** 32 - 1;
const MAX_LENGTH = 1024;

/** Why a text is not a candidate. */
interface CandidateFault {
  readonly reason: PacketErrorReason;
  readonly message: string;
}

/**
 * Reads a candidate.
 * @param text the candidate, with or without the prefixes `a=` and `candidate:`, at most 1024 characters
 * @throws PacketError `oversized`, `truncated`, `unknown-type` or `bad-field`, and no other error
 */
export function parseIceCandidate(text: string): IceCandidate {
  checkText('text', text);
  const candidate = readIceCandidate(text);
  if ('reason' in candidate) throw new PacketError(candidate.reason, candidate.message);
  return candidate;
}

/** Does the same without throwing, since an error costs more than the rest and a description may have thousands. @internal */
export function readIceCandidate(text: string): IceCandidate | CandidateFault {
  if (text.length > MAX_LENGTH) {
    return { reason: 'oversized', message: `A candidate may have ${MAX_LENGTH} characters.` };
  }
  const words = text
    .replace(/^(a=)?(candidate:)?/i, '')
    .trim()
    .split(/\s+/);
  const [foundation = '', componentText, protocol, priorityText, address, portText] = words;
  // Words of the grammar may be in any case (RFC 5234 §2.3).
  const [typ, type] = words.slice(6, 8).map((word) => word.toLowerCase());
  if (type === undefined) {
    return { reason: 'truncated', message: 'A candidate has eight words at least.' };
  }
  if (typ !== 'typ') return badField("The seventh word of a candidate must be 'typ'.");
  if (type !== 'host' && type !== 'srflx' && type !== 'prflx' && type !== 'relay') {
    const message = 'A candidate must be host, srflx, prflx or relay.';
    return { reason: 'unknown-type', message };
  }
  const related = new Map<string, string>();
  for (let i = 8; i + 1 < words.length; i += 2) {
    related.set(words[i]!.toLowerCase(), words[i + 1]!);
  }
  const component = integerOf(componentText, 1, 256);
  const priority = integerOf(priorityText, 0, MAX_PRIORITY);
  const port = integerOf(portText, 0, 65_535);
  const relatedPort = integerOf(related.get('rport') ?? '0', 0, 65_535);
  if (component < 0) return badField("A candidate's component must lie between 1 and 256.");
  if (priority < 0) return badField("A candidate's priority must lie between 0 and 4294967295.");
  if (port < 0) return badField("A candidate's port must lie between 0 and 65535.");
  if (relatedPort < 0) return badField("A candidate's rport must lie between 0 and 65535.");
  return {
    foundation,
    component,
    protocol: (protocol ?? '').toLowerCase(),
    priority,
    address: address ?? '',
    port,
    type,
    relatedAddress: related.get('raddr') ?? '',
    relatedPort,
  };
}

function badField(message: string): CandidateFault {
  return { reason: 'bad-field', message };
}

/** @returns −1 for anything but an integer in the range */
function integerOf(text: string | undefined, min: number, max: number): number {
  const value = /^\d{1,10}$/.test(text ?? '') ? Number(text) : -1;
  return value >= min && value <= max ? value : -1;
}
