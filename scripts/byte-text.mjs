/** The writing side of src/core/dsp/byte-text.ts, whose constants these are. */
const SHIFT = 91;
const OFFSET = 45;
const FIRST = 35;
const LAST = 125;
/** $ ' \ ` would need escapes in one kind of string or another. */
const FORBIDDEN = new Set([36, 39, 92, 96]);

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function textOfBytes(bytes) {
  let text = '';
  for (const byte of bytes) {
    let code = (byte + OFFSET) & 255;
    while (code < FIRST || code > LAST || FORBIDDEN.has(code)) {
      text += '~';
      code = (code - SHIFT) & 255;
    }
    text += String.fromCharCode(code);
  }
  return text;
}
