import { checkBytes, checkObject } from '../option-names.ts';
import { PacketError } from '../errors.ts';
import { writeUint16 } from '../bytes.ts';
import { EXTENSION_HEADER_BYTES } from './rtp-packet.ts';
import type { RtpPacket } from './rtp-packet.ts';
import { describe, integerIn } from '../arguments.ts';

/*
 * RFC 8285: several elements in one header extension, each with an ID that both ends agreed on (a=extmap).
 *
 * §4.2, one byte before each element (ID 1–14, 1–16 bytes); an ID of 0 is a byte of padding, 15 ends the extension:
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *    |       0xBE    |    0xDE       |        length in words        |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *    |  ID   |  L−1  |  L bytes of data …    |  ID   |  L−1  | …  0  |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * §4.3, two bytes before each (ID 1–255, 0–255 bytes):
 *
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *    |         0x100         |appbits|        length in words        |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *    |       ID      |       L       |  L bytes of data …            |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */

/** One element of a header extension to write. */
export interface HeaderExtension {
  /** The ID that both ends agreed on, 1..255; 1..14 allow the shorter form. */
  readonly id: number;
  /** At most 255 bytes; 1–16 for the shorter form. */
  readonly data: Uint8Array;
}

/** Marks elements with one byte before each (RFC 8285 §4.2). */
const ONE_BYTE_PROFILE = 0xbede;
/** Marks elements with two bytes before each; the last four bits belong to the application (RFC 8285 §4.3). */
const TWO_BYTE_PROFILE = 0x1000;
const TWO_BYTE_PROFILE_MASK = 0xfff0;

const ONE_BYTE_MAX_ID = 14;
const ONE_BYTE_MAX_BYTES = 16;
const ONE_BYTE_ID_SHIFT = 4;
const ONE_BYTE_LENGTH_MASK = 0x0f;
const PADDING_ID = 0;
/** Reserved: a parser stops here (RFC 8285 §4.2). */
const STOP_ID = 15;
const MAX_ID = 255;
const MAX_BYTES = 255;

/** Returns the size in bytes of a header extension with these elements, including its own four bytes; 0 without elements. */
export function headerExtensionBytes(extensions: readonly HeaderExtension[]): number {
  checkObject('extensions must be an array', extensions, 'length');
  if (extensions.length === 0) return 0;
  for (let i = 0; i < extensions.length; i++) {
    checkObject('extensions must hold elements with id and data', extensions[i]);
    checkBytes('data', extensions[i]!.data);
  }
  const before = fitsOneByte(extensions) ? 1 : 2;
  let bytes = 0;
  for (let i = 0; i < extensions.length; i++) bytes += before + extensions[i]!.data.length;
  return EXTENSION_HEADER_BYTES + 4 * Math.ceil(bytes / 4);
}

/**
 * Writes profile, length, elements and padding, in the shorter form if all elements fit it.
 * @param target caller-owned; at least `headerExtensionBytes(extensions)` bytes from `byteOffset`
 * @returns the number of bytes written
 * @throws RangeError when an ID or a length is out of its range
 */
export function writeHeaderExtensions(
  extensions: readonly HeaderExtension[],
  target: Uint8Array,
  byteOffset: number,
): number {
  checkBytes('target', target);
  const bytes = headerExtensionBytes(extensions);
  if (bytes === 0) return 0;
  const oneByte = fitsOneByte(extensions);
  writeUint16(oneByte ? ONE_BYTE_PROFILE : TWO_BYTE_PROFILE, target, byteOffset);
  writeUint16((bytes - EXTENSION_HEADER_BYTES) / 4, target, byteOffset + 2);
  let at = byteOffset + EXTENSION_HEADER_BYTES;
  for (let i = 0; i < extensions.length; i++) {
    const { id, data } = extensions[i]!;
    if (!(Number.isInteger(id) && id >= 1 && id <= MAX_ID)) {
      throw new RangeError(`id must be an integer from 1 to ${MAX_ID}, got ${id}.`);
    }
    if (data.length > MAX_BYTES) {
      throw new RangeError(`data must have at most ${MAX_BYTES} bytes, got ${data.length}.`);
    }
    if (oneByte) {
      target[at++] = (id << ONE_BYTE_ID_SHIFT) | (data.length - 1);
    } else {
      target[at++] = id;
      target[at++] = data.length;
    }
    target.set(data, at);
    at += data.length;
  }
  target.fill(PADDING_ID, at, byteOffset + bytes);
  return bytes;
}

