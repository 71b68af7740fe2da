/**
 * Entry `micwire/opus-inline`: lets Opus work in bundles that lack its files. Import it for its side effect.
 */
import { carryOpus } from './opus-copies.ts';

carryOpus({
  library: () => import('../../wasm/libopus.inline.js'),
  worker: () => import('../../worker/opus.inline.js'),
  captureWorklet: () => import('../../worklets/capture-opus.inline.js'),
  receiveWorklet: () => import('../../worklets/receive-opus.inline.js'),
});
