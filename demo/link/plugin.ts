import type { EventEmitter } from 'node:events';
import type { Plugin } from 'vite';
import type { LinkProcess } from './link-process.ts';

/** Lets Vite's dev and preview servers hand connections at `/link/` over to the simulated network, and end it with themselves. */
export function linkServer(link: LinkProcess): Plugin {
  // Vite runs inside another server when there is none, which then has the upgrades.
  const attachTo = (server: EventEmitter | null): void => {
    if (server === null) return;
    const detach = link.attach(server);
    server.once('close', () => {
      detach();
      link.close();
    });
  };
  return {
    name: 'micwire-link',
    configureServer({ httpServer }) {
      attachTo(httpServer);
    },
    configurePreviewServer({ httpServer }) {
      attachTo(httpServer);
    },
  };
}
