/** The graph of `micwire/testing`: `test/browser/testing-graph.test.ts` compares it with Chromium. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { audioMatchers, createGraph } from '../src/testing/index.ts';
import type { Graph } from '../src/testing/index.ts';
import { GRAPH_PROCESSORS, GRAPH_SCENARIOS } from './helpers/graph-scenarios.ts';
import type { GraphKit } from './helpers/graph-scenarios.ts';

expect.extend(audioMatchers);

let graph: Graph;
beforeEach(async () => {
  graph = createGraph({ sampleRate: 48_000 });
  await graph.addModule(new Function(GRAPH_PROCESSORS) as () => unknown);
});
afterEach(() => graph.close());

it('sums two sources in a processor, behind a gain with automation', async () => {
  const [one, two] = [graph.createConstantSource(0.25), graph.createConstantSource(0.5)];
  const processor = graph.createWorkletNode('level');
  const gain = graph.createGain(0);
  gain.gain.setValueAtTime(1, 64 / 48_000).linearRampToValueAtTime(0, 320 / 48_000);
  one.connect(processor).connect(gain).connect(graph.destination);
  two.connect(processor);
  one.start();
  two.start(128 / 48_000);
  const { channels } = await graph.render(400);
  const expected = Float32Array.from({ length: 400 }, (_, frame) => {
    const level = frame < 64 ? 0 : frame < 320 ? 1 - (frame - 64) / 256 : 0;
    return 0.5 * (frame < 128 ? 0.25 : 0.75) * level;
  });
  expect(channels).toMatchSignal(expected, { toleranceDb: -130 });
});

it('continues where the last call of render ended, even in the middle of a quantum', async () => {
  const source = graph.createBufferSource(Float32Array.from({ length: 300 }, (_, i) => i / 300));
  source.connect(graph.destination);
  source.start();
  expect((await graph.render(100)).channels[0]![99]).toBeCloseTo(99 / 300, 6);
  // The rest of that quantum is rendered, and not returned.
  expect((await graph.render(10)).channels[0]![0]).toBeCloseTo(128 / 300, 6);
});

describe('automation', () => {
  const render = async (): Promise<Float32Array> => (await graph.render(256)).channels[0]!;

  it('applies and cancels scheduled events', async () => {
    const source = graph.createConstantSource(1);
    const { offset } = source;
    offset.setValueAtTime(0.5, 10 / 48_000).setValueAtTime(0.25, 100 / 48_000);
    offset.cancelScheduledValues(100 / 48_000);
    source.connect(graph.destination);
    source.start();
    const samples = await render();
    expect([samples[9], samples[10], samples[200]]).toEqual([1, 0.5, 0.5]);
  });

  it('holds a value that an exponential ramp cannot leave: zero, or one of the opposite sign', async () => {
    const source = graph.createConstantSource(0);
    source.offset.exponentialRampToValueAtTime(1, 100 / 48_000);
    source.offset.exponentialRampToValueAtTime(-1, 200 / 48_000);
    source.connect(graph.destination);
    source.start();
    const samples = await render();
    expect([samples[50], samples[100], samples[150], samples[200]]).toEqual([0, 1, 1, -1]);
  });
});

describe('wrong arguments throw', () => {
  it.each<[string, () => unknown, string]>([
    ['a cycle', () => loop(), 'The graph has a cycle'],
    ['no such input', () => graph.createGain().connect(graph.createGain(), 0, 1), 'no input 1'],
    ['a second start', () => twice(), 'It was started already.'],
    ['a stop before the start', () => graph.createConstantSource().stop(), 'It was not started.'],
    [
      'an exponential ramp to zero',
      () => graph.createGain().gain.exponentialRampToValueAtTime(0, 1),
      'must not be 0',
    ],
    [
      'a ramp after an approach',
      () => graph.createGain().gain.setTargetAtTime(0, 0, 1).linearRampToValueAtTime(1, 1),
      'A ramp cannot follow setTargetAtTime here',
    ],
    ['a time before the start', () => graph.createGain().gain.setValueAtTime(0, -1), 'time must'],
    ['a value that is not finite', () => graph.createGain(NaN), 'value must be finite'],
    ['an option of another name', () => createGraph({ rate: 1 } as never), "has no option 'rate'"],
  ])('%s', async (_, act, message) => {
    await expect((async () => act())()).rejects.toThrow(message);
  });

  const loop = (): Promise<unknown> => {
    const gain = graph.createGain();
    gain.connect(graph.createGain()).connect(gain);
    gain.connect(graph.destination);
    return graph.render(1);
  };
  const twice = (): void => {
    const source = graph.createConstantSource();
    source.start();
    source.start();
  };
});

/** Values of k-rate, and what a processor sees of its inputs, are a matter of quanta. */
const WITHOUT_QUANTA = GRAPH_SCENARIOS.filter(
  ({ name }) => !/k-rate|parameters|come and go/.test(name),
);

it.each(WITHOUT_QUANTA)('renders the same in quanta of any length: $name', async ({ build }) => {
  const render = async (quantum: number): Promise<readonly Float32Array[]> => {
    const own = createGraph({ sampleRate: 44_100, quantum, outputChannels: 2 });
    await own.addModule(new Function(GRAPH_PROCESSORS) as () => unknown);
    build({
      destination: own.destination,
      gain: (gain) => own.createGain(gain),
      constant: (offset) => own.createConstantSource(offset),
      buffer: (channels) => own.createBufferSource(channels),
      worklet: (processor, options) => own.createWorkletNode(processor, options),
    } as GraphKit);
    const { channels } = await own.render(4000);
    own.close();
    return channels;
  };
  expect(await render(1024)).toMatchSignal(await render(128));
});
