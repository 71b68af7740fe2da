import { InputBlocks } from './input-blocks.ts';
import { checkNodeOptions, MAX_CHANNELS } from './node-options.ts';
import type { NodeOptions, NodeSettings } from './node-options.ts';
import { host } from './platform.ts';
import type { BlockProcessor, ProcessorClass, Registration } from './registration.ts';
import { construct } from './scope-globals.ts';
import { ScopePort } from './scope-port.ts';
import { toFloat } from './web-idl.ts';

/** The failure of a processor, which is silent from then on. */
export interface ProcessorErrorEvent {
  readonly type: 'processorerror';
  /** Description of the thrown value. */
  readonly message: string;
  /** The thrown value. (In browsers this is null: the error stays in the other thread.) */
  readonly error: unknown;
}

interface Parameter {
  readonly name: string;
  readonly perFrame: boolean;
  readonly min: number;
  readonly max: number;
  /** The value while it is constant. */
  value: number;
  /** One value per frame of the quantum; created when first needed. */
  curve: Float32Array | undefined;
  usesCurve: boolean;
  /**
   * The array that the processor sees: as in browsers, its length is 1 while the value is constant, and otherwise that of a quantum.
   */
  shownValue: Float32Array;
  shownCurve: Float32Array | undefined;
}

type Channels = readonly Float32Array[];
const NO_CHANNELS: Channels = Object.freeze([]);

/**
 * A processor and the page's end of it. The arrays that `process()` sees are frozen and reused in each quantum, as in browsers, and
 * arrays that the processor transferred are replaced. There is no allocation while the shapes stay the same.
 */
export class ScopeNode<P = object> {
  /** The processor itself, for inspection. */
  readonly processor: P;
  /** The page's end of the processor's port. */
  readonly port: ScopePort;
  /** Called when `process()` throws. Without a handler, `render()` throws the error. */
  onprocessorerror: ((event: ProcessorErrorEvent) => void) | null = null;

  readonly #innerPort: ScopePort;
  readonly #settings: NodeSettings;
  readonly #parameters: readonly Parameter[];
  #quantum: number;
  #alive = true;
  /** True if it threw, or the scope was closed. */
  #ended = false;
  /** The signal of each input, and the arrays in which the processor sees it. */
  #brought: readonly InputBlocks[];
  #inputs: readonly Channels[];
  #outputs: readonly Channels[] = [];
  #values: Readonly<Record<string, Float32Array>> = {};
  /**
   * Arrays created so far, by index and channel count, and all inputs together by their counts. They are reused when a shape recurs, so
   * a source that comes and goes costs no allocation.
   */
  #inputBuffers: Channels[][] = [];
  #outputBuffers: Channels[][] = [];
  #inputShapes = new Map<number, readonly Channels[]>();
  #outputShapes = new Map<number, readonly Channels[]>();

