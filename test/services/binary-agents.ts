import { deepgramAgent } from '../../src/core/services/deepgram-agent.ts';
import { ultravox } from '../../src/core/services/ultravox.ts';
import { vapi } from '../../src/core/services/vapi.ts';
import { DEEPGRAM_AGENT } from './fixtures/deepgram-agent.ts';
import { ULTRAVOX } from './fixtures/ultravox.ts';
import { VAPI } from './fixtures/vapi.ts';
import type { ServiceCase } from './service-case.ts';

/** Agents whose audio is binary both ways. */
export const BINARY_AGENTS: readonly ServiceCase[] = [
  {
    id: 'deepgram-agent',
    create: () =>
      deepgramAgent({ agent: { think: { provider: { type: 'open_ai', model: 'gpt-4o-mini' } } } }),
    variants: [
      () => deepgramAgent({ format: 'mulaw', outputFormat: 'mulaw' }),
      () => deepgramAgent({ format: 'alaw', outputFormat: 'alaw', tokenType: 'token' }),
      () => deepgramAgent({ format: 'opus', configure: { tags: ['test'] } }),
    ],
    inputs: ['s16 any', 'mulaw any', 'alaw any', 'opus any'],
    outputs: ['s16 any', 'mulaw any', 'alaw any'],
    address: {
      url: 'wss://agent.deepgram.com/v1/agent/converse',
      connects: 'wss://agent.deepgram.com/v1/agent/converse',
      protocols: ['bearer', 'T'],
    },
    fixtures: DEEPGRAM_AGENT,
  },
  {
    id: 'vapi',
    create: () => vapi(),
    variants: [() => vapi({ format: 'mulaw' }), () => vapi({ sampleRate: 24_000 })],
    inputs: ['s16 any', 'mulaw any'],
    outputs: ['s16 any', 'mulaw any'],
    // The address has its own token: see its doc comment.
    address: {
      url: 'wss://api.vapi.ai/7420f27a/transport',
      connects: 'wss://api.vapi.ai/7420f27a/transport',
    },
    fixtures: VAPI,
  },
  {
    id: 'ultravox',
    create: () => ultravox(),
    variants: [() => ultravox({ sampleRate: 16_000, outputSampleRate: 24_000 })],
    inputs: ['s16 any'],
    outputs: ['s16 any'],
    // The address has its own token: see its doc comment.
    address: {
      url: 'wss://voice.ultravox.ai/calls/4a39145c',
      connects: 'wss://voice.ultravox.ai/calls/4a39145c',
    },
    fixtures: ULTRAVOX,
  },
];
