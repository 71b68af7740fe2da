/** What is made and closed again, failures included, leaves nothing behind. */
import {
  Call,
  Capture,
  DataChannelTransport,
  LoopbackTransport,
  MediaChunks,
  Meter,
  Microphone,
  MicwireError,
  Playout,
  Receiver,
  Recorder,
  Session,
  SourceMixer,
  Speaker,
  WebSocketTransport,
  memorySignalling,
} from 'micwire';
import { micwire } from 'micwire/services/micwire';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { endContext } from '../helpers/end-context.ts';
import { HAS_WEBRTC } from '../helpers/call-page.ts';
import { RECORDS } from '../helpers/records.ts';
import { countResources, openResources as open } from '../helpers/open-resources.ts';

/** MICWIRE_ROUNDS=1000 takes some minutes an engine. */
const ROUNDS = Number(import.meta.env['VITE_MICWIRE_ROUNDS'] ?? 12);

beforeEach(countResources);
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

type Closable = { close(): unknown } | { stop(): unknown };
type Maker = (context: AudioContext, source: AudioNode) => Promise<Closable>;

const makers: [string, Maker][] = [
  ['Capture that resamples', (c, s) => Capture.create(c, s, { sampleRate: 16_000 })],
  ['Capture of Opus in the worklet', (c, s) => Capture.create(c, s, opus('worklet'))],
  ['Capture of Opus in a Worker', (c, s) => Capture.create(c, s, opus('worker'))],
  [
    'Meter whose source stays connected',
    async (c, s) => {
      const meter = await Meter.create(c, { meters: ['peak', 'rms', 'loudness'] });
      s.connect(meter.node);
      return meter;
    },
  ],
  ['Microphone', (c) => Microphone.open(c)],
  [
    'Microphone with a speaker, a capture and a meter, closed first',
    async (c) => {
      const speaker = await Speaker.open(c);
      const microphone = await Microphone.open(c, { speaker, echo: 'route', pushToTalk: true });
      const capture = await Capture.create(c, microphone, { sampleRate: 16_000 });
      const meter = await Meter.create(c, { source: microphone });
      await microphone.mute({ keep: 'light' });
      return {
        close: () =>
          Promise.all([microphone.close(), speaker.close(), capture.close(), meter.close()]),
      };
    },
  ],
  ['Speaker of an element', (c) => Speaker.open(c, { route: 'element' })],
  ['Playout that resamples', (c) => Playout.create(c, { sampleRate: 24_000 })],
  ['Playout of Opus', (c) => Playout.create(c, { sampleRate: 48_000, format: 'opus' })],
  ['Receiver', (c) => Receiver.create(c, { sampleRate: 16_000 })],
  ['Receiver of Opus', (c) => Receiver.create(c, { sampleRate: 48_000, format: 'opus' })],
  [
    'Recorder',
    async (c, s) => {
      const recorder = await Recorder.create(c, s, { container: 'wav' });
      // A recording of nothing is an error.
      await vi.waitFor(() => expect(recorder.durationSeconds).toBeGreaterThan(0), {
        timeout: 10_000,
      });
      return recorder;
    },
  ],
];
makers.push(
  ['SourceMixer of a node', (c, s) => SourceMixer.create(c, [{ source: s }])],
  ['SourceMixer of a track', (c, s) => SourceMixer.create(c, [{ source: streamOf(c, s) }])],
  [
    'Session',
    async (context, microphone) => {
      const session = await Session.open({
        context,
        microphone,
        service: micwire({ input: STREAM, output: STREAM }),
        url: 'ws://localhost',
        createSocket: silentSocket,
      });
      // Its audio can never be sent.
      return { close: () => session.close({ drainMs: 0 }) };
    },
  ],
  ['LoopbackTransport', async () => LoopbackTransport.create()],
  [
    'WebSocketTransport',
    async () => WebSocketTransport.create('ws://localhost', { createSocket: silentSocket }),
  ],
);
if (RECORDS) makers.push(['MediaChunks', async (c, s) => MediaChunks.create(streamOf(c, s))]);
if (HAS_WEBRTC) {
  makers.push([
    'Call with a DataChannelTransport',
    async (c, s) => {
      const ends = memorySignalling();
      const caller = Call.create(ends[0], { track: streamOf(c, s).getAudioTracks()[0]! });
      const callee = Call.create(ends[1]);
      const transport = DataChannelTransport.create(caller.createDataChannel());
      await Promise.all([caller.connect(), callee.connect()]);
      callee.createSource(c);
      return {
        close: () => Promise.all([transport.close(), caller.close(), callee.close()]),
      };
    },
  ]);
}
const failures: [string, Maker][] = [
  [
    'Capture of a track that has ended',
    (c) => {
      const { stream } = new MediaStreamAudioDestinationNode(c);
      for (const track of stream.getTracks()) track.stop();
      return Capture.create(c, stream, opus('worker'));
    },
  ],
  ['Capture of another context', (c) => Capture.create(c, elsewhere(), { sampleRate: 16_000 })],
  ['Meter of another context', (c) => Meter.create(c, { source: elsewhere() })],
];

