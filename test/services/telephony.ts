import { asteriskAudiosocket } from '../../src/core/services/asterisk-audiosocket.ts';
import { asteriskWebsocket } from '../../src/core/services/asterisk-websocket.ts';
import type { AsteriskCodec } from '../../src/core/services/asterisk-websocket.ts';
import { exotel } from '../../src/core/services/exotel.ts';
import { freeswitch } from '../../src/core/services/freeswitch.ts';
import { genesysAudiohook } from '../../src/core/services/genesys-audiohook.ts';
import { jambonz } from '../../src/core/services/jambonz.ts';
import { pipecat } from '../../src/core/services/pipecat.ts';
import { plivo } from '../../src/core/services/plivo.ts';
import { sinch } from '../../src/core/services/sinch.ts';
import { telnyx } from '../../src/core/services/telnyx.ts';
import { twilio } from '../../src/core/services/twilio.ts';
import { vonage } from '../../src/core/services/vonage.ts';
import { wyoming } from '../../src/core/services/wyoming.ts';
import { ASTERISK_AUDIOSOCKET } from './fixtures/asterisk-audiosocket.ts';
import { ASTERISK_WEBSOCKET } from './fixtures/asterisk-websocket.ts';
import { EXOTEL } from './fixtures/exotel.ts';
import { FREESWITCH } from './fixtures/freeswitch.ts';
import { GENESYS_AUDIOHOOK } from './fixtures/genesys-audiohook.ts';
import { JAMBONZ } from './fixtures/jambonz.ts';
import { PIPECAT } from './fixtures/pipecat.ts';
import { PLIVO } from './fixtures/plivo.ts';
import { SINCH } from './fixtures/sinch.ts';
import { TELNYX } from './fixtures/telnyx.ts';
import { TWILIO } from './fixtures/twilio.ts';
import { VONAGE } from './fixtures/vonage.ts';
import { WYOMING } from './fixtures/wyoming.ts';
import type { ServiceCase } from './service-case.ts';

/** The app's own server, for gateways and simulators that one connects to. */
const CALL_ADDRESS = { url: 'wss://example.com/call', connects: 'wss://example.com/call?token=T' };

const AUDIOSOCKET_RATES = [8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];
const SINCH_RATES = [8000, 16_000, 24_000, 44_100, 48_000, 96_000] as const;
const JAMBONZ_RATES = [8000, 16_000, 24_000, 48_000, 64_000] as const;
const ASTERISK_CODECS: Readonly<Record<AsteriskCodec, string>> = {
  ulaw: 'mulaw 8000',
  alaw: 'alaw 8000',
  slin: 's16 8000',
  slin12: 's16 12000',
  slin16: 's16 16000',
  slin24: 's16 24000',
  slin32: 's16 32000',
  slin44: 's16 44100',
  slin48: 's16 48000',
  slin96: 's16 96000',
  slin192: 's16 192000',
  opus: 'opus 48000',
};

const pcm = (rates: readonly number[]): readonly string[] => rates.map((rate) => `s16 ${rate}`);

