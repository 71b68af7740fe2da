/**
 * A meter's reading is an array of numbers with names: the numbers cross threads unchanged (one copy, no objects), and the names
 * are getters and views that are created once.
 */

/** Common part of all readings. Created once by `createReading()`, then filled any number of times without allocation. */
export interface Reading {
  /** The numbers behind the named fields, in the order of the meter's fields. Filled by `read()`. */
  readonly values: Float64Array;
}

/** A field: how many numbers it has (one, one per channel, or a fixed number), and their initial value. */
type Field = readonly [size: 'value' | 'channels' | number, atStart: number];

/** The fields of a reading in the order in which its meter stores them. */
export type Fields<R extends Reading> = {
  readonly [Name in Exclude<keyof R, 'values'>]: Field;
};

/** A meter that is fed block by block and can be read at any time, without allocation. */
export interface BlockMeter {
  /**
   * Takes `frames` frames of each channel of `block`, from index `from` on. Any number of channels is allowed and it may change
   * from call to call: missing channels count as silent, and channels beyond the meter's are ignored.
   */
  process(block: readonly Float32Array[], from: number, frames: number): void;
  /** Writes the readings in the order of the meter's fields into `target` from `at` on; returns the index after them. */
  store(target: Float64Array, at: number): number;
  /** Restores the initial state. */
  reset(): void;
}

/** Returns how many numbers the fields take for this number of channels. */
function readingSize(fields: Readonly<Record<string, Field>>, channels: number): number {
  let count = 0;
  for (const [size] of Object.values(fields)) count += fieldSize(size, channels);
  return count;
}

/**
 * Creates a reading: fields of one number become getters, the others views of `values`. Allocates: call it once. It holds the
 * initial values, as before any audio.
 */
export function createReading<R extends Reading>(fields: Fields<R>, channels: number): R {
  const table = fields as Readonly<Record<string, Field>>;
  const values = new Float64Array(readingSize(table, channels));
  const reading: object = { values };
  let at = 0;
  for (const [name, [size, atStart]] of Object.entries(table)) {
    const index = at;
    at += fieldSize(size, channels);
    values.fill(atStart, index, at);
    Object.defineProperty(
      reading,
      name,
      size === 'value'
        ? { enumerable: true, get: () => values[index] }
        : { enumerable: true, value: values.subarray(index, at) },
    );
  }
  return reading as R;
}

function fieldSize(size: Field[0], channels: number): number {
  if (size === 'value') return 1;
  return size === 'channels' ? channels : size;
}
