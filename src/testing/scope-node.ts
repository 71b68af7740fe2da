import { domException, host } from './platform.ts';
import type { BlockProcessor, ProcessorClass, Registration } from './registration.ts';
import { construct } from './scope-globals.ts';
import { ScopePort } from './scope-port.ts';

/** What an `AudioWorkletNode` takes, as far as a processor can see it. */
export interface NodeOptions {
  /** @default 1 */
  readonly numberOfInputs?: number;
  /** @default 1 */
  readonly numberOfOutputs?: number;
  /**
   * Channels of each output. Without it a node with one input and one output follows its input's channel count, and any
   * other has one channel per output.
   */
  readonly outputChannelCount?: readonly number[];
  /** Parameter values to begin with, by name. */
  readonly parameterData?: Readonly<Record<string, number>>;
  /** Given to the processor's constructor as a structured clone. */
  readonly processorOptions?: unknown;
}

/** What happened to a processor that is silent for good. */
export interface ProcessorErrorEvent {
  readonly type: 'processorerror';
  readonly error: unknown;
}

interface Parameter {
  readonly name: string;
  readonly perFrame: boolean;
  readonly min: number;
  readonly max: number;
  /** The value while it is constant: an array of length 1, as browsers hand over. */
  readonly constant: Float32Array;
  /** One value per frame of the quantum; made when first needed. */
  curve: Float32Array | undefined;
  usesCurve: boolean;
}

type Channels = readonly Float32Array[];
const NO_CHANNELS: Channels = Object.freeze([]);
/** The most channels a node may have (Web Audio §1.1: implementations support at least 32; browsers stop there). */
const MAX_CHANNELS = 32;

/**
 * A processor and the page's end of it. The arrays that `process()` sees are frozen and reused from quantum to
 * quantum, as in browsers; nothing is allocated while shapes stay as they are.
 */
export class ScopeNode<P = object> {
  /** The processor itself, for looking inside. */
  readonly processor: P;
  /** The page's end of the processor's port. */
  readonly port: ScopePort;
  /** Told when `process()` throws. Without a handler the error is thrown to whoever renders. */
  onprocessorerror: ((event: ProcessorErrorEvent) => void) | null = null;

  readonly #innerPort: ScopePort;
  readonly #parameters: readonly Parameter[];
  readonly #fixedChannels: readonly number[] | undefined;
  #quantum: number;
  #alive = true;
  #inputs: readonly Channels[];
  #outputs: readonly Channels[];
  #values: Readonly<Record<string, Float32Array>> = {};
  /** Arrays made so far, by index and channel count, and inputs as a whole by all their counts: shapes that return find
   * their arrays again, so that a source that comes and goes costs no allocation. */
  #inputBuffers: Channels[][] = [];
  #outputBuffers: Channels[][] = [];
  #inputShapes = new Map<number, readonly Channels[]>();

