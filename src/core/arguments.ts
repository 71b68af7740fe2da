/**
 * Checks at the public boundary. Each returns its value, or throws with what was expected and what came.
 */

/** @throws RangeError unless `value` is an integer in `min`..`max`; TypeError unless it is a number. */
export function integerIn(name: string, value: unknown, min: number, max: number): number {
  const number = numberIn(name, value, min, max);
  if (!Number.isInteger(number)) {
    throw new RangeError(`${name} must be an integer from ${min} to ${max}, got ${number}.`);
  }
  return number;
}

/** @throws RangeError unless `value` lies in `min`..`max`; TypeError unless it is a number. */
export function numberIn(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number, got ${describe(value)}.`);
  }
  if (!(value >= min && value <= max)) {
    throw new RangeError(`${name} must lie between ${min} and ${max}, got ${value}.`);
  }
  return value;
}

/** @throws TypeError unless `value` is one of `choices`. */
export function oneOf<const T extends string>(
  name: string,
  value: unknown,
  choices: readonly T[],
): T {
  for (const choice of choices) if (choice === value) return choice;
  throw new TypeError(
    `${name} must be one of ${choices.map((choice) => `'${choice}'`).join(', ')}, got ${describe(value)}.`,
  );
}

/** A short name for a value of any type, for error messages. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'object') return value.constructor?.name ?? 'an object';
  if (typeof value === 'function') return 'a function';
  // oxlint-disable-next-line typescript/no-base-to-string -- no object is left here
  return String(value);
}
