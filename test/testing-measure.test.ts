/** `expectNoAllocation`, `measureAllocation` and `measureQuanta`, as users call them. `allocation.test.ts` runs every processor. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleTesting } from './helpers/case-runner.ts';

const PROCESSORS = `
registerProcessor('half', class extends AudioWorkletProcessor {
  static parameterDescriptors = [{ name: 'gain', defaultValue: 1 }];
  process(inputs, outputs, parameters) {
    const gain = parameters.gain;
    for (let c = 0; c < inputs[0].length; c++)
      for (let i = 0; i < inputs[0][c].length; i++)
        outputs[0][c][i] = inputs[0][c][i] * 0.5 * gain[gain.length > 1 ? i : 0];
    return true;
  }
});
registerProcessor('destructuring', class extends AudioWorkletProcessor {
  process([input], [output]) {
    output[0][0] = input[0][0];
    return true;
  }
});
registerProcessor('buffer', class extends AudioWorkletProcessor {
  process(inputs) {
    this.kept = inputs[0][0].slice();
    return true;
  }
});
registerProcessor('once', class extends AudioWorkletProcessor {
  process() { return false; }
});
registerProcessor('counter', class extends AudioWorkletProcessor {
  constructor(options) {
    super();
    this.shared = new Int32Array(options.processorOptions.memory);
    this.port.onmessage = ({ data }) => { this.shared[0] += data.step; };
    this.answer = { at: 0 };
  }
  process(inputs) {
    if (inputs[1].length !== 2) throw new Error('The second input must have two channels.');
    this.answer.at = this.shared[0];
    this.port.postMessage(this.answer);
    return true;
  }
});
registerProcessor('slow', class extends AudioWorkletProcessor {
  quanta = 0;
  process() {
    if (this.quanta++ === 30) for (let i = 0, sum = 0; i < 1e5; i++) sum += Math.sin(i + sum);
    return true;
  }
});
`;
const SETUP = `
export const setup = ({ step }) => {
  const message = { step };
  const memory = new SharedArrayBuffer(4);
  let last = 0;
  return {
    options: { processorOptions: { memory } },
    start: (send) => send(message),
    beforeQuantum: (index, send) => {
      if (last !== index * step) throw new Error('At ' + index + ': ' + last);
      if (index > 0) send(message);
    },
    onPost: (answer) => { last = answer.at; },
  };
};
`;

let folder: string;
let kit: typeof import('../src/testing/index.ts');
let module: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'micwire-measure-'));
  kit = await bundleTesting(join(folder, 'testing'));
  module = join(folder, 'processors.mjs');
  await writeFile(module, PROCESSORS);
  await writeFile(join(folder, 'setup.mjs'), SETUP);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('expectNoAllocation', { timeout: 120_000 }, () => {
  it('passes a processor that only computes, given by a path, with a curve and a changing input', async () => {
    const gain = Float32Array.from({ length: 300 }, (_, i) => i / 300);
    await kit.expectNoAllocation('half', {
      module,
      inputChannels: [1, 2, 0],
      parameters: { gain },
    });
  });

  it('reports how many bytes, the usual cause, and the line', async () => {
    await expect(
      kit.expectNoAllocation('destructuring', { module: pathToFileURL(module) }),
    ).rejects.toThrow(
      /^process\(\) of 'destructuring' allocates 176\.\d\d bytes per quantum on the JavaScript heap; .*\[input\], \[output\][^]*process \(processors\.mjs:13\)/,
    );
  });

  it('counts array buffers separately', async () => {
    await expect(kit.expectNoAllocation('buffer', { module })).rejects.toThrow(
      /and 512\.\d\d bytes of array buffers; .*new Float32Array/,
    );
  });
});

describe('measureAllocation', { timeout: 120_000 }, () => {
  it('accepts messages, shared memory and several inputs from a setup', async () => {
    const { heapBytes, bufferBytes } = await kit.measureAllocation('counter', {
      module,
      setup: join(folder, 'setup.mjs'),
      setupData: { step: 1 },
      numberOfInputs: 2,
      inputChannels: [2],
      quanta: 3000,
    });
    expect(heapBytes).toBeLessThan(0.05);
    expect(bufferBytes).toBeLessThanOrEqual(0);
  });

  it.each<[string, string, object, string]>([
    ['ends', 'once', {}, 'The processor ended during the run.'],
    ['is not registered', 'none', {}, "'none' is not registered in this scope"],
    ['has no module', 'half', { module: '/nowhere.mjs' }, 'cannot be loaded: Cannot find module'],
    ['has another setup', 'half', { setup: '/nowhere.mjs' }, "Cannot find module '/nowhere.mjs'"],
  ])('rejects when the processor %s', async (_, name, options, message) => {
    await expect(kit.measureAllocation(name, { module, ...options })).rejects.toThrow(
      `'${name}' cannot be measured: `,
    );
    await expect(kit.measureAllocation(name, { module, ...options })).rejects.toThrow(message);
  });

  it('runs TypeScript if Node does, and otherwise names the version that does', async () => {
    const typed = join(folder, 'typed.mts');
    await writeFile(
      typed,
      `const name: string = 'typed';\n${PROCESSORS.replace("'half'", 'name')}`,
    );
    const measured = kit.measureAllocation('typed', { module: typed, quanta: 2000 });
    if ('typescript' in process.features && process.features.typescript) {
      expect((await measured).bufferBytes).toBeLessThanOrEqual(0);
    } else {
      await expect(measured).rejects.toThrow('TypeScript needs Node 22.18 or later');
    }
  });

  it.each<[string, unknown, object, string]>([
    ['a class', class {}, {}, 'processor must be a registered name'],
    ['a function', 'half', { module: () => 0 }, 'module must be a URL or a path'],
    ['a setup of another kind', 'half', { setup: 5 }, 'setup must be a URL or a path'],
    ['no quanta', 'half', { quanta: 0 }, 'quanta must lie between 2 and 1000000, got 0.'],
    [
      'too many channels',
      'half',
      { inputChannels: [33] },
      'inputChannels must lie between 0 and 32',
    ],
  ])('refuses %s', async (_, name, options, message) => {
    await expect(kit.measureAllocation(name as string, { module, ...options })).rejects.toThrow(
      message,
    );
  });
});

describe('measureQuanta', { timeout: 120_000 }, () => {
  it('finds the slowest quantum, as a fraction of its duration', async () => {
    const times = await kit.measureQuanta('slow', { module, quanta: 100, runs: 20, quantum: 256 });
    expect(times.quantumMs).toBeCloseTo(256 / 48, 10);
    // A hundred thousand sines against none.
    expect(times.worstIndex).toBe(30);
    expect(times.worst).toBeGreaterThan(times.median);
    expect(times.first).toBeGreaterThan(0);
  });
});
