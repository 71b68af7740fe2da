import { LinkClient } from '../link/link-client.ts';
import { GATEWAY_BASE, PortClientSocket } from '../link/port-client-socket.ts';
import { IS_STATIC } from '../page/static-build.ts';
import type { LinkWay } from './link-way.ts';

/** Where the page finds the simulated network. */
export interface LinkHost {
  /** Opens a session. @throws LinkControlError */
  connect(): Promise<LinkClient>;
  /** The way to an address of a `LinkClient`. */
  wayTo(url: string): LinkWay;
  /** The way to what sends every message back at once, over no network. */
  echo(): LinkWay;
  /** Whether the packets of calls go over the network too. */
  readonly carriesCalls: boolean;
  /** The consequence if there is no network, in a sentence. */
  readonly missing: string;
}

/** At the lab's server. */
class ServerLink implements LinkHost {
  readonly carriesCalls = true;
  readonly missing =
    'The server has no simulated network: lanes go directly, whatever is chosen here.';

  connect(): Promise<LinkClient> {
    return LinkClient.connect(location.origin.replace(/^http/, 'ws'));
  }

  wayTo(url: string): LinkWay {
    return { url, gateway: null };
  }

  echo(): LinkWay {
    return this.wayTo(new URL('/echo', location.href.replace(/^http/, 'ws')).href);
  }
}

/** In a Worker of this page, which starts when first asked for. */
class WorkerLink implements LinkHost {
  /** The browser sends them itself: no page can delay them. */
  readonly carriesCalls = false;
  readonly missing =
    'The simulated network’s Worker did not start, so no lane can run. Reload the page.';
  #worker: Worker | null = null;

  connect(): Promise<LinkClient> {
    const gateway = this.#openGateway();
    return LinkClient.connect(GATEWAY_BASE, (url) => new PortClientSocket(gateway, url));
  }

  wayTo(url: string): LinkWay {
    return { url, gateway: this.#openGateway() };
  }

  echo(): LinkWay {
    return this.wayTo(`${GATEWAY_BASE}/link/echo`);
  }

  #openGateway(): MessagePort {
    this.#worker ??= new Worker(new URL('../worker/link.ts', import.meta.url), { type: 'module' });
    const { port1, port2 } = new MessageChannel();
    this.#worker.postMessage(port2, [port2]);
    return port1;
  }
}

/** The page's one. */
export const linkHost: LinkHost = IS_STATIC ? new WorkerLink() : new ServerLink();
