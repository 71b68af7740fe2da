/** Wrong arguments of every public function and constructor: the message names what is wrong. */
import { describe, expect, it } from 'vitest';
import * as codec from '../src/core/codec/index.ts';
import * as metering from '../src/core/metering/index.ts';
import * as receive from '../src/core/receive/index.ts';
import * as resampler from '../src/core/resampler/index.ts';
import * as rtp from '../src/core/rtp/index.ts';
import * as sdp from '../src/core/webrtc/index.ts';
import * as sip from '../src/web/sip/index.ts';
import * as nat from '../src/core/webrtc/nat/index.ts';
import * as stun from '../src/core/webrtc/stun/index.ts';
import * as testing from '../src/testing/index.ts';
import * as page from '../src/web/index.ts';
import * as worker from '../src/worker/index.ts';
import { FRAMINGS } from '../src/core/framing/framings.ts';
import { binaryFraming } from '../src/core/framing/binary.ts';
import { ReceiveFeed } from '../src/core/receive/receive-feed.ts';
import { checkOpusAdjustment } from '../src/core/codec/opus-options.ts';
import { checkCallOpusOptions } from '../src/core/webrtc/opus-sdp.ts';
import * as node from '../src/node/index.ts';
import * as fakes from '../src/testing/fakes/index.ts';
import { FakeContext } from './helpers/node-page.ts';

type Anything = never;
const core = {
  ...codec,
  ...metering,
  ...nat,
  ...receive,
  ...resampler,
  ...rtp,
  ...sdp,
  ...sip,
  ...stun,
};
const context = new FakeContext(48_000) as Anything;
const stage = { sampleRate: 48_000, channels: 1 };
const buffer = new core.JitterBuffer({ sampleRate: 48_000 });
const target = new core.DelayTarget({ sampleRate: 48_000 });
const library = {} as Anything;

/** What takes options: options that are right but for what the test adds. */
const TAKES_OPTIONS: Readonly<
  Record<string, [take: (options: Anything) => unknown, right: object, option: string]>
