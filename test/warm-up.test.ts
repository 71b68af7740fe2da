import { createHash } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { MeterBank } from '../src/core/metering/meter-bank.ts';
import { METER_NAMES } from '../src/core/metering/meter-table.ts';
import { meterModule } from '../src/core/metering/meter-module.ts';
import type { MeterProcessorOptions } from '../src/core/messages.ts';
import { SnapshotReader, allocateSnapshot } from '../src/core/snapshot.ts';
import { createWorkletScope } from '../src/testing/index.ts';
import { openCaseRun } from './helpers/case-run.ts';
import { OPUS_CASES } from './helpers/opus-cases.ts';
import { hex } from './helpers/packing.ts';
import { PROCESSOR_CASES } from './helpers/processor-cases.ts';
import type { ProcessorCase } from './helpers/processor-cases.ts';
import { seededRandom } from './helpers/random.ts';

/** Enough for chunks, underruns, a second of packets, and their resampler's tail. */
const QUANTA = 500;

const WORKLETS = {
  capture: () => import('../worklets/capture.ts'),
  'capture-opus': () => import('../worklets/capture-opus.ts'),
  microphone: () => import('../worklets/microphone.ts'),
  mixer: () => import('../worklets/mixer.ts'),
  playout: () => import('../worklets/playout.ts'),
  receive: () => import('../worklets/receive.ts'),
  'receive-opus': () => import('../worklets/receive-opus.ts'),
};

afterEach(() => {
  vi.doUnmock('../src/core/receive/warm-up-receive.ts');
  vi.restoreAllMocks();
  vi.resetModules();
});

/** All that a processor gives, as a digest: its output, what it posts, and what others see of its memory. */
async function outcome(kase: ProcessorCase): Promise<string> {
  const hash = createHash('sha256');
  let shared: SharedArrayBuffer | null | undefined;
  const driver = await openCaseRun(
    {
      ...kase,
      open: () => {
        const opened = kase.open();
        const { processorOptions } = opened.options;
        shared = (processorOptions as { readonly ring?: SharedArrayBuffer | null }).ring;
        return {
          ...opened,
          onPost: (message) => {
            const { buffer: _, ...rest } = message as Record<string, unknown>;
            hash.update(JSON.stringify(rest, bits));
            opened.onPost?.(message);
          },
        };
      },
    },
    WORKLETS[kase.worklet as keyof typeof WORKLETS],
  );
  for (let quantum = 0; quantum < QUANTA; quantum++) {
    driver.run(1);
    for (const channel of driver.node.outputs.flat())
      hash.update(hex(new Uint8Array(channel.slice().buffer)));
  }
  driver.close();
  if (shared) hash.update(new Uint8Array(shared));
  return hash.digest('hex');
}

/** Numbers to the last bit. */
function bits(_: string, value: unknown): unknown {
  if (typeof value === 'number') return hex(new Uint8Array(Float64Array.of(value).buffer));
  if (!ArrayBuffer.isView(value)) return value;
  return hex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
}

/** Loads processors that are as they are made, and counts how often they would have warmed up. */
async function withoutWarmUp<T>(run: () => Promise<T>): Promise<{ result: T; skipped: number }> {
  vi.resetModules();
  const skip = vi.fn();
  vi.doMock('../src/core/receive/warm-up-receive.ts', () => ({ warmUpReceive: skip }));
  const { CapturePipeline } = await import('../src/core/capture/capture-pipeline.ts');
  vi.spyOn(CapturePipeline.prototype, 'warmUp').mockImplementation(skip);
  const { PlayoutEngine } = await import('../src/core/playout/playout-engine.ts');
  vi.spyOn(PlayoutEngine, 'warmUp').mockImplementation(skip);
  const { MicrophoneEngine } = await import('../src/core/microphone/microphone-engine.ts');
  vi.spyOn(MicrophoneEngine, 'warmUp').mockImplementation(skip);
  const { MixerEngine } = await import('../src/core/align/mixer-engine.ts');
  vi.spyOn(MixerEngine, 'warmUp').mockImplementation(skip);
  const result = await run();
  return { result, skipped: skip.mock.calls.length };
}

const CASES = [...PROCESSOR_CASES, ...OPUS_CASES].filter(({ worklet }) => worklet in WORKLETS);

test.each(CASES.map(({ name }) => name))(
  'a processor gives the same result with and without its warm-up, to the last bit: %s',
  async (name) => {
    const kase = CASES.find((candidate) => candidate.name === name)!;
    const warmed = await outcome(kase);
    const { result, skipped } = await withoutWarmUp(() => outcome(kase));
    expect(skipped).toBe(1);
    expect(warmed).toBe(result);
  },
);

