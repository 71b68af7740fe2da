import { PacketError } from '../errors.ts';
import { checkBytes } from '../option-names.ts';
import { readUint16, readUint32 } from '../bytes.ts';

/*
 * RFC 3550 §5.1, followed by the extension of §5.3.1 if X is set:
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  0 |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  4 |                           timestamp                           |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  8 |           synchronization source (SSRC) identifier            |
 *    +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
 * 12 |  contributing source (CSRC) identifiers, CC of them           |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *    |      defined by profile       |   length in words of 32 bits  |  if X = 1
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *    |                        header extension                       |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *    |  payload …                    | padding …     | padding count |  padding if P = 1
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */

/** Size of a header without contributing sources and extension, in bytes. */
export const RTP_HEADER_BYTES = 12;
/** The only version (RFC 3550 §5.1). */
export const RTP_VERSION = 2;
/** Maximum number of contributing sources of a packet: CC has 4 bits. */
export const RTP_MAX_CSRCS = 15;

export const VERSION_SHIFT = 6;
const PADDING_BIT = 0x20;
export const EXTENSION_BIT = 0x10;
const CSRC_COUNT_MASK = 0x0f;
export const MARKER_BIT = 0x80;
const PAYLOAD_TYPE_MASK = 0x7f;
/** Size of profile and length of a header extension, in bytes (RFC 3550 §5.3.1). */
export const EXTENSION_HEADER_BYTES = 4;

/** Byte offsets of the fields. */
export const RTP_OFFSET = { payloadType: 1, sequenceNumber: 2, timestamp: 4, ssrc: 8 } as const;

const NO_BYTES = new Uint8Array(0);

/**
 * Reads an RTP packet in place: the bytes are not copied, and one object can be used for any number of packets. It keeps a
 * reference to the bytes of the last packet, and its fields change with them.
 */
export class RtpPacket {
  #source: Uint8Array = NO_BYTES;
  #at = 0;
  #extensionOffset = 0;
  #extensionBytes = 0;
  #payloadOffset = 0;
  #payloadBytes = 0;
  #paddingBytes = 0;

  /**
   * Parses a packet. Allocates nothing.
   * @param source caller-owned; must not change while the packet is being read
   * @throws PacketError when it is not an RTP packet; the previous packet is then forgotten
   */
  parse(
    source: Uint8Array,
    byteOffset = 0,
    byteLength: number = checkBytes('source', source).length - byteOffset,
  ): this {
    checkBytes('source', source);
    this.#source = NO_BYTES;
    this.#extensionBytes = 0;
    this.#payloadBytes = 0;
    this.#paddingBytes = 0;
    if (byteLength < RTP_HEADER_BYTES) throw truncated('header', RTP_HEADER_BYTES, byteLength);
    const first = source[byteOffset]!;
    const version = first >> VERSION_SHIFT;
    if (version !== RTP_VERSION) {
      throw new PacketError('unknown-type', `RTP's version must be 2, got ${version}.`);
    }
    const end = byteOffset + byteLength;
    let at = byteOffset + RTP_HEADER_BYTES + 4 * (first & CSRC_COUNT_MASK);
    if (at > end) throw truncated('header with its CSRCs', at - byteOffset, byteLength);

    let extensionBytes = 0;
    let extensionOffset = at;
    if ((first & EXTENSION_BIT) !== 0) {
      extensionOffset = at + EXTENSION_HEADER_BYTES;
      if (extensionOffset > end) {
        throw truncated('header extension', extensionOffset - byteOffset, byteLength);
      }
      extensionBytes = 4 * readUint16(source, at + 2);
      at = extensionOffset + extensionBytes;
      if (at > end) throw truncated('header extension', at - byteOffset, byteLength);
    }

    let paddingBytes = 0;
    if ((first & PADDING_BIT) !== 0) {
      paddingBytes = at < end ? source[end - 1]! : 0;
      if (paddingBytes === 0 || paddingBytes > end - at) {
        const room = end - at;
        const range = `from 1 to the ${room} bytes behind the header`;
        throw new PacketError('bad-field', `padding must be ${range}, got ${paddingBytes}.`);
      }
    }
    this.#source = source;
    this.#at = byteOffset;
    this.#extensionOffset = extensionOffset;
    this.#extensionBytes = extensionBytes;
    this.#payloadOffset = at;
    this.#paddingBytes = paddingBytes;
    this.#payloadBytes = end - at - paddingBytes;
    return this;
  }

  /** The bytes of the last parsed packet, to which all offsets refer. */
  get source(): Uint8Array {
    return this.#source;
  }

  /** Marker bit. With audio, it is set on the first packet of a talkspurt (RFC 3551 §4.1). */
  get marker(): boolean {
    return (this.#source[this.#at + RTP_OFFSET.payloadType]! & MARKER_BIT) !== 0;
  }

  /** Payload type, 0–127. */
  get payloadType(): number {
    return this.#source[this.#at + RTP_OFFSET.payloadType]! & PAYLOAD_TYPE_MASK;
  }

  /** Sequence number, 0–65535. */
  get sequenceNumber(): number {
    return readUint16(this.#source, this.#at + RTP_OFFSET.sequenceNumber);
  }

  /** Timestamp of the first frame, in units of the payload's clock, 0..2³²−1. */
  get timestamp(): number {
    return readUint32(this.#source, this.#at + RTP_OFFSET.timestamp);
  }

  /** The SSRC of the source, 0 to 2³²−1. */
  get ssrc(): number {
    return readUint32(this.#source, this.#at + RTP_OFFSET.ssrc);
  }

  /** Number of sources that a mixer combined, 0–15. */
  get csrcCount(): number {
    return this.#source[this.#at]! & CSRC_COUNT_MASK;
  }

  /** Returns a contributing source. @param index below `csrcCount` */
  csrc(index: number): number {
    return readUint32(this.#source, this.#at + RTP_HEADER_BYTES + 4 * index);
  }

  /** True if there is a header extension, which may be empty. */
  get hasExtension(): boolean {
    return (this.#source[this.#at]! & EXTENSION_BIT) !== 0;
  }

  /** Kind of the header extension; 0 without one. `HeaderExtensionCursor` reads those of RFC 8285. */
  get extensionProfile(): number {
    return this.hasExtension
      ? readUint16(this.#source, this.#extensionOffset - EXTENSION_HEADER_BYTES)
      : 0;
  }

  /** Offset of the header extension's data in `source`, after profile and length. */
  get extensionOffset(): number {
    return this.#extensionOffset;
  }

  /** Size of the header extension's data in bytes, a multiple of 4. */
  get extensionBytes(): number {
    return this.#extensionBytes;
  }

  /** Offset of the payload in `source`. */
  get payloadOffset(): number {
    return this.#payloadOffset;
  }

  /** Size of the payload in bytes, without padding. May be 0. */
  get payloadBytes(): number {
    return this.#payloadBytes;
  }

  /** Size of the padding after the payload in bytes, including its count, 0–255. */
  get paddingBytes(): number {
    return this.#paddingBytes;
  }
}

function truncated(what: string, expected: number, got: number): PacketError {
  return new PacketError('truncated', `the ${what} has ${expected} bytes, got ${got}.`);
}