> = {
  ChannelMixer: [(o) => new core.ChannelMixer(o), { outputChannels: 1 }, 'outputChannels'],
  ActivityDetector: [(o) => new core.ActivityDetector(o), stage, 'onset'],
  LoudnessMeter: [(o) => new core.LoudnessMeter(o), stage, 'weights'],
  MeterBank: [(o) => new core.MeterBank(o), { ...stage, meters: ['peak'] }, 'settings'],
  PeakMeter: [(o) => new core.PeakMeter(o), stage, 'holdDurationMs'],
  PpmMeter: [(o) => new core.PpmMeter(o), stage, 'alignmentDbfs'],
  RmsMeter: [(o) => new core.RmsMeter(o), stage, 'windowMs'],
  TruePeakMeter: [(o) => new core.TruePeakMeter(o), stage, 'intervalMs'],
  VuMeter: [(o) => new core.VuMeter(o), stage, 'referenceDbfs'],
  WaveHistory: [
    (o) => new core.WaveHistory(o),
    { seconds: 1, columnsPerSecond: 100, sampleRate: 48_000 },
    'columnsPerSecond',
  ],
  EnergySpeechEstimator: [
    (o) => new core.EnergySpeechEstimator(o),
    { sampleRate: 48_000 },
    'marginDb',
  ],
  planResampler: [
    (o) => core.planResampler(o),
    { inputRate: 8000, outputRate: 8000 },
    'outputRate',
  ],
  planVariableResampler: [
    (o) => core.planVariableResampler(o),
    { inputRate: 8000, outputRate: 8000 },
    'quality',
  ],
  Resampler: [(o) => new core.Resampler(o), { inputRate: 8000, outputRate: 8000 }, 'channels'],
  resample: [(o) => core.resample([new Float32Array(8)], 8000, 16_000, o), {}, 'quality'],
  StreamConverter: [
    (o) => new core.StreamConverter(o),
    {
      input: { ...stage, format: 's16' },
      output: { ...stage, format: 's16' },
    },
    'chunkFrames',
  ],
  LossReporter: [
    (o) => new core.LossReporter({ sampleRate: 48_000, channels: 1, format: 'opus' }, o),
    {},
    'intervalMs',
  ],
  explainStun: [(o) => core.explainStun(new Uint8Array(4), o), {}, 'key'],
  longTermKey: [(o) => core.longTermKey(o), { username: '', realm: '', password: '' }, 'username'],
  Nat: [
    (o) => new core.Nat(o),
    { address: '198.51.100.1', ...nat.NAT_KINDS.symmetric },
    'maxMappings',
  ],
  NatDiscovery: [
    (o) => new core.NatDiscovery(o),
    { server: { address: '203.0.113.1', port: 3478 }, transaction: () => new Uint8Array(12) },
    'server',
  ],
  discoverNat: [
    (o) => node.discoverNat(o),
    { host: '127.0.0.1', retransmitMs: 10, tries: 1 },
    'address',
  ],
  PcapngWriter: [(o) => new core.PcapngWriter(o), {}, 'remote'],
  RedundancyController: [
    (o) => new core.RedundancyController(o),
    { bitrate: 24_000 },
    'packetDurationMs',
  ],
  AdaptiveRedundancy: [
    (o) => new core.AdaptiveRedundancy({} as Anything, o),
    { bitrate: 24_000 },
    'residualLoss',
  ],
  'SipPhone.open': [
    (o) => sip.SipPhone.open(o),
    { url: 'ws://localhost', uri: 'sip:a@b' },
    'password',
  ],
  SipLadder: [(o) => new core.SipLadder(o), {}, 'maxMessages'],
  sipLadderSvg: [(o) => core.sipLadderSvg([], o), {}, 'title'],
  OggOpusWriter: [(o) => new core.OggOpusWriter(o), { channels: 1, preSkip: 312 }, 'preSkip'],
  WebmOpusWriter: [(o) => new core.WebmOpusWriter(o), { channels: 1, preSkip: 0 }, 'preSkip'],
  openPlayoutPort: [
    (o) => worker.openPlayoutPort({ data: { type: 'micwire-playout', format: 's16' } }, o),
    {},
    'onmark',
  ],
  openReceiverPort: [
    (o) => worker.openReceiverPort({ data: { type: 'micwire-receiver', format: 's16' } }, o),
    {},
    'framing',
  ],
  WavWriter: [
    (o) => new core.WavWriter(o),
    { sampleRate: 8000, channels: 1, format: 's16' },
    'sampleRate',
  ],
  OpusDecoder: [(o) => new core.OpusDecoder(library, o), stage, 'preSkip'],
  JitterBuffer: [(o) => new core.JitterBuffer(o), { sampleRate: 48_000 }, 'capacityPackets'],
  DelayTarget: [(o) => new core.DelayTarget(o), { sampleRate: 48_000 }, 'minDelayMs'],
  ReceiveDecision: [(o) => new core.ReceiveDecision(o), { buffer, target }, 'maxAcceleration'],
  TimeScaler: [(o) => new core.TimeScaler(o), { sampleRate: 48_000, channels: 1 }, 'limit'],
  createWorkletScope: [(o) => testing.createWorkletScope(o), {}, 'quantum'],
  createGraph: [(o) => testing.createGraph(o), {}, 'outputChannels'],
  measureAllocation: [(o) => testing.measureAllocation('x', o), {}, 'inputChannels'],
  expectNoAllocation: [(o) => testing.expectNoAllocation('x', o), {}, 'inputChannels'],
  measureQuanta: [(o) => testing.measureQuanta('x', o), {}, 'runs'],
  renderOffline: [(o) => testing.renderOffline('x', o), {}, 'numberOfInputs'],
  Recorder: [
    (o) => page.Recorder.create(context, {} as Anything, o),
    { container: 'wav' },
    'backup',
  ],
  MediaChunks: [
    (o) => page.MediaChunks.create({ getAudioTracks: () => [] } as Anything, o),
    {},
    'chunkDurationMs',
  ],
  loadOpusModule: [(o) => page.loadOpusModule(o), {}, 'url'],
  LoopbackTransport: [(o) => page.LoopbackTransport.create(o), {}, 'highWaterBytes'],
  DataChannelTransport: [
    (o) => page.DataChannelTransport.create({ send() {} } as Anything, o),
    {},
    'lowWaterBytes',
  ],
  WebSocketTransport: [
    (o) => page.WebSocketTransport.create('ws://localhost', o),
    {},
    'connectTimeoutMs',
  ],
  WebTransportTransport: [
    (o) => page.WebTransportTransport.create('https://localhost', o),
    {},
    'stallTimeoutMs',
  ],
  WebSocketSignalling: [
    (o) => page.WebSocketSignalling.create('ws://localhost', o),
    { room: 'a' },
    'room',
  ],
  Call: [(o) => page.Call.create({ send() {} } as Anything, o), {}, 'iceServers'],
  Whip: [(o) => page.Whip.create('http://localhost', {} as Anything, o), {}, 'trickle'],
  Whep: [(o) => page.Whep.create('http://localhost', o), {}, 'stereo'],
  'Capture.create': [(o) => page.Capture.create(context, {} as Anything, o), {}, 'sampleRate'],
  'Capture.create of Opus': [
    (o) => page.Capture.create(context, {} as Anything, o),
    { format: 'opus' },
    'bitrate',
  ],
  'Meter.create': [(o) => page.Meter.create(context, o), {}, 'execution'],
  'Playout.create': [(o) => page.Playout.create(context, o), { sampleRate: 8000 }, 'targetDelayMs'],
  'Receiver.create': [(o) => page.Receiver.create(context, o), { sampleRate: 8000 }, 'minDelayMs'],
  createNode: [
    (o) => {
      const scope = testing.createWorkletScope();
      try {
        return scope.createNode(class extends scope.AudioWorkletProcessor {}, o);
      } finally {
        scope.close();
      }
    },
    {},
    'numberOfInputs',
  ],
};

