import { describe } from '../core/arguments.ts';
import { decodeBase64 } from '../core/framing/base64.ts';

/** What is written: bytes split anywhere (of typed arrays, their bytes), or a whole Base64 text of such. */
export type PlayoutData = ArrayBufferView | ArrayBuffer | string;

/**
 * The bytes themselves, as a view where they are bytes already.
 * @throws PacketError `'bad-base64'`; TypeError for anything else
 */
export function toBytes(data: PlayoutData): Uint8Array {
  if (typeof data === 'string') return decodeBase64(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  throw new TypeError(
    `data must be a typed array, an ArrayBuffer or a Base64 string, got ${describe(data)}.`,
  );
}
