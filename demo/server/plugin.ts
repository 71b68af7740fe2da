import type { EventEmitter } from 'node:events';
import type { Plugin } from 'vite';
import type { EchoOptions } from './echo.ts';
import { attachEcho } from './echo.ts';

/**
 * Lets Vite's dev and preview servers echo WebSocket messages at `/echo`. Both then listen on this machine only, unless the
 * configuration or the command line names a host.
 */
export function labServer(options: EchoOptions = {}): Plugin {
  return {
    name: 'micwire-lab-server',
    config(config) {
      return {
        server: { host: config.server?.host ?? 'localhost' },
        preview: { host: config.preview?.host ?? config.server?.host ?? 'localhost' },
        // Named, so that Vite bundles them before the first visit: found during it, they make the page reload.
        optimizeDeps: { include: ['lit', 'lit/decorators.js', 'mediabunny'] },
      };
    },
    configureServer({ httpServer }) {
      attachTo(httpServer, options);
    },
    configurePreviewServer({ httpServer }) {
      attachTo(httpServer, options);
    },
  };
}

/** @param httpServer null when Vite runs inside another server, which then has the upgrades */
function attachTo(httpServer: EventEmitter | null, options: EchoOptions): void {
  if (httpServer === null) return;
  const echo = attachEcho(httpServer, options);
  httpServer.once('close', () => echo.close());
}
