import { linkHost } from '../lanes/link-host.ts';
import type { LinkWay } from '../lanes/link-way.ts';
import { GATEWAY_BASE, PortClientSocket } from '../link/port-client-socket.ts';
import type { FrameSpan } from '../page/arrivals-view.ts';
import { IS_STATIC } from '../page/static-build.ts';

/** What has arrived over a wire, as its other end reports. */
export interface WireRecord {
  readonly session: readonly FrameSpan[];
  readonly plain: readonly FrameSpan[];
}

/** The other end of wires that can be cut. Both sides of a wire know it by a name of the page's. */
export interface WireHost {
  /** The way to micwire's own protocol. */
  session(wire: string): LinkWay;
  /** The way to an echo. */
  plain(wire: string): LinkWay;
  /** Cuts a wire, or mends it. */
  cut(wire: string, isCut: boolean): Promise<void>;
  /** null where nobody answers. */
  record(wire: string): Promise<WireRecord | null>;
}

/** At the lab's server. */
class ServerWires implements WireHost {
  session(wire: string): LinkWay {
    return linkHost.wayTo(`/session?wire=${wire}`);
  }

  plain(wire: string): LinkWay {
    return linkHost.wayTo(`/plain?wire=${wire}`);
  }

  async cut(wire: string, isCut: boolean): Promise<void> {
    await fetch(`/wires/${wire}/${isCut ? 'cut' : 'mend'}`, { method: 'POST' });
  }

  async record(wire: string): Promise<WireRecord | null> {
    try {
      const response = await fetch(`/wires/${wire}`);
      return response.ok ? ((await response.json()) as WireRecord) : null;
    } catch {
      return null;
    }
  }
}

/** In the Worker of this page that the simulated network runs in. */
class WorkerWires implements WireHost {
  #wire = '';
  #socket: PortClientSocket | null = null;
  /** Questions about the wire, in the order in which they are answered. */
  #waiting: ((record: WireRecord | null) => void)[] = [];

  session(wire: string): LinkWay {
    return linkHost.wayTo(`${GATEWAY_BASE}/link/session/${wire}`);
  }

  plain(wire: string): LinkWay {
    return linkHost.wayTo(`${GATEWAY_BASE}/link/plain/${wire}`);
  }

  async cut(wire: string, isCut: boolean): Promise<void> {
    await this.#ask(wire, isCut ? 'cut' : 'mend');
  }

  record(wire: string): Promise<WireRecord | null> {
    return this.#ask(wire, 'record');
  }

  #ask(wire: string, verb: 'cut' | 'mend' | 'record'): Promise<WireRecord | null> {
    if (this.#socket === null || wire !== this.#wire) this.#open(wire);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket!.send(verb);
    });
  }

  #open(wire: string): void {
    this.#socket?.close();
    for (const resolve of this.#waiting.splice(0)) resolve(null);
    const { url, gateway } = linkHost.wayTo(`${GATEWAY_BASE}/link/wire/${wire}`);
    const socket = new PortClientSocket(gateway!, url);
    socket.onmessage = ({ data }: { readonly data: string }) =>
      this.#waiting.shift()?.(JSON.parse(data) as WireRecord);
    this.#wire = wire;
    this.#socket = socket;
  }
}

/** The page's one. */
export const wireHost: WireHost = IS_STATIC ? new WorkerWires() : new ServerWires();
