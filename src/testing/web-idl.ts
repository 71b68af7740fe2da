/**
 * The Web IDL conversions that the Web Audio methods apply to their arguments (Web IDL §3.2). They throw like browsers: a TypeError,
 * also for numbers that are not finite.
 */

/** `unsigned long`: NaN and anything that is not a number become 0, fractions are truncated, and the result is taken modulo 2³². */
export function toUnsignedLong(value: unknown): number {
  return toNumber(value) >>> 0;
}

/** `double`: any finite number. */
function toDouble(name: string, value: unknown): number {
  const number = toNumber(value);
  if (!Number.isFinite(number)) throw new TypeError(`${name} must be finite, got ${number}.`);
  return number;
}

/** `float`: any number that is finite as a float32. */
export function toFloat(name: string, value: unknown): number {
  const number = toDouble(name, value);
  const float = Math.fround(number);
  if (!Number.isFinite(float)) {
    throw new TypeError(`${name} must be finite as a float32, got ${number}.`);
  }
  return float;
}

/** `DOMString`. */
export function toDomString(value: unknown): string {
  // A template throws for symbols, which String() does not.
  return `${value as string}`;
}

/** An enumeration. */
export function toEnum<const T extends string>(
  name: string,
  value: unknown,
  values: readonly T[],
): T {
  const text = toDomString(value);
  for (const allowed of values) if (allowed === text) return allowed;
  const list = values.map((allowed) => `'${allowed}'`).join(', ');
  throw new TypeError(`${name} must be one of ${list}, got '${text}'.`);
}

/** A dictionary: null and undefined have no members. */
export function toDictionary(name: string, value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  return toObject(name, value) as Readonly<Record<string, unknown>>;
}

/** `object`. */
export function toObject(name: string, value: unknown): object {
  if (typeof value === 'function' || (typeof value === 'object' && value !== null)) return value;
  throw new TypeError(`${name} must be an object, got ${value === null ? 'null' : typeof value}.`);
}

/** `sequence`: any object that can be iterated; not a string. */
export function toSequence(name: string, value: unknown): unknown[] {
  const object = toObject(name, value) as Partial<Iterable<unknown>>;
  if (typeof object[Symbol.iterator] !== 'function') {
    throw new TypeError(`${name} must be iterable.`);
  }
  return [...(object as Iterable<unknown>)];
}

/** `record<DOMString, double>`. */
export function toRecord(name: string, value: unknown): Readonly<Record<string, number>> {
  const record = toObject(name, value) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.keys(record).map((key) => [key, toDouble(`${name}.${key}`, record[key])]),
  );
}

function toNumber(value: unknown): number {
  if (typeof value === 'bigint') throw new TypeError('A BigInt cannot be converted to a number.');
  return Number(value);
}
