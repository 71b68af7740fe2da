import { opusCopies } from './opus-copies.ts';
import type { WorkletFile } from './worklet-file.ts';

/** Registers `micwire-capture-opus`. */
export const CAPTURE_OPUS_WORKLET: WorkletFile = {
  name: 'capture-opus',
  url: () => new URL('../../worklets/capture-opus.js', import.meta.url),
  inline: async () => opusCopies().worklet(),
};
