import { checkBytes, checkText } from '../option-names.ts';
import { PacketError } from '../errors.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** ASCII '='. */
const PAD = 61;
/** Marks a character outside the alphabet in {@link VALUES}. Valid values do not have these bits. */
const INVALID = 0xc0;

/** Value → ASCII character. */
const CHARACTERS: Uint8Array = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
/** ASCII character → value, or {@link INVALID}. */
const VALUES: Uint8Array = new Uint8Array(128).fill(INVALID);
for (let value = 0; value < 64; value++) VALUES[CHARACTERS[value]!] = value;
// Characters of the alphabet for URLs and file names (RFC 4648 §5) have the same values.
VALUES['-'.charCodeAt(0)] = 62;
VALUES['_'.charCodeAt(0)] = 63;

/** ECMAScript 2026, which the compiler's es2023 library lacks. */
interface NativeEncoder {
  toBase64?(): string;
}
interface NativeDecoder {
  fromBase64?(
    text: string,
    options: { readonly lastChunkHandling: 'strict' },
  ): Uint8Array<ArrayBuffer>;
}

/** Returns the length of the Base64 text of `byteCount` bytes, padding included. */
export function base64Length(byteCount: number): number {
  return Math.ceil(byteCount / 3) * 4;
}

/**
 * Encodes a stream of bytes as Base64 (RFC 4648 §4) in ASCII bytes, in pieces of any size: up to two bytes wait for the next one.
 * Allocates in its constructor only.
 */
export class Base64Writer {
  /** The waiting bytes, the first one highest. */
  #carry = 0;
  /** How many bytes wait: 0–2. */
  #waiting = 0;

  /** Forgets the waiting bytes. */
  reset(): void {
    this.#carry = 0;
    this.#waiting = 0;
  }

  /**
   * Encodes `count` bytes of `source` from `from` on; writes whole groups of four characters to `target` at `at`.
   * @param target the caller's; `base64Length(2 + count)` bytes from `at` on always suffice. Must not overlap the source
   * @returns characters written
   */
  write(source: Uint8Array, from: number, count: number, target: Uint8Array, at: number): number {
    let carry = this.#carry;
    let waiting = this.#waiting;
    let i = from;
    let o = at;
    const end = from + count;
    while (waiting !== 0 && i < end) {
      carry = (carry << 8) | source[i++]!;
      if (++waiting === 3) {
        writeGroup(carry, target, o);
        o += 4;
        carry = 0;
        waiting = 0;
      }
    }
    for (; i + 3 <= end; i += 3, o += 4) {
      writeGroup((source[i]! << 16) | (source[i + 1]! << 8) | source[i + 2]!, target, o);
    }
    for (; i < end; i++, waiting++) carry = (carry << 8) | source[i]!;
    this.#carry = carry;
    this.#waiting = waiting;
    return o - at;
  }

