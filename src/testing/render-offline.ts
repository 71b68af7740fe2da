import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { NODE_NAMES } from './node-options.ts';
import { numberIn } from '../core/arguments.ts';
import type { ProcessorClass } from './registration.ts';
import type { NodeOptions } from './node-options.ts';
import type { ScopeNode } from './scope-node.ts';
import { createWorkletScope } from './worklet-scope.ts';
import type { ModuleSource, ScopeOptions, WorkletScope } from './worklet-scope.ts';

/** The signal of an input: its channels, or a function that returns the channels of each quantum. */
export type RenderInput =
  | readonly Float32Array[]
  /** `frame` is the quantum's first frame. An empty list means that there is no connection. */
  | ((frame: number, frames: number) => readonly Float32Array[]);

/** Options of `renderOffline`. */
export interface RenderOptions extends ScopeOptions, NodeOptions {
  /** Signal of the first input. @default no connection */
  readonly input?: RenderInput;
  /** Signals of all inputs, for a processor with several; instead of `input`. */
  readonly inputs?: readonly RenderInput[];
  /** Parameter values by name: a constant, or one value per frame. */
  readonly parameters?: Readonly<Record<string, number | Float32Array>>;
  /** How long to render, in seconds. @default as long as the longest input */
  readonly seconds?: number;
  /** How long to render, in frames; instead of `seconds`. */
  readonly frames?: number;
  /** A module to add first: the one that registers the processor. */
  readonly module?: ModuleSource;
  /** The scope to render in; it stays open. @default a new one, closed at the end */
  readonly scope?: WorkletScope;
  /** Messages to post to the processor before the first quantum, in order. */
  readonly messages?: readonly unknown[];
  /** Called before each quantum, for example to post messages during rendering. `frame` is the quantum's first frame. */
  readonly onQuantum?: (node: ScopeNode, frame: number) => void;
}

const NAMES = {
  ...NODE_NAMES,
  sampleRate: 1,
  quantum: 1,
  input: 1,
  inputs: 1,
  parameters: 1,
  seconds: 1,
  frames: 1,
  module: 1,
  scope: 1,
  messages: 1,
  onQuantum: 1,
} satisfies OptionNames<RenderOptions>;

/** Result of `renderOffline`. */
export interface RenderResult {
  /** The channels of the first output. Empty when the processor has no output. */
  readonly channels: readonly Float32Array[];
  /** Every output: output → channel → samples. */
  readonly outputs: readonly (readonly Float32Array[])[];
  /** All messages that the processor posted, in order. */
  readonly messages: readonly unknown[];
  /** Number of rendered frames. */
  readonly frames: number;
  /** False when the processor ended by itself. */
  readonly alive: boolean;
}

/**
 * Renders one processor from beginning to end, like an `OfflineAudioContext` with only its node: the same class produces the same
 * samples, bit for bit.
 *
 * @param processor a registered name, or a class.
 * @throws errors that the processor throws in its constructor or in `process()`.
 */
export async function renderOffline(
  processor: string | ProcessorClass,
  options: RenderOptions = {},
): Promise<RenderResult> {
  checkOptions('renderOffline', options, NAMES);
  const { sampleRate, quantum } = options;
  const scope =
    options.scope ??
    createWorkletScope({
      ...(sampleRate === undefined ? {} : { sampleRate }),
      ...(quantum === undefined ? {} : { quantum }),
    });
  try {
    if (options.module) await scope.addModule(options.module);
    return await render(scope, processor, options);
  } finally {
    if (!options.scope) scope.close();
  }
}

async function render(
  scope: WorkletScope,
  processor: string | ProcessorClass,
  options: RenderOptions,
): Promise<RenderResult> {
  const inputs = options.inputs ?? (options.input ? [options.input] : []);
  const node = scope.createNode(processor, {
    ...nodeOptionsOf(options),
    numberOfInputs: options.numberOfInputs ?? Math.max(1, inputs.length),
  });
  const received: unknown[] = [];
  node.port.onmessage = (event): void => void received.push(event.data);
  for (const message of options.messages ?? []) node.port.postMessage(message);
  const parameters = Object.entries(options.parameters ?? {});
  const frames = lengthOf(inputs, options, scope.sampleRate);
  const outputs = node.outputs.map((output) => output.map(() => new Float32Array(frames)));
  for (let frame = 0; frame < frames; frame += scope.quantum) {
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i]!;
      if (typeof input === 'function') node.setInput(i, input(frame, scope.quantum));
      else node.setInput(i, input, frame);
    }
    for (const [name, value] of parameters) node.setParameter(name, value, frame);
    options.onQuantum?.(node, frame);
    scope.render();
    copyOut(node.outputs, outputs, frame, frames);
    scope.deliver();
  }
  await scope.settle();
  return { channels: outputs[0] ?? [], outputs, messages: received, frames, alive: node.alive };
}

/** Returns the options that belong to the node. */
function nodeOptionsOf(options: RenderOptions): NodeOptions {
  const known = Object.entries(options).filter(([name]) => Object.hasOwn(NODE_NAMES, name));
  return Object.fromEntries(known) as NodeOptions;
}

/** Copies a quantum into the result. Channels that an output gains during rendering are silent before that. */
function copyOut(
  from: readonly (readonly Float32Array[])[],
  to: Float32Array[][],
  frame: number,
  frames: number,
): void {
  for (let output = 0; output < from.length; output++) {
    const channels = from[output]!;
    const target = to[output]!;
    while (target.length < channels.length) target.push(new Float32Array(frames));
    for (let channel = 0; channel < channels.length; channel++) {
      const samples = channels[channel]!;
      target[channel]!.set(samples.subarray(0, Math.min(samples.length, frames - frame)), frame);
    }
  }
}

function lengthOf(
  inputs: readonly RenderInput[],
  options: RenderOptions,
  sampleRate: number,
): number {
  if (options.frames !== undefined) {
    return numberIn('frames', options.frames, 0, Number.MAX_SAFE_INTEGER);
  }
  if (options.seconds !== undefined) {
    return Math.round(numberIn('seconds', options.seconds, 0, 1e6) * sampleRate);
  }
  let frames = 0;
  for (const input of inputs) {
    if (typeof input === 'function') {
      throw new TypeError('seconds or frames must be given when an input is a function.');
    }
    for (const channel of input) frames = Math.max(frames, channel.length);
  }
  return frames;
}
