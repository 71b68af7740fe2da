import { checkBytes } from '../option-names.ts';
import { integerIn } from '../arguments.ts';
import { PacketError } from '../errors.ts';
import { readUint24, writeUint24 } from '../bytes.ts';

/*
 * Redundant audio data (RFC 2198 §3): the payload of an RTP packet that repeats earlier payloads. It starts with a header of four
 * bytes for each redundant block, oldest first, and a header of one byte for the primary block; then the data follow in the same
 * order.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *    |F=1|  block PT |  timestamp offset (14 bits)   | length (10)   |   for each redundant block
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *    |F=0|  block PT |                                                   for the primary block: the remaining bytes are its data
 *    +-+-+-+-+-+-+-+-+
 *
 * The timestamp offset says how far a block lies before the packet's timestamp, in the payload's clock.
 */

/** Maximum size of a redundant block in bytes: its length has 10 bits. */
export const RED_MAX_BLOCK_BYTES: number = 2 ** 10 - 1;
/** Maximum offset of a redundant block in the past, in the payload's clock: 14 bits. At 48 kHz that is 341 ms. */
export const RED_MAX_TIMESTAMP_OFFSET: number = 2 ** 14 - 1;
/** Size of the header of a redundant block, in bytes. */
export const RED_BLOCK_HEADER_BYTES = 4;
/** Size of the header of the primary block, in bytes. */
export const RED_PRIMARY_HEADER_BYTES = 1;
/** Maximum number of blocks read from one payload. More than a few are of no use. */
const RED_MAX_BLOCKS = 32;

const FOLLOWED_BIT = 0x80;
const PAYLOAD_TYPE_MASK = 0x7f;
const OFFSET_SHIFT = 10;
const LENGTH_MASK = 0x3ff;
const MAX_PAYLOAD_TYPE = 127;

/**
 * Writes the header of a redundant block.
 * @param target caller-owned; at least four bytes from `at`
 * @returns the offset of the next byte
 * @throws RangeError when the block is too long for RED, or lies too far back
 */
export function writeRedBlockHeader(
  payloadType: number,
  timestampOffset: number,
  byteLength: number,
  target: Uint8Array,
  at: number,
): number {
  checkBytes('target', target);
  integerIn('timestampOffset', timestampOffset, 0, RED_MAX_TIMESTAMP_OFFSET);
  integerIn('byteLength', byteLength, 0, RED_MAX_BLOCK_BYTES);
  target[at] = FOLLOWED_BIT | integerIn('payloadType', payloadType, 0, MAX_PAYLOAD_TYPE);
  writeUint24((timestampOffset << OFFSET_SHIFT) | byteLength, target, at + 1);
  return at + RED_BLOCK_HEADER_BYTES;
}

/**
 * Writes the header of the primary block, which is the last one.
 * @param target caller-owned; at least one byte from `at`
 * @returns the offset of the next byte
 */
export function writeRedPrimaryHeader(payloadType: number, target: Uint8Array, at: number): number {
  target[at] = integerIn('payloadType', payloadType, 0, MAX_PAYLOAD_TYPE);
  return at + RED_PRIMARY_HEADER_BYTES;
}

/** Reads the blocks of a RED payload in place. One object can be used for any number of payloads, without allocation. */
export class RedBlocks {
  readonly #payloadTypes = new Uint8Array(RED_MAX_BLOCKS);
  readonly #timestampOffsets = new Uint16Array(RED_MAX_BLOCKS);
  readonly #byteOffsets = new Uint32Array(RED_MAX_BLOCKS);
  readonly #byteLengths = new Uint32Array(RED_MAX_BLOCKS);
  #count = 0;

  /**
   * Parses a payload.
   * @returns the number of blocks: the redundant ones, usually oldest first, then the primary one
   * @throws PacketError when it is not a RED payload; the previous payload is then forgotten
   */
  parse(
    source: Uint8Array,
    byteOffset = 0,
    byteLength: number = source.length - byteOffset,
  ): number {
    this.#count = 0;
    const end = byteOffset + byteLength;
    let at = byteOffset;
    let count = 0;
    let dataBytes = 0;
    for (; at < end && (source[at]! & FOLLOWED_BIT) !== 0; at += RED_BLOCK_HEADER_BYTES) {
      if (at + RED_BLOCK_HEADER_BYTES > end) throw truncated();
      if (count === RED_MAX_BLOCKS - 1) {
        throw new PacketError('oversized', `RED must have at most ${RED_MAX_BLOCKS} blocks.`);
      }
      const bits = readUint24(source, at + 1);
      const blockBytes = bits & LENGTH_MASK;
      this.#payloadTypes[count] = source[at]! & PAYLOAD_TYPE_MASK;
      this.#timestampOffsets[count] = bits >> OFFSET_SHIFT;
      this.#byteLengths[count] = blockBytes;
      dataBytes += blockBytes;
      count++;
    }
    const primaryBytes = end - at - RED_PRIMARY_HEADER_BYTES - dataBytes;
    if (primaryBytes < 0) throw truncated();
    this.#payloadTypes[count] = source[at]!;
    this.#timestampOffsets[count] = 0;
    this.#byteLengths[count] = primaryBytes;
    at += RED_PRIMARY_HEADER_BYTES;
    for (let block = 0; block <= count; block++) {
      this.#byteOffsets[block] = at;
      at += this.#byteLengths[block]!;
    }
    this.#count = count + 1;
    return this.#count;
  }

  /** Number of blocks in the last payload; 0 if there was no payload. */
  get count(): number {
    return this.#count;
  }

  /** Returns the payload type of a block, 0–127. */
  payloadType(block: number): number {
    return this.#payloadTypes[block]!;
  }

  /** Returns how far the block lies before the packet's timestamp, 0–16383; 0 for the primary block. */
  timestampOffset(block: number): number {
    return this.#timestampOffsets[block]!;
  }

  /** Returns the offset of the block's data in the parsed bytes. */
  byteOffset(block: number): number {
    return this.#byteOffsets[block]!;
  }

  /** Returns the length of the block's data in bytes, 0–1023; for the primary block, the remaining bytes. */
  byteLength(block: number): number {
    return this.#byteLengths[block]!;
  }
}

function truncated(): PacketError {
  return new PacketError('truncated', 'the payload ends before its RED blocks do.');
}