/** One case of each worklet. */
const ONE_EACH = Object.keys(WORKLETS).map((worklet) =>
  CASES.find((candidate) => candidate.worklet === worklet)!,
);

test.each(ONE_EACH.map(({ name }) => name))(
  'with its kind warm already, a processor gives the same result, to the last bit: %s',
  async (name) => {
    const kase = ONE_EACH.find((candidate) => candidate.name === name)!;
    const first = await outcome(kase);
    expect(await outcome(kase)).toBe(first);
  },
);

test('a warm-up is done in full once for each scope, kind and format', async () => {
  const { PlayoutEngine } = await import('../src/core/playout/playout-engine.ts');
  const { ReceiveEngine } = await import('../src/core/receive/receive-engine.ts');
  const quanta = {
    playout: vi.spyOn(PlayoutEngine.prototype, 'render').mock.calls,
    receive: vi.spyOn(ReceiveEngine.prototype, 'render').mock.calls,
  };
  const warmUp = async (worklet: 'playout' | 'receive', format: string): Promise<number> => {
    const kase = CASES.find(
      (candidate) => candidate.worklet === worklet && candidate.name.includes(format),
    )!;
    quanta[worklet].length = 0;
    (await openCaseRun(kase, WORKLETS[worklet])).close();
    return quanta[worklet].length;
  };
  const first = await warmUp('playout', '24 → 48 kHz s16');
  const second = await warmUp('playout', '24 → 48 kHz s16');
  expect(second).toBeLessThan(first / 2);
  expect(second).toBeGreaterThan(0);
  expect(await warmUp('playout', 'µ-law')).toBeGreaterThan(first / 2);
  expect(await warmUp('receive', 's24')).toBeGreaterThan(20);
  expect(await warmUp('receive', 's24')).toBe(0);
  expect(await warmUp('receive', 'µ-law')).toBeGreaterThan(20);
});

test.each([
  [1, true, false],
  [2, true, true],
  [8, true, false],
  [2, false, false],
])(
  'after its warm-up a meter of %i channels reads as a new bank does, to the last bit (WebAssembly %s, shared %s)',
  async (channels, wasm, shared) => {
    const random = seededRandom(channels);
    const sampleRate = 48_000;
    const settings = { channels, meters: METER_NAMES, ...(wasm && { wasm: meterModule() }) };
    const bank = new MeterBank({ ...settings, sampleRate });
    const expected = bank.createReading().values;
    const snapshot = shared ? allocateSnapshot(expected.length) : null;
    const processorOptions: MeterProcessorOptions = { ...settings, settings: {}, snapshot };
    const scope = createWorkletScope({ sampleRate });
    await scope.addModule(() => import('../worklets/meter.ts'));
    const node = scope.createNode('micwire-meter', { outputChannelCount: [1], processorOptions });
    const readings: Float64Array[] = [];
    let activities = 0;
    node.port.onmessage = ({ data }): void => {
      const { type, values } = data as { type: string; values: Float64Array };
      if (type === 'reading') readings.push(values);
      else activities++;
    };
    scope.deliver();
    expect(activities).toBe(0);
    if (snapshot) expect(new Uint8Array(snapshot).every((byte) => byte === 0)).toBe(true);
    // More than the window of short-term loudness; speech-like, so that there is activity, with inputs that vanish.
    const quanta = Math.ceil((3.5 * sampleRate) / scope.quantum);
    let compared = 0;
    for (let quantum = 0; quantum < quanta; quantum++) {
      const loud = quantum % 300 < 150 ? 0.5 : 0.001;
      const present = quantum % 97 === 50 ? 0 : quantum % 97 === 51 ? 1 : channels;
      const input = Array.from({ length: present }, () =>
        Float32Array.from({ length: scope.quantum }, () => loud * (2 * random() - 1)),
      );
      node.setInput(0, input);
      scope.render();
      scope.deliver();
      bank.process(input, 0, scope.quantum);
      const reading = snapshot ? readSnapshot(snapshot, expected.length) : readings.pop();
      if (reading === undefined || reading[0] !== bank.frame) continue;
      bank.store(expected, 0);
      expect(bits('', reading)).toBe(bits('', expected));
      compared++;
    }
    expect(compared).toBeGreaterThan(150);
    expect(activities).toBeGreaterThan(2);
    scope.close();
  },
);

function readSnapshot(memory: SharedArrayBuffer, length: number): Float64Array | undefined {
  const values = new Float64Array(length);
  return new SnapshotReader(memory).read(values) ? values : undefined;
}
