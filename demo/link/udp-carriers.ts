import type { CarrierParts, PortCarriers } from './carrier.ts';
import type { PacketTape } from './packet-tape.ts';
import type { RouterSettings } from './router-settings.ts';
import { SimulatedInternet } from './simulated-internet.ts';
import { SimulatedRouter } from './simulated-router.ts';
import type { ServerAddress } from './udp-splice.ts';
import { UdpSplice } from './udp-splice.ts';

/** Opens carriers on UDP ports of this machine. All routers are on one simulated internet. */
export class UdpCarriers implements PortCarriers {
  /** The lab's server of QUIC, once it has started. A page cannot choose it: otherwise it could reach any port of this machine. */
  quicServer: ServerAddress | null = null;
  readonly #address: string;
  readonly #internet: SimulatedInternet;

  /** @param address that everything is bound to */
  constructor(address: string) {
    this.#address = address;
    this.#internet = new SimulatedInternet(address);
  }

  openSplice(parts: CarrierParts, tape: PacketTape | null): Promise<UdpSplice> {
    return UdpSplice.open({ ...parts, tape, address: this.#address });
  }

  async openQuic(parts: CarrierParts): Promise<UdpSplice> {
    const server = this.quicServer;
    if (server === null) throw new Error('The lab’s server of WebTransport has not started.');
    return UdpSplice.open({ ...parts, server });
  }

  openRouter(parts: CarrierParts, settings: RouterSettings): Promise<SimulatedRouter> {
    return SimulatedRouter.open({ ...parts, internet: this.#internet, settings });
  }

  close(): void {
    this.#internet.close();
  }
}
