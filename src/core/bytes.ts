/* Unsigned integers in network byte order, as in every field of RTP and RTCP. None of these functions checks its bounds. */

export function readUint16(source: Uint8Array, at: number): number {
  return (source[at]! << 8) | source[at + 1]!;
}

export function readUint24(source: Uint8Array, at: number): number {
  return (source[at]! << 16) | (source[at + 1]! << 8) | source[at + 2]!;
}

export function readUint32(source: Uint8Array, at: number): number {
  return ((readUint16(source, at) << 16) | readUint16(source, at + 2)) >>> 0;
}

export function writeUint16(value: number, target: Uint8Array, at: number): void {
  target[at] = value >> 8;
  target[at + 1] = value;
}

export function writeUint24(value: number, target: Uint8Array, at: number): void {
  target[at] = value >> 16;
  writeUint16(value, target, at + 1);
}

export function writeUint32(value: number, target: Uint8Array, at: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

/**
 * Copies samples and reverses the bytes of each: ours are little-endian, those of RTP are not (RFC 3551 §4.5.11, RFC 3190 §4).
 * @param sampleBytes 1..4; 1 only copies
 * @param target the caller's; at least `at + source.length` bytes. Must not overlap the source
 */
export function copySwapped(
  source: Uint8Array,
  sampleBytes: number,
  target: Uint8Array,
  at: number,
): void {
  if (sampleBytes === 1) {
    target.set(source, at);
    return;
  }
  if (sampleBytes === 2) {
    for (let i = 0; i + 1 < source.length; i += 2) {
      target[at + i] = source[i + 1]!;
      target[at + i + 1] = source[i]!;
    }
    return;
  }
  // The outer two bytes, then those between them: a loop over the bytes of each sample takes half as long again.
  const last = sampleBytes - 1;
  for (let i = 0; i + last < source.length; i += sampleBytes) {
    target[at + i] = source[i + last]!;
    target[at + i + last] = source[i]!;
    target[at + i + 1] = source[i + last - 1]!;
    if (last === 3) target[at + i + 2] = source[i + 1]!;
  }
}

/** Encodes text as UTF-8 (RFC 3629), for scopes without a TextEncoder; like it, turns lone surrogates into U+FFFD. */
export function utf8Bytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (const character of text) {
    let code = character.codePointAt(0)!;
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(code, 0));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), tail(code, 6), tail(code, 0));
    else bytes.push(0xf0 | (code >> 18), tail(code, 12), tail(code, 6), tail(code, 0));
  }
  return Uint8Array.from(bytes);
}

function tail(code: number, shift: number): number {
  return 0x80 | ((code >> shift) & 0x3f);
}

/**
 * Decodes UTF-8 (RFC 3629), for scopes without a TextDecoder; like it, turns invalid bytes into U+FFFD. Takes time and memory
 * in proportion to the bytes.
 */
export function utf8Text(bytes: Uint8Array): string {
  let text = '';
  // No more code points per call than every engine takes as arguments.
  const codes: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const lead = bytes[at++]!;
    let code = lead;
    if (lead >= 0x80) {
      // The number of bytes that follow, and the range of the first: no overlong forms, no surrogates, nothing above U+10FFFF.
      const more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
      let least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
      let most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
      let missing = lead < 0xc2 || lead > 0xf4 ? -1 : more;
      code = lead & (0x3f >> more);
      for (; missing > 0 && at < bytes.length; missing--, at++) {
        const next = bytes[at]!;
        if (next < least || next > most) break;
        code = (code << 6) | (next & 0x3f);
        least = 0x80;
        most = 0xbf;
      }
      if (missing !== 0) code = 0xfffd;
    }
    if (codes.push(code) === 4096) text += String.fromCodePoint(...codes.splice(0));
  }
  return text + String.fromCodePoint(...codes);
}

/** All bytes in one array. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
