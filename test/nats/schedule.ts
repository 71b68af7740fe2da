import { NAT_DEPENDENCES, NAT_KINDS } from '../../src/core/webrtc/nat/index.ts';
import type { NatBehaviour, NatPortAllocation } from '../../src/core/webrtc/nat/index.ts';
import { seededRandom } from '../helpers/random.ts';

/** One side's NAT. */
export interface SimulatedNat extends NatBehaviour {
  readonly portAllocation: NatPortAllocation;
  readonly mappingTimeoutMs: number;
  readonly hairpinning: boolean;
  readonly refreshOnInbound: boolean;
}

/** What two peers meet in. */
export interface World {
  readonly seed: number;
  readonly a: SimulatedNat;
  readonly b: SimulatedNat;
  readonly lossRatio: number;
  readonly delayMs: number;
  /** Packets overtake each other by up to this. */
  readonly jitterMs: number;
  /** Time that a description takes from peer to peer, which a person may have to carry. */
  readonly signalMs: number;
}

/** Packets of somebody else to a NAT. */
interface Scan {
  readonly kind: 'scan';
  readonly at: number;
  readonly side: 'a' | 'b';
  /** Ports from this one on. */
  readonly port: number;
  readonly ports: number;
}

export interface NatSchedule {
  readonly world: World;
  readonly actions: readonly Scan[];
}

const ALLOCATIONS: readonly NatPortAllocation[] = ['preserving', 'sequential', 'random'];
/** A call between any two NATs has failed or stands by then. */
export const DURATION_MS = 60_000;

/** A world, from a seed. Half of the seeds have NATs with old names, which people meet; the others any behaviour. */
export function planNats(seed: number): NatSchedule {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const behaviour = (): NatBehaviour =>
    seed % 2 === 0
      ? pick(Object.values(NAT_KINDS))
      : { mapping: pick(NAT_DEPENDENCES), filtering: pick(NAT_DEPENDENCES) };
  const nat = (): SimulatedNat => ({
    ...behaviour(),
    portAllocation: pick(ALLOCATIONS),
    mappingTimeoutMs: pick([30_000, 120_000, 300_000]),
    hairpinning: random() < 0.5,
    refreshOnInbound: random() < 0.5,
  });
  const world: World = {
    seed,
    a: nat(),
    b: nat(),
    lossRatio: pick([0, 0, 0.02, 0.1]),
    delayMs: pick([1, 20, 80]),
    jitterMs: pick([0, 5, 60]),
    signalMs: pick([50, 300, 5000]),
  };
  const actions = Array.from({ length: Math.floor(random() * 4) }, (): Scan => ({
    kind: 'scan',
    at: Math.floor(random() * DURATION_MS),
    side: random() < 0.5 ? 'a' : 'b',
    // Where mappings of preserving and sequential allocation are.
    port: pick([1024, 5000, 6000, 40_000]),
    ports: 20,
  }));
  return { world, actions };
}