function opus(encodeIn: 'worklet' | 'worker') {
  return { format: 'opus', encodeIn, complexity: 0 } as const;
}

const STREAM = { format: 's16', sampleRate: 24_000, channels: 1 } as const;

/** Connects to nothing. */
function silentSocket() {
  return { bufferedAmount: 0, send() {}, close() {} } as never;
}

/** One of each context, for a node of each round would add up. */
const streams = new WeakMap<AudioContext, MediaStream>();
function streamOf(context: AudioContext, source: AudioNode): MediaStream {
  let stream = streams.get(context);
  if (stream === undefined) {
    const destination = new MediaStreamAudioDestinationNode(context);
    source.connect(destination);
    ({ stream } = destination);
    streams.set(context, stream);
  }
  return stream;
}

function elsewhere(): AudioNode {
  return new GainNode(new OfflineAudioContext(1, 128, 48_000));
}

/** Whether there is no microphone here. */
function isMissing(made: unknown): boolean {
  return (
    made instanceof MicwireError && ['device', 'permission', 'unsupported'].includes(made.code)
  );
}

/** NaN where the engine does not tell. */
const heap = (): number =>
  (performance as { memory?: { usedJSHeapSize: number } }).memory?.usedJSHeapSize ?? NaN;
/**
 * What the heap may grow by, bytes: nobody collects it before it is read, and Chromium rounds it. A round that kept the samples
 * of one object, or a wasm kernel, would be above it within some tens of rounds.
 */
const HEAP_GROWTH = 40e6;
/** Fewer rounds cannot grow by as much. */
const TELLING_ROUNDS = 100;

test.each([...makers, ...failures])(
  `%s, made and closed ${ROUNDS} times, leaves nothing`,
  async (name, make) => {
    const context = new AudioContext({ sampleRate: 44_100 });
    await context.resume();
    const source = new OscillatorNode(context);
    source.start();
    const round = async (): Promise<void> => {
      const made = await make(context, source).catch((error: unknown) => error);
      // WebKitGTK has no fake device unless its launcher is told so.
      if (name.startsWith('Microphone') && isMissing(made)) return;
      const fails = failures.some(([failing]) => failing === name);
      expect(made instanceof Error, String(made)).toBe(fails);
      if (made instanceof Error) {
        expect(open.ports, 'ports of nodes').toBeLessThanOrEqual(0);
        return;
      }
      await ('close' in (made as Closable)
        ? (made as { close(): unknown }).close()
        : (made as { stop(): unknown }).stop());
      // What has closed says so by a message. Until then it keeps its memory: those of one round are for the next.
      await vi.waitFor(() => expect(open.ports, 'ports of nodes').toBeLessThanOrEqual(0), {
        timeout: 10_000,
        interval: 5,
      });
    };
    // Nothing of the first ones counts: they load.
    for (let i = 0; i < 3; i++) await round();
    const before = { ...open, heap: heap() };
    for (let i = 0; i < ROUNDS; i++) await round();
    await vi.waitFor(
      () => {
        expect(open.workers, 'Workers').toBe(0);
        expect(open.timers, 'timers').toBe(0);
        expect(open.tracks, 'tracks').toBe(0);
        expect(open.memories, 'memories of the page').toBe(before.memories);
      },
      { timeout: 10_000 },
    );
    const growth = heap() - before.heap;
    if (ROUNDS >= 100) console.log(`${name}: heap +${(growth / 1e6).toFixed(1)} MB`);
    if (ROUNDS >= TELLING_ROUNDS && !Number.isNaN(growth))
      expect(growth, 'growth of the heap').toBeLessThan(HEAP_GROWTH);
    await endContext(context);
  },
  60_000 + ROUNDS * 1000,
);

test('created and closed objects leave room for other memories', () => {
  // Chromium has room for some 125 in all threads of a page. The rounds above would have taken more than all of them.
  const memories = Array.from({ length: 60 }, () => {
    return new WebAssembly.Memory({ initial: 1, maximum: 1 });
  });
  expect(memories).toHaveLength(60);
});

test('every capture resamples, in any number of offline contexts', async () => {
  const contexts: OfflineAudioContext[] = [];
  const captureIn = async (context: OfflineAudioContext): Promise<readonly unknown[]> => {
    const source = new ConstantSourceNode(context);
    source.start();
    const capture = await Capture.create(context, source, { sampleRate: 16_000, format: 'f32' });
    const errors: unknown[] = [];
    capture.addEventListener('error', ({ detail }) => errors.push(detail));
    let frames = 0;
    const reading = (async () => {
      for await (const chunk of capture) frames += chunk.frames;
    })();
    await context.startRendering();
    await reading;
    return [errors, frames];
  };
  while (contexts.length < 140) {
    const batch = Array.from({ length: 20 }, () => new OfflineAudioContext(1, 4480, 44_100));
    contexts.push(...batch);
    for (const outcome of await Promise.all(batch.map(captureIn))) {
      expect(outcome).toEqual([[], 1625]);
    }
  }
}, 300_000);
