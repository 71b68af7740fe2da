import { expect, test } from 'vitest';
import { CaptureEngine } from '../src/core/capture/capture-engine.ts';
import { ChunkWriter } from '../src/core/capture/chunk-writer.ts';
import { HEADER, longestPayload } from '../src/core/capture/chunk.ts';
import { QuantumClock } from '../src/core/dsp/quantum-clock.ts';
import type { CaptureEvent, CaptureProcessorOptions } from '../src/core/messages.ts';

/** `currentFrame` as Chromium gives it while the page changes the graph: the third and the fourth quantum repeat frames. */
const STALE = [0, 128, 128, 128, 512, 640, 768, 896];

test('repeated frame numbers are corrected, and a jump ahead stays one', () => {
  const clock = new QuantumClock();
  expect(STALE.map((frame) => clock.begin(frame, 128))).toEqual([
    0, 128, 256, 384, 512, 640, 768, 896,
  ]);
  expect(clock.begin(2048, 128)).toBe(2048);
  expect(clock.begin(2176, 64)).toBe(2176);
  expect(clock.begin(2176, 128)).toBe(2240);
});

test('a capture neither cuts nor shifts its chunks at repeated frame numbers', () => {
  const options: CaptureProcessorOptions = {
    stream: { sampleRate: 48000, channels: 1, format: 's16' },
    encoding: 'binary',
    dither: 'none',
    chunkDurationMs: 8,
    payloadBytes: 0,
    slots: 8,
    resampler: null,
    ring: null,
  };
  const processorOptions = { ...options, payloadBytes: longestPayload(options, 8) };
  const chunks: number[][] = [];
  const port = {
    addEventListener: (): void => {},
    start: (): void => {},
    close: (): void => {},
    postMessage: (event: CaptureEvent): void => {
      if (event.type !== 'chunk') return;
      const { header } = event;
      chunks.push([header[HEADER.frame]!, header[HEADER.frames]!, header[HEADER.dropped]!]);
      chunks.at(-1)!.push(Math.round(header[HEADER.contextTime]! * 48000));
    },
  };
  const engine = new CaptureEngine(processorOptions, 48000, port, (sink, chunkDurationMs) => {
    return new ChunkWriter({ ...processorOptions, chunkDurationMs, sink });
  });
  const block = [new Float32Array(128).fill(0.5)];
  for (const frame of STALE) engine.process(block, 128, frame);
  engine.obey({ type: 'close' }, 1024);
  expect(chunks).toEqual([
    [0, 384, 0, 0],
    [384, 384, 0, 384],
    [768, 256, 0, 768],
  ]);
});
