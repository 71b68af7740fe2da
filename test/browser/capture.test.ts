import { Capture } from 'micwire';
import type { CaptureOptions, Chunk } from 'micwire';
import { afterEach, expect, test, vi } from 'vitest';
import { sine } from '../helpers/signals.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const SHARING = [
  ['shared memory, where the engine has it', {}],
  ['transferred buffers', { crossOriginIsolated: false }],
] as const;

/** One second of 1 kHz, captured in an offline context; resolves when the capture has ended by itself. */
async function rendered(contextRate: number, options: CaptureOptions): Promise<Chunk[]> {
  const context = new OfflineAudioContext(1, contextRate, contextRate);
  const buffer = new AudioBuffer({ length: contextRate, sampleRate: contextRate });
  const frames = contextRate;
  buffer
    .getChannelData(0)
    .set(sine({ frequency: 1000, sampleRate: contextRate, frames, amplitude: 0.5 }));
  const source = new AudioBufferSourceNode(context, { buffer });
  const capture = await Capture.create(context, source, options);
  source.start();
  const chunks: Chunk[] = [];
  const reading = (async () => {
    for await (const chunk of capture) chunks.push(chunk);
  })();
  await context.startRendering();
  await reading;
  const { captured, delivered, dropped, queued } = capture.stats;
  expect(captured).toBe(delivered + dropped + queued);
  expect(dropped).toBe(0);
  return chunks;
}

test.each(SHARING)('a rendered sine arrives whole, by %s', async (_, globals) => {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  const chunks = await rendered(48000, { sampleRate: 16000, chunkDuration: 20 });
  // The context renders whole quanta.
  const quantum = 128;
  const frames = Math.round((Math.ceil(48000 / quantum) * quantum) / 3);
  expect(chunks.reduce((sum, chunk) => sum + chunk.frames, 0)).toBe(frames);
  const samples = chunks.flatMap(({ bytes }) => [...new Int16Array(bytes.buffer)]);
  // Away from the edges, where the filter sees the silence around.
  let worst = 0;
  for (let i = 200; i < 15800; i++) {
    const exact = 16384 * Math.sin((2 * Math.PI * 1000 * i) / 16000);
    worst = Math.max(worst, Math.abs(samples[i]! - exact));
  }
  expect(worst).toBeLessThan(1);
});

test.each(SHARING)('the fake microphone is captured live, by %s', async (_, globals) => {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  const context = new AudioContext();
  const oscillator = new OscillatorNode(context);
  const destination = new MediaStreamAudioDestinationNode(context);
  oscillator.connect(destination);
  oscillator.start();
  const capture = await Capture.create(context, destination.stream, { sampleRate: 16000 });
  await capture.resume();
  let frames = 0;
  let loud = false;
  for await (const chunk of capture) {
    expect(chunk.frame).toBe(frames + chunk.dropped);
    frames = chunk.frame + chunk.frames;
    loud ||= new Int16Array(chunk.bytes.buffer).some((sample) => Math.abs(sample) > 10_000);
    if (loud && frames > 16000) break;
  }
  expect(capture.state).toBe('running');
  await capture.close();
  expect(capture.state).toBe('closed');
  const { captured, delivered, dropped, queued } = capture.stats;
  expect(captured).toBe(delivered + dropped + queued);
  await context.close();
});
