/**
 * Lets `toEqual` see at once that two typed arrays hold the same bits: it looks at every element in turn otherwise, which
 * takes seconds for some of audio. Arrays that differ are left to it, so that it can say where.
 */
import { expect } from 'vitest';

expect.addEqualityTesters([
  (a: unknown, b: unknown): true | undefined => (sameBits(a, b) ? true : undefined),
]);

function sameBits(a: unknown, b: unknown): boolean {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b)) return false;
  if (a.constructor !== b.constructor || a.byteLength !== b.byteLength) return false;
  const one = new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
  const other = new Uint8Array(b.buffer, b.byteOffset, b.byteLength);
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}
