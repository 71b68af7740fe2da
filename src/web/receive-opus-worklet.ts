import type { WorkletFile } from './worklet-file.ts';

/** Registers `micwire-receive-opus`. */
export const RECEIVE_OPUS_WORKLET: WorkletFile = {
  name: 'receive-opus',
  url: () => new URL('../../worklets/receive-opus.js', import.meta.url),
  inline: () => import('../../worklets/receive-opus.inline.js'),
};
