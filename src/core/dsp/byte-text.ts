/**
 * Bytes as text of printable ASCII, for constants in code. Each byte is one character, as far as possible, so that a server
 * compresses the text about as well as the bytes; Base64 hides what repeats and costs half as much again. The alphabet has no
 * quote, backslash, backtick or dollar sign. scripts/byte-text.mjs writes it.
 */

/** Precedes a character that does not mean its own byte: each one adds {@link SHIFT}. */
const ESCAPE = '~'.charCodeAt(0);
const SHIFT = 91;
/** What is added to a byte to give its character: the bytes that WebAssembly uses most are among those of one character. */
const OFFSET = 45;

/** The bytes that `text` stands for. */
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
