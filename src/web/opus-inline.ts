/**
 * Entry `micwire/opus-inline`: lets Opus work in bundles that leave its files behind. Imported for its effect alone.
 */
import { carryOpus } from './opus-copies.ts';

carryOpus({
  library: () => import('../../wasm/libopus.inline.js'),
  worker: () => import('../../worker/opus.inline.js'),
  worklet: () => import('../../worklets/capture-opus.inline.js'),
});
