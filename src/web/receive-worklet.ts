import type { WorkletFile } from './worklet-file.ts';

/** Registers `micwire-receive`. */
export const RECEIVE_WORKLET: WorkletFile = {
  name: 'receive',
  url: () => new URL('../../worklets/receive.js', import.meta.url),
  inline: () => import('../../worklets/receive.inline.js'),
};
