import type { WorkletFile } from './worklet-file.ts';

/** Registers `micwire-playout`. */
export const PLAYOUT_WORKLET: WorkletFile = {
  name: 'playout',
  url: () => new URL('../../worklets/playout.js', import.meta.url),
  inline: () => import('../../worklets/playout.inline.js'),
};