/** What a call throws or rejects with, at once or later. */
async function failure(call: () => unknown): Promise<Error | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** A letter is missing. */
const misspelt = (name: string): string => name.slice(0, 3) + name.slice(4);

describe.each(Object.entries(TAKES_OPTIONS))('%s', (name, [take, right, option]) => {
  it('names an unknown option, and the intended one', async () => {
    const wrong = option.length > 4 ? misspelt(option) : `${option}x`;
    const error = await failure(() => take({ ...right, [wrong]: 1 } as Anything));
    expect(error).toBeInstanceOf(TypeError);
    expect(error!.message).toContain(`has no option '${wrong}'. Did you mean '${option}'?`);
  });

  it('lists its options for an unknown one that resembles none', async () => {
    const error = await failure(() => take({ ...right, colourOfTheSky: 'blue' } as Anything));
    expect(error).toBeInstanceOf(TypeError);
    expect(error!.message).toMatch(/has no option 'colourOfTheSky'\. It has: .*, |It has: \w+\.$/);
    expect(error!.message).toContain(option);
  });

  it.each([null, 5, 'x'])('says that options must be an object, given %o', async (options) => {
    // A node of a browser takes null for no options.
    if (name === 'createNode' && options === null) return;
    const error = await failure(() => take(options as Anything));
    expect(error).toBeInstanceOf(TypeError);
    expect(error!.message).toMatch(/options must be an object, got (null|5|'x')\.|options must be/);
  });
});

describe('the context', () => {
  const track = { kind: 'audio', readyState: 'live' } as Anything;
  it.each<[string, (first: Anything) => unknown]>([
    ['Capture.create', (first) => page.Capture.create(first, context)],
    ['Meter.create', (first) => page.Meter.create(first)],
    ['Microphone.open', (first) => page.Microphone.open(first)],
    ['Speaker.open', (first) => page.Speaker.open(first)],
    ['Playout.create', (first) => page.Playout.create(first, context)],
    ['Receiver.create', (first) => page.Receiver.create(first, context)],
    ['Recorder.create', (first) => page.Recorder.create(first, context, { container: 'wav' })],
  ])('comes first in %s: a track, options, null or nothing is named', async (owner, call) => {
    for (const [first, told] of [
      [track, 'an object'],
      [{ sampleRate: 48_000 }, 'an object'],
      [null, 'null'],
      [undefined, 'undefined'],
    ] as const) {
      const error = await failure(() => call(first as Anything));
      expect(error).toBeInstanceOf(TypeError);
      expect(error!.message).toBe(
        `${owner}: the first argument must be an AudioContext or OfflineAudioContext, got ${told}.`,
      );
    }
  });
});

