import { azureVoiceLive } from '../../src/core/services/azure-voice-live.ts';
import { inworld } from '../../src/core/services/inworld.ts';
import { openaiRealtime } from '../../src/core/services/openai-realtime.ts';
import { openaiTranslation } from '../../src/core/services/openai-translation.ts';
import { speaches } from '../../src/core/services/speaches.ts';
import { vllmRealtime } from '../../src/core/services/vllm-realtime.ts';
import { xaiRealtime } from '../../src/core/services/xai-realtime.ts';
import { AZURE_VOICE_LIVE } from './fixtures/azure-voice-live.ts';
import { INWORLD } from './fixtures/inworld.ts';
import { OPENAI_REALTIME } from './fixtures/openai-realtime.ts';
import { OPENAI_TRANSLATION } from './fixtures/openai-translation.ts';
import { SPEACHES } from './fixtures/speaches.ts';
import { VLLM_REALTIME } from './fixtures/vllm-realtime.ts';
import { XAI_REALTIME } from './fixtures/xai-realtime.ts';
import type { ServiceCase } from './service-case.ts';

const G711 = ['mulaw 8000', 'alaw 8000'];
const XAI_RATES = [8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
const INWORLD_RATES = [8000, 16_000, 24_000, 32_000, 44_100, 48_000];
const pcm = (rates: readonly number[]): string[] => rates.map((rate) => `s16 ${rate}`);

/** Services that speak the language of OpenAI's Realtime API, or nearly. */
export const REALTIME_SERVICES: readonly ServiceCase[] = [
  {
    id: 'openai-realtime',
    create: () => openaiRealtime(),
    variants: [
      () => openaiRealtime({ format: 'mulaw' }),
      () => openaiRealtime({ format: 'alaw', voice: 'marin', instructions: 'Be brief.' }),
      () => openaiRealtime({ configure: { audio: { input: { turn_detection: null } } } }),
    ],
    inputs: ['s16 24000', ...G711],
    outputs: ['s16 24000', ...G711],
    address: {
      url: 'wss://api.openai.com/v1/realtime',
      connects: 'wss://api.openai.com/v1/realtime?model=gpt-realtime',
      protocols: ['realtime', 'openai-insecure-api-key.T'],
    },
    fixtures: OPENAI_REALTIME,
  },
  {
    id: 'openai-translation',
    create: () => openaiTranslation({ language: 'es' }),
    variants: [() => openaiTranslation()],
    inputs: ['s16 24000'],
    outputs: ['s16 24000'],
    address: {
      url: 'wss://api.openai.com/v1/realtime/translations',
      connects: 'wss://api.openai.com/v1/realtime/translations?model=gpt-realtime-translate',
      protocols: ['realtime', 'openai-insecure-api-key.T'],
    },
    fixtures: OPENAI_TRANSLATION,
  },
  {
    id: 'azure-voice-live',
    create: () => azureVoiceLive({ model: 'gpt-realtime', captions: true }),
    variants: [
      () => azureVoiceLive({ format: 'mulaw', voice: 'alloy' }),
      () => azureVoiceLive({ format: 'alaw', voice: { type: 'openai', name: 'alloy' } }),
      () => azureVoiceLive({ sampleRate: 8000 }),
      () => azureVoiceLive({ sampleRate: 16_000, instructions: 'Be brief.' }),
      () => azureVoiceLive({ sampleRate: 8000, echoReference: true }),
      () => azureVoiceLive({ sampleRate: 16_000, echoReference: true }),
      () => azureVoiceLive({ echoReference: true }),
    ],
    inputs: [
      ...pcm([8000, 16_000, 24_000]),
      ...pcm([8000, 16_000, 24_000]).map((name) => `${name} x2`),
      ...G711,
    ],
    outputs: [...pcm([8000, 16_000, 24_000]), ...G711],
    address: {
      url: 'wss://r.services.ai.azure.com/voice-live/realtime?api-version=2026-04-10',
      connects:
        'wss://r.services.ai.azure.com/voice-live/realtime?api-version=2026-04-10&model=gpt-realtime&api-key=T',
    },
    fixtures: AZURE_VOICE_LIVE,
  },
  {
    id: 'xai-realtime',
    create: () => xaiRealtime(),
    variants: [
      ...XAI_RATES.map((sampleRate) => () => xaiRealtime({ sampleRate })),
      () => xaiRealtime({ format: 'mulaw', voice: 'eve' }),
      () => xaiRealtime({ format: 'alaw', instructions: 'Be brief.' }),
    ],
    inputs: [...pcm(XAI_RATES), ...G711],
    outputs: [...pcm(XAI_RATES), ...G711],
    address: {
      url: 'wss://api.x.ai/v1/realtime',
      connects: 'wss://api.x.ai/v1/realtime?model=grok-voice-latest',
      protocols: ['xai-client-secret.T'],
      resumes: 'wss://api.x.ai/v1/realtime?model=grok-voice-latest&conversation_id=conv_1',
    },
    fixtures: XAI_REALTIME,
  },
  {
    id: 'inworld',
    create: () => inworld(),
    variants: [
      ...INWORLD_RATES.map((sampleRate) => () => inworld({ sampleRate })),
      () => inworld({ format: 'mulaw', voice: 'Sarah' }),
      () => inworld({ format: 'alaw', model: 'openai/gpt-4.1-nano' }),
    ],
    inputs: [...pcm(INWORLD_RATES), ...G711],
    outputs: [...pcm(INWORLD_RATES), ...G711],
    address: {
      url: 'wss://api.inworld.ai/api/v1/realtime/session?key=call-1',
      connects: 'wss://api.inworld.ai/api/v1/realtime/session?key=call-1&protocol=realtime&token=T',
    },
    fixtures: INWORLD,
  },
  {
    id: 'speaches',
    create: () => speaches({ model: 'gpt-4o-mini' }),
    variants: [
      () => speaches({ voice: 'af_heart', instructions: 'Be brief.' }),
      () => speaches({ task: 'transcription', language: 'en', transcriptionModel: 'm' }),
    ],
    inputs: ['s16 24000'],
    outputs: ['s16 24000'],
    address: {
      url: 'ws://localhost:8000/v1/realtime',
      connects: 'ws://localhost:8000/v1/realtime?model=gpt-4o-mini&intent=conversation&api_key=T',
    },
    fixtures: SPEACHES,
  },
  {
    id: 'vllm-realtime',
    create: () => vllmRealtime(),
    variants: [],
    inputs: ['s16 16000'],
    outputs: [],
    address: {
      url: 'ws://localhost:8000/v1/realtime',
      connects: 'ws://localhost:8000/v1/realtime?token=T',
    },
    fixtures: VLLM_REALTIME,
  },
];