/** Services that carry a telephone call, and those over TCP or in Protocol Buffers. */
export const TELEPHONY_SERVICES: readonly ServiceCase[] = [
  {
    id: 'twilio',
    create: () => twilio(),
    variants: [],
    inputs: ['mulaw 8000'],
    outputs: ['mulaw 8000'],
    address: CALL_ADDRESS,
    fixtures: TWILIO,
  },
  {
    id: 'telnyx',
    create: () => telnyx(),
    variants: [
      () => telnyx({ format: 'alaw' }),
      ...([8000, 16_000, 24_000] as const).map((sampleRate) => () => {
        return telnyx({ format: 'opus', sampleRate });
      }),
    ],
    inputs: ['mulaw 8000', 'alaw 8000', 'opus 8000', 'opus 16000', 'opus 24000'],
    // What comes has the codec of the call: the 'audio' events say which.
    outputs: ['mulaw 8000', 'alaw 8000'],
    address: CALL_ADDRESS,
    fixtures: TELNYX,
  },
  {
    id: 'plivo',
    create: () => plivo(),
    variants: [() => plivo({ format: 's16' }), () => plivo({ format: 's16', sampleRate: 16_000 })],
    inputs: ['mulaw 8000', 's16 8000', 's16 16000'],
    outputs: ['mulaw 8000', 's16 8000', 's16 16000'],
    address: CALL_ADDRESS,
    fixtures: PLIVO,
  },
  {
    id: 'exotel',
    create: () => exotel(),
    variants: [() => exotel({ sampleRate: 16_000 }), () => exotel({ sampleRate: 24_000 })],
    inputs: pcm([8000, 16_000, 24_000]),
    outputs: pcm([8000, 16_000, 24_000]),
    address: CALL_ADDRESS,
    fixtures: EXOTEL,
  },
  {
    id: 'vonage',
    create: () => vonage(),
    variants: [() => vonage({ sampleRate: 8000 }), () => vonage({ sampleRate: 24_000 })],
    inputs: pcm([8000, 16_000, 24_000]),
    outputs: pcm([8000, 16_000, 24_000]),
    address: CALL_ADDRESS,
    fixtures: VONAGE,
  },
  {
    id: 'sinch',
    create: () => sinch(),
    variants: SINCH_RATES.map((sampleRate) => () => sinch({ sampleRate })),
    inputs: pcm(SINCH_RATES),
    outputs: pcm(SINCH_RATES),
    address: CALL_ADDRESS,
    fixtures: SINCH,
  },
  {
    id: 'genesys-audiohook',
    create: () => genesysAudiohook(),
    variants: [
      () => genesysAudiohook({ channels: 'both' }),
      () => genesysAudiohook({ configure: { startPaused: true } }),
    ],
    inputs: ['mulaw 8000'],
    outputs: ['mulaw 8000', 'mulaw 8000 x2'],
    address: CALL_ADDRESS,
    fixtures: GENESYS_AUDIOHOOK,
  },
  {
    id: 'jambonz',
    create: () => jambonz(),
    variants: JAMBONZ_RATES.map((sampleRate) => () => jambonz({ sampleRate })),
    inputs: pcm(JAMBONZ_RATES),
    outputs: pcm(JAMBONZ_RATES),
    address: {
      url: 'wss://example.com/call',
      connects: 'wss://example.com/call?token=T',
      protocols: ['audio.jambonz.org'],
    },
    fixtures: JAMBONZ,
  },
  {
    id: 'freeswitch',
    create: () => freeswitch(),
    variants: [
      () => freeswitch({ sampleRate: 16_000 }),
      () => freeswitch({ mixType: 'stereo' }),
      () => freeswitch({ sampleRate: 16_000, mixType: 'stereo' }),
    ],
    inputs: pcm([8000, 16_000]),
    outputs: ['s16 8000', 's16 16000', 's16 8000 x2', 's16 16000 x2'],
    address: CALL_ADDRESS,
    fixtures: FREESWITCH,
  },
  {
    id: 'asterisk-websocket',
    create: () => asteriskWebsocket(),
    variants: (Object.keys(ASTERISK_CODECS) as AsteriskCodec[]).map((codec) => () => {
      return asteriskWebsocket({ codec });
    }),
    inputs: Object.values(ASTERISK_CODECS),
    outputs: Object.values(ASTERISK_CODECS),
    address: {
      url: 'ws://pbx.example.com:8088/media/c1',
      connects: 'ws://pbx.example.com:8088/media/c1?token=T',
      protocols: ['media'],
    },
    fixtures: ASTERISK_WEBSOCKET,
  },
  {
    id: 'asterisk-audiosocket',
    create: () => asteriskAudiosocket(),
    variants: AUDIOSOCKET_RATES.map((sampleRate) => () => asteriskAudiosocket({ sampleRate })),
    inputs: pcm(AUDIOSOCKET_RATES),
    outputs: pcm(AUDIOSOCKET_RATES),
    address: { url: 'tcp://pbx.example.com:9092', connects: 'tcp://pbx.example.com:9092' },
    fixtures: ASTERISK_AUDIOSOCKET,
  },
  {
    id: 'wyoming',
    create: () => wyoming(),
    variants: [
      () => wyoming({ request: 'detect', configure: { names: ['ok_nabu'] } }),
      () => wyoming({ request: null, sampleRate: 44_100, outputSampleRate: 16_000 }),
    ],
    inputs: ['s16 any'],
    outputs: ['s16 any'],
    address: { url: 'tcp://127.0.0.1:10300', connects: 'tcp://127.0.0.1:10300' },
    fixtures: WYOMING,
  },
  {
    id: 'pipecat',
    create: () => pipecat(),
    variants: [() => pipecat({ sampleRate: 24_000, outputSampleRate: 48_000, rtviVersion: null })],
    inputs: ['s16 any'],
    outputs: ['s16 any'],
    address: { url: 'ws://localhost:8765', connects: 'ws://localhost:8765?token=T' },
    fixtures: PIPECAT,
  },
];
