import { micwire } from '../../src/core/services/micwire.ts';
import { MICWIRE } from './fixtures/micwire.ts';
import type { ServiceCase } from './service-case.ts';

const OPUS = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;

/** micwire's own protocol. */
export const MICWIRE_SERVICE: readonly ServiceCase[] = [
  {
    id: 'micwire',
    create: () => micwire(),
    // Every format that micwire has will do; the suite's audio fits to these.
    variants: [
      () => micwire({ input: OPUS, output: OPUS }),
      () => micwire({ output: null, chunkDurationMs: 100 }),
    ],
    inputs: ['s16 any', 'opus any'],
    outputs: ['s16 any', 'opus any'],
    address: {
      url: 'wss://example.org/voice?room=1',
      connects: 'wss://example.org/voice?room=1',
      protocols: ['micwire.1', 'micwire.token.VA'],
    },
    fixtures: MICWIRE,
  },
];
