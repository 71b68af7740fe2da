import { sine } from './signals.ts';

/** The part of an AudioParam that scenarios use; the stand-in's and the browser's. */
interface Param {
  value: number;
  automationRate: string;
  setValueAtTime(value: number, time: number): unknown;
  linearRampToValueAtTime(value: number, time: number): unknown;
  exponentialRampToValueAtTime(value: number, time: number): unknown;
  setTargetAtTime(target: number, time: number, timeConstant: number): unknown;
  cancelScheduledValues(time: number): unknown;
}
interface Node {
  connect(destination: never, output?: number, input?: number): unknown;
}
interface Source extends Node {
  start(when?: number): void;
  stop(when?: number): void;
}
/** Makes nodes, in a browser or for the stand-in. */
export interface GraphKit {
  readonly destination: Node;
  gain(value: number): Node & { readonly gain: Param };
  constant(offset: number): Source & { readonly offset: Param };
  buffer(channels: readonly Float32Array[]): Source;
  worklet(
    name: string,
    options?: Partial<
      Pick<AudioNodeOptions, 'channelCount' | 'channelCountMode' | 'channelInterpretation'>
    >,
  ): Node & { readonly parameters: { get(name: string): Param | undefined } };
}

/** One graph, rendered for 4,000 frames at 44.1 kHz to two channels. */
export interface GraphScenario {
  readonly name: string;
  readonly build: (kit: GraphKit) => void;
}

export const GRAPH_RATE = 44_100;
export const GRAPH_FRAMES = 4000;

/** Registers `level`, which multiplies by a parameter, and `count`, which gives the number of its input's channels. */
export const GRAPH_PROCESSORS = `
registerProcessor('level', class extends AudioWorkletProcessor {
  static get parameterDescriptors() {
    return [
      { name: 'level', defaultValue: 0.5, minValue: 0, maxValue: 2 },
      { name: 'slow', defaultValue: 1, automationRate: 'k-rate' },
    ];
  }
  process(inputs, outputs, { level, slow }) {
    const input = inputs[0];
    for (let c = 0; c < input.length; c++)
      for (let i = 0; i < input[c].length; i++)
        outputs[0][c][i] = input[c][i] * level[level.length > 1 ? i : 0] * slow[0];
    return true;
  }
});
registerProcessor('count', class extends AudioWorkletProcessor {
  process(inputs, outputs) {
    outputs[0][0].fill(inputs[0].length / 8);
    return true;
  }
});`;

const tone = (frequency: number, frames = 3000): Float32Array =>
  sine({ frequency, sampleRate: GRAPH_RATE, frames, amplitude: 0.4 });
const at = (frame: number): number => frame / GRAPH_RATE;
const join = (from: Node, to: Node): void => void from.connect(to as never);

/** Connects nodes in a row. */
function chain(...nodes: readonly Node[]): void {
  for (let i = 1; i < nodes.length; i++) join(nodes[i - 1]!, nodes[i]!);
}

export const GRAPH_SCENARIOS: readonly GraphScenario[] = [
  {
    name: 'two sources, mixed by a processor behind a gain with ramps',
    build: (kit) => {
      const first = kit.buffer([tone(440)]);
      const second = kit.buffer([tone(1000), tone(700)]);
      const processor = kit.worklet('level');
      const gain = kit.gain(0.25);
      gain.gain.setValueAtTime(0.25, at(200));
      gain.gain.linearRampToValueAtTime(1, at(1500));
      gain.gain.exponentialRampToValueAtTime(0.01, at(2600));
      gain.gain.setValueAtTime(0.7, at(3100));
      chain(first, processor, gain, kit.destination);
      join(second, processor);
      first.start();
      second.start(at(640));
    },
  },
  {
    name: 'an exponential approach, and what is cancelled',
    build: (kit) => {
      const source = kit.constant(1);
      const gain = kit.gain(1);
      gain.gain.setTargetAtTime(0.2, at(300), 0.01);
      gain.gain.setValueAtTime(0.9, at(2500));
      gain.gain.linearRampToValueAtTime(0, at(3500));
      gain.gain.cancelScheduledValues(at(3000));
      chain(source, gain, kit.destination);
      source.start();
      source.stop(at(3700));
    },
  },
  {
    name: 'a gain of k-rate, and an automated constant',
    build: (kit) => {
      const source = kit.constant(0.1);
      source.offset.linearRampToValueAtTime(0.8, at(3000));
      const gain = kit.gain(1);
      gain.gain.automationRate = 'k-rate';
      gain.gain.setValueAtTime(0, 0);
      gain.gain.linearRampToValueAtTime(1, at(3900));
      chain(source, gain, kit.destination);
      source.start();
    },
  },
  {
    name: "a processor's parameters, kept within their range",
    build: (kit) => {
      const source = kit.buffer([tone(300, 4000)]);
      const processor = kit.worklet('level');
      processor.parameters.get('level')!.linearRampToValueAtTime(3, at(2000));
      processor.parameters.get('slow')!.setValueAtTime(0.5, at(1000));
      chain(source, processor, kit.destination);
      source.start();
    },
  },
  {
    name: 'a processor whose sources come and go',
    build: (kit) => {
      const processor = kit.worklet('count');
      const mono = kit.buffer([tone(440, 1000)]);
      const quad = kit.buffer(Array.from({ length: 4 }, () => tone(440, 512)));
      chain(mono, processor, kit.destination);
      join(quad, processor);
      mono.start();
      // From the start: Chromium counts the channels of a source that has not started.
      quad.start();
    },
  },
  ...(['max', 'clamped-max', 'explicit'] as const).flatMap((channelCountMode) =>
    (['speakers', 'discrete'] as const).map((channelInterpretation): GraphScenario => ({
      name: `mono, stereo and 5.1 into an input of ${channelCountMode}, ${channelInterpretation}`,
      build: (kit) => {
        const options = { channelCount: 2, channelCountMode, channelInterpretation };
        const processor = kit.worklet('level', options);
        const tones = [300, 400, 500, 600, 700, 800].map((frequency) => tone(frequency, 4000));
        for (const count of [1, 2, 6]) {
          const source = kit.buffer(tones.slice(0, count));
          join(source, processor);
          source.start();
        }
        join(processor, kit.destination);
      },
    })),
  ),
  {
    name: 'a source to two gains, and through one of them to a processor',
    build: (kit) => {
      const source = kit.buffer([tone(440, 4000), tone(220, 4000)]);
      const [loud, soft] = [kit.gain(0.9), kit.gain(0.3)];
      chain(source, loud, kit.destination);
      chain(source, soft, kit.worklet('level'), kit.destination);
      source.start(at(100));
    },
  },
];
