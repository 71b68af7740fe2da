import { Nat } from 'micwire/nat';
import type { NatBehaviour, NatPath, TransportAddress } from 'micwire/nat';

/** Addresses of documentation (RFC 5737), and private ones (RFC 1918). */
export const STUN_SERVER: TransportAddress = { address: '203.0.113.1', port: 3478 };
const SECOND_SERVER: TransportAddress = { address: '203.0.113.2', port: 3478 };
const RELAYED: TransportAddress = { address: '203.0.113.1', port: 49_160 };
export const HOST_A: TransportAddress = { address: '10.0.0.2', port: 5000 };
const HOST_B: TransportAddress = { address: '192.168.1.20', port: 6000 };
const NAT_A = '198.51.100.11';
const NAT_B = '198.51.100.22';
/** Rounds of checks, at most: the first opens the NATs, and later ones use what was learnt. */
const ROUNDS = 4;

/** One step of a trial: mostly a packet. */
export interface TrialStep {
  /** What happened, in a sentence. */
  readonly text: string;
  readonly outcome: 'arrives' | 'refused' | 'told';
}

/** The result of a trial. */
export interface NatTrial {
  readonly path: NatPath;
  readonly steps: readonly TrialStep[];
}

/** What a NAT makes of one host's address: what two servers see. */
export interface NatView {
  readonly first: TransportAddress;
  readonly second: TransportAddress;
}

/** Sends from one host through a NAT to two servers. */
export function viewThrough(behaviour: NatBehaviour): NatView {
  const nat = new Nat({ address: NAT_A, ...behaviour });
  return {
    first: nat.outbound(HOST_A, STUN_SERVER, 0)!.source,
    second: nat.outbound(HOST_A, SECOND_SERVER, 0)!.source,
  };
}

/** One peer of a trial. */
interface Peer {
  readonly name: 'A' | 'B';
  readonly host: TransportAddress;
  readonly nat: Nat;
  /** The address that its STUN server reported, and that it told the other side. */
  told: TransportAddress;
  /** Where it sends checks: the addresses from the other side, and those learnt from packets. */
  readonly targets: { readonly address: TransportAddress; readonly learnt: boolean }[];
}

/**
 * Has two peers, each behind a NAT, find a path as ICE does: they ask a STUN server, tell each other, and send checks until a request is
 * answered from the address that it was sent to. All packets go through two simulated NATs; nothing is predicted.
 */
export function runNatTrial(a: NatBehaviour, b: NatBehaviour): NatTrial {
  const steps: TrialStep[] = [];
  const say = (text: string, outcome: TrialStep['outcome']): void =>
    void steps.push({ text, outcome });
  const peers = [
    peer('A', HOST_A, NAT_A, a),
    peer('B', HOST_B, NAT_B, b),
  ] as const satisfies readonly Peer[];
  for (const one of peers) {
    one.told = one.nat.outbound(one.host, STUN_SERVER, 0)!.source;
    say(`${one.name} asks the STUN server, which sees ${textOf(one.told)}.`, 'arrives');
  }
  peers[0].targets.push({ address: peers[1].told, learnt: false });
  peers[1].targets.push({ address: peers[0].told, learnt: false });
  say('A and B tell each other these addresses, by their signalling server.', 'told');
  let path: NatPath = 'relay';
  for (let round = 0; round < ROUNDS && path === 'relay'; round++) {
    const known = peers[0].targets.length + peers[1].targets.length;
    const works = peers.flatMap((one, i) => checksOf(one, peers[1 - i]!, say));
    if (works.includes('direct')) path = 'direct';
    else if (works.includes('direct-prflx')) path = 'direct-prflx';
    // Another round would be the same as this one.
    const learnt = peers[0].targets.length + peers[1].targets.length - known;
    if (round > 0 && learnt === 0) break;
  }
  if (path === 'relay') relay(peers[0], peers[1], say);
  return { path, steps };
}

function peer(
  name: Peer['name'],
  host: TransportAddress,
  address: string,
  kind: NatBehaviour,
): Peer {
  return { name, host, nat: new Nat({ address, ...kind }), told: host, targets: [] };
}

type Say = (text: string, outcome: TrialStep['outcome']) => void;

/** One side's checks of a round. @returns the paths that work */
function checksOf(from: Peer, to: Peer, say: Say): NatPath[] {
  const works: NatPath[] = [];
  for (const target of [...from.targets]) {
    const sent = from.nat.outbound(from.host, target.address, 0)!;
    const check = `${from.name} sends a check to ${textOf(target.address)}, from ${textOf(sent.source)}`;
    if (to.nat.inbound(sent.source, target.address, 0) === null) {
      say(
        `${check}. ${to.name}’s NAT drops it: nothing was sent from ${textOf(target.address)} to ${textOf(sent.source)}.`,
        'refused',
      );
      continue;
    }
    const isNew = !to.targets.some(({ address }) => isSame(address, sent.source));
    if (isNew) to.targets.push({ address: sent.source, learnt: true });
    say(
      `${check}. It arrives${isNew ? `, and ${to.name} learns an address that nobody told it (peer reflexive)` : ''}.`,
      'arrives',
    );
    const answer = to.nat.outbound(to.host, sent.source, 0)!;
    const isBack = from.nat.inbound(answer.source, sent.source, 0) !== null;
    // RFC 8445 §7.2.5.2.1: the answer must come from where the request went.
    if (!isBack || !isSame(answer.source, target.address)) {
      say(
        `${to.name} answers, but the answer does not come back from the same address.`,
        'refused',
      );
      continue;
    }
    const isTold = !target.learnt && isSame(sent.source, from.told);
    works.push(isTold ? 'direct' : 'direct-prflx');
    say(
      `${to.name} answers, and the answer arrives: this way works in both directions.`,
      'arrives',
    );
  }
  return works;
}

/** The path through a TURN server, which A asks for. */
function relay(a: Peer, b: Peer, say: Say): void {
  say('No check was ever answered: only a relay is left.', 'refused');
  const asked = a.nat.outbound(a.host, STUN_SERVER, 0)!;
  say(
    `A asks the TURN server for a port there, and gets ${textOf(RELAYED)} (Allocate).`,
    'arrives',
  );
  const sent = b.nat.outbound(b.host, RELAYED, 0)!;
  say(
    `B sends to ${textOf(RELAYED)}, from ${textOf(sent.source)}. No NAT is in front of it.`,
    'arrives',
  );
  const toA = a.nat.inbound(STUN_SERVER, asked.source, 0);
  say(
    'The server passes it to A on the connection that A has opened itself.',
    toA === null ? 'refused' : 'arrives',
  );
  const toB = b.nat.inbound(RELAYED, sent.source, 0);
  say(
    'A’s answer goes the same way back: the server sends it from the port that B has sent to.',
    toB === null ? 'refused' : 'arrives',
  );
}

function isSame(one: TransportAddress, other: TransportAddress): boolean {
  return one.address === other.address && one.port === other.port;
}

/** An address as text. */
export function textOf({ address, port }: TransportAddress): string {
  return `${address}:${port}`;
}
