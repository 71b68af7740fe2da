/*
 * What a value is, whichever realm made it. A file of its own, so that the modules of the audio thread do not carry it.
 */

// Descriptors of getters that look at what a value is (its internal slots), which nothing can pretend.
const bufferLength = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength');
const typedArrayTag = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
);

/** Whether `value` is an ArrayBuffer, of this realm or another one (a frame, `node:vm`), where `instanceof` says no. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  try {
    return bufferLength?.get?.call(value) !== undefined;
  } catch {
    return false;
  }
}

/** `'Int16Array'` and the like for a typed array of any realm; undefined for anything else, a DataView included. */
export function typedArrayName(value: unknown): string | undefined {
  const name: unknown = typedArrayTag?.get?.call(value);
  return typeof name === 'string' ? name : undefined;
}
