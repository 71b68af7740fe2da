import type { EventEmitter } from 'node:events';
import type { Connect, Plugin } from 'vite';
import type { EchoOptions } from './echo.ts';
import { attachEcho } from './echo.ts';
import { IceServers } from './ice-servers.ts';
import { attachSessions } from './sessions.ts';
import { Sfu } from './sfu/sfu.ts';
import type { SfuOptions } from './sfu/sfu.ts';
import type { SignallingServerOptions } from './signalling.ts';
import { attachSignalling } from './signalling.ts';
import { TelephoneServer } from './telephone.ts';
import type { TelephoneOptions } from './telephone.ts';
import type { WebTransportLabOptions } from './webtransport/web-transport-lab.ts';
import { WebTransportLab } from './webtransport/web-transport-lab.ts';

/** Options of the lab's server. */
export interface LabServerOptions {
  readonly echo?: EchoOptions;
  readonly signalling?: SignallingServerOptions;
  readonly sfu?: SfuOptions;
  /** The telephone for the page about SIP. @default none */
  readonly telephone?: TelephoneOptions;
  readonly webTransport?: WebTransportLabOptions;
  /** The address at which the TURN server listens. @default the one under which the page was reached */
  readonly turnAddress?: string;
}

/**
 * Adds the lab's servers to Vite's dev and preview servers:
 * - `/echo` echoes WebSocket messages;
 * - `/signal` brings the peers of calls together;
 * - `/session` serves sessions over wires that the page can cut;
 * - `/ice-servers` tells of a STUN and TURN server;
 * - `/sfu` tells of live rooms, which are at `/whip` and `/whep`;
 * - `/telephone` tells of a telephone;
 * - `/webtransport` tells of a server of WebTransport.
 *
 * The announced servers start when a page asks for them. The rooms and the telephone need their programs installed, WebTransport the
 * package @matrixai/quic. WebTransport listens on this machine only; so do the others, unless the configuration or the
 * command line names a host.
 */
export function labServer(options: LabServerOptions = {}): Plugin {
  return {
    name: 'micwire-lab-server',
    config(config) {
      return {
        // No page of another origin may read anything here: Vite itself admits pages from other ports.
        server: { host: config.server?.host ?? 'localhost', cors: config.server?.cors ?? false },
        preview: {
          host: config.preview?.host ?? config.server?.host ?? 'localhost',
          cors: config.preview?.cors ?? config.server?.cors ?? false,
        },
        // Named, so that Vite bundles them before the first visit: discovered during the visit, they make the page reload.
        optimizeDeps: { include: ['jssip', 'lit', 'lit/decorators.js', 'uplot'] },
      };
    },
    configureServer({ httpServer, middlewares }) {
      attachTo(httpServer, middlewares, options);
    },
    configurePreviewServer({ httpServer, middlewares }) {
      attachTo(httpServer, middlewares, options);
    },
  };
}

/** @param httpServer null when Vite runs inside another server, which then has the upgrades */
function attachTo(
  httpServer: EventEmitter | null,
  middlewares: Connect.Server,
  options: LabServerOptions,
): void {
  middlewares.use(alwaysWhole);
  if (httpServer === null) return;
  const echo = attachEcho(httpServer, options.echo);
  const signalling = attachSignalling(httpServer, options.signalling);
  const sessions = attachSessions(httpServer);
  middlewares.use('/wires', sessions.answer);
  const iceServers = new IceServers(options.turnAddress);
  middlewares.use('/ice-servers', iceServers.answer);
  const webTransport = new WebTransportLab(options.webTransport);
  middlewares.use('/webtransport', webTransport.answer);
  const sfu = new Sfu(options.sfu);
  middlewares.use('/sfu', sfu.answer);
  middlewares.use('/whip', sfu.whip);
  middlewares.use('/whep', sfu.whep);
  const telephone = new TelephoneServer(options.telephone ?? null);
  middlewares.use('/telephone', telephone.answer);
  httpServer.once('close', () => {
    void telephone.close();
    void sfu.close();
    webTransport.close();
    iceServers.close();
    echo.close();
    sessions.close();
    signalling.close();
  });
}

/**
 * Has every file sent in full. WebKitGTK 2.50 refuses a 304 answer, which lacks the headers of cross-origin isolation, in a Worker: the
 * second Worker of a kind did not start, nor did any that imports a module of the page.
 */
function alwaysWhole(
  { headers }: { readonly headers: Record<string, unknown> },
  _response: unknown,
  next: () => void,
): void {
  delete headers['if-none-match'];
  delete headers['if-modified-since'];
  next();
}
