import { expect, test } from 'vitest';
import { Chunk } from '../src/core/capture/chunk.ts';
import type { ChunkFormat } from '../src/core/capture/chunk.ts';
import type { CaptureEvent, CaptureProcessorOptions } from '../src/core/messages.ts';
import { createWorkletScope } from '../src/testing/index.ts';
import type { ScopeNode, WorkletScope } from '../src/testing/index.ts';
import { sine } from './helpers/signals.ts';

const FORMAT: ChunkFormat = { sampleRate: 48000, channels: 1, format: 's16', encoding: 'binary' };

interface Bench {
  readonly scope: WorkletScope;
  readonly node: ScopeNode;
  readonly chunks: Chunk[];
  readonly events: CaptureEvent[];
}

/** A processor whose chunks are recycled as they come, unless `hold` says otherwise. */
async function bench(
  format: ChunkFormat,
  options: Partial<CaptureProcessorOptions> & { hold?: (chunk: Chunk) => boolean } = {},
): Promise<Bench> {
  const { hold, ...more } = options;
  const scope = createWorkletScope({ sampleRate: 48000 });
  await scope.addModule(() => import('../worklets/capture.ts'));
  const processorOptions: CaptureProcessorOptions = {
    format,
    dither: 'none',
    chunkDuration: 20,
    slots: 4,
    resampler: null,
    ring: null,
    ...more,
  };
  const node = scope.createNode('micwire-capture', { outputChannelCount: [1], processorOptions });
  const chunks: Chunk[] = [];
  const events: CaptureEvent[] = [];
  node.port.onmessage = ({ data }): void => {
    const event = data as CaptureEvent;
    events.push(event);
    if (event.type !== 'chunk') return;
    const chunk = new Chunk(format, event);
    chunks.push(chunk);
    const { header, bytes } = event;
    if (hold?.(chunk) !== true) {
      node.port.postMessage({ type: 'recycle', header, bytes }, [header.buffer as ArrayBuffer]);
    }
  };
  return { scope, node, chunks, events };
}

test('a sine becomes chunks of its samples', async () => {
  const { scope, node, chunks } = await bench(FORMAT);
  const signal = sine({ frequency: 440, sampleRate: 48000, frames: 4800 });
  for (let at = 0; at < 4800; at += 128) {
    node.setInput(0, [signal], at);
    scope.render();
    scope.deliver();
  }
  expect(chunks.map(({ sequence, frame, frames }) => [sequence, frame, frames])).toEqual([
    [0, 0, 960],
    [1, 960, 960],
    [2, 1920, 960],
    [3, 2880, 960],
    [4, 3840, 960],
  ]);
  const samples = chunks.flatMap(({ bytes }) => [...new Int16Array(bytes.buffer)]);
  samples.forEach((sample, i) => {
    const exact = Math.max(-32768, Math.min(32767, signal[i]! * 32768));
    expect(Math.abs(sample - exact)).toBeLessThanOrEqual(0.5);
  });
  scope.close();
});
