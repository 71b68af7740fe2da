import { describe } from '../arguments.ts';

/**
 * Converts a value to a message of the app: text and bytes unchanged, anything else as JSON.
 * @throws TypeError for a value that JSON cannot carry
 */
export function appMessage(value: unknown): string | Uint8Array<ArrayBuffer> {
  if (typeof value === 'string') return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) {
    // A copy: the view may lie in shared memory, which WebSocket.send() refuses.
    return Uint8Array.from(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }
  return jsonText('a message', value);
}

/**
 * Converts a value to JSON.
 * @param what name of the value in the error message
 * @throws TypeError for a value that JSON cannot carry
 */
export function jsonText(what: string, value: unknown): string {
  // JSON.stringify throws for cycles, and returns undefined for functions and the like.
  const text: string | undefined = JSON.stringify(value);
  if (text !== undefined) return text;
  throw new TypeError(
    `${what} must be text, bytes or a value that JSON has, got ${describe(value)}.`,
  );
}
