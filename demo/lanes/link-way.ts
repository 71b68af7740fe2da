import type { CreateSocket } from 'micwire';
import { PortClientSocket } from '../link/port-client-socket.ts';

/** A way to the simulated network, or to an echo. Can be handed to a Worker, which `gateway` is then transferred to. */
export interface LinkWay {
  readonly url: string;
  /** Where the connection is made; null where `url` is a WebSocket's. */
  readonly gateway: MessagePort | null;
}

/** Where the two ends of a lane connect by WebTransport. Can be handed to a Worker. */
export interface WebTransportWay {
  readonly sender: string;
  readonly receiver: string;
  /** SHA-256 of the server's certificate. */
  readonly certificateHash: Uint8Array<ArrayBuffer>;
  /** What ends it at the network; null where it goes there directly. */
  readonly lane: string | null;
}

/** The options of a transport or a session besides the address of a way. */
export function socketOptions({ gateway }: LinkWay): { readonly createSocket?: CreateSocket } {
  if (gateway === null) return {};
  return { createSocket: (url) => new PortClientSocket(gateway, url) };
}

/** The parts of a way that are transferred with it. */
export function transferOf(way: LinkWay | null): Transferable[] {
  return way === null || way.gateway === null ? [] : [way.gateway];
}
