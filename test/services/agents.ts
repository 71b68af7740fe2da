import { cartesiaAgents } from '../../src/core/services/cartesia-agents.ts';
import { elevenlabsAgents } from '../../src/core/services/elevenlabs-agents.ts';
import { elevenlabsScribe } from '../../src/core/services/elevenlabs-scribe.ts';
import { geminiLive } from '../../src/core/services/gemini-live.ts';
import { humeEvi } from '../../src/core/services/hume-evi.ts';
import { CARTESIA_AGENTS } from './fixtures/cartesia-agents.ts';
import { ELEVENLABS_AGENTS } from './fixtures/elevenlabs-agents.ts';
import { ELEVENLABS_SCRIBE } from './fixtures/elevenlabs-scribe.ts';
import { GEMINI_LIVE } from './fixtures/gemini-live.ts';
import { HUME_EVI } from './fixtures/hume-evi.ts';
import type { ServiceCase } from './service-case.ts';

const ELEVENLABS_RATES = [8000, 16_000, 22_050, 24_000, 44_100, 48_000];
const ELEVENLABS = [...ELEVENLABS_RATES.map((rate) => `s16 ${rate}`), 'mulaw 8000'];

/** Services that carry their audio as Base64 in JSON. */
export const AGENT_SERVICES: readonly ServiceCase[] = [
  {
    id: 'gemini-live',
    create: () => geminiLive(),
    variants: [
      () => geminiLive({ sampleRate: 48_000, voice: 'Kore', instructions: 'Be brief.' }),
      () => geminiLive({ manualTurns: true, transcripts: false }),
      () => geminiLive({ transparent: true }),
    ],
    inputs: ['s16 any'],
    outputs: ['s16 24000'],
    address: {
      url: 'wss://generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent',
      connects:
        'wss://generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=T',
    },
    fixtures: GEMINI_LIVE,
  },
  {
    id: 'hume-evi',
    create: () => humeEvi({ configId: 'c1' }),
    variants: [() => humeEvi({ sampleRate: 16_000, configure: { system_prompt: 'Be brief.' } })],
    inputs: ['s16 any'],
    outputs: ['s16 48000'],
    address: {
      url: 'wss://api.hume.ai/v0/evi/chat',
      connects: 'wss://api.hume.ai/v0/evi/chat?config_id=c1&access_token=T',
      resumes:
        'wss://api.hume.ai/v0/evi/chat?config_id=c1&resumed_chat_group_id=group-1&access_token=T',
    },
    fixtures: HUME_EVI,
  },
  {
    id: 'elevenlabs-agents',
    create: () => elevenlabsAgents({ agentId: 'a1' }),
    variants: [
      ...ELEVENLABS_RATES.map((sampleRate) => () => {
        return elevenlabsAgents({ sampleRate, outputSampleRate: sampleRate });
      }),
      () => elevenlabsAgents({ format: 'mulaw', configure: { user_id: 'u' } }),
    ],
    inputs: ELEVENLABS,
    outputs: ELEVENLABS,
    address: {
      url: 'wss://api.elevenlabs.io/v1/convai/conversation',
      connects: 'wss://api.elevenlabs.io/v1/convai/conversation?agent_id=a1',
      protocols: ['convai', 'bearer.T'],
    },
    fixtures: ELEVENLABS_AGENTS,
  },
  {
    id: 'elevenlabs-scribe',
    create: () => elevenlabsScribe(),
    variants: [
      ...ELEVENLABS_RATES.map((sampleRate) => () => elevenlabsScribe({ sampleRate })),
      () => elevenlabsScribe({ format: 'mulaw', commit: 'manual', language: 'en' }),
    ],
    inputs: ELEVENLABS,
    outputs: [],
    address: {
      url: 'wss://api.elevenlabs.io/v1/speech-to-text/realtime',
      connects:
        'wss://api.elevenlabs.io/v1/speech-to-text/realtime?model_id=scribe_v2_realtime&audio_format=pcm_16000&commit_strategy=vad&include_timestamps=true&token=T',
    },
    fixtures: ELEVENLABS_SCRIBE,
  },
  {
    id: 'cartesia-agents',
    create: () => cartesiaAgents(),
    variants: [
      () => cartesiaAgents({ sampleRate: 16_000 }),
      () => cartesiaAgents({ sampleRate: 44_100, configure: { metadata: { to: 'x' } } }),
      () => cartesiaAgents({ format: 'mulaw' }),
    ],
    inputs: ['s16 16000', 's16 24000', 's16 44100', 'mulaw 8000'],
    outputs: ['s16 16000', 's16 24000', 's16 44100', 'mulaw 8000'],
    address: {
      url: 'wss://api.cartesia.ai/agents/stream/a1',
      connects: 'wss://api.cartesia.ai/agents/stream/a1?cartesia_version=2025-04-16&access_token=T',
    },
    fixtures: CARTESIA_AGENTS,
  },
];
