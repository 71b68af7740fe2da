import { oneOf } from '../../arguments.ts';
import { checkObject } from '../../option-names.ts';

/**
 * What a NAT's decision depends on (RFC 4787 §4.1 and §5): only the inside address; also the remote address; or also the remote
 * address and port.
 */
export type NatDependence =
  | 'endpoint-independent'
  | 'address-dependent'
  | 'address-and-port-dependent';

/** Every `NatDependence`, the most open first. */
export const NAT_DEPENDENCES: readonly NatDependence[] = [
  'endpoint-independent',
  'address-dependent',
  'address-and-port-dependent',
];

/** How a NAT treats UDP, in the terms of RFC 4787. */
export interface NatBehaviour {
  /** For which destinations an inside address keeps the same outside address and port (§4.1). */
  readonly mapping: NatDependence;
  /** Whose packets are let in: anybody's, or only those from addresses (and ports) that the host has sent to (§5). */
  readonly filtering: NatDependence;
}

/** The old names of RFC 3489 §5, which are still in use. */
export type NatKind = 'full-cone' | 'address-restricted' | 'port-restricted' | 'symmetric';

/** The behaviour that each old name means. */
export const NAT_KINDS: Readonly<Record<NatKind, NatBehaviour>> = {
  'full-cone': { mapping: 'endpoint-independent', filtering: 'endpoint-independent' },
  'address-restricted': { mapping: 'endpoint-independent', filtering: 'address-dependent' },
  'port-restricted': { mapping: 'endpoint-independent', filtering: 'address-and-port-dependent' },
  symmetric: {
    mapping: 'address-and-port-dependent',
    filtering: 'address-and-port-dependent',
  },
};

/** Returns the old name of a behaviour. Every mapping that depends on the destination was called symmetric, with any filtering. */
export function natKind(behaviour: NatBehaviour): NatKind {
  const { mapping, filtering } = checkBehaviour('behaviour', behaviour);
  if (mapping !== 'endpoint-independent') return 'symmetric';
  if (filtering === 'endpoint-independent') return 'full-cone';
  return filtering === 'address-dependent' ? 'address-restricted' : 'port-restricted';
}

/**
 * How two peers behind NATs can reach each other with ICE:
 * - `'direct'`: through the addresses that they got from STUN;
 * - `'direct-prflx'`: directly, through an address that appears only in the other side's checks (peer reflexive);
 * - `'relay'`: only through a TURN server.
 */
export type NatPath = 'direct' | 'direct-prflx' | 'relay';

/**
 * Predicts how ICE connects two peers in different networks, each behind one NAT with one public address.
 *
 * If both mappings are endpoint-independent, each side's check opens its own NAT for the other's checks. If only one is, the other
 * side's checks come from an unknown address: the filter of the first must let them in, and it answers to that address. If neither
 * is, one side must let in anybody, and one must keep its outside address towards the other's NAT.
 */
export function canConnect(a: NatBehaviour, b: NatBehaviour): NatPath {
  checkBehaviour('a', a);
  checkBehaviour('b', b);
  const aKeeps = a.mapping === 'endpoint-independent';
  const bKeeps = b.mapping === 'endpoint-independent';
  if (aKeeps && bKeeps) return 'direct';
  if (aKeeps || bKeeps) {
    const known = aKeeps ? a : b;
    return isStrict(known) ? 'relay' : 'direct-prflx';
  }
  const opens = (one: NatBehaviour, other: NatBehaviour): boolean =>
    one.filtering === 'endpoint-independent' && !isStrict(other);
  const isSteady = a.mapping === 'address-dependent' || b.mapping === 'address-dependent';
  return isSteady && (opens(a, b) || opens(b, a)) ? 'direct-prflx' : 'relay';
}

function isStrict({ filtering }: NatBehaviour): boolean {
  return filtering === 'address-and-port-dependent';
}

/** @throws TypeError */
export function checkBehaviour(name: string, behaviour: NatBehaviour): NatBehaviour {
  checkObject(`${name} must be a NatBehaviour`, behaviour, 'mapping', 'filtering');
  oneOf(`${name}.mapping`, behaviour.mapping, NAT_DEPENDENCES);
  oneOf(`${name}.filtering`, behaviour.filtering, NAT_DEPENDENCES);
  return behaviour;
}

const MAPPING_WORDS: Readonly<Record<NatDependence, string>> = {
  'endpoint-independent': 'One address and port outside, whomever packets go to.',
  'address-dependent': 'Another port outside for each address that packets go to.',
  'address-and-port-dependent':
    'Another port outside for each address and port that packets go to.',
};

const FILTERING_WORDS: Readonly<Record<NatDependence, string>> = {
  'endpoint-independent': 'Packets of anybody are let in to it.',
  'address-dependent': 'Only packets of addresses that were sent to are let in.',
  'address-and-port-dependent': 'Only packets of addresses and ports that were sent to are let in.',
};

/** Describes a behaviour in a few plain sentences, for example for a page. */
export function describeNat(behaviour: NatBehaviour): string {
  const { mapping, filtering } = checkBehaviour('behaviour', behaviour);
  return `${MAPPING_WORDS[mapping]} ${FILTERING_WORDS[filtering]}`;
}
