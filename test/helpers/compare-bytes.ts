import { expect } from 'vitest';

/** Imported for its effect: `toEqual` then compares arrays of bytes at once, not one property after the other. */
expect.addEqualityTesters([
  (one: unknown, other: unknown): boolean | undefined =>
    one instanceof Uint8Array && other instanceof Uint8Array
      ? Buffer.compare(one, other) === 0
      : undefined,
]);
