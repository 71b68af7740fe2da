import type { WorkletFile } from './worklet-file.ts';

/** Registers `micwire-microphone`. */
export const MICROPHONE_WORKLET: WorkletFile = {
  name: 'microphone',
  url: () => new URL('../../worklets/microphone.js', import.meta.url),
  inline: () => import('../../worklets/microphone.inline.js'),
};
