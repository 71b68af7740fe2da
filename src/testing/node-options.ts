import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { domException } from './platform.ts';
import { toDictionary, toEnum, toObject, toRecord, toSequence, toUnsignedLong } from './web-idl.ts';

/** Options of an `AudioWorkletNode` that a processor can notice. */
export interface NodeOptions {
  /** @default 1 */
  readonly numberOfInputs?: number;
  /** @default 1 */
  readonly numberOfOutputs?: number;
  /**
   * Number of channels of each output. Without it a node with one input and one output follows its input's channel count, and any
   * other node has one channel per output.
   */
  readonly outputChannelCount?: readonly number[];
  /** Initial parameter values, by name. They are clamped to the parameter's range. */
  readonly parameterData?: Readonly<Record<string, number>>;
  /** Passed to the processor's constructor as a structured clone. */
  readonly processorOptions?: unknown;
  /** Number of channels of an input, together with `channelCountMode`, 1 to 32. @default 2 */
  readonly channelCount?: number;
  /**
   * `'max'`: an input has as many channels as its connections. `'explicit'`: they are mixed to `channelCount`. `'clamped-max'`:
   * they are mixed to `channelCount` when there are more. @default 'max'
   */
  readonly channelCountMode?: 'max' | 'clamped-max' | 'explicit';
  /** How an input is mixed (Web Audio §4.2). @default 'speakers' */
  readonly channelInterpretation?: 'speakers' | 'discrete';
}
/** @internal */
export const NODE_NAMES: OptionNames<NodeOptions> = {
  numberOfInputs: 1,
  numberOfOutputs: 1,
  outputChannelCount: 1,
  parameterData: 1,
  processorOptions: 1,
  channelCount: 1,
  channelCountMode: 1,
  channelInterpretation: 1,
};

/** The validated options of a node. */
export interface NodeSettings {
  readonly numberOfInputs: number;
  readonly numberOfOutputs: number;
  /** Number of channels of each output; undefined if the output follows the input. */
  readonly outputChannels: readonly number[] | undefined;
  readonly parameterData: Readonly<Record<string, number>>;
  readonly channelCount: number;
  readonly channelCountMode: 'max' | 'clamped-max' | 'explicit';
  readonly channelInterpretation: 'speakers' | 'discrete';
  /** Argument of the processor's constructor: `numberOfInputs`, `numberOfOutputs` and the other options that were set. */
  readonly forProcessor: Readonly<Record<string, unknown>>;
}

/** Maximum number of channels of a node (Web Audio §1.1: implementations support at least 32; browsers stop there). */
export const MAX_CHANNELS = 32;
/** Maximum number of inputs, and of outputs, of a node: beyond it Firefox throws a RangeError. */
const MAX_PORTS = 32766;

/**
 * Converts and checks options like the `AudioWorkletNode` constructor (Web Audio §1.32.4.1).
 *
 * @throws TypeError, RangeError or DOMException, as browsers do
 */
export function checkNodeOptions(options: unknown): NodeSettings {
  const given = toDictionary('options', options);
  // A browser ignores unknown options; a test should report them.
  checkOptions('createNode', given, NODE_NAMES);
  // Web IDL converts the members of the inherited dictionary first, each in alphabetical order.
  const members: Record<string, unknown> = {};
  const take = <T>(name: keyof NodeOptions, convert: (value: unknown) => T): T | undefined => {
    const value = given[name];
    if (value === undefined) return undefined;
    const converted = convert(value);
    members[name] = converted;
    return converted;
  };
  const channelCount = take('channelCount', toUnsignedLong) ?? 2;
  const channelCountMode =
    take('channelCountMode', (value) =>
      toEnum('channelCountMode', value, ['max', 'clamped-max', 'explicit']),
    ) ?? 'max';
  const channelInterpretation =
    take('channelInterpretation', (value) =>
      toEnum('channelInterpretation', value, ['speakers', 'discrete']),
    ) ?? 'speakers';
  const numberOfInputs = take('numberOfInputs', toUnsignedLong) ?? 1;
  const numberOfOutputs = take('numberOfOutputs', toUnsignedLong) ?? 1;
  const counts = take('outputChannelCount', (value) =>
    toSequence('outputChannelCount', value).map((count) => toUnsignedLong(count)),
  );
  const parameterData = take('parameterData', (value) => toRecord('parameterData', value)) ?? {};
  take('processorOptions', (value) => toObject('processorOptions', value));

  for (const [name, count] of Object.entries({ numberOfInputs, numberOfOutputs })) {
    if (count > MAX_PORTS) {
      throw new RangeError(`${name} must be at most ${MAX_PORTS}, got ${count}.`);
    }
  }
  if (numberOfInputs === 0 && numberOfOutputs === 0) {
    throw domException('NotSupportedError', 'A node needs at least one input or one output.');
  }
  if (counts && counts.length !== numberOfOutputs) {
    const message = `outputChannelCount must have ${numberOfOutputs} entries, got ${counts.length}.`;
    throw domException('IndexSizeError', message);
  }
  for (const count of [channelCount, ...(counts ?? [])]) {
    if (count >= 1 && count <= MAX_CHANNELS) continue;
    const message = `A channel count must lie between 1 and ${MAX_CHANNELS}, got ${count}.`;
    throw domException('NotSupportedError', message);
  }
  const follows = numberOfInputs === 1 && numberOfOutputs === 1;
  return {
    numberOfInputs,
    numberOfOutputs,
    outputChannels:
      counts ?? (follows ? undefined : Array.from({ length: numberOfOutputs }, () => 1)),
    parameterData,
    channelCount,
    channelCountMode,
    channelInterpretation,
    forProcessor: { ...members, numberOfInputs, numberOfOutputs },
  };
}
