import { assemblyai } from '../../src/core/services/assemblyai.ts';
import { cartesiaStt } from '../../src/core/services/cartesia-stt.ts';
import { deepgramFlux } from '../../src/core/services/deepgram-flux.ts';
import { deepgramListen } from '../../src/core/services/deepgram-listen.ts';
import { gladia } from '../../src/core/services/gladia.ts';
import { soniox } from '../../src/core/services/soniox.ts';
import { speechmatics } from '../../src/core/services/speechmatics.ts';
import { vosk } from '../../src/core/services/vosk.ts';
import { whisperlive } from '../../src/core/services/whisperlive.ts';
import { ASSEMBLYAI } from './fixtures/assemblyai.ts';
import { CARTESIA_STT } from './fixtures/cartesia-stt.ts';
import { DEEPGRAM_FLUX } from './fixtures/deepgram-flux.ts';
import { DEEPGRAM_LISTEN } from './fixtures/deepgram-listen.ts';
import { GLADIA } from './fixtures/gladia.ts';
import { SONIOX } from './fixtures/soniox.ts';
import { SPEECHMATICS } from './fixtures/speechmatics.ts';
import { VOSK } from './fixtures/vosk.ts';
import { WHISPERLIVE } from './fixtures/whisperlive.ts';
import type { ServiceCase } from './service-case.ts';

/** Services that write down what is said: binary messages up, JSON down. */
export const RECOGNIZERS: readonly ServiceCase[] = [
  {
    id: 'deepgram-listen',
    create: () => deepgramListen(),
    variants: [
      () => deepgramListen({ format: 'mulaw' }),
      () => deepgramListen({ format: 'alaw', language: 'de', tokenType: 'token' }),
      () => deepgramListen({ format: 'opus', configure: { keyterm: ['micwire', 'Opus'] } }),
    ],
    inputs: ['s16 any', 'mulaw any', 'alaw any', 'opus any'],
    outputs: [],
    address: {
      url: 'wss://api.deepgram.com/v1/listen',
      connects:
        'wss://api.deepgram.com/v1/listen?model=nova-3&encoding=linear16&sample_rate=16000&channels=1&interim_results=true',
      protocols: ['bearer', 'T'],
    },
    fixtures: DEEPGRAM_LISTEN,
  },
  {
    id: 'deepgram-flux',
    create: () => deepgramFlux(),
    variants: [
      () => deepgramFlux({ format: 'mulaw' }),
      () => deepgramFlux({ format: 'alaw', tokenType: 'token' }),
      () => deepgramFlux({ format: 'opus', configure: { eot_threshold: 0.8 } }),
    ],
    inputs: ['s16 any', 'mulaw any', 'alaw any', 'opus any'],
    outputs: [],
    address: {
      url: 'wss://api.deepgram.com/v2/listen',
      connects:
        'wss://api.deepgram.com/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000',
      protocols: ['bearer', 'T'],
    },
    fixtures: DEEPGRAM_FLUX,
  },
  {
    id: 'assemblyai',
    create: () => assemblyai({ formatTurns: true }),
    variants: [
      () => assemblyai({ format: 'mulaw' }),
      () => assemblyai({ configure: { session_heartbeat: true }, sampleRate: 48_000 }),
    ],
    inputs: ['s16 any', 'mulaw any'],
    outputs: [],
    address: {
      url: 'wss://streaming.assemblyai.com/v3/ws',
      connects:
        'wss://streaming.assemblyai.com/v3/ws?speech_model=universal-streaming-english&sample_rate=16000&encoding=pcm_s16le&format_turns=true&token=T',
    },
    fixtures: ASSEMBLYAI,
  },
  {
    id: 'cartesia-stt',
    create: () => cartesiaStt({ turns: 'manual', language: 'en' }),
    variants: [
      () => cartesiaStt(),
      () => cartesiaStt({ format: 's32' }),
      () => cartesiaStt({ format: 'f32' }),
      () => cartesiaStt({ format: 'mulaw' }),
      () => cartesiaStt({ format: 'alaw', configure: { keyterm: ['mic wire'] } }),
    ],
    inputs: ['s16 any', 's32 any', 'f32 any', 'mulaw any', 'alaw any'],
    outputs: [],
    address: {
      url: 'wss://api.cartesia.ai/stt/websocket',
      connects:
        'wss://api.cartesia.ai/stt/websocket?model=ink-2&language=en&encoding=pcm_s16le&sample_rate=16000&cartesia_version=2026-03-01&access_token=T',
    },
    fixtures: CARTESIA_STT,
  },
  {
    id: 'gladia',
    create: () => gladia(),
    variants: [
      () => gladia({ format: 's24', sampleRate: 48_000 }),
      () => gladia({ format: 's32' }),
      () => gladia({ format: 'mulaw' }),
      () => gladia({ format: 'alaw' }),
    ],
    inputs: ['s16 any', 's24 any', 's32 any', 'mulaw any', 'alaw any'],
    outputs: [],
    // The address has its own token: see its doc comment.
    address: {
      url: 'wss://api.gladia.io/v2/live?token=4a39145c',
      connects: 'wss://api.gladia.io/v2/live?token=4a39145c',
    },
    fixtures: GLADIA,
  },
  {
    id: 'speechmatics',
    create: () => speechmatics(),
    variants: [
      () => speechmatics({ format: 'f32', language: 'de' }),
      () => speechmatics({ format: 'mulaw' }),
      () => speechmatics({ configure: { transcription_config: { max_delay: 1 } } }),
    ],
    inputs: ['s16 any', 'f32 any', 'mulaw any'],
    outputs: [],
    address: {
      url: 'wss://eu2.rt.speechmatics.com/v2',
      connects: 'wss://eu2.rt.speechmatics.com/v2?jwt=T',
    },
    fixtures: SPEECHMATICS,
  },
  {
    id: 'soniox',
    create: () => soniox({ configure: { enable_endpoint_detection: true } }),
    variants: [() => soniox({ model: 'stt-rt-preview', sampleRate: 8000 })],
    inputs: ['s16 any'],
    outputs: [],
    address: {
      url: 'wss://stt-rt.soniox.com/transcribe-websocket',
      connects: 'wss://stt-rt.soniox.com/transcribe-websocket',
      protocols: ['soniox-api-key', 'T'],
    },
    fixtures: SONIOX,
  },
  {
    id: 'whisperlive',
    create: () => whisperlive({ language: 'en' }),
    variants: [
      () => whisperlive(),
      () => whisperlive({ format: 's16', model: 'large-v3' }),
      () => whisperlive({ format: 'u8', configure: { use_vad: false } }),
    ],
    inputs: ['f32 16000', 's16 16000', 'u8 16000'],
    outputs: [],
    address: { url: 'ws://127.0.0.1:9090', connects: 'ws://127.0.0.1:9090?token=T' },
    fixtures: WHISPERLIVE,
  },
  {
    id: 'vosk',
    create: () => vosk(),
    variants: [() => vosk({ sampleRate: 8000, configure: { words: true } })],
    inputs: ['s16 any'],
    outputs: [],
    address: { url: 'ws://127.0.0.1:2700', connects: 'ws://127.0.0.1:2700?token=T' },
    fixtures: VOSK,
  },
];
