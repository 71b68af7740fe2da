import { describe } from '../core/arguments.ts';
import type { PayloadFormat } from '../core/format/payload-format.ts';
import { decodeBase64 } from '../core/base64/base64.ts';

/**
 * What is written: bytes split anywhere (a Uint8Array, a DataView, an ArrayBuffer), samples in a typed array of the format's own
 * kind (an Int16Array for `'s16'`, a Float32Array for `'f32'`), or a whole Base64 text of such bytes.
 */
export type PlayoutData = ArrayBufferView | ArrayBuffer | string;

/** Typed array → the format whose samples it holds. */
const FORMATS: Readonly<Record<string, PayloadFormat>> = { Int16Array: 's16', Float32Array: 'f32' };

/** Typed arrays of single bytes: bytes of any format. */
const BYTES: readonly string[] = ['Uint8Array', 'Uint8ClampedArray', 'Int8Array'];

/**
 * The bytes themselves, as a view where they are bytes already.
 * @param format that they have to be in
 * @throws PacketError `'bad-base64'`; TypeError for anything else, such as numbers of another kind than the format's
 */
export function toBytes(data: PlayoutData, format: PayloadFormat): Uint8Array {
  if (typeof data === 'string') return decodeBase64(data);
  if (isArrayBuffer(data)) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) {
    const name = typedArrayName(data);
    if (name !== undefined && !BYTES.includes(name) && FORMATS[name] !== format) {
      throw new TypeError(mismatch(name, format));
    }
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  throw new TypeError(
    `data must be a typed array, an ArrayBuffer or a Base64 string, got ${describe(data)}.`,
  );
}

/** Played as they are, the numbers would be noise. */
function mismatch(name: string, format: PayloadFormat): string {
  const is = `This playout takes '${format}', got a ${name}`;
  const cure = CURES[`${name} ${format}`];
  if (cure !== undefined) return `${is}. ${cure}`;
  const made = FORMATS[name];
  if (made !== undefined) return `${is}. Create the playout with format '${made}'.`;
  return `${is}. If its bytes are '${format}' as they are, pass new Uint8Array(data.buffer, data.byteOffset, data.byteLength).`;
}

const CURES: Readonly<Record<string, string>> = {
  'Float32Array s16':
    "Create the playout with format 'f32', or convert: Int16Array.from(data, (x) => Math.max(-32768, Math.min(32767, Math.round(x * 32768)))).",
  'Int16Array f32':
    "Create the playout with format 's16', or convert: Float32Array.from(data, (x) => x / 32768).",
  'Float64Array f32': 'Convert: Float32Array.from(data).',
};

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