  /** @internal */
  constructor(
    registration: Registration,
    options: NodeOptions,
    quantum: number,
    onPosted: () => void,
  ) {
    const numberOfInputs = options.numberOfInputs ?? 1;
    const numberOfOutputs = options.numberOfOutputs ?? 1;
    checkCounts(numberOfInputs, numberOfOutputs, options.outputChannelCount);
    this.#fixedChannels =
      options.outputChannelCount ??
      (numberOfInputs === 1 && numberOfOutputs === 1
        ? undefined
        : Array.from({ length: numberOfOutputs }, () => 1));
    this.#quantum = quantum;
    this.#parameters = registration.parameters.map((descriptor) => ({
      name: descriptor.name,
      perFrame: descriptor.automationRate === 'a-rate',
      min: descriptor.minValue,
      max: descriptor.maxValue,
      constant: new Float32Array(1).fill(
        options.parameterData?.[descriptor.name] ?? descriptor.defaultValue,
      ),
      curve: undefined,
      usesCurve: false,
    }));
    this.#inputs = Object.freeze(Array.from({ length: numberOfInputs }, () => NO_CHANNELS));
    this.#outputs = [];
    this.#shapeOutputs(numberOfOutputs);
    this.#shapeParameters();
    [this.port, this.#innerPort] = ScopePort.pair(onPosted);
    const Processor = registration.processor as ProcessorClass<P>;
    const given = host().structuredClone({
      numberOfInputs,
      numberOfOutputs,
      ...(options.outputChannelCount && { outputChannelCount: [...options.outputChannelCount] }),
      parameterData: { ...options.parameterData },
      processorOptions: options.processorOptions ?? {},
    });
    this.processor = construct(() => new Processor(given as never), this.#innerPort);
  }

  /**
   * False once `process()` returned something falsy, threw, or the scope was closed; it is not called again. (Chromium
   * ends a processor at the first falsy return, even while inputs are connected, and so does this.)
   */
  get alive(): boolean {
    return this.#alive;
  }

  /** The outputs of the last quantum: output → channel → samples. The arrays are reused by the next one. */
  get outputs(): readonly (readonly Float32Array[])[] {
    return this.#outputs;
  }

  /**
   * What input `index` brings from the next quantum on. Samples are copied, from frame `from` of each channel; where a
   * channel ends early the rest is silence. No channels at all is an input to which nothing is connected.
   */
  setInput(index: number, channels: readonly Float32Array[], from = 0): void {
    if (!(index >= 0 && index < this.#inputs.length)) {
      throw new RangeError(`input must be one of ${this.#inputs.length}, got ${index}.`);
    }
    const count = channels.length;
    if (count > MAX_CHANNELS) {
      throw new RangeError(`An input has at most ${MAX_CHANNELS} channels, got ${count}.`);
    }
    if (this.#inputs[index]!.length !== count) this.#shapeInput(index, count);
    const buffers = this.#inputs[index]!;
    for (let channel = 0; channel < count; channel++) {
      const source = channels[channel]!;
      const target = buffers[channel]!;
      const frames = Math.max(0, Math.min(target.length, source.length - from));
      for (let i = 0; i < frames; i++) target[i] = source[from + i]!;
      if (frames < target.length) target.fill(0, frames);
    }
  }

  /**
   * A parameter's value from the next quantum on: a number for a constant, or one value per frame, read from frame
   * `from` (its last value holds on; a k-rate parameter takes the quantum's first). Values are kept within the
   * parameter's nominal range.
   */
  setParameter(name: string, value: number | Float32Array, from = 0): void {
    const parameter = this.#parameters.find((candidate) => candidate.name === name);
    if (!parameter) {
      const known = this.#parameters.map((candidate) => `'${candidate.name}'`).join(', ');
      throw new TypeError(`parameter must be one of ${known || '(none)'}, got '${name}'.`);
    }
    const { min, max, constant } = parameter;
    const curved = typeof value !== 'number' && parameter.perFrame;
    if (curved) {
      const curve = (parameter.curve ??= new Float32Array(this.#quantum));
      for (let i = 0; i < curve.length; i++) {
        curve[i] = clamp(value[Math.min(from + i, value.length - 1)] ?? 0, min, max);
      }
    } else {
      const first = typeof value === 'number' ? value : value[Math.min(from, value.length - 1)];
      constant[0] = clamp(first ?? 0, min, max);
    }
    if (curved !== parameter.usesCurve) {
      parameter.usesCurve = curved;
      this.#shapeParameters();
    }
  }

  /** @internal Renders one quantum. The scope is entered by the caller. */
  renderQuantum(): void {
    this.#silence();
    if (!this.#alive) return;
    try {
      const processor = this.processor as unknown as BlockProcessor;
      if (!processor.process(this.#inputs, this.#outputs, this.#values)) this.#alive = false;
    } catch (error) {
      this.#alive = false;
      this.#silence();
      if (!this.onprocessorerror) throw error;
      this.onprocessorerror({ type: 'processorerror', error });
    }
  }

  /** @internal */
  deliverToProcessor(): number {
    return this.#innerPort.deliver();
  }

  /** @internal */
  close(): void {
    this.#alive = false;
    this.port.close();
    this.#innerPort.close();
  }

  /** @internal */
  setQuantum(quantum: number): void {
    this.#quantum = quantum;
    this.#inputBuffers = [];
    this.#outputBuffers = [];
    this.#inputShapes = new Map();
    this.#inputs = Object.freeze(
      this.#inputs.map((channels, index) =>
        this.#buffersFor(this.#inputBuffers, index, channels.length),
      ),
    );
    this.#shapeOutputs(this.#outputs.length);
    for (const parameter of this.#parameters) {
      const { curve } = parameter;
      if (!curve) continue;
      parameter.curve = new Float32Array(quantum).fill(curve.at(-1) ?? 0);
    }
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
    if (!this.#fixedChannels) this.#shapeOutputs(this.#outputs.length);
  }

  #shapeOutputs(count: number): void {
    const shaped = Array.from({ length: count }, (_, index) => {
      const channels = this.#fixedChannels?.[index] ?? Math.max(1, this.#inputs[0]?.length ?? 1);
      return this.#buffersFor(this.#outputBuffers, index, channels);
    });
    this.#outputs = Object.freeze(shaped);
  }

  #shapeParameters(): void {
    const values: Record<string, Float32Array> = {};
    for (const parameter of this.#parameters) {
      values[parameter.name] = (parameter.usesCurve && parameter.curve) || parameter.constant;
    }
    this.#values = Object.freeze(values);
  }

  #buffersFor(made: Channels[][], index: number, count: number): Channels {
    if (count === 0) return NO_CHANNELS;
    const byCount = (made[index] ??= []);
    return (byCount[count] ??= Object.freeze(
      Array.from({ length: count }, () => new Float32Array(this.#quantum)),
    ));
  }
}

function checkCounts(
  inputs: number,
  outputs: number,
  channels: readonly number[] | undefined,
): void {
  if (inputs === 0 && outputs === 0) {
    throw domException('NotSupportedError', 'A node needs at least one input or one output.');
  }
  if (!channels) return;
  if (channels.length !== outputs) {
    const message = `outputChannelCount must have ${outputs} entries, got ${channels.length}.`;
    throw domException('IndexSizeError', message);
  }
  for (const count of channels) {
    if (!(Number.isInteger(count) && count >= 1 && count <= MAX_CHANNELS)) {
      const message = `A channel count must lie between 1 and ${MAX_CHANNELS}, got ${count}.`;
      throw domException('NotSupportedError', message);
    }
  }
}

function clamp(value: number, min: number, max: number): number {
  return value < min ? min : value > max ? max : value;
}
