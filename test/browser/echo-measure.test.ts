import { afterEach, describe, expect, test } from 'vitest';
import { measureEcho } from '../../src/web/microphone/echo-measure.ts';
import { Speaker } from '../../src/web/speaker/speaker.ts';
import { endContext } from '../helpers/end-context.ts';
import { seededRandom } from '../helpers/random.ts';

const contexts: AudioContext[] = [];
afterEach(async () => {
  for (const context of contexts.splice(0)) await endContext(context);
});

async function running(sampleRate?: number): Promise<AudioContext> {
  const context = new AudioContext(sampleRate === undefined ? {} : { sampleRate });
  contexts.push(context);
  await context.resume();
  return context;
}

/** A room between a speaker and what is captured: direct sound, and reflections of it. */
function room(
  context: AudioContext,
  from: AudioNode,
  gain: number,
  delays: readonly (readonly [ms: number, share: number])[],
): GainNode {
  const heard = new GainNode(context, { gain });
  for (const [ms, share] of delays) {
    const delay = new DelayNode(context, { delayTime: ms / 1000, maxDelayTime: 2 });
    from
      .connect(delay)
      .connect(new GainNode(context, { gain: share }))
      .connect(heard);
  }
  return heard;
}

/** Noise of that RMS into a node, from a seed. */
function addNoise(context: AudioContext, target: AudioNode, rmsDbfs: number, seed: number): void {
  const random = seededRandom(seed);
  const amplitude = Math.sqrt(3) * 10 ** (rmsDbfs / 20);
  const buffer = context.createBuffer(1, 4 * context.sampleRate, context.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < samples.length; i++) samples[i] = amplitude * (2 * random() - 1);
  const source = new AudioBufferSourceNode(context, { buffer, loop: true });
  source.connect(target);
  source.start();
}

describe('an echo in a room of nodes is measured within 1 ms and 1 dB', () => {
  test.each([
    ['close and loud', undefined, 12.3, -6, -80],
    ['far and quiet', undefined, 180, -34, -75],
    ['of a Bluetooth loudspeaker, in noise', undefined, 412.5, -20, -60],
    ['at 16 kHz', 16_000, 63, -15, -70],
  ])('%s', async (_, sampleRate, delayMs, gainDb, noiseDbfs) => {
    const context = await running(sampleRate);
    const speaker = await Speaker.open(context);
    const heard = room(context, speaker.node, 10 ** (gainDb / 20), [
      [delayMs, 1],
      [delayMs + 7.1, 0.3],
      [delayMs + 16.3, -0.2],
    ]);
    addNoise(context, heard, noiseDbfs - gainDb, 7);
    const echo = await measureEcho(context, heard, speaker.node);
    expect(Math.abs(echo.delayMs! - delayMs)).toBeLessThan(1);
    expect(echo.delayFrames! / context.sampleRate).toBeCloseTo(echo.delayMs! / 1000, 9);
    const lossDb = -gainDb - 10 * Math.log10(1 + 0.3 ** 2 + 0.2 ** 2);
    expect(echo.isLowerBound).toBe(false);
    expect(Math.abs(echo.returnLossDb - lossDb)).toBeLessThan(1);
    await speaker.close();
  });

  test('through the volume of the speaker', async () => {
    const context = await running();
    const speaker = await Speaker.open(context, { volume: 0.5 });
    const heard = room(context, speaker.node, 0.1, [[40, 1]]);
    const echo = await measureEcho(context, heard, speaker.node, { levelDbfs: -30, sweeps: 3 });
    expect(Math.abs(echo.returnLossDb - 26)).toBeLessThan(1);
    expect(Math.abs(echo.delayMs! - 40)).toBeLessThan(1);
    await speaker.close();
  });

  test('while the main thread is busy', async () => {
    const context = await running();
    const heard = room(context, context.createGain(), 0.1, [[40, 1]]);
    const output = context.createGain();
    output.connect(new DelayNode(context, { delayTime: 0.04 })).connect(heard);
    const busy = setInterval(() => {
      const until = performance.now() + 150;
      while (performance.now() < until);
    }, 200);
    try {
      const echo = await measureEcho(context, heard, output, { sweeps: 3, maxDelayMs: 200 });
      expect(Math.abs(echo.delayMs! - 40)).toBeLessThan(1);
      expect(Math.abs(echo.returnLossDb - 20)).toBeLessThan(1);
    } finally {
      clearInterval(busy);
    }
  });
});

test('silence gives a lower bound, and no delay', async () => {
  const context = await running();
  const heard = context.createGain();
  addNoise(context, heard, -50, 3);
  const output = context.createGain();
  const echo = await measureEcho(context, heard, output, { sweeps: 3, maxDelayMs: 300 });
  expect(echo).toMatchObject({ delayFrames: null, delayMs: null, isLowerBound: true });
  expect(echo.returnLossDb).toBeGreaterThan(10);
});

test('a suspended context is refused', async () => {
  const context = await running();
  await context.suspend();
  const node = context.createGain();
  await expect(measureEcho(context, node, node)).rejects.toMatchObject({ code: 'no-audio' });
});

test('a measurement ends with its signal, and with its source', async () => {
  const context = await running();
  const node = context.createGain();
  const controller = new AbortController();
  const measuring = measureEcho(context, node, node, { signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(measuring).rejects.toThrow('enough');
  const stream = context.createMediaStreamDestination().stream;
  const ending = measureEcho(context, stream, node);
  setTimeout(() => stream.getTracks()[0]!.stop(), 300);
  await expect(ending).rejects.toMatchObject({ code: 'no-audio' });
});
