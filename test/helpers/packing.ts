/**
 * Values with typed arrays in them as JSON text and back, every bit kept: for what crosses from a Node process to a page.
 */

/** Typed arrays by name, with the bytes in hexadecimal. */
interface Packed {
  readonly $array: string;
  readonly hex: string;
}

const ARRAYS = {
  Float32Array,
  Float64Array,
  Int8Array,
  Int16Array,
  Int32Array,
  Uint8Array,
  Uint32Array,
};
type ArrayName = keyof typeof ARRAYS;

/** Shared memory becomes fresh shared memory with the same contents. A compiled module stays behind: see `fillModules`. */
export function pack(value: unknown): string {
  return JSON.stringify(value, (_, entry: unknown) => {
    if (ArrayBuffer.isView(entry)) return packArray(entry, entry.constructor.name);
    if (entry instanceof WebAssembly.Module) return { $module: true };
    if (entry instanceof SharedArrayBuffer) return packArray(new Uint8Array(entry), 'shared');
    return entry;
  });
}

export function unpack(text: string): unknown {
  return JSON.parse(text, (_, entry: unknown) => {
    const { $array, hex } = (entry ?? {}) as Partial<Packed>;
    if ($array === undefined || hex === undefined) return entry;
    const shared = $array === 'shared';
    const buffer = new (shared ? SharedArrayBuffer : ArrayBuffer)(hex.length / 2);
    const bytes = new Uint8Array(buffer);
    for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
    return shared ? buffer : new ARRAYS[$array as ArrayName](buffer as ArrayBuffer);
  });
}

/** Puts the compiled modules of `own` where those of an unpacked value of the same form were. */
export function fillModules(value: unknown, own: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if ('$module' in value) return own;
  for (const key of Object.keys(value) as (keyof typeof value)[]) {
    value[key] = fillModules(value[key], (own as typeof value)[key]) as never;
  }
  return value;
}

function packArray(array: ArrayBufferView, $array: string): Packed {
  return { $array, hex: hex(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)) };
}

/** Bytes as hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