  /**
   * Writes the last group with its padding, and resets the writer.
   * @param target the caller's; four bytes from `at` on suffice
   * @returns characters written: 0 or 4
   */
  finish(target: Uint8Array, at: number): number {
    const waiting = this.#waiting;
    if (waiting === 0) return 0;
    writeGroup(this.#carry << (waiting === 1 ? 16 : 8), target, at);
    target[at + 3] = PAD;
    if (waiting === 1) target[at + 2] = PAD;
    this.reset();
    return 4;
  }
}

function writeGroup(bits: number, target: Uint8Array, at: number): void {
  target[at] = CHARACTERS[bits >> 18]!;
  target[at + 1] = CHARACTERS[(bits >> 12) & 63]!;
  target[at + 2] = CHARACTERS[(bits >> 6) & 63]!;
  target[at + 3] = CHARACTERS[bits & 63]!;
}

/** Encodes bytes of any length as Base64 (RFC 4648 §4). Uses the engine's own encoder if it has one. */
export function encodeBase64(bytes: Uint8Array): string {
  checkBytes('bytes', bytes);
  const native = bytes as NativeEncoder;
  return native.toBase64 === undefined ? encodeInScript(bytes) : native.toBase64();
}

/** Encodes eight characters per call: the fastest way in plain ECMAScript, for any length. */
function encodeInScript(bytes: Uint8Array): string {
  const whole = bytes.length - (bytes.length % 6);
  let text = '';
  for (let i = 0; i < whole; i += 6) {
    const high = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!;
    const low = (bytes[i + 3]! << 16) | (bytes[i + 4]! << 8) | bytes[i + 5]!;
    text += String.fromCharCode(
      CHARACTERS[high >> 18]!,
      CHARACTERS[(high >> 12) & 63]!,
      CHARACTERS[(high >> 6) & 63]!,
      CHARACTERS[high & 63]!,
      CHARACTERS[low >> 18]!,
      CHARACTERS[(low >> 12) & 63]!,
      CHARACTERS[(low >> 6) & 63]!,
      CHARACTERS[low & 63]!,
    );
  }
  const rest = new Uint8Array(8);
  const writer = new Base64Writer();
  const written = writer.write(bytes, whole, bytes.length - whole, rest, 0);
  return text + asciiText(rest, written + writer.finish(rest, written));
}

/** Converts the first `length` ASCII (or Latin-1) bytes to a string. */
export function asciiText(ascii: Uint8Array, length: number = ascii.length): string {
  const whole = length - (length % 8);
  let text = '';
  for (let i = 0; i < whole; i += 8) {
    text += String.fromCharCode(
      ascii[i]!,
      ascii[i + 1]!,
      ascii[i + 2]!,
      ascii[i + 3]!,
      ascii[i + 4]!,
      ascii[i + 5]!,
      ascii[i + 6]!,
      ascii[i + 7]!,
    );
  }
  for (let i = whole; i < length; i++) text += String.fromCharCode(ascii[i]!);
  return text;
}

/**
 * Decodes Base64 text (RFC 4648 §4). Accepts what senders write: also the URL-safe alphabet (§5), text without padding, and white
 * space such as line breaks (RFC 2045 §6.8) anywhere. Unused bits must be zero (§3.5).
 * @param text decoding takes time and memory in proportion to its length
 * @throws PacketError `'bad-base64'` for any other text; for a `data:` URL it says what to pass instead
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  checkText('text', text);
  if (text.length % 4 === 0) {
    const bytes = decodePlain(text);
    if (bytes !== null) return bytes;
  }
  return decodeTolerantly(text);
}

/** Decodes the usual text fast: whole groups of the standard alphabet. @returns null for any other text */
function decodePlain(text: string): Uint8Array<ArrayBuffer> | null {
  const native = Uint8Array as unknown as NativeDecoder;
  if (native.fromBase64 === undefined) return decodeInScript(text);
  try {
    return native.fromBase64(text, { lastChunkHandling: 'strict' });
  } catch {
    return null;
  }
}

function decodeInScript(text: string): Uint8Array<ArrayBuffer> | null {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const byteCount = (text.length / 4) * 3 - padding;
  const bytes = new Uint8Array(byteCount);
  const wholeGroups = Math.floor(byteCount / 3);
  let faults = 0;
  let i = 0;
  let o = 0;
  for (let group = 0; group < wholeGroups; group++, i += 4, o += 3) {
    const a = valueAt(text, i);
    const b = valueAt(text, i + 1);
    const c = valueAt(text, i + 2);
    const d = valueAt(text, i + 3);
    faults |= a | b | c | d;
    bytes[o] = (a << 2) | (b >> 4);
    bytes[o + 1] = (b << 4) | (c >> 2);
    bytes[o + 2] = (c << 6) | d;
  }
  if (o < byteCount) {
    const a = valueAt(text, i);
    const b = valueAt(text, i + 1);
    const c = byteCount - o === 2 ? valueAt(text, i + 2) : 0;
    const unusedBits = byteCount - o === 2 ? c & 3 : b & 15;
    faults |= a | b | c | (unusedBits === 0 ? 0 : INVALID);
    bytes[o] = (a << 2) | (b >> 4);
    if (byteCount - o === 2) bytes[o + 1] = (b << 4) | (c >> 2);
  }
  return (faults & INVALID) === 0 ? bytes : null;
}

/** Decodes character by character. */
function decodeTolerantly(text: string): Uint8Array<ArrayBuffer> {
  if (/^\s{0,8}data:/i.test(text.slice(0, 16))) {
    throw badBase64(
      "The text is a data: URL. Pass what follows its comma: text.slice(text.indexOf(',') + 1).",
    );
  }
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let digits = 0;
  let padding = 0;
  let bits = 0;
  let o = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === PAD) {
      padding++;
      continue;
    }
    if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) continue;
    const value = valueAt(text, i);
    if (value === INVALID) throw badBase64('The text holds characters that are not Base64.');
    if (padding > 0) throw badBase64('Base64 digits come after the padding.');
    bits = ((bits << 6) | value) & 0xffffff;
    digits++;
    if (digits % 4 === 0) {
      bytes[o++] = bits >> 16;
      bytes[o++] = bits >> 8;
      bytes[o++] = bits;
    }
  }
  const rest = digits % 4;
  const due = (4 - rest) % 4;
  if (rest === 1 || (padding !== 0 && padding !== due)) {
    throw badBase64(`The text ends within a group: ${digits} digits and ${padding} of padding.`);
  }
  if (rest > 1) {
    if ((bits & (rest === 2 ? 15 : 3)) !== 0) {
      throw badBase64('The unused bits of the last character must be zero.');
    }
    bytes[o++] = bits >> (rest === 2 ? 4 : 10);
    if (rest === 3) bytes[o++] = bits >> 2;
  }
  return o === bytes.length ? bytes : bytes.slice(0, o);
}

function valueAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 128 ? VALUES[code]! : INVALID;
}

function badBase64(message: string): PacketError {
  return new PacketError('bad-base64', message);
}
