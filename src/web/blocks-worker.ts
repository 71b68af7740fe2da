import type { WorkerFile } from './worker-loader.ts';

/** The Worker that reads tracks. */
export const BLOCKS_WORKER: WorkerFile = {
  name: 'micwire-blocks',
  url: () => new URL('../../worker/blocks.js', import.meta.url),
  inline: () => import('../../worker/blocks.inline.js'),
};
