import { afterEach, expect, test } from 'vitest';
import { Speaker } from '../../src/web/speaker/speaker.ts';
import type { SpeakerRoute } from '../../src/core/microphone/echo-plan.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';

const IS_CHROMIUM = 'userAgentData' in navigator;
const HAS_CALLS = typeof RTCPeerConnection === 'function';

let context: AudioContext | undefined;
const speakers: Speaker[] = [];
afterEach(async () => {
  for (const speaker of speakers.splice(0)) await speaker.close();
  if (context !== undefined) await endContext(context);
  context = undefined;
});

async function openSpeaker(...options: Tail<Parameters<typeof Speaker.open>>): Promise<Speaker> {
  context ??= new AudioContext();
  const speaker = await Speaker.open(context, ...options);
  speakers.push(speaker);
  return speaker;
}
type Tail<List extends readonly unknown[]> = List extends [unknown, ...infer Rest] ? Rest : never;

/** A tone into the speaker. */
function playTone(speaker: Speaker): OscillatorNode {
  const tone = new OscillatorNode(speaker.node.context, { frequency: 440 });
  tone.connect(speaker.node);
  tone.start();
  return tone;
}

test('a speaker runs, by each route that the engine supports', async () => {
  const routes: SpeakerRoute[] = HAS_CALLS
    ? ['context', 'element', 'call']
    : ['context', 'element'];
  for (const route of routes) {
    const speaker = await openSpeaker({ route });
    expect(speaker.route).toBe(route);
    const tone = playTone(speaker);
    await eventually(() => expect(speaker.state).toBe('running'));
    tone.stop();
    await speaker.close();
    expect(speaker.state).toBe('closed');
  }
}, 30_000);

test('the route changes while a tone plays, and the state stays running', async () => {
  const speaker = await openSpeaker();
  playTone(speaker);
  await eventually(() => expect(speaker.state).toBe('running'));
  const states: string[] = [];
  speaker.addEventListener('statechange', () => states.push(speaker.state));
  for (const route of ['element', 'context', 'element'] as const) {
    await speaker.setRoutePlanner(() => route);
    expect(speaker.route).toBe(route);
  }
  await eventually(() => expect(speaker.state).toBe('running'));
  expect(states).toEqual([]);
});

test('the volume reaches its value', async () => {
  const speaker = await openSpeaker();
  await eventually(() => expect(speaker.state).toBe('running'));
  speaker.volume = 0.25;
  await eventually(() => expect((speaker.node as GainNode).gain.value).toBeCloseTo(0.25, 3));
});

test('the latency is that of the context, or unknown', async () => {
  const speaker = await openSpeaker();
  await eventually(() => expect(speaker.state).toBe('running'));
  const latency = speaker.outputLatencyMs;
  if (latency !== null) {
    expect(latency).toBeGreaterThanOrEqual(0);
    expect(latency).toBeLessThan(2000);
  }
  expect(speaker.stats === null).toBe(!('playbackStats' in context!));
});

test.skipIf(!IS_CHROMIUM)('the figures of Chromium grow while it plays', async () => {
  const speaker = await openSpeaker();
  playTone(speaker);
  await eventually(() => expect(speaker.stats!.totalDuration).toBeGreaterThan(0.2));
  expect(Object.keys(speaker.stats!).sort()).toEqual([
    'averageLatency',
    'maximumLatency',
    'minimumLatency',
    'totalDuration',
    'underrunDuration',
    'underrunEvents',
  ]);
});

test('a missing device is refused, and the speaker stays on its device', async () => {
  const speaker = await openSpeaker({ route: 'element' });
  await expect(speaker.use('no such device')).rejects.toMatchObject({
    code: expect.stringMatching(/^(?:device|unsupported|permission)$/),
  });
  expect(speaker.device).toBe(null);
  await eventually(() => expect(speaker.state).toBe('running'));
});

test.skipIf(!IS_CHROMIUM)(
  'Chromium plays on another device by each route',
  async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of stream.getTracks()) track.stop();
    const devices = await Speaker.devices();
    const other = devices.find(({ deviceId }) => deviceId !== 'default')!;
    expect(other.label).not.toBe('');
    for (const route of ['context', 'element', 'call'] as const) {
      const speaker = await openSpeaker({ route });
      playTone(speaker);
      await eventually(() => expect(speaker.state).toBe('running'));
      const states: string[] = [];
      speaker.addEventListener('statechange', () => states.push(speaker.state));
      await speaker.use(other.deviceId);
      expect(speaker.device).toEqual(other);
      await speaker.use(null);
      expect(speaker.device).toBe(null);
      expect(states).toEqual([]);
      expect(speaker.state).toBe('running');
      await speaker.close();
    }
    expect((context as AudioContext & { sinkId: string }).sinkId).toBe('');
  },
  30_000,
);

test('the speaker closes with its context', async () => {
  const own = new AudioContext();
  const speaker = await Speaker.open(own);
  await own.close();
  await eventually(() => expect(speaker.state).toBe('closed'));
});
