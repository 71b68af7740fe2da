import { Capture } from 'micwire';
import type { CaptureOptions, Chunk } from 'micwire';
import { afterEach, expect, test, vi } from 'vitest';
import { samplesOf } from '../helpers/chunks.ts';
import { sine } from '../helpers/signals.ts';
import { fitSine } from '../helpers/sine-fit.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const SHARING = [
  ['shared memory, where the engine has it', {}],
  ['transferred buffers', { crossOriginIsolated: false }],
] as const;

/** One second of what `build` makes, captured in an offline context, which ends the capture. */
async function rendered(
  contextRate: number,
  options: CaptureOptions,
  build: (context: BaseAudioContext) => AudioNode,
): Promise<Chunk[]> {
  const context = new OfflineAudioContext(1, contextRate, contextRate);
  const capture = await Capture.create(context, build(context), options);
  const chunks: Chunk[] = [];
  const reading = (async () => {
    for await (const chunk of capture) chunks.push(chunk);
  })();
  await context.startRendering();
  await reading;
  const {
    capturedFrames: captured,
    deliveredFrames: delivered,
    droppedFrames: dropped,
    queuedFrames: queued,
  } = capture.stats;
  expect(captured).toBe(delivered + dropped + queued);
  expect(dropped).toBe(0);
  expect(capture.state).toBe('closed');
  return chunks;
}

/** Plays the channels from context time 0. */
function play(context: BaseAudioContext, ...channels: Float32Array[]): AudioNode {
  const buffer = new AudioBuffer({
    length: channels[0]!.length,
    numberOfChannels: channels.length,
    sampleRate: context.sampleRate,
  });
  channels.forEach((channel, c) => buffer.getChannelData(c).set(channel));
  const source = new AudioBufferSourceNode(context, { buffer });
  source.start();
  return source;
}

function tone(frequency: number, sampleRate: number, amplitude = 0.5): Float32Array {
  return sine({ frequency, sampleRate, frames: sampleRate, amplitude });
}

function joined(chunks: readonly Chunk[], channel = 0): number[] {
  return chunks.flatMap((chunk) => [...samplesOf(chunk)[channel]!]);
}

test.each(SHARING)('a sine is captured whole, by %s', async (_, globals) => {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  const chunks = await rendered(48000, { sampleRate: 16000, chunkDurationMs: 20 }, (context) =>
    play(context, tone(1000, 48000)),
  );
  const samples = joined(chunks);
  // The context renders whole quanta.
  const quantum = 128;
  expect(samples).toHaveLength(Math.round((Math.ceil(48000 / quantum) * quantum) / 3));
  // Away from the edges, where the filter sees the silence around.
  const { amplitude, residual, phase } = fitSine(samples, 200, 15800, 1000 / 16000);
  expect(amplitude).toBeCloseTo(0.5, 3);
  // −π/2: a sine from frame 0. A millionth of a turn is a nanosecond here.
  expect(Math.abs(phase + Math.PI / 2) / (2 * Math.PI)).toBeLessThan(1e-5);
  // The quantiser's own error: a step over √12.
  expect(residual).toBeLessThan(1.1 / 32768 / Math.sqrt(12));
});

test('Base64 text encodes the same bytes', async () => {
  const options = { sampleRate: 24000, channels: 2, chunkDurationMs: 2.5 } as const;
  const build = (context: BaseAudioContext): AudioNode =>
    play(context, tone(440, 44100), tone(660, 44100));
  const binary = await rendered(44100, options, build);
  const base64 = await rendered(44100, { ...options, encoding: 'base64' }, build);
  expect(base64.map((chunk) => chunk.base64)).toEqual(binary.map((chunk) => chunk.base64));
  expect(base64.map((chunk) => [...chunk.bytes])).toEqual(binary.map((chunk) => [...chunk.bytes]));
  expect(binary.length).toBeGreaterThan(399);
});

test('stereo becomes mono as in Web Audio: half of the sum', async () => {
  const chunks = await rendered(48000, { format: 'f32' }, (context) =>
    play(context, tone(1000, 48000, 0.5), tone(1000, 48000, 0.1)),
  );
  const { amplitude } = fitSine(joined(chunks), 0, 48000, 1000 / 48000);
  expect(amplitude).toBeCloseTo(0.3, 6);
});

test('an impulse is found at its context time, resampled or not', async () => {
  const impulse = new Float32Array(48000);
  impulse[30_000] = 0.9;
  for (const sampleRate of [48000, 16000, 44100]) {
    const chunks = await rendered(48000, { sampleRate, format: 'f32' }, (context) =>
      play(context, impulse),
    );
    let loudest = 0;
    let time = 0;
    for (const chunk of chunks) {
      samplesOf(chunk)[0]!.forEach((sample, i) => {
        if (Math.abs(sample) <= loudest) return;
        loudest = Math.abs(sample);
        time = chunk.contextTime + i / sampleRate;
      });
    }
    expect(Math.abs(time - 30_000 / 48000)).toBeLessThanOrEqual(0.5 / sampleRate + 1e-9);
  }
});

test('a source that stops leaves silence, and time continues', async () => {
  const chunks = await rendered(48000, {}, (context) => {
    const source = new ConstantSourceNode(context, { offset: 0.5 });
    source.start(0);
    source.stop(0.5);
    return source;
  });
  const samples = joined(chunks);
  expect(samples[23_000]).toBe(0.5);
  expect(samples.slice(24_000).every((sample) => sample === 0)).toBe(true);
  expect(samples.length).toBeGreaterThanOrEqual(48_000);
});

test.each([8000, 11025, 44100, 96000])(
  'chunks of 20 ms at %i Hz hold the rate exactly',
  async (sampleRate) => {
    const chunks = await rendered(48000, { sampleRate, chunkDurationMs: 20 }, (context) =>
      play(context, tone(440, 48000)),
    );
    for (const { sequence, frame } of chunks) {
      expect(frame).toBe(Math.floor((sequence * sampleRate) / 50));
    }
    expect(chunks).toHaveLength(50);
  },
);
