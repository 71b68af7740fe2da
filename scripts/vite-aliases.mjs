import { join } from 'node:path';
import { ROOT } from './run.mjs';

/** @param {string} file */
const at = (file) => join(ROOT, 'src', file);

/** The names of the package's entry points, and where their sources are. */
export const aliases = [
  { find: /^micwire$/, replacement: at('web/index.ts') },
  { find: /^micwire\/(elements|node|testing|worker)$/, replacement: at('$1/index.ts') },
  { find: 'micwire/testing/fakes', replacement: at('testing/fakes/index.ts') },
  { find: /^micwire\/services\/([\w-]+)$/, replacement: at('core/services/$1.ts') },
  { find: /^micwire\/elements\/([\w-]+)$/, replacement: at('elements/$1.ts') },
  { find: 'micwire/session-server', replacement: at('core/session/server/index.ts') },
  { find: 'micwire/sip-ladder', replacement: at('core/sip/index.ts') },
  { find: /^micwire\/sip$/, replacement: at('web/sip/index.ts') },
  { find: 'micwire/sdp', replacement: at('core/webrtc/index.ts') },
  { find: /^micwire\/(nat|stun)$/, replacement: at('core/webrtc/$1/index.ts') },
  {
    find: /^micwire\/(codec|metering|receive|resampler|rtp)$/,
    replacement: at('core/$1/index.ts'),
  },
];
