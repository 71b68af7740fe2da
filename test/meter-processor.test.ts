import { expect, test } from 'vitest';
import { METER_NAMES, createMeterReading } from '../src/core/metering/meter-table.ts';
import type { MeterProcessorOptions } from '../src/core/messages.ts';
import { SnapshotReader, allocateSnapshot } from '../src/core/snapshot.ts';
import { createWorkletScope, renderOffline } from '../src/testing/index.ts';
import { sine } from './helpers/signals.ts';

const module = (): Promise<unknown> => import('../worklets/meter.ts');

function options(more: Partial<MeterProcessorOptions> = {}): MeterProcessorOptions {
  return { channels: 2, meters: ['peak', 'rms'], settings: {}, snapshot: null, ...more };
}

function reading(): ReturnType<typeof createMeterReading<'peak' | 'rms'>> {
  return createMeterReading(['peak', 'rms'] as const, 2);
}

test.each([
  [8000, 128],
  [44100, 128],
  [48000, 1],
  [48000, 441],
  [96000, 128],
  [48000, 4096],
])(
  'without shared memory it posts, 60 times a second at most (%i Hz, quantum %i)',
  async (sampleRate, quantum) => {
    const quanta = Math.ceil((2 * sampleRate) / quantum);
    const frames = quanta * quantum;
    const { messages } = await renderOffline('micwire-meter', {
      module,
      sampleRate,
      quantum,
      processorOptions: options(),
      input: [sine({ frequency: 1000, sampleRate, frames, amplitude: 0.5, phase: 1 })],
    });
    const quantaApart = Math.ceil(sampleRate / 60 / quantum);
    expect(messages.length).toBe(Math.ceil(quanta / quantaApart));
    const last = messages.at(-1) as { type: string; values: Float64Array };
    expect(last.type).toBe('reading');
    const out = reading();
    out.values.set(last.values);
    expect(out.peakDbfs[0]).toBeCloseTo(-6.02, sampleRate > 8000 ? 1 : 0);
    expect(out.peakDbfs[1]).toBe(-Infinity);
    expect(out.rmsDbfs[0]).toBeCloseTo(-9.03, 2);
    expect(out.channels).toBe(1);
  },
);

test('with shared memory readings are published, 120 times a second at most, and nothing is posted', async () => {
  const snapshot = allocateSnapshot(reading().values.length);
  const reader = new SnapshotReader(snapshot);
  const out = reading();
  expect(reader.read(out.values)).toBe(false);
  const frames: number[] = [];
  const { messages } = await renderOffline('micwire-meter', {
    module,
    frames: 1000,
    quantum: 100,
    processorOptions: options({ snapshot }),
    input: [new Float32Array(1000).fill(0.5), new Float32Array(1000).fill(1)],
    onQuantum: () => {
      if (reader.read(out.values)) frames.push(out.frame);
    },
  });
  expect(messages).toEqual([]);
  expect(frames).toEqual([100, 100, 100, 100, 500, 500, 500, 500, 900]);
  expect([...out.clips]).toEqual([0, 900]);
});

test('the input may disappear or change its channels, and the quantum its size', async () => {
  const scope = createWorkletScope({ quantum: 128 });
  await scope.addModule(module);
  const snapshot = allocateSnapshot(reading().values.length);
  const reader = new SnapshotReader(snapshot);
  const node = scope.createNode('micwire-meter', { processorOptions: options({ snapshot }) });
  const loud = (frames: number): Float32Array => new Float32Array(frames).fill(1);
  const out = reading();
  const run = (frames: number, channels: number): number => {
    scope.quantum = frames;
    node.setInput(
      0,
      Array.from({ length: channels }, () => loud(frames)),
    );
    scope.render();
    reader.read(out.values);
    return out.channels;
  };
  // Each long enough that the next one's reading is due.
  expect(run(512, 2)).toBe(2);
  expect(run(1024, 0)).toBe(0);
  expect(run(407, 1)).toBe(1);
  expect(run(2048, 5)).toBe(2);
  expect(run(512, 0)).toBe(0);
  expect(out.frame).toBe(512 + 1024 + 407 + 2048 + 512);
  expect([...out.clips]).toEqual([512 + 407 + 2048, 512 + 2048]);
  expect([...out.clipRuns]).toEqual([2, 2]);
  scope.close();
});

test('reset restarts the meters; close ends the processor and says at which frame', async () => {
  const { messages, alive } = await renderOffline('micwire-meter', {
    module,
    frames: 48000,
    processorOptions: options({ meters: METER_NAMES }),
    input: [new Float32Array(48000).fill(1, 0, 10_000)],
    onQuantum: (node, frame) => {
      if (frame === 12_800) node.port.postMessage({ type: 'reset' });
      if (frame === 25_600) node.port.postMessage({ type: 'close' });
    },
  });
  expect(alive).toBe(false);
  const readings = messages.filter(
    (message) => (message as { type: string }).type === 'reading',
  ) as { frame: number; values: Float64Array }[];
  const clips = (message: { values: Float64Array }): number => {
    const out = createMeterReading(METER_NAMES, 2);
    out.values.set(message.values);
    return out.clips[0]!;
  };
  expect(clips(readings.findLast(({ frame }) => frame < 12_800)!)).toBe(10_000);
  expect(clips(readings.at(-1)!)).toBe(0);
  expect(messages.at(-1)).toEqual({ type: 'closed', frame: 25_600 });
});