  /** @internal */
  constructor(
    registration: Registration,
    options: NodeOptions,
    quantum: number,
    onPosted: () => void,
  ) {
    const settings = checkNodeOptions(options);
    this.#settings = settings;
    this.#quantum = quantum;
    this.#parameters = registration.parameters.map(({ name, ...descriptor }) => {
      const { minValue: min, maxValue: max } = descriptor;
      const value = clamp(settings.parameterData[name] ?? descriptor.defaultValue, min, max);
      const perFrame = descriptor.automationRate === 'a-rate';
      const shownValue = new Float32Array(1);
      const none = { curve: undefined, usesCurve: false, shownCurve: undefined };
      return { name, perFrame, min, max, value, shownValue, ...none };
    });
    const { numberOfInputs } = settings;
    this.#brought = Array.from(
      { length: numberOfInputs },
      () => new InputBlocks(settings, quantum),
    );
    this.#inputs = Object.freeze(Array.from({ length: numberOfInputs }, () => NO_CHANNELS));
    this.#shapeOutputs();
    this.#shapeParameters();
    [this.port, this.#innerPort] = ScopePort.pair(onPosted);
    const Processor = registration.processor as ProcessorClass<P>;
    const given = host().structuredClone(settings.forProcessor);
    this.processor = construct(() => new Processor(given as never), this.#innerPort);
  }

  /**
   * False once `process()` has returned a falsy value or thrown, or the scope is closed. A processor that returned a falsy value is
   * still called while an input has channels, as in browsers: only a falsy result without connected inputs ends it (Web Audio
   * §1.32.5.3, "active source").
   */
  get alive(): boolean {
    return this.#alive;
  }

  /** Data about each parameter for a graph. @internal */
  get parameterRanges(): readonly Readonly<
    Pick<Parameter, 'name' | 'perFrame' | 'min' | 'max' | 'value'>
  >[] {
    return this.#parameters;
  }

  /** The outputs of the last quantum: output → channel → samples. The arrays are reused by the next one. */
  get outputs(): readonly (readonly Float32Array[])[] {
    if (detached(this.#outputs, this.#quantum)) this.#renewTransferred();
    return this.#outputs;
  }

  /**
   * Sets the signal of input `index` from the next quantum on. Samples are copied, from frame `from` of each channel; if a channel
   * ends early, the rest is silence. An empty list means that the input has no connection.
   *
   * @throws TypeError for channels that are not arrays of float32; RangeError for an input that does not exist
   */
  setInput(index: number, channels: readonly Float32Array[], from = 0): void {
    if (!(index >= 0 && index < this.#inputs.length)) {
      throw new RangeError(`input must be one of ${this.#inputs.length}, got ${index}.`);
    }
    const input = this.#brought[index]!;
    input.set(channels, from);
    if (this.#inputs[index]!.length !== input.count) this.#shapeInput(index, input.count);
  }

  /**
   * Sets a parameter's value from the next quantum on: a number for a constant, or one value per frame, read from frame `from` (the
   * last value is held; a k-rate parameter takes the quantum's first). Values are clamped to the parameter's nominal range.
   *
   * @throws TypeError for a name that the processor does not declare, or a value that is not finite as a float32
   */
  setParameter(name: string, value: number | Float32Array, from = 0): void {
    const parameter = this.#parameter(name);
    const { min, max } = parameter;
    if (typeof value !== 'object' || value === null) {
      parameter.value = clamp(toFloat(name, value), min, max);
      this.#useCurve(parameter, false);
      return;
    }
    const last = value.length - 1;
    if (!parameter.perFrame) {
      parameter.value = clamp(toFloat(name, value[Math.min(from, last)] ?? 0), min, max);
      return;
    }
    const curve = (parameter.curve ??= new Float32Array(this.#quantum));
    for (let i = 0; i < curve.length; i++) {
      // No calls on the usual path: a returned number is boxed if the compiler does not inline the call.
      const frame = from + i;
      const sample = value[frame < last ? frame : last] ?? 0;
      if (sample - sample !== 0) toFloat(name, sample);
      curve[i] = sample < min ? min : sample > max ? max : sample;
    }
    this.#useCurve(parameter, true);
  }

  #parameter(name: string): Parameter {
    // Not find(): its closure would be allocated in every quantum.
    for (let i = 0; i < this.#parameters.length; i++) {
      if (this.#parameters[i]!.name === name) return this.#parameters[i]!;
    }
    const known = this.#parameters.map((candidate) => `'${candidate.name}'`).join(', ');
    throw new TypeError(`parameter must be one of ${known || '(none)'}, got '${name}'.`);
  }

  /**
   * Renders one quantum. The scope is entered by the caller.
   * @param report called with errors from `process()`, unless `onprocessorerror` is set
   * @internal
   */
  renderQuantum(report: (error: unknown) => void): void {
    if (!this.#prepare()) return;
    // As little as possible besides the call: engines inline a processor into its caller, up to a limit, and a processor that is only
    // partly inlined makes allocations that it does not make in a browser.
    try {
      const processor = this.processor as unknown as BlockProcessor;
      this.#alive = Boolean(processor.process(this.#inputs, this.#outputs, this.#values));
    } catch (error) {
      this.#fail(error, report);
    }
  }

  /** Prepares the arrays of the next quantum. @returns whether to call the processor */
  #prepare(): boolean {
    this.#renewTransferred();
    this.#silence();
    if (!this.#alive && (this.#ended || !this.#connected)) return false;
    for (let i = 0; i < this.#inputs.length; i++) this.#brought[i]!.show(this.#inputs[i]!);
    for (let i = 0; i < this.#parameters.length; i++) show(this.#parameters[i]!);
    return true;
  }

  #fail(error: unknown, report: (error: unknown) => void): void {
    this.#alive = false;
    this.#ended = true;
    this.#renewTransferred();
    this.#silence();
    const { onprocessorerror } = this;
    if (onprocessorerror === null) report(error);
    else onprocessorerror.call(this, { type: 'processorerror', message: String(error), error });
  }

  /** @internal */
  deliverToProcessor(report: (error: unknown) => void): number {
    return this.#innerPort.deliver(report);
  }

  /** @internal */
  close(): void {
    this.#alive = false;
    this.#ended = true;
    this.port.close();
    this.#innerPort.close();
  }

  /** @internal */
  setQuantum(quantum: number): void {
    this.#quantum = quantum;
    this.#brought = this.#brought.map((before) => {
      const blocks = new InputBlocks(this.#settings, quantum);
      blocks.adopt(before);
      return blocks;
    });
    for (const parameter of this.#parameters) {
      const { curve } = parameter;
      if (!curve) continue;
      parameter.curve = new Float32Array(quantum).fill(curve.at(-1) ?? 0);
      parameter.shownCurve = undefined;
    }
    this.#makeArrays();
  }

  /** True if anything is connected to an input. */
  get #connected(): boolean {
    for (let i = 0; i < this.#inputs.length; i++) if (this.#inputs[i]!.length > 0) return true;
    return false;
  }

  /** Creates all arrays that the processor sees, in their current shapes. */
  #makeArrays(): void {
    this.#inputBuffers = [];
    this.#outputBuffers = [];
    this.#inputShapes = new Map();
    this.#outputShapes = new Map();
    this.#inputs = Object.freeze(
      this.#inputs.map((channels, index) =>
        this.#buffersFor(this.#inputBuffers, index, channels.length),
      ),
    );
    this.#shapeOutputs();
    this.#shapeParameters();
  }

  /** Creates new arrays if the processor has transferred any of them. */
  #renewTransferred(): void {
    let lost = detached(this.#inputs, this.#quantum) || detached(this.#outputs, this.#quantum);
    for (let i = 0; i < this.#parameters.length; i++) {
      const parameter = this.#parameters[i]!;
      if (parameter.shownValue.length === 0) {
        parameter.shownValue = new Float32Array(1);
        lost = true;
      }
      if (parameter.shownCurve?.length === 0) {
        parameter.shownCurve = undefined;
        lost = true;
      }
    }
    if (lost) this.#makeArrays();
  }

  #useCurve(parameter: Parameter, usesCurve: boolean): void {
    if (usesCurve === parameter.usesCurve) return;
    parameter.usesCurve = usesCurve;
    this.#shapeParameters();
  }

  #silence(): void {
    for (let output = 0; output < this.#outputs.length; output++) {
      const channels = this.#outputs[output]!;
      for (let channel = 0; channel < channels.length; channel++) channels[channel]!.fill(0);
    }
  }

  #shapeInput(index: number, count: number): void {
    let key = 0;
    for (let i = 0; i < this.#inputs.length; i++) {
      key = key * (MAX_CHANNELS + 1) + (i === index ? count : this.#inputs[i]!.length);
    }
    let shape = this.#inputShapes.get(key);
    if (!shape) {
      const changed = [...this.#inputs];
      changed[index] = this.#buffersFor(this.#inputBuffers, index, count);
      shape = Object.freeze(changed);
      this.#inputShapes.set(key, shape);
    }
    this.#inputs = shape;
    if (!this.#settings.outputChannels) this.#shapeOutputs();
  }

  #shapeOutputs(): void {
    const following = Math.max(1, this.#inputs[0]?.length ?? 1);
    this.#outputs = this.#outputShapes.get(following) ?? this.#makeOutputs(following);
  }

  /** A separate function, because a closure costs its caller an allocation even if it is not reached. */
  #makeOutputs(following: number): readonly Channels[] {
    const { numberOfOutputs, outputChannels } = this.#settings;
    const shape = Object.freeze(
      Array.from({ length: numberOfOutputs }, (_, index) =>
        this.#buffersFor(this.#outputBuffers, index, outputChannels?.[index] ?? following),
      ),
    );
    this.#outputShapes.set(following, shape);
    return shape;
  }

  #shapeParameters(): void {
    this.#values = Object.freeze(
      Object.fromEntries(
        this.#parameters.map((parameter) => {
          const { name, usesCurve, shownValue } = parameter;
          if (!usesCurve) return [name, shownValue];
          return [name, (parameter.shownCurve ??= new Float32Array(this.#quantum))];
        }),
      ),
    );
  }

  #buffersFor(made: Channels[][], index: number, count: number): Channels {
    if (count === 0) return NO_CHANNELS;
    const byCount = (made[index] ??= []);
    return (byCount[count] ??= Object.freeze(
      Array.from({ length: count }, () => new Float32Array(this.#quantum)),
    ));
  }
}

/** Returns true if one of the arrays was transferred. */
function detached(blocks: readonly Channels[], quantum: number): boolean {
  for (let i = 0; i < blocks.length; i++) {
    const channels = blocks[i]!;
    for (let c = 0; c < channels.length; c++) if (channels[c]!.length !== quantum) return true;
  }
  return false;
}

/** Writes a parameter's values for the next quantum to the array that the processor sees. */
function show(parameter: Parameter): void {
  if (parameter.usesCurve) parameter.shownCurve!.set(parameter.curve!);
  else parameter.shownValue[0] = parameter.value;
}

function clamp(value: number, min: number, max: number): number {
  return value < min ? min : value > max ? max : value;
}
