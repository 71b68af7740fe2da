import type { Carrier, CarrierParts } from './carrier.ts';
import type { Datagram, LinkPort } from './link-port.ts';

/**
 * Puts the messages of a data channel onto the link, each as one datagram: it comes back when it would have arrived at the far end, or
 * not at all. The sender then puts it into the channel.
 */
export class DatagramLink implements Carrier {
  readonly kind = 'datagrams';
  readonly tcp: null = null;
  readonly refused = 0;
  readonly #port: LinkPort;
  readonly #parts: CarrierParts;
  #closed = false;

  constructor(port: LinkPort, parts: CarrierParts) {
    this.#port = port;
    this.#parts = parts;
    const onMessage = ({ data }: { readonly data: Datagram }): void => this.#take(data);
    port.onmessage = parts.boundary.guard(onMessage);
  }

  restart(): void {}

  close(): void {
    this.#closed = true;
    this.#port.close();
  }

  #take(datagram: Datagram): void {
    const { clock, forward, back } = this.#parts;
    clock.catchUp();
    const path = datagram.isBack ? back : forward;
    path.addPayload(datagram.data.length);
    const arrival = path.fate(datagram.packetBytes, clock.nowMs);
    if (arrival >= 0) clock.at(arrival, () => this.#put(datagram, arrival));
  }

  #put(datagram: Datagram, dueMs: number): void {
    if (this.#closed) return;
    this.#parts.lateness.add(performance.now() - dueMs);
    this.#port.postMessage(datagram, [datagram.data.buffer as never]);
  }
}
