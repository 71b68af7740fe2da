import { PacketError } from '../../src/core/errors.ts';

/** Bytes that a value holds, roughly: what is there twice counts once. */
export function sizeOf(value: unknown, seen: Set<unknown> = new Set()): number {
  if (typeof value === 'string') return 2 * value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (seen.has(value)) return 8;
  seen.add(value);
  if (ArrayBuffer.isView(value)) return 16 + value.byteLength;
  let bytes = 16;
  if (value instanceof Map) {
    for (const [key, item] of value) bytes += sizeOf(key, seen) + sizeOf(item, seen);
  } else if (value instanceof Set) {
    for (const item of value) bytes += sizeOf(item, seen);
  } else {
    for (const item of Object.values(value)) bytes += 8 + sizeOf(item, seen);
  }
  return bytes;
}

/** What a parser makes of an input: its size. A PacketError is as small as its message. Anything else is thrown. */
export function outcomeOf(act: () => unknown, allowed: (error: unknown) => boolean): number {
  try {
    return sizeOf(act());
  } catch (error) {
    if (!(error instanceof PacketError) && !allowed(error)) throw error;
    return sizeOf((error as Error).message);
  }
}

/** How much larger the large input of {@link costRatio} is. */
export const COST_STEP = 32;

/**
 * How much more processor time a large input takes than 32 small ones of a thirty-second of its size: some 1 when time is linear,
 * some 32 when it is quadratic. The least of several tries counts, until one is below `enough`: what else the process does can
 * only add to it.
 */
export function costRatio(small: () => void, large: () => void, enough: number): number {
  for (let i = 0; i < 4; i++) small();
  let least = Infinity;
  for (let attempt = 0; attempt < 6 && least > enough; attempt++) {
    const reference = cpuMicroseconds(() => {
      for (let i = 0; i < COST_STEP; i++) small();
    });
    // Half a millisecond is what the clock and the garbage of others can be off.
    least = Math.min(least, cpuMicroseconds(large) / (reference + 500));
  }
  return least;
}

function cpuMicroseconds(act: () => void): number {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
