/** Entry `micwire/nat`: describes, detects and simulates NATs. Runs in any scope. */
export { mappingFromCandidates } from './mapping-from-candidates.ts';
export type { CandidateVerdict, GatheredCandidate } from './mapping-from-candidates.ts';
export { NAT_DEPENDENCES, NAT_KINDS, canConnect, describeNat, natKind } from './nat-behaviour.ts';
export type { NatBehaviour, NatDependence, NatKind, NatPath } from './nat-behaviour.ts';
export { NatDiscovery } from './nat-discovery.ts';
export type { NatDiscoveryOptions, NatProbe, NatReport } from './nat-discovery.ts';
export { Nat } from './nat.ts';
export type { NatMapping, NatOptions, NatPortAllocation, NatRoute } from './nat.ts';
export type { IceCandidateType } from '../ice-report.ts';
export type { TransportAddress } from '../stun/transport-address.ts';
