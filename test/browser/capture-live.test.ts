import { Capture } from 'micwire';
import type { Chunk } from 'micwire';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { samplesOf } from '../helpers/chunks.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';

let context: AudioContext;
beforeEach(() => {
  context = new AudioContext();
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await endContext(context);
});

/** A microphone that every engine has: a tone from a stream of the context's own. */
function tone(): MediaStreamTrack {
  const source = new OscillatorNode(context);
  const destination = new MediaStreamAudioDestinationNode(context);
  source.connect(destination);
  source.start();
  return destination.stream.getAudioTracks()[0]!;
}

function loud(chunk: Chunk): boolean {
  return samplesOf(chunk)[0]!.some((sample) => Math.abs(sample) > 0.1);
}

const SHARING = [
  ['shared memory, where the engine has it', {}],
  ['transferred buffers', { crossOriginIsolated: false }],
] as const;

describe.each(SHARING)('by %s', (_, globals) => {
  beforeEach(() => {
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  });

  test('a track is captured until the capture is closed', async () => {
    const track = tone();
    const capture = await Capture.create(context, track, { sampleRate: 16000 });
    await capture.resume();
    let next = 0;
    let heard = false;
    for await (const chunk of capture) {
      expect(chunk.frame).toBe(next + chunk.dropped);
      next = chunk.frame + chunk.frames;
      heard ||= loud(chunk);
      if (heard && next > 16000) void capture.close();
    }
    expect(capture.state).toBe('closed');
    expect(track.readyState).toBe('live');
    const {
      capturedFrames: captured,
      deliveredFrames: delivered,
      droppedFrames: dropped,
      queuedFrames: queued,
    } = capture.stats;
    expect([captured, queued]).toEqual([next, 0]);
    expect(captured).toBe(delivered + dropped);
  });

  test.each(['itself', "its stream's node"])(
    'a track that ends also ends the reading of %s',
    async (by) => {
      const track = tone();
      const node = context.createMediaStreamSource(new MediaStream([track]));
      const capture = await Capture.create(context, by === 'itself' ? track : node);
      await capture.resume();
      await eventually(() => expect(capture.stats.capturedFrames).toBeGreaterThan(0));
      // No event tells of this (Media Capture §4.3.1): the capture looks once a second.
      track.stop();
      let frames = 0;
      for await (const chunk of capture) frames += chunk.frames;
      expect(frames).toBe(capture.stats.capturedFrames);
      expect(capture.state).toBe('ended');
      await capture.close();
      expect(capture.state).toBe('closed');
    },
  );

  test('pause leaves no gap in the count of frames, but one in the time', async () => {
    const capture = await Capture.create(context, tone(), { chunkDurationMs: 10 });
    await capture.resume();
    await eventually(() => expect(capture.stats.capturedFrames).toBeGreaterThan(0));
    await capture.pause();
    const before = capture.stats.capturedFrames;
    const time = context.currentTime;
    await eventually(() => expect(context.currentTime).toBeGreaterThan(time + 0.3));
    expect(capture.stats.capturedFrames).toBe(before);
    await capture.resume();
    let last: Chunk | undefined;
    for await (const chunk of capture) {
      if (last !== undefined) {
        expect(chunk.frame).toBe(last.frame + last.frames);
        const elapsed = chunk.contextTime - last.contextTime;
        if (chunk.frame === before) expect(elapsed).toBeGreaterThan(0.25);
        else expect(elapsed).toBeCloseTo(last.frames / capture.sampleRate, 9);
      }
      last = chunk;
      if (chunk.frame > before) break;
    }
    await capture.close();
  });

  test('unread chunks are queued, the oldest are dropped, and the next chunk says how many frames', async () => {
    const capture = await Capture.create(context, tone(), { bufferDurationMs: 100 });
    await capture.resume();
    await eventually(() => expect(capture.stats.droppedFrames).toBeGreaterThan(0));
    const { value } = await capture.readable.getReader().read();
    expect(value!.dropped).toBeGreaterThan(0);
    expect(value!.frame).toBe(value!.dropped);
    await capture.close();
  });

  test('in a suspended context no call waits for ever', async () => {
    await context.suspend();
    const capture = await Capture.create(context, tone());
    expect(capture.state).toBe('suspended');
    const states: string[] = [];
    capture.addEventListener('statechange', () => states.push(capture.state));
    await capture.resume();
    await eventually(() => expect(capture.stats.capturedFrames).toBeGreaterThan(0));
    await context.suspend();
    await eventually(() => expect(capture.state).toBe('suspended'));
    await capture.close();
    let frames = 0;
    for await (const chunk of capture) frames += chunk.frames;
    expect(frames).toBeGreaterThan(0);
    expect(states).toEqual(['running', 'suspended', 'closed']);
  });

  test('a context that closes ends the capture', async () => {
    const capture = await Capture.create(context, tone());
    await capture.resume();
    const reading = (async () => {
      let frames = 0;
      for await (const chunk of capture) frames += chunk.frames;
      return frames;
    })();
    await eventually(() => expect(capture.stats.capturedFrames).toBeGreaterThan(0));
    await context.close();
    expect(await reading).toBe(capture.stats.deliveredFrames);
    expect(capture.state).toBe('closed');
  });
});

test('one context can have captures of many kinds at once', async () => {
  const track = tone();
  const rates = [8000, 16000, 24000, 44100, 48000];
  const captures = await Promise.all(
    rates.map((sampleRate) => Capture.create(context, track, { sampleRate })),
  );
  await captures[0]!.resume();
  await eventually(() => {
    for (const { stats, sampleRate } of captures) {
      expect(stats.capturedFrames).toBeGreaterThan(sampleRate / 2);
    }
  });
  await Promise.all(captures.map((capture) => capture.close()));
  for (const { stats } of captures) expect(stats.droppedFrames).toBe(0);
});

test('events are dispatched while a listener is set, here from the microphone of the engine', async (test) => {
  const microphone = await navigator.mediaDevices
    ?.getUserMedia({ audio: { echoCancellation: false } })
    .catch(() => undefined);
  if (microphone === undefined) return test.skip('this engine has no microphone here');
  const capture = await Capture.create(context, microphone, { sampleRate: 16000, channels: 1 });
  const chunks: Chunk[] = [];
  capture.addEventListener('chunk', ({ detail }) => chunks.push(detail));
  await capture.resume();
  // What it plays is the engine's affair: Firefox's fake one is silent now and then.
  await eventually(() => expect(chunks.length).toBeGreaterThan(50));
  await capture.close();
  expect(microphone.getAudioTracks()[0]!.readyState).toBe('live');
  for (const track of microphone.getTracks()) track.stop();
  expect(capture.stats.deliveredFrames).toBe(chunks.reduce((sum, { frames }) => sum + frames, 0));
});