function fitsOneByte(extensions: readonly HeaderExtension[]): boolean {
  for (let i = 0; i < extensions.length; i++) {
    const { id, data } = extensions[i]!;
    if (id > ONE_BYTE_MAX_ID || data.length < 1 || data.length > ONE_BYTE_MAX_BYTES) return false;
  }
  return true;
}

/**
 * Iterates over the elements of a packet's header extension in place. One object can be used for any number of packets, without
 * allocation.
 *
 * ```ts
 * cursor.begin(packet);
 * while (cursor.next()) if (cursor.id === 1) level = audioLevelOf(cursor.source[cursor.byteOffset]!);
 * ```
 */
export class HeaderExtensionCursor {
  #source: Uint8Array = new Uint8Array(0);
  #next = 0;
  #end = 0;
  #oneByte = true;
  #id = 0;
  #byteOffset = 0;
  #byteLength = 0;

  /** Moves before the first element. There are no elements if the header extension is missing or of another kind. */
  begin(packet: RtpPacket): void {
    // Checked inline: a call to a check would allocate.
    const profile: unknown = (packet as RtpPacket | null | undefined)?.extensionProfile;
    if (typeof profile !== 'number') {
      throw new TypeError(`packet must be an RtpPacket, got ${describe(packet)}.`);
    }
    this.#oneByte = profile === ONE_BYTE_PROFILE;
    const known = this.#oneByte || (profile & TWO_BYTE_PROFILE_MASK) === TWO_BYTE_PROFILE;
    this.#source = packet.source;
    this.#next = packet.extensionOffset;
    this.#end = this.#next + (known ? packet.extensionBytes : 0);
  }

  /**
   * Moves to the next element.
   * @returns false after the last element
   * @throws PacketError when an element extends past the end
   */
  next(): boolean {
    const source = this.#source;
    const end = this.#end;
    let at = this.#next;
    while (at < end && source[at] === PADDING_ID) at++;
    this.#next = end;
    if (at >= end) return false;
    const first = source[at++]!;
    if (this.#oneByte) {
      this.#id = first >> ONE_BYTE_ID_SHIFT;
      // Stop at the reserved ID, and at the ID of padding with a length (RFC 8285 §4.2).
      if (this.#id === PADDING_ID || this.#id === STOP_ID) return false;
      this.#byteLength = (first & ONE_BYTE_LENGTH_MASK) + 1;
    } else {
      if (at >= end) throw truncated();
      this.#id = first;
      this.#byteLength = source[at++]!;
    }
    if (at + this.#byteLength > end) throw truncated();
    this.#byteOffset = at;
    this.#next = at + this.#byteLength;
    return true;
  }

  /** The packet's bytes. */
  get source(): Uint8Array {
    return this.#source;
  }

  /** ID of the element, 1..255. */
  get id(): number {
    return this.#id;
  }

  /** Offset of the element's data in `source`. */
  get byteOffset(): number {
    return this.#byteOffset;
  }

  /** Size of the element's data in bytes, 0..255. */
  get byteLength(): number {
    return this.#byteLength;
  }
}

function truncated(): PacketError {
  return new PacketError('truncated', 'an element ends beyond the header extension.');
}

/*
 * RFC 6464 §3: how loud a packet is, so that a mixer need not decode it. The data of a header extension element, one byte:
 *
 *     0 1 2 3 4 5 6 7
 *    +-+-+-+-+-+-+-+-+
 *    |V| level       |     V: the packet contains speech; level: −level dBov, 127 for silence
 *    +-+-+-+-+-+-+-+-+
 */

/** The URI of the extension in `a=extmap`. */
export const AUDIO_LEVEL_URI = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';

const VOICE_BIT = 0x80;
const LEVEL_MASK = 0x7f;
const QUIETEST = 127;

/**
 * Returns the byte of RFC 6464 for a level.
 * @param levelDbov level relative to the overload point, rounded and limited to −127..0; −Infinity and NaN are silence
 * @param voice whether the packet contains speech
 */
export function audioLevelByte(levelDbov: number, voice: boolean): number {
  const below = Number.isNaN(levelDbov) ? QUIETEST : Math.round(-levelDbov);
  return (voice ? VOICE_BIT : 0) | Math.min(QUIETEST, Math.max(0, below));
}

/** Returns the level of a byte of RFC 6464 in dBov, −127..0. */
export function audioLevelOf(byte: number): number {
  return 0 - (integerIn('byte', byte, 0, 255) & LEVEL_MASK);
}

/** Returns whether a byte of RFC 6464 indicates speech. */
export function audioLevelHasVoice(byte: number): boolean {
  return (byte & VOICE_BIT) !== 0;
}
