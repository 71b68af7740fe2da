import type { WorkletFile } from './worklet-file.ts';

/** Registers `micwire-meter`. */
export const METER_WORKLET: WorkletFile = {
  name: 'meter',
  url: () => new URL('../../worklets/meter.js', import.meta.url),
  inline: () => import('../../worklets/meter.inline.js'),
};
