/** Kernels give their WebAssembly memory back, and do without it where there is no more. */
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { OpusDecoder, OpusEncoder, OpusLibrary } from '../src/core/codec/index.ts';
import { MeterBank, meterModule } from '../src/core/metering/index.ts';
import { Resampler, createResampler, planResampler } from '../src/core/resampler/index.ts';
import type { CaptureProcessorOptions, MeterProcessorOptions } from '../src/core/messages.ts';
import { createWorkletScope } from '../src/testing/index.ts';
import { opusModule } from './helpers/opus.ts';

const RATES = { inputRate: 48_000, outputRate: 16_000 } as const;

// Compiled before what compiles is replaced.
beforeAll(() => opusModule());

/** Memories and instances made so far; from `limit` on making one fails as engines do. */
let made: { memories: number; instances: number; limit: number };
beforeEach(() => {
  const counts = { memories: 0, instances: 0, limit: Infinity };
  made = counts;
  const { Memory, Instance } = WebAssembly;
  class CountedMemory extends Memory {
    constructor(size: WebAssembly.MemoryDescriptor) {
      if (counts.memories >= counts.limit) throw new RangeError('could not allocate memory');
      super(size);
      counts.memories++;
    }
  }
  class CountedInstance extends Instance {
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      if (counts.instances >= counts.limit) throw new RangeError('Out of memory');
      super(module, imports);
      counts.instances++;
    }
  }
  vi.stubGlobal('WebAssembly', {
    Memory: CountedMemory,
    Instance: CountedInstance,
    Module: WebAssembly.Module,
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const METERS = ['peak', 'rms', 'truePeak', 'loudness', 'ppm'] as const;
const noise = (frames: number): Float32Array =>
  Float32Array.from({ length: frames }, (_, i) => Math.sin(i * i));

function readings(bank: MeterBank<(typeof METERS)[number]>): number[] {
  bank.process([noise(9600), noise(9600).reverse()], 0, 9600);
  const reading = bank.createReading();
  bank.read(reading);
  return [...reading.values];
}

describe('a kernel', () => {
  const options = { sampleRate: 48_000, channels: 2, meters: METERS, wasm: meterModule() };

  test('that is closed leaves its memory to the next, which meters like a new one', () => {
    const first = new MeterBank(options);
    const expected = readings(first);
    first.close();
    const { memories } = made;
    for (let i = 0; i < 1000; i++) {
      const next = new MeterBank(options);
      if (i % 100 === 0) expect(readings(next)).toEqual(expected);
      next.close();
      // A second call does no harm.
      next.close();
    }
    expect(made.memories).toBe(memories);
    // Two at once never share one.
    const [a, b] = [new MeterBank(options), new MeterBank(options)];
    expect(readings(a)).toEqual(expected);
    expect(readings(b)).toEqual(expected);
    expect(made.memories).toBe(memories + 1);
    a.close();
    b.close();
  });

  test('of a resampler that is closed leaves its memory to the next, which converts the same', () => {
    const input = [noise(4800)];
    const convert = (resampler: Resampler): number[] => {
      const output = [new Float32Array(4800)];
      const frames = resampler.process(input, output);
      return [...output[0]!.subarray(0, frames)];
    };
    const first = new Resampler(RATES);
    const expected = convert(first);
    first.close();
    const { memories } = made;
    for (let i = 0; i < 1000; i++) {
      const next = new Resampler(RATES);
      if (i % 100 === 0) expect(convert(next)).toEqual(expected);
      next.close();
    }
    expect(made.memories).toBe(memories);
  });

  test('computes in TypeScript if there is no memory for another', () => {
    made.limit = made.memories;
    const banks = Array.from({ length: 20 }, () => new MeterBank(options));
    for (const bank of banks) expect(readings(bank)[2]).toBeCloseTo(readings(banks[0]!)[2]!, 3);
    const plan = planResampler(RATES);
    const streams = Array.from({ length: 20 }, () => createResampler(plan, 1));
    expect(streams.at(-1)!.execution).toBe('typescript');
    expect(() => createResampler({ ...plan, requireWasm: true }, 3)).toThrow(
      expect.objectContaining({ code: 'unsupported' }),
    );
  });
});

describe('libopus', () => {
  test('reports that there is no room for it, and how to make some', async () => {
    const module = await opusModule();
    made.limit = made.instances;
    expect(() => new OpusLibrary(module)).toThrow(
      expect.objectContaining({ name: 'MicwireError', code: 'out-of-memory' }),
    );
    expect(() => new OpusLibrary(module)).toThrow(/close\(\)/);
  });

  test('is one in a scope, for a thousand encoders and decoders that open and close', async () => {
    const module = await opusModule();
    const library = OpusLibrary.shared(module);
    const { instances } = made;
    let bytes = 0;
    for (let i = 0; i < 1000; i++) {
      const shared = OpusLibrary.shared(module);
      const encoder = new OpusEncoder(shared, { sampleRate: 48_000, channels: 1 });
      const decoder = new OpusDecoder(shared, { sampleRate: 48_000, channels: 1 });
      encoder.close();
      decoder.close();
      if (i === 9) bytes = library.bytes.length;
    }
    expect(made.instances).toBe(instances);
    expect(library.bytes.length).toBe(bytes);
  });
});

describe('processors that are closed while their source stays connected', () => {
  test('leave one memory, for any number of them', async () => {
    const scope = createWorkletScope({ sampleRate: 48_000 });
    await scope.addModule(() => import('../worklets/meter.ts'));
    await scope.addModule(() => import('../worklets/capture.ts'));
    const meter: MeterProcessorOptions = {
      channels: 2,
      meters: METERS,
      settings: {},
      wasm: meterModule(),
      snapshot: null,
    };
    const capture: CaptureProcessorOptions = {
      stream: { sampleRate: 16_000, channels: 1, format: 's16' },
      encoding: 'binary',
      dither: 'none',
      chunkDurationMs: 20,
      payloadBytes: 640,
      slots: 4,
      resampler: planResampler(RATES),
      ring: null,
    };
    const errors: unknown[] = [];
    const open = (name: string, processorOptions: object): void => {
      const node = scope.createNode(name, { processorOptions } as never);
      node.setInput(0, [new Float32Array(scope.quantum).fill(0.5)]);
      scope.render();
      node.port.postMessage({ type: 'close' });
      scope.deliver();
      scope.render();
      if (node.alive) errors.push(name);
    };
    open('micwire-meter', meter);
    open('micwire-capture', capture);
    const { memories } = made;
    for (let i = 0; i < 200; i++) {
      open('micwire-meter', meter);
      open('micwire-capture', capture);
    }
    expect(made.memories).toBe(memories);
    expect(errors).toEqual([]);
    scope.close();
  });
});
