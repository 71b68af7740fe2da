/**
 * Checks at the public boundary. Each returns its value, or throws an error that says what was expected and what it got.
 */

/** Web Audio guarantees buffer rates from 8000 Hz; engines take 3000–768000 Hz (Web Audio §1.4, `sampleRate`). */
export const MIN_SAMPLE_RATE = 3000;
export const MAX_SAMPLE_RATE = 768_000;
/** Web Audio §1.1, `numberOfChannels`: at least 32 are supported. */
export const MAX_CHANNELS = 32;

/** @throws RangeError unless `value` is an integer from `min` to `max`; TypeError unless it is a number. */
export function integerIn(name: string, value: unknown, min: number, max: number): number {
  const number = numberIn(name, value, min, max);
  if (!Number.isInteger(number)) {
    throw new RangeError(`${name} must be an integer from ${min} to ${max}, got ${number}.`);
  }
  return number;
}

/**
 * @param words describes a value that is not a number; {@link describeOutside} for one from a network or a file
 * @throws RangeError unless `value` is from `min` to `max`; TypeError unless it is a number
 */
export function numberIn(
  name: string,
  value: unknown,
  min: number,
  max: number,
  words: (value: unknown) => string = describe,
): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number, got ${words(value)}.`);
  }
  if (!(value >= min && value <= max)) {
    throw new RangeError(`${name} must lie between ${min} and ${max}, got ${value}.`);
  }
  return value;
}

/**
 * @param words as in {@link numberIn}
 * @throws TypeError unless `value` is one of `choices`
 */
export function oneOf<const T extends string>(
  name: string,
  value: unknown,
  choices: readonly T[],
  words: (value: unknown) => string = describe,
): T {
  for (const choice of choices) if (choice === value) return choice;
  throw new TypeError(
    `${name} must be one of ${choices.map((choice) => `'${choice}'`).join(', ')}, got ${words(value)}.`,
  );
}

/** @throws TypeError unless `value` is true or false: `'no'` would count as yes */
export function booleanOf(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${name} must be true or false, got ${describe(value)}.`);
}

/** Characters of the longest string or class name that a message repeats. */
const MAX_REPEATED = 40;

/**
 * Describes an argument for an error message, in at most about 60 characters. Runs no code of the value's own (no getter, no
 * `toString`; of a Proxy only the trap for its prototype) and never throws. For values from outside, use {@link describeOutside}.
 */
export function describe(value: unknown): string {
  if (typeof value === 'string' && value.length <= MAX_REPEATED) return `'${value}'`;
  if (typeof value === 'object' && value !== null) return classOf(value) ?? describeOutside(value);
  return describeOutside(value);
}

/**
 * Describes a value that came from a network or a file: a number or a boolean by its value, anything else by its type and
 * length. Repeats no text that the sender wrote, runs no code of the value's own and never throws.
 */
export function describeOutside(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `a string of ${value.length} characters`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'bigint':
      return 'a bigint';
    case 'symbol':
      return 'a symbol';
    case 'function':
      return 'a function';
    case 'object':
      if (value === null) return 'null';
  }
  try {
    return Array.isArray(value) ? `an array of ${value.length}` : 'an object';
  } catch {
    // A revoked Proxy, or one whose trap throws.
    return 'an object';
  }
}

/** The name of an object's class, as the class declares it; undefined for a plain object, or if the name cannot be read. */
function classOf(value: object): string | undefined {
  try {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === null || prototype === Object.prototype) return undefined;
    if (prototype === Array.prototype) return undefined;
    // Data properties only, so that no getter runs. The object's own properties do not count.
    const made = dataProperty(prototype, 'constructor');
    const name = typeof made === 'function' ? dataProperty(made, 'name') : undefined;
    if (typeof name !== 'string' || name === '' || name === 'Object') return undefined;
    return name.slice(0, MAX_REPEATED);
  } catch {
    return undefined;
  }
}

function dataProperty(object: unknown, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value;
}
