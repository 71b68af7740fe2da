import type { WorkletFile } from './worklet-file.ts';

/** Registers `micwire-mixer`. */
export const MIXER_WORKLET: WorkletFile = {
  name: 'mixer',
  url: () => new URL('../../worklets/mixer.js', import.meta.url),
  inline: () => import('../../worklets/mixer.inline.js'),
};
