import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import { RECORDS } from '../helpers/records.ts';

/*
 * The code that the lab shows for each lane runs as it is printed: what it plays has the tone that the microphone hears.
 */

/** Every context that a block makes, to listen to it and to end it. */
const contexts: AudioContext[] = [];
const sockets: WebSocket[] = [];
let tone: AudioContext;
/** What plays at a context's destination. */
const heard = new Map<AudioContext, AnalyserNode>();

beforeEach(() => {
  tone = new AudioContext();
  vi.stubGlobal(
    'AudioContext',
    class extends AudioContext {
      constructor(options?: AudioContextOptions) {
        super(options);
        contexts.push(this);
      }
    },
  );
  vi.stubGlobal(
    'WebSocket',
    class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    },
  );
  const { value: connect } = Object.getOwnPropertyDescriptor(AudioNode.prototype, 'connect') as {
    readonly value: (...args: unknown[]) => AudioNode;
  };
  vi.spyOn(AudioNode.prototype, 'connect').mockImplementation(function (
    this: AudioNode,
    ...args: unknown[]
  ) {
    const context = this.context as AudioContext;
    if (args[0] === context.destination && contexts.includes(context)) {
      const analyser = new AnalyserNode(context, { fftSize: 2048 });
      heard.set(context, analyser);
      connect.call(this, analyser);
    }
    return connect.apply(this, args);
  });
  vi.spyOn(navigator.mediaDevices, 'getUserMedia').mockImplementation(() => {
    const oscillator = new OscillatorNode(tone, { frequency: 1000 });
    const destination = new MediaStreamAudioDestinationNode(tone, { channelCount: 1 });
    oscillator.connect(new GainNode(tone, { gain: 0.5 })).connect(destination);
    oscillator.start();
    return Promise.resolve(destination.stream);
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  for (const socket of sockets.splice(0)) socket.close();
  for (const audio of document.querySelectorAll('audio')) audio.remove();
  heard.clear();
  await Promise.all([...contexts.splice(0), tone].map(endContext));
});

/** The strongest frequency of a spectrum, Hz, where it is above −50 dB. */
function pitchOf(analyser: AnalyserNode): number {
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  let best = 0;
  for (let i = 1; i < bins.length; i++) if (bins[i]! > bins[best]!) best = i;
  return bins[best]! < -50 ? 0 : (best * analyser.context.sampleRate) / analyser.fftSize;
}

const CALLS = 'RTCPeerConnection' in globalThis;
const BLOCKS: readonly [string, () => Promise<unknown>][] = [
  // @ts-expect-error The module is a block of the guide, made by the test's plugin.
  ['PCM, Base64 JSON', () => import('guide:docs/lab-code.md:0') as Promise<unknown>],
  // @ts-expect-error The module is a block of the guide, made by the test's plugin.
  ['PCM, binary', () => import('guide:docs/lab-code.md:1') as Promise<unknown>],
  // @ts-expect-error The module is a block of the guide, made by the test's plugin.
  ['Opus, Base64 JSON', () => import('guide:docs/lab-code.md:2') as Promise<unknown>],
  // @ts-expect-error The module is a block of the guide, made by the test's plugin.
  ['Opus, binary', () => import('guide:docs/lab-code.md:3') as Promise<unknown>],
  // @ts-expect-error The module is a block of the guide, made by the test's plugin.
  ['Opus, data channel', () => import('guide:docs/lab-code.md:4') as Promise<unknown>],
  // @ts-expect-error The module is a block of the guide, made by the test's plugin.
  ['Opus, data channel, copies', () => import('guide:docs/lab-code.md:5') as Promise<unknown>],
  // @ts-expect-error The module is a block of the guide, made by the test's plugin.
  ['Opus, WebTransport', () => import('guide:docs/lab-code.md:6') as Promise<unknown>],
  // @ts-expect-error The module is a block of the guide, made by the test's plugin.
  ['WebRTC', () => import('guide:docs/lab-code.md:8') as Promise<unknown>],
  // @ts-expect-error The module is a block of the guide, made by the test's plugin.
  ['WebRTC, RED', () => import('guide:docs/lab-code.md:9') as Promise<unknown>],
];

test.each(BLOCKS)('%s: the tone returns', { timeout: 60_000 }, async (name, run) => {
  if (!CALLS && /channel|WebRTC/.test(name)) return;
  if (!('WebTransport' in globalThis) && name.includes('WebTransport')) return;
  await run();
  await eventually(
    () => {
      const pitches = [...heard.values()].map(pitchOf);
      expect(pitches).toEqual([expect.closeTo(1000, -2)]);
    },
    { timeout: 30_000 },
  );
});

const PLAYS_PIECES = 'MediaSource' in globalThis && RECORDS;

test.skipIf(!PLAYS_PIECES)('MediaRecorder: the recording plays', { timeout: 60_000 }, async () => {
  const failures: unknown[] = [];
  // It records for ever, so the module never ends by itself.
  // @ts-expect-error The module is a block of the guide, made by the test's plugin.
  (import('guide:docs/lab-code.md:7') as Promise<unknown>).catch((error: unknown) =>
    failures.push(error),
  );
  await eventually(
    () => {
      if (failures.length > 0) throw failures[0];
      expect(document.querySelector('audio')?.currentTime ?? 0).toBeGreaterThan(0.5);
    },
    { timeout: 30_000 },
  );
});
