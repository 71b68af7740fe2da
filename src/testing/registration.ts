import { domException } from './platform.ts';
import { toDictionary, toDomString, toEnum, toFloat, toSequence } from './web-idl.ts';

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

/** The part of a processor's instance that the renderer uses. */
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

/** The largest float32: the bounds of a parameter that does not specify any. */
const MOST_POSITIVE_SINGLE = 3.4028234663852886e38;

/**
 * Performs the checks of `registerProcessor` that concern the class (Web Audio §1.32.3.1, steps 3 to 9).
 *
 * @throws TypeError or DOMException as in the standard.
 */
export function checkProcessorClass(name: string, candidate: unknown): Registration {
  if (typeof candidate !== 'function' || !isConstructor(candidate)) {
    throw new TypeError(`registerProcessor('${name}'): the second argument must be a class.`);
  }
  const { prototype } = candidate;
  if (prototype === null || (typeof prototype !== 'object' && typeof prototype !== 'function')) {
    throw new TypeError(`registerProcessor('${name}'): the class has no prototype object.`);
  }
  const listed = (candidate as { parameterDescriptors?: unknown }).parameterDescriptors;
  const parameters: Required<ParameterDescriptor>[] = [];
  if (listed === undefined)
    return { processor: candidate as unknown as ProcessorClass, parameters };
  // All are converted before any is checked, as in Web IDL.
  const where = `registerProcessor('${name}')`;
  const converted = toSequence(`${where}: parameterDescriptors`, listed).map((descriptor) =>
    convertDescriptor(where, descriptor),
  );
  for (const descriptor of converted) {
    checkDescriptor(where, descriptor, parameters);
    parameters.push(descriptor);
  }
  return { processor: candidate as unknown as ProcessorClass, parameters };
}

/** Converts the dictionary `AudioParamDescriptor`, whose members are read in alphabetical order. */
function convertDescriptor(where: string, value: unknown): Required<ParameterDescriptor> {
  const given = toDictionary(`${where}: a parameter descriptor`, value);
  const float = (member: string, otherwise: number): number => {
    const number = given[member];
    return number === undefined ? otherwise : toFloat(`${where}: ${member}`, number);
  };
  const rate = given['automationRate'];
  const automationRate =
    rate === undefined ? 'a-rate' : toEnum(`${where}: automationRate`, rate, ['a-rate', 'k-rate']);
  const defaultValue = float('defaultValue', 0);
  const maxValue = float('maxValue', MOST_POSITIVE_SINGLE);
  const minValue = float('minValue', -MOST_POSITIVE_SINGLE);
  const name = given['name'];
  if (name === undefined) throw new TypeError(`${where}: a parameter has no name.`);
  return { name: toDomString(name), defaultValue, minValue, maxValue, automationRate };
}

function checkDescriptor(
  where: string,
  descriptor: Required<ParameterDescriptor>,
  earlier: readonly ParameterDescriptor[],
): void {
  const { name, defaultValue, minValue, maxValue } = descriptor;
  if (earlier.some((other) => other.name === name)) {
    throw domException('NotSupportedError', `${where}: parameter '${name}' is declared twice.`);
  }
  if (defaultValue >= minValue && defaultValue <= maxValue) return;
  const message = `${where}: the default of '${name}', ${defaultValue}, must lie between ${minValue} and ${maxValue}.`;
  throw domException('InvalidStateError', message);
}

/** Returns true for anything that `new` accepts, without running the class. */
function isConstructor(candidate: object): candidate is { readonly prototype: unknown } {
  try {
    Reflect.construct(Object, [], candidate as new () => object);
    return true;
  } catch {
    return false;
  }
}
