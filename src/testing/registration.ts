import { domException } from './platform.ts';

/** One entry of a processor's `static get parameterDescriptors()`. */
export interface ParameterDescriptor {
  readonly name: string;
  /** @default 0 */
  readonly defaultValue?: number;
  /** @default -3.4028234663852886e38 */
  readonly minValue?: number;
  /** @default 3.4028234663852886e38 */
  readonly maxValue?: number;
  /** @default 'a-rate' */
  readonly automationRate?: 'a-rate' | 'k-rate';
}

/** An instance of a processor, as far as the renderer looks at it. */
export interface BlockProcessor {
  process(
    inputs: readonly (readonly Float32Array[])[],
    outputs: readonly (readonly Float32Array[])[],
    parameters: Readonly<Record<string, Float32Array>>,
  ): unknown;
}

/** A class that extends `AudioWorkletProcessor`. */
export type ProcessorClass<P = object> = new (options: never) => P;

/** A class that passed the checks of `registerProcessor`, with its parameters' defaults filled in. */
export interface Registration {
  readonly processor: ProcessorClass;
  readonly parameters: readonly Required<ParameterDescriptor>[];
}

/** The most that a float32 holds: the bounds of a parameter that states none. */
const MOST_POSITIVE_SINGLE = 3.4028234663852886e38;

/**
 * The checks of `registerProcessor` that concern the class (Web Audio §1.32.3.1, steps 3 to 9).
 *
 * @throws TypeError or DOMException as the standard has it.
 */
export function checkProcessorClass(name: string, candidate: unknown): Registration {
  if (typeof candidate !== 'function' || !isConstructor(candidate)) {
    throw new TypeError(`registerProcessor('${name}'): the second argument must be a class.`);
  }
  if (typeof candidate.prototype !== 'object' || candidate.prototype === null) {
    throw new TypeError(`registerProcessor('${name}'): the class has no prototype object.`);
  }
  const listed = (candidate as { parameterDescriptors?: unknown }).parameterDescriptors;
  const parameters: Required<ParameterDescriptor>[] = [];
  if (listed !== undefined) {
    if (typeof (listed as Iterable<unknown> | null)?.[Symbol.iterator] !== 'function') {
      throw new TypeError(`registerProcessor('${name}'): parameterDescriptors must be iterable.`);
    }
    for (const descriptor of listed as Iterable<ParameterDescriptor>) {
      parameters.push(checkDescriptor(name, descriptor, parameters));
    }
  }
  return { processor: candidate as unknown as ProcessorClass, parameters };
}

function checkDescriptor(
  processor: string,
  descriptor: ParameterDescriptor,
  earlier: readonly ParameterDescriptor[],
): Required<ParameterDescriptor> {
  const { name } = descriptor;
  if (name === undefined) {
    throw new TypeError(`registerProcessor('${processor}'): a parameter has no name.`);
  }
  if (earlier.some((other) => other.name === name)) {
    const message = `registerProcessor('${processor}'): parameter '${name}' is declared twice.`;
    throw domException('NotSupportedError', message);
  }
  const defaultValue = Math.fround(descriptor.defaultValue ?? 0);
  const minValue = Math.fround(descriptor.minValue ?? -MOST_POSITIVE_SINGLE);
  const maxValue = Math.fround(descriptor.maxValue ?? MOST_POSITIVE_SINGLE);
  if (!(defaultValue >= minValue && defaultValue <= maxValue)) {
    const message = `registerProcessor('${processor}'): the default of '${name}', ${defaultValue}, must lie between ${minValue} and ${maxValue}.`;
    throw domException('InvalidStateError', message);
  }
  const automationRate = descriptor.automationRate ?? 'a-rate';
  if (automationRate !== 'a-rate' && automationRate !== 'k-rate') {
    const message = `registerProcessor('${processor}'): automationRate of '${name}' must be 'a-rate' or 'k-rate', got '${String(automationRate)}'.`;
    throw new TypeError(message);
  }
  return { name, defaultValue, minValue, maxValue, automationRate };
}

/** True for anything `new` accepts. Proxies that only answer `construct` find out without running the class. */
function isConstructor(candidate: object): candidate is { readonly prototype: unknown } {
  try {
    Reflect.construct(Object, [], candidate as new () => object);
    return true;
  } catch {
    return false;
  }
}
