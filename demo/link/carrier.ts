import type { ErrorBoundary } from '../server/error-boundary.ts';
import type { LanePath } from './lane-path.ts';
import type { Lateness } from './lateness.ts';
import type { PacketTape } from './packet-tape.ts';
import type { LaneStatistics } from './protocol.ts';
import type { RealClock } from './real-clock.ts';
import type { RouterSettings } from './router-settings.ts';
import type { SimulatedRouter } from './simulated-router.ts';
import type { UdpSplice } from './udp-splice.ts';

/** What carries the packets of a lane over its two paths. */
export interface Carrier extends Pick<LaneStatistics, 'kind' | 'tcp' | 'refused'> {
  /** As `LaneStatistics` has it; left out where nothing is sent again. */
  readonly repeatedWireBytes?: number;
  /** Restarts the counts at zero. */
  restart(): void;
  /** Ends it; what is under way is dropped. */
  close(): void;
}

/** What a carrier runs on. */
export interface CarrierParts {
  readonly clock: RealClock;
  /** From the client, the first peer, or behind the router. */
  readonly forward: LanePath;
  readonly back: LanePath;
  readonly lateness: Lateness;
  readonly boundary: ErrorBoundary;
}

/** Opens carriers that have ports of their own. */
export interface PortCarriers {
  /** @throws what binding a socket throws */
  openSplice(parts: CarrierParts, tape: PacketTape | null): Promise<UdpSplice>;
  /** Between a page and the lab's server of QUIC. @throws what binding a socket throws, and where there is no server */
  openQuic(parts: CarrierParts): Promise<UdpSplice>;
  /** @throws what binding a socket throws */
  openRouter(parts: CarrierParts, settings: RouterSettings): Promise<SimulatedRouter>;
  close(): void;
}
