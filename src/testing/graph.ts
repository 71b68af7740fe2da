import { integerIn, numberIn } from '../core/arguments.ts';
import { ChannelMixer } from '../core/dsp/channel-mixer.ts';
import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { GraphParam } from './graph-param.ts';
import { MAX_CHANNELS } from './node-options.ts';
import type { NodeOptions } from './node-options.ts';
import { domException } from './platform.ts';
import type { ProcessorClass } from './registration.ts';
import type { ScopeNode } from './scope-node.ts';
import { channelsOf } from './signal.ts';
import type { Signal } from './signal.ts';
import { createWorkletScope } from './worklet-scope.ts';
import type { ModuleSource, ScopeOptions, WorkletScope } from './worklet-scope.ts';

/** Options of `createGraph`. */
export interface GraphOptions extends ScopeOptions {
  /** Number of channels of the destination, 1 to 32. @default 1 */
  readonly outputChannels?: number;
}
const NAMES = { sampleRate: 1, quantum: 1, outputChannels: 1 } satisfies OptionNames<GraphOptions>;

type Channels = readonly Float32Array[];
/** The output of a node that is not actively processing: a connection without channels. */
const NOTHING: Channels = [];

/** How the connections of an input are mixed (Web Audio §1.5.2, §4). */
interface Mixing {
  readonly channelCount: number;
  readonly channelCountMode: 'max' | 'clamped-max' | 'explicit';
  readonly channelInterpretation: 'speakers' | 'discrete';
}
const MAX_MIXING: Mixing = {
  channelCount: 2,
  channelCountMode: 'max',
  channelInterpretation: 'speakers',
};

/** A node of a {@link Graph}. */
export abstract class GraphNode {
  readonly numberOfInputs: number;
  readonly numberOfOutputs: number;
  /** The connections of each input. */
  readonly #inputs: { readonly from: GraphNode; readonly output: number }[][];
  readonly #mixing: Mixing;
  #renderedFrame = -1;
  #rendering = false;
  #outputs: readonly Channels[] = [];

  /** @internal */
  constructor(numberOfInputs: number, numberOfOutputs: number, mixing: Mixing = MAX_MIXING) {
    this.numberOfInputs = numberOfInputs;
    this.numberOfOutputs = numberOfOutputs;
    this.#inputs = Array.from({ length: numberOfInputs }, () => []);
    this.#mixing = mixing;
  }

  /**
   * Connects an output to an input of another node; connecting the same two again has no effect.
   *
   * @returns `destination`
   * @throws DOMException IndexSizeError for an output or an input that does not exist
   */
  connect<Destination extends GraphNode>(
    destination: Destination,
    output = 0,
    input = 0,
  ): Destination {
    const inputs = (destination as GraphNode).#inputs[input];
    if (inputs === undefined || !(output >= 0 && output < this.numberOfOutputs)) {
      throw domException('IndexSizeError', `There is no output ${output} or no input ${input}.`);
    }
    if (!inputs.some((one) => one.from === this && one.output === output)) {
      inputs.push({ from: this, output });
    }
    return destination;
  }

  /** Ends every connection from this node to `destination`. */
  disconnect(destination: GraphNode): void {
    for (const inputs of destination.#inputs) {
      for (let i = inputs.length - 1; i >= 0; i--) {
        if (inputs[i]!.from === this) inputs.splice(i, 1);
      }
    }
  }

  /** Returns the outputs of this quantum, which are computed once. @internal */
  pull(quantum: Quantum): readonly Channels[] {
    if (this.#renderedFrame === quantum.frame) return this.#outputs;
    if (this.#rendering) {
      throw domException('NotSupportedError', 'The graph has a cycle, which needs a DelayNode.');
    }
    this.#rendering = true;
    try {
      const inputs = this.#inputs.map((connections) => {
        const brought = connections
          .map(({ from, output }) => from.pull(quantum)[output]!)
          .filter((channels) => channels.length > 0);
        return mix(brought, this.#mixing, quantum.frames);
      });
      this.#outputs = this.process(inputs, quantum);
    } finally {
      this.#rendering = false;
    }
    this.#renderedFrame = quantum.frame;
    return this.#outputs;
  }

  /** @internal */
  protected abstract process(inputs: readonly Channels[], quantum: Quantum): readonly Channels[];
}

/** The quantum being rendered. */
interface Quantum {
  readonly frame: number;
  readonly frames: number;
  readonly sampleRate: number;
  readonly run: (node: ScopeNode) => void;
}

/** Multiplies by `gain`. */
export class GraphGain extends GraphNode {
  readonly gain: GraphParam;

  /** @internal */
  constructor(gain: number) {
    super(1, 1);
    this.gain = new GraphParam(1);
    this.gain.value = gain;
  }

  /** @internal */
  protected process([input]: readonly Channels[], quantum: Quantum): readonly Channels[] {
    const { frame, frames, sampleRate } = quantum;
    const gain = this.gain.valuesOf(frame, frames, sampleRate);
    if (input!.length === 0) return [NOTHING];
    const scaled = input!.map((samples) =>
      samples.map((sample, i) => sample * (typeof gain === 'number' ? gain : gain[i]!)),
    );
    return [scaled];
  }
}

