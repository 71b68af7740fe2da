/**
 * Ogg pages (RFC 3533 §6), for streams in which a page is one packet:
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1  byte
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     | 'O'           | 'g'           | 'g'           | 'S'           |   0
 *     | version 0     | flags         | granule position (64 bits)    |   4
 *     |                                                               |   8
 *     |                               | serial number                 |  12
 *     |                               | page sequence number          |  16
 *     |                               | CRC-32                        |  20
 *     |                               | segments      | segment table |  24
 *     | …                                                             |  28
 *
 * All numbers are little-endian. A packet is laced: 255, 255, … and a last segment below 255.
 */

const HEADER_BYTES = 27;
const MAX_SEGMENTS = 255;
/** A segment of this size says that the packet goes on. */
const FULL_SEGMENT = 255;
/** The longest packet that fits on one page, in bytes. */
export const OGG_MAX_PACKET_BYTES: number = MAX_SEGMENTS * FULL_SEGMENT - 1;

const OFFSET = { flags: 5, granule: 6, serial: 14, sequence: 18, crc: 22, segments: 26 } as const;

/** First page of the stream (RFC 3533 §6, header type flag). */
export const OGG_BEGIN = 2;
/** Last page of the stream. */
export const OGG_END = 4;

/** The granule position of a page on which no packet ends (RFC 3533 §6). */
export const OGG_NO_GRANULE = -1;

/** Writes the pages of one logical stream. Allocates each page. */
export class OggPageWriter {
  readonly #serial: number;
  #sequence = 0;

  /** @param serial tells this stream from others in the same file, 0..2³²−1 */
  constructor(serial: number) {
    this.#serial = serial;
  }

  /**
   * @param packet one packet, or undefined for a page without any
   * @param granule position at the end of the packet, or `OGG_NO_GRANULE`
   * @param flags `OGG_BEGIN`, `OGG_END`, or 0
   * @throws RangeError for a packet longer than `OGG_MAX_PACKET_BYTES`
   */
  page(packet: Uint8Array | undefined, granule: number, flags: number): Uint8Array<ArrayBuffer> {
    const length = packet?.length ?? 0;
    if (length > OGG_MAX_PACKET_BYTES) {
      throw new RangeError(
        `packet must have at most ${OGG_MAX_PACKET_BYTES} bytes, got ${length}.`,
      );
    }
    const segments = packet === undefined ? 0 : Math.floor(length / FULL_SEGMENT) + 1;
    const page = new Uint8Array(HEADER_BYTES + segments + length);
    const view = new DataView(page.buffer);
    page.set([0x4f, 0x67, 0x67, 0x53]);
    view.setUint8(OFFSET.flags, flags);
    view.setBigInt64(OFFSET.granule, BigInt(granule), true);
    view.setUint32(OFFSET.serial, this.#serial, true);
    view.setUint32(OFFSET.sequence, this.#sequence++, true);
    view.setUint8(OFFSET.segments, segments);
    if (packet !== undefined) {
      page.fill(FULL_SEGMENT, HEADER_BYTES, HEADER_BYTES + segments - 1);
      page[HEADER_BYTES + segments - 1] = length % FULL_SEGMENT;
      page.set(packet, HEADER_BYTES + segments);
    }
    view.setUint32(OFFSET.crc, oggCrc(page), true);
    return page;
  }
}

/** x³² + x²⁶ + x²³ + … + 1 (RFC 3533 §6, CRC checksum): not reflected, begins with 0, not inverted. */
const CRC_POLYNOMIAL = 0x04c11db7;

const CRC_TABLE: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? CRC_POLYNOMIAL : 0);
  return crc;
});

/** Checksum of a page whose own checksum field is 0. */
export function oggCrc(page: Uint8Array): number {
  let crc = 0;
  for (let i = 0; i < page.length; i++) {
    crc = (crc << 8) ^ CRC_TABLE[((crc >>> 24) ^ page[i]!) & 0xff]!;
  }
  return crc >>> 0;
}
