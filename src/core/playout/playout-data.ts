import { describe } from '../arguments.ts';
import { FORMATS, SAMPLE_FORMATS, isSampleFormat } from '../format/formats.ts';
import type { PayloadFormat, SampleFormat, SampleRow } from '../format/formats.ts';
import { decodeBase64 } from '../base64/base64.ts';

/**
 * Audio to write: bytes split anywhere (a Uint8Array, a DataView, an ArrayBuffer), samples in the typed array that matches the
 * format (an Int16Array for `'s16'`, an Int32Array for `'s32'`, a Float32Array for `'f32'`), or a whole Base64 text of such bytes.
 */
export type PlayoutData = ArrayBufferView | ArrayBuffer | string;

/** Typed arrays of single bytes: bytes of any format. */
const BYTES: readonly string[] = ['Uint8Array', 'Uint8ClampedArray', 'Int8Array'];

/**
 * Returns the bytes of the data, as a view if they are bytes already.
 * @param format format that the bytes must have
 * @throws PacketError `'bad-base64'`; TypeError for anything else, such as numbers of another type than the format's
 */
export function toBytes(data: PlayoutData, format: PayloadFormat): Uint8Array {
  if (typeof data === 'string') return decodeBase64(data);
  if (isArrayBuffer(data)) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) {
    const name = typedArrayName(data);
    if (name !== undefined && !BYTES.includes(name) && formatOf(name) !== format) {
      throw new TypeError(mismatch(name, format));
    }
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  throw new TypeError(
    `data must be a typed array, an ArrayBuffer or a Base64 string, got ${describe(data)}.`,
  );
}

/** Returns the name of the typed array that holds a format's samples; for 24 bits there is no such array. */
function arrayOf({ coding, bytes }: SampleRow): string | undefined {
  const kind = coding === 'float' ? 'Float' : coding === 'signed' ? 'Int' : undefined;
  return kind && `${kind}${8 * bytes}Array`;
}

/** Returns the format whose samples a typed array of this name holds. */
function formatOf(name: string): SampleFormat | undefined {
  return SAMPLE_FORMATS.find((format) => arrayOf(FORMATS[format]) === name);
}

/** The numbers would play as noise. */
function mismatch(name: string, format: PayloadFormat): string {
  const is = `This playout takes '${format}', got a ${name}.`;
  const made = formatOf(name);
  const cure = conversion(name, format);
  if (made !== undefined) {
    const create = `Create the playout with format '${made}'`;
    return cure === undefined ? `${is} ${create}.` : `${is} ${create}, or convert: ${cure}.`;
  }
  if (cure !== undefined) return `${is} Convert: ${cure}.`;
  return `${is} If its bytes are '${format}' as they are, pass new Uint8Array(data.buffer, data.byteOffset, data.byteLength).`;
}

/** Describes how to convert such an array to the format's samples; undefined if that takes more than one line. */
function conversion(name: string, format: PayloadFormat): string | undefined {
  if (!isSampleFormat(format)) return undefined;
  const { coding, bytes } = FORMATS[format];
  const made = formatOf(name);
  const from = made && FORMATS[made];
  if (coding === 'float') {
    if (name === 'Float64Array') return 'Float32Array.from(data)';
    if (from?.coding !== 'signed') return undefined;
    return `Float32Array.from(data, (x) => x / ${2 ** (8 * from.bytes - 1)})`;
  }
  // A float holds only 24 of 32 bits.
  if (coding !== 'signed' || bytes !== 2 || from?.coding !== 'float') return undefined;
  const scale = 2 ** (8 * bytes - 1);
  return `Int16Array.from(data, (x) => Math.max(-${scale}, Math.min(${scale - 1}, Math.round(x * ${scale}))))`;
}

// Getters that read internal slots, which other objects cannot imitate.
const bufferLength = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength');
const typedArrayTag = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
);

/** Returns whether `value` is an ArrayBuffer, of this realm or another one (a frame, `node:vm`), where `instanceof` is false. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  try {
    return bufferLength?.get?.call(value) !== undefined;
  } catch {
    return false;
  }
}

/** Returns `'Int16Array'` and so on for a typed array of any realm; undefined for anything else, including a DataView. */
export function typedArrayName(value: unknown): string | undefined {
  const name: unknown = typedArrayTag?.get?.call(value);
  return typeof name === 'string' ? name : undefined;
}
