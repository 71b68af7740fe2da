/** Bytes written in hexadecimal, with spaces between them and comments behind `//`. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replaceAll(/\/\/.*/g, '').match(/[0-9a-f]{2}/g) ?? [];
  return Uint8Array.from(digits, (pair) => Number.parseInt(pair, 16));
}
