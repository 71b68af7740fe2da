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
 * The bytes themselves, as a view where they are bytes already.
 * @param format that they have to be in
 * @throws PacketError `'bad-base64'`; TypeError for anything else, such as numbers of another kind than the format's
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

/** The typed array whose numbers a format's samples are; of 24 bits there is none, and it has no such name. */
function arrayOf({ coding, bytes }: SampleRow): string | undefined {
  const kind = coding === 'float' ? 'Float' : coding === 'signed' ? 'Int' : undefined;
  return kind && `${kind}${8 * bytes}Array`;
}

/** The format whose samples a typed array of this name holds. */
function formatOf(name: string): SampleFormat | undefined {
  return SAMPLE_FORMATS.find((format) => arrayOf(FORMATS[format]) === name);
}

/** Played as they are, the numbers would be noise. */
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

/** How to make the format's samples of such an array; undefined where it takes more than a line. */
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
  // Of 32 bits a float has 24.
  if (coding !== 'signed' || bytes !== 2 || from?.coding !== 'float') return undefined;
  const scale = 2 ** (8 * bytes - 1);
  return `Int16Array.from(data, (x) => Math.max(-${scale}, Math.min(${scale - 1}, Math.round(x * ${scale}))))`;
}

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
