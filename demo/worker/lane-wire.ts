import { DataChannelTransport, WebSocketTransport, WebTransportTransport } from 'micwire';
import type { Transport, TransportMessage, TransportStatus } from 'micwire';
import type { WireOptions } from '../lanes/lane-messages.ts';
import type { LinkWay, WebTransportWay } from '../lanes/link-way.ts';
import { socketOptions } from '../lanes/link-way.ts';
import type { Datagram, LinkPort } from '../link/link-port.ts';
import { openPort } from '../link/port-client-socket.ts';
import {
  dataChannelWireBytes,
  webSocketWireBytes,
  webTransportWireBytes,
} from '../measure/wire-bytes.ts';

/** The round trip, of any kind. */
export interface LaneWire {
  /** Called for each message that arrives. */
  onmessage: ((message: TransportMessage) => void) | null;
  /** Called after each change of state. */
  onstatus: ((status: TransportStatus) => void) | null;
  /** @returns false when it was dropped */
  send(message: string | Uint8Array<ArrayBuffer>): boolean;
  /** From the other end to this one, which gets it through `onmessage` like everything that arrives. @returns false when it was dropped */
  sendBack(report: Uint8Array<ArrayBuffer>): boolean;
  /** The bytes of a message with all headers. */
  bytesOnWire(messageBytes: number): number;
}

/**
 * Opens the way.
 * @param highWaterBytes what may wait for the network before messages are dropped
 */
export function openWire(options: WireOptions, highWaterBytes: number): LaneWire {
  switch (options.type) {
    case 'websocket':
      return new SocketWire(options.way, highWaterBytes);
    case 'webtransport':
      return openSessions(options.way, highWaterBytes);
    case 'channels': {
      const sender = DataChannelTransport.create(options.sender, { highWaterBytes });
      const receiver = DataChannelTransport.create(options.receiver);
      return overNetwork(new PairWire(sender, receiver, dataChannelWireBytes), options.network);
    }
    case 'relay':
      return overNetwork(new RelayWire(options.port), options.network);
  }
}

function overNetwork(wire: LaneWire, network: LinkWay | null): LaneWire {
  if (network === null || network.gateway === null) return wire;
  return new NetworkWire(wire, openPort(network.gateway, network.url));
}

class SocketWire implements LaneWire {
  onmessage: ((message: TransportMessage) => void) | null = null;
  onstatus: ((status: TransportStatus) => void) | null = null;
  readonly #transport: WebSocketTransport;

  constructor(way: LinkWay, highWaterBytes: number) {
    const transport = WebSocketTransport.create(way.url, { highWaterBytes, ...socketOptions(way) });
    this.#transport = transport;
    transport.addEventListener('message', ({ data }) => this.onmessage?.(data));
    transport.addEventListener('statechange', () => this.onstatus?.(transport.status));
  }

  send(message: TransportMessage): boolean {
    return this.#transport.send(message);
  }

  /** The other end sends back everything. */
  sendBack(report: Uint8Array<ArrayBuffer>): boolean {
    return this.send(report);
  }

  bytesOnWire(messageBytes: number): number {
    return webSocketWireBytes(messageBytes);
  }
}

function openSessions(way: WebTransportWay, highWaterBytes: number): LaneWire {
  const value = way.certificateHash;
  const serverCertificateHashes = [{ algorithm: 'sha-256', value }] as const;
  const sender = WebTransportTransport.create(way.sender, {
    highWaterBytes,
    serverCertificateHashes,
  });
  const receiver = WebTransportTransport.create(way.receiver, { serverCertificateHashes });
  return new PairWire(sender, receiver, webTransportWireBytes);
}

/** Messages into one of two transports come out of the other. */
class PairWire implements LaneWire {
  onmessage: ((message: TransportMessage) => void) | null = null;
  onstatus: ((status: TransportStatus) => void) | null = null;
  readonly bytesOnWire: (messageBytes: number) => number;
  readonly #sender: Transport;
  readonly #receiver: Transport;

  constructor(sender: Transport, receiver: Transport, bytesOnWire: LaneWire['bytesOnWire']) {
    this.#sender = sender;
    this.#receiver = receiver;
    this.bytesOnWire = bytesOnWire;
    for (const end of [sender, receiver]) {
      end.addEventListener('message', ({ data }) => this.onmessage?.(data));
      end.addEventListener('statechange', () => this.onstatus?.(this.#status));
    }
  }

  send(message: TransportMessage): boolean {
    return this.#sender.send(message);
  }

  sendBack(report: Uint8Array<ArrayBuffer>): boolean {
    return this.#receiver.send(report);
  }

  /** Nothing arrives before both are connected. */
  get #status(): TransportStatus {
    const ends = [this.#sender, this.#receiver];
    const missing = ends.find(({ state }) => state !== 'open' && state !== 'congested');
    return (missing ?? this.#sender).status;
  }
}

/** Through the page, which has the channels. */
class RelayWire implements LaneWire {
  onmessage: ((message: TransportMessage) => void) | null = null;
  onstatus: ((status: TransportStatus) => void) | null = null;
  readonly #port: MessagePort;

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<Uint8Array | TransportStatus>) => {
      if (data instanceof Uint8Array) this.onmessage?.(data);
      else this.onstatus?.(data);
    };
  }

  send(message: string | Uint8Array<ArrayBuffer>): boolean {
    this.#port.postMessage(message);
    return true;
  }

  /** The page knows it by what it is. */
  sendBack(report: Uint8Array<ArrayBuffer>): boolean {
    return this.send(report);
  }

  bytesOnWire(messageBytes: number): number {
    return dataChannelWireBytes(messageBytes);
  }
}

/** A wire whose messages go over the simulated network first, and enter the wire when they come out of it. */
class NetworkWire implements LaneWire {
  readonly #wire: LaneWire;
  readonly #network: LinkPort;

  constructor(wire: LaneWire, network: LinkPort) {
    this.#wire = wire;
    this.#network = network;
    network.onmessage = ({ data: { data, isBack } }: { readonly data: Datagram }) => {
      if (isBack) wire.sendBack(data);
      else wire.send(data);
    };
  }

  get onmessage(): LaneWire['onmessage'] {
    return this.#wire.onmessage;
  }

  set onmessage(onmessage: LaneWire['onmessage']) {
    this.#wire.onmessage = onmessage;
  }

  get onstatus(): LaneWire['onstatus'] {
    return this.#wire.onstatus;
  }

  set onstatus(onstatus: LaneWire['onstatus']) {
    this.#wire.onstatus = onstatus;
  }

  send(message: string | Uint8Array<ArrayBuffer>): boolean {
    const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : message;
    return this.#put(bytes, false);
  }

  sendBack(report: Uint8Array<ArrayBuffer>): boolean {
    return this.#put(report, true);
  }

  bytesOnWire(messageBytes: number): number {
    return this.#wire.bytesOnWire(messageBytes);
  }

  #put(message: Uint8Array<ArrayBuffer>, isBack: boolean): boolean {
    // A copy: the sender may keep what it has sent.
    const data = message.slice();
    const datagram: Datagram = { data, packetBytes: this.bytesOnWire(data.length), isBack };
    this.#network.postMessage(datagram, [data.buffer as never]);
    return true;
  }
}
