import { openaiRealtime } from '../../src/core/services/openai-realtime.ts';
import { OPENAI_REALTIME } from './fixtures/openai-realtime.ts';
import type { ServiceCase } from './service-case.ts';

/** Services that speak the language of OpenAI's Realtime API. */
export const REALTIME_SERVICES: readonly ServiceCase[] = [
  {
    id: 'openai-realtime',
    create: () => openaiRealtime(),
    variants: [
      () => openaiRealtime({ format: 'mulaw' }),
      () => openaiRealtime({ format: 'alaw', voice: 'marin', instructions: 'Be brief.' }),
      () => openaiRealtime({ configure: { audio: { input: { turn_detection: null } } } }),
    ],
    inputs: ['s16 24000', 'mulaw 8000', 'alaw 8000'],
    outputs: ['s16 24000', 'mulaw 8000', 'alaw 8000'],
    address: {
      url: 'wss://api.openai.com/v1/realtime',
      connects: 'wss://api.openai.com/v1/realtime?model=gpt-realtime',
      protocols: ['realtime', 'openai-insecure-api-key.T'],
    },
    fixtures: OPENAI_REALTIME,
  },
];