/** Messages of engines, which do not say which argument is meant. */
const ENGINE =
  /Cannot (read|set|convert|destructure)|is not (a function|iterable|defined)|undefined \(reading|null \(/;
type Callable = (...given: Anything[]) => unknown;
const isClass = (callable: Callable): boolean => callable.toString().startsWith('class');
/** Made by `create` or `open`, as apps make it; other classes by their constructors. */
function make(callable: Callable, given: Anything[]): unknown {
  if ('open' in callable) return (callable as { open: Callable }).open(...given);
  if ('create' in callable) return (callable as { create: Callable }).create(...given);
  return isClass(callable) ? Reflect.construct(callable, given) : callable(...given);
}
/** Every class and every function. */
const { discoverNat } = node;
const entries = Object.entries<unknown>({ ...core, ...page, ...worker, ...testing, discoverNat })
  .filter(([, value]) => typeof value === 'function')
  .map(([name, value]): [string, Callable] => [name, value as Callable]);

describe('null, undefined, a number, a word or an empty object in place of each argument', () => {
  it.each(entries)('of %s never end in a message of the engine', async (_, callable) => {
    for (const wrong of [null, undefined, 5, 'x', {}]) {
      const given = Array.from({ length: 4 }, () => wrong) as Anything[];
      const error = await failure(() => make(callable, given));
      if (error !== undefined) expect(`${error.name}: ${error.message}`).not.toMatch(ENGINE);
    }
  });

  it('are tried on every entry with options', () => {
    expect(entries.length).toBeGreaterThan(100);
    // An interface of options that is exported and has no row would be missing here.
    for (const name of Object.keys(TAKES_OPTIONS)) {
      if (/[. ]/.test(name) || name === 'createNode' || name === 'Recorder') continue;
      expect(entries.map(([entry]) => entry)).toContain(name);
    }
  });
});

const PCM = { format: 's16', sampleRate: 8000, channels: 1 } as const;
const packet = {
  ...PCM,
  sequence: 1,
  frame: 2,
  frames: 2,
  timestamp: 250,
  dropped: 0,
  payload: new Uint8Array(4),
};
const pattern = { reporter: 1, ssrc: 2, begin: 3, came: new Uint8Array(4) };
const bytes = new Uint8Array(100);

/** Names that are misspelt, of options that are not a constructor's only argument. */
const MISSPELT: Readonly<Record<string, [call: () => unknown, wrong: string, meant: string]>> = {
  'adjust of Opus': [() => checkOpusAdjustment({ bitrat: 1 } as Anything, 1), 'bitrat', 'bitrate'],
  opusSettings: [() => core.opusSettings(stage, { bitrat: 5 } as Anything), 'bitrat', 'bitrate'],
  'LossReporter, stream': [
    () => new core.LossReporter({ ...PCM, sampelRate: 5 } as Anything),
    'sampelRate',
    'sampleRate',
  ],
  'heartbeat of WebSocketTransport': [
    () =>
      page.WebSocketTransport.create('ws://localhost', {
        heartbeat: { intervalMz: 5, message: 'x' } as Anything,
      }),
    'intervalMz',
    'intervalMs',
  ],
  'settings of MeterBank': [
    () => new core.MeterBank({ ...stage, meters: ['peak'], settings: { peek: {} } as Anything }),
    'peek',
    'peak',
  ],
  'settings of a meter of MeterBank': [
    () =>
      new core.MeterBank({
        ...stage,
        meters: ['peak'],
        settings: { rms: { windwMs: 300 } } as Anything,
      }),
    'windwMs',
    'windowMs',
  ],
  'settings of Meter.create': [
    () => page.Meter.create(context, { settings: { loudnes: {} } as Anything }),
    'loudnes',
    'loudness',
  ],
  'settings of a meter of Meter.create': [
    () => page.Meter.create(context, { settings: { peak: { clipLevl: 1 } } as Anything }),
    'clipLevl',
    'clipLevel',
  ],
  'heartbeat of WebTransportTransport': [
    () =>
      page.WebTransportTransport.create('https://localhost', {
        heartbeat: { intervalMz: 5, message: 'x' } as Anything,
      }),
    'intervalMz',
    'intervalMs',
  ],
  'opus of Call.create and Whip.create': [
    () => checkCallOpusOptions({ sterio: true } as Anything),
    'sterio',
    'stereo',
  ],
  ...Object.fromEntries(
    Object.values(FRAMINGS).flatMap((framing) => [
      [
        `encoder of ${framing.name}`,
        [
          () => framing.createEncoder({ ...PCM, sampelRate: 5 } as Anything),
          'sampelRate',
          'sampleRate',
        ] as const,
      ],
      [
        `decoder of ${framing.name}`,
        [
          () => framing.createDecoder({ ...PCM, chanels: 5 } as Anything),
          'chanels',
          'channels',
        ] as const,
      ],
    ]),
  ),
  'payload type of rtp': [
    () => FRAMINGS.rtp.createEncoder({ ...PCM, payloadTpye: 5 } as Anything),
    'payloadTpye',
    'payloadType',
  ],
} as never;

describe.each(Object.entries(MISSPELT))('a misspelt name in %s', (_, [call, wrong, meant]) => {
  it('is refused, and the intended name is suggested', async () => {
    const error = await failure(call);
    expect(error).toBeInstanceOf(TypeError);
    expect(error!.message).toContain(`has no option '${wrong}'. Did you mean '${meant}'?`);
  });
});

/** Options that are true or false, each with a value that an app may take for one. */
const SWITCHES: readonly [name: string, take: (wrong: Anything) => unknown][] = [
  ['dtx', (dtx) => core.opusSettings(stage, { dtx })],
  ['fec', (fec) => core.opusSettings(stage, { fec })],
  ['opus.dtx', (dtx) => checkCallOpusOptions({ dtx })],
  ['opus.stereo', (stereo) => checkCallOpusOptions({ stereo })],
  ['plain', (plain) => new node.StreamServer({ stream() {} } as Anything, { plain })],
  ['redundancy', (redundancy) => page.Call.create({ send() {} } as Anything, { redundancy })],
  ['strict', (strict) => core.planResampler({ inputRate: 8000, outputRate: 16_000, strict })],
  ['sync', (sync) => node.StreamRecorder.open('a.wav', { stream: PCM, sync } as Anything)],
];

it.each(SWITCHES)('%s has to be true or false', async (name, take) => {
  for (const wrong of ['no', 0, {}] as Anything[]) {
    const error = await failure(() => take(wrong));
    expect(error).toBeInstanceOf(TypeError);
    expect(error!.message).toMatch(new RegExp(`^${name} must be true or false, got `));
  }
});

it('a framing accepts a packet in place of a stream', () => {
  for (const framing of Object.values(FRAMINGS)) {
    expect(
      framing.createDecoder(packet).decode(framing.createEncoder(packet).encode(packet)),
    ).toHaveLength(1);
  }
});

const WRONG = [null, undefined, 5, 'x', {}, [], [null]] as const;
/** An argument of a method or function that must be an object of some kind; the others are right. */
const TAKES_OBJECT: Readonly<Record<string, (wrong: Anything) => unknown>> = {
  'Receiver.insert': (wrong) =>
    new ReceiveFeed({ ...PCM, maxPayloadBytes: 8, maxPacketFrames: 4, send: () => {} }).insert(
      wrong,
    ),
  'Receiver.insert, payload': (wrong) =>
    new ReceiveFeed({ ...PCM, maxPayloadBytes: 8, maxPacketFrames: 4, send: () => {} }).insert({
      ...packet,
      payload: wrong,
    }),
  'Receiver.receive': (wrong) =>
    new ReceiveFeed({
      ...PCM,
      framing: binaryFraming,
      maxPayloadBytes: 8,
      maxPacketFrames: 4,
      send: () => {},
    }).receive(wrong),
  'adjust of Opus': (wrong) => checkOpusAdjustment(wrong, 1),
  ...Object.fromEntries(
    Object.values(FRAMINGS).flatMap((framing) => [
      [`createEncoder of ${framing.name}`, (wrong: Anything) => framing.createEncoder(wrong)],
      [`createDecoder of ${framing.name}`, (wrong: Anything) => framing.createDecoder(wrong)],
      [`encode of ${framing.name}`, (wrong: Anything) => framing.createEncoder(PCM).encode(wrong)],
      [
        `encode of ${framing.name}, payload`,
        (wrong: Anything) => framing.createEncoder(PCM).encode({ ...packet, payload: wrong }),
      ],
      [`decode of ${framing.name}`, (wrong: Anything) => framing.createDecoder(PCM).decode(wrong)],
    ]),
  ),
  'LoopbackTransport.send': (wrong) => {
    const transport = page.LoopbackTransport.create();
    try {
      return transport.send(wrong);
    } finally {
      void transport.close();
    }
  },
  'heartbeat of WebSocketTransport': (wrong) =>
    page.WebSocketTransport.create('ws://localhost', { heartbeat: wrong }),
  'RtpPacket.parse': (wrong) => new core.RtpPacket().parse(wrong),
  'LossReporter.receive': (wrong) => new core.LossReporter(PCM).receive(wrong, 1),
  'HeaderExtensionCursor.begin': (wrong) => new core.HeaderExtensionCursor().begin(wrong),
  'PcapngWriter.begin': (wrong) => new core.PcapngWriter().begin(wrong, 0),
  'PcapngWriter.sip': (wrong) => new core.PcapngWriter().sip(wrong, 'sent', 0),
  'PcapngWriter.rtp': (wrong) => new core.PcapngWriter().rtp(wrong, 'sent', 0),
  'PcapngWriter.rtcp': (wrong) => new core.PcapngWriter().rtcp(wrong, 'sent', 0),
  writeReport: (wrong) => core.writeReport({ type: 'receiver', ssrc: 1, reports: wrong }, bytes),
  'writeReport, a block': (wrong) =>
    core.writeReport({ type: 'receiver', ssrc: 1, reports: [wrong] }, bytes),
  writeLossPattern: (wrong) => core.writeLossPattern({ ...pattern, came: wrong }, bytes),
  headerExtensionBytes: (wrong) => core.headerExtensionBytes(wrong),
  'headerExtensionBytes, an element': (wrong) => core.headerExtensionBytes([wrong]),
  'writeRtpHeader, csrcs': (wrong) =>
    core.writeRtpHeader(
      { payloadType: 0, sequenceNumber: 0, timestamp: 0, ssrc: 0, csrcs: wrong },
      bytes,
    ),
  'settings of MeterBank': (wrong) =>
    new core.MeterBank({ ...stage, meters: ['peak'], settings: { peak: wrong } }),
  FakeGainNode: (wrong) => new fakes.FakeGainNode(wrong),
  FakeDestination: (wrong) => new fakes.FakeDestination(wrong),
  FakeSource: (wrong) => new fakes.FakeSource(wrong, 1),
  FakeAudioWorkletNode: (wrong) => new fakes.FakeAudioWorkletNode(wrong, 'x'),
  'FakeSession.open': (wrong) => fakes.FakeSession.open(wrong),
  acceptStream: (wrong) => node.acceptStream(wrong),
  discoverNat: (wrong) => node.discoverNat(wrong),
  mixdown: (wrong) => node.mixdown(wrong, '/nowhere/mix.wav'),
  metricsText: (wrong) => node.metricsText(wrong),
};

describe.each(Object.entries(TAKES_OBJECT))('%s', (_, call) => {
  it.each(WRONG)('given %o, never ends in a message of the engine', async (wrong) => {
    const error = await failure(() => call(wrong as Anything));
    if (error !== undefined) expect(`${error.name}: ${error.message}`).not.toMatch(ENGINE);
  });

  it('refuses a number with a message that names the expected type', async () => {
    const error = await failure(() => call(5 as Anything));
    expect(error).toBeInstanceOf(TypeError);
    expect(error!.message).toMatch(/ must (be|hold) .*, got 5\.$/);
  });
});
