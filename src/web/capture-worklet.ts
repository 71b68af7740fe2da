import type { WorkletFile } from './worklet-file.ts';

/** Registers `micwire-capture`. */
export const CAPTURE_WORKLET: WorkletFile = {
  name: 'capture',
  url: () => new URL('../../worklets/capture.js', import.meta.url),
  inline: () => import('../../worklets/capture.inline.js'),
};
