/**
 * Bytes as printable ASCII, for constants in code. Where possible a byte is one character, so that servers compress the text
 * about as well as the bytes; Base64 hides repetition and costs half as much again. The alphabet has no quote, backslash,
 * backtick or dollar sign. scripts/byte-text.mjs writes the text.
 */

/** Precedes the character of a byte that one character cannot express: each one adds {@link SHIFT} to the byte. */
const ESCAPE = '~'.charCodeAt(0);
const SHIFT = 91;
/** Added to a byte to get its character: the bytes that WebAssembly uses most then take one character. */
const OFFSET = 45;

/** Decodes the bytes of `text`. */
export function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  let count = 0;
  let shift = -OFFSET;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === ESCAPE) {
      shift += SHIFT;
    } else {
      bytes[count++] = code + shift;
      shift = -OFFSET;
    }
  }
  return bytes.slice(0, count);
}