/** A source that starts and stops at whole frames; times in seconds are rounded to them. */
export abstract class GraphSource extends GraphNode {
  #start = Infinity;
  #stop = Infinity;

  /** @throws DOMException InvalidStateError if it was already started */
  start(when = 0): void {
    if (this.#start !== Infinity)
      throw domException('InvalidStateError', 'It was started already.');
    this.#start = numberIn('when', when, 0, 1e9);
  }

  /** @throws DOMException InvalidStateError before `start` */
  stop(when = 0): void {
    if (this.#start === Infinity) throw domException('InvalidStateError', 'It was not started.');
    this.#stop = numberIn('when', when, 0, 1e9);
  }

  /** @internal */
  protected process(_: readonly Channels[], quantum: Quantum): readonly Channels[] {
    const { frame, frames, sampleRate } = quantum;
    const start = Math.round(this.#start * sampleRate);
    const stop = Math.min(Math.round(this.#stop * sampleRate), start + this.lengthFrames);
    // Actively processing only while it plays during a part of the quantum (Web Audio §1.5, "actively processing").
    if (frame >= stop || frame + frames <= start) return [NOTHING];
    const channels = Array.from({ length: this.channels }, () => new Float32Array(frames));
    const from = Math.max(0, start - frame);
    const to = Math.min(frames, stop - frame);
    if (from < to) this.fill(channels, from, to, frame - start, quantum);
    return [channels];
  }

  /** @internal */
  protected abstract readonly channels: number;
  /** @internal */
  protected abstract readonly lengthFrames: number;
  /** Fills frames `from` … `to`; `offset` is the source's frame at the start of the quantum. @internal */
  protected abstract fill(
    channels: Channels,
    from: number,
    to: number,
    offset: number,
    quantum: Quantum,
  ): void;
}

/** A source of a constant value, which may be automated. */
export class GraphConstantSource extends GraphSource {
  readonly offset: GraphParam = new GraphParam(1);
  /** @internal */
  protected readonly channels = 1;
  /** @internal */
  protected readonly lengthFrames: number = Infinity;

  /** @internal */
  constructor(offset: number) {
    super(0, 1);
    this.offset.value = offset;
  }

  /** @internal */
  protected fill(channels: Channels, from: number, to: number, _: number, quantum: Quantum): void {
    const { frame, frames, sampleRate } = quantum;
    const values = this.offset.valuesOf(frame, frames, sampleRate);
    for (let i = from; i < to; i++) {
      channels[0]![i] = typeof values === 'number' ? values : values[i]!;
    }
  }
}

/** Plays samples once. */
export class GraphBufferSource extends GraphSource {
  readonly #samples: Channels;
  /** @internal */
  protected readonly channels: number;
  /** @internal */
  protected readonly lengthFrames: number;

  /** @internal */
  constructor(samples: Channels) {
    super(0, 1);
    this.#samples = samples;
    this.channels = samples.length;
    this.lengthFrames = samples[0]?.length ?? 0;
  }

  /** @internal */
  protected fill(channels: Channels, from: number, to: number, offset: number): void {
    for (const [index, channel] of channels.entries()) {
      channel.set(this.#samples[index]!.subarray(offset + from, offset + to), from);
    }
  }
}

/** A node whose processor runs in the graph. */
export class GraphWorkletNode<P = object> extends GraphNode {
  /** The processor, its port and its state. The graph sets its inputs and parameters. */
  readonly node: ScopeNode<P>;
  /** The processor's parameters, by name. */
  readonly parameters: ReadonlyMap<string, GraphParam>;

  /** @internal */
  constructor(
    node: ScopeNode<P>,
    { numberOfInputs = 1, numberOfOutputs = 1, ...options }: NodeOptions,
  ) {
    super(numberOfInputs, numberOfOutputs, {
      channelCount: options.channelCount ?? 2,
      channelCountMode: options.channelCountMode ?? 'max',
      channelInterpretation: options.channelInterpretation ?? 'speakers',
    });
    this.node = node;
    this.parameters = new Map(
      node.parameterRanges.map(({ name, min, max, value, perFrame }) => [
        name,
        new GraphParam(value, { min, max, rate: perFrame ? 'a-rate' : 'k-rate' }),
      ]),
    );
  }

  /** @internal */
  protected process(inputs: readonly Channels[], quantum: Quantum): readonly Channels[] {
    const { frame, frames, sampleRate, run } = quantum;
    for (const [index, channels] of inputs.entries()) this.node.setInput(index, channels);
    for (const [name, parameter] of this.parameters) {
      this.node.setParameter(name, parameter.valuesOf(frame, frames, sampleRate));
    }
    run(this.node as ScopeNode);
    return this.node.outputs.map((channels) => channels.map((samples) => samples.slice()));
  }
}

class GraphDestination extends GraphNode {
  constructor(channelCount: number) {
    super(1, 0, { channelCount, channelCountMode: 'explicit', channelInterpretation: 'speakers' });
  }

  protected process(inputs: readonly Channels[]): readonly Channels[] {
    return inputs;
  }
}

/**
 * A small audio graph in plain Node: sources, gains and processors, connected, mixed and automated as in an
 * `OfflineAudioContext`.
 */
export class Graph {
  readonly #scope: WorkletScope;
  /** The node whose input is the result. */
  readonly destination: GraphNode;
  readonly #channels: number;

  /** @internal */
  constructor(options: GraphOptions) {
    const { outputChannels, ...scope } = options;
    this.#channels = integerIn('outputChannels', outputChannels ?? 1, 1, MAX_CHANNELS);
    this.#scope = createWorkletScope(scope);
    this.destination = new GraphDestination(this.#channels);
  }

  /** The scope of the processors: for `settle()`, `deliver()` and the clock. */
  get scope(): WorkletScope {
    return this.#scope;
  }

  /** Adds a module, as `scope.addModule` does. */
  addModule(module: ModuleSource): Promise<unknown> {
    return this.#scope.addModule(module);
  }

  /** Creates a gain. @param gain the value of the gain */
  createGain(gain = 1): GraphGain {
    return new GraphGain(gain);
  }

  /** Creates a source of a constant. @param offset the constant */
  createConstantSource(offset = 1): GraphConstantSource {
    return new GraphConstantSource(offset);
  }

  /** Creates a source that plays samples at the graph's rate. It reads them while it renders. */
  createBufferSource(signal: Signal): GraphBufferSource {
    return new GraphBufferSource(channelsOf('signal', signal));
  }

  /** Creates a processor's node. @throws as `scope.createNode` */
  createWorkletNode<P = object>(
    processor: string | ProcessorClass<P>,
    options: NodeOptions = {},
  ): GraphWorkletNode<P> {
    return new GraphWorkletNode(this.#scope.createNode(processor, options), options);
  }

  /**
   * Renders from where the last call ended, in whole quanta, and delivers messages after each one. Nodes that do not lead to the
   * destination are not rendered.
   *
   * @param frames number of frames to return; the clock advances by whole quanta
   * @throws errors of processors; DOMException NotSupportedError for a cycle
   */
  async render(frames: number): Promise<{ readonly channels: readonly Float32Array[] }> {
    integerIn('frames', frames, 0, Number.MAX_SAFE_INTEGER);
    const channels = Array.from({ length: this.#channels }, () => new Float32Array(frames));
    const { quantum, sampleRate } = this.#scope;
    for (let at = 0; at < frames; at += quantum) {
      const frame = this.#scope.currentFrame;
      let block: Channels = NOTHING;
      this.#scope.renderBy((run) => {
        [block = NOTHING] = this.destination.pull({ frame, frames: quantum, sampleRate, run });
      });
      for (const [index, samples] of block.entries()) {
        channels[index]!.set(samples.subarray(0, Math.min(quantum, frames - at)), at);
      }
      this.#scope.deliver();
    }
    await this.#scope.settle();
    return { channels };
  }

  /** Ends the processors and the scope. */
  close(): void {
    this.#scope.close();
  }
}

/**
 * Opens a small audio graph, to render a processor together with sources, gains and automation. Close it at the end.
 *
 * @throws TypeError or RangeError for an invalid option
 */
export function createGraph(options: GraphOptions = {}): Graph {
  checkOptions('createGraph', options, NAMES);
  return new Graph(options);
}

/** Mixes the connections of an input (Web Audio §4): each is mixed to the computed number of channels, then all are added. */
function mix(connections: readonly Channels[], mixing: Mixing, frames: number): Channels {
  if (connections.length === 0) return NOTHING;
  const { channelCount, channelCountMode, channelInterpretation } = mixing;
  const most = Math.max(...connections.map((channels) => channels.length));
  const count =
    channelCountMode === 'explicit'
      ? channelCount
      : channelCountMode === 'max'
        ? most
        : Math.min(most, channelCount);
  const sum = Array.from({ length: count }, () => new Float32Array(frames));
  for (const channels of connections) {
    const mixed = mixedTo(channels, count, channelInterpretation, frames);
    for (let channel = 0; channel < mixed.length; channel++) {
      const target = sum[channel]!;
      const source = mixed[channel]!;
      for (let i = 0; i < frames; i++) target[i]! += source[i]!;
    }
  }
  return sum;
}

/** Mixes one connection to the given number of channels; `'discrete'` adds silent channels or drops channels. */
function mixedTo(
  channels: Channels,
  count: number,
  interpretation: Mixing['channelInterpretation'],
  frames: number,
): Channels {
  if (channels.length === count) return channels;
  if (interpretation === 'discrete') return channels.slice(0, count);
  const output = Array.from({ length: count }, () => new Float32Array(frames));
  new ChannelMixer({ outputChannels: count }).mix(channels, 0, frames, output, 0);
  return output;
}
