/**
 * Ogg pages (RFC 3533 §6):
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
/** Most segments of a page. */
export const OGG_MAX_SEGMENTS = 255;
/** A segment of this size says that the packet goes on. */
const FULL_SEGMENT = 255;

const OFFSET = { flags: 5, granule: 6, serial: 14, sequence: 18, crc: 22, segments: 26 } as const;

/** The page begins with the rest of a packet (RFC 3533 §6, header type flag). */
const OGG_CONTINUED = 1;
/** First page of the stream. */
export const OGG_BEGIN = 2;
/** Last page of the stream. */
export const OGG_END = 4;

/** The granule position of a page on which no packet ends (RFC 3533 §6). */
export const OGG_NO_GRANULE = -1;

/** Segments that a packet takes. */
export function oggSegments(packetBytes: number): number {
  return Math.floor(packetBytes / FULL_SEGMENT) + 1;
}

/** Writes the pages of one logical stream. Allocates each page. */
export class OggPageWriter {
  readonly #serial: number;
  #sequence = 0;

  /** @param serial tells this stream from others in the same file, 0..2³²−1 */
  constructor(serial: number) {
    this.#serial = serial;
  }

  /**
   * @param packets what lies on the page; may be none
   * @param granule position at the end of the last packet, or `OGG_NO_GRANULE`
   * @param flags `OGG_BEGIN`, `OGG_END`, or 0
   * @throws RangeError when they need more than `OGG_MAX_SEGMENTS`
   */
  page(packets: readonly Uint8Array[], granule: number, flags: number): Uint8Array<ArrayBuffer> {
    const segments = packets.reduce((sum, packet) => sum + oggSegments(packet.length), 0);
    if (segments > OGG_MAX_SEGMENTS) {
      throw new RangeError(`a page has at most ${OGG_MAX_SEGMENTS} segments, got ${segments}.`);
    }
    const lacing = new Uint8Array(segments);
    let segment = 0;
    for (const packet of packets) {
      const last = segment + oggSegments(packet.length) - 1;
      lacing.fill(FULL_SEGMENT, segment, last);
      lacing[last] = packet.length % FULL_SEGMENT;
      segment = last + 1;
    }
    return this.#write(lacing, packets, granule, flags);
  }

  /**
   * One packet on as many pages as it takes, which it has for itself.
   * @param granule position at its end
   */
  pagesOf(packet: Uint8Array, granule: number): Uint8Array<ArrayBuffer>[] {
    const most = OGG_MAX_SEGMENTS * FULL_SEGMENT;
    const pages: Uint8Array<ArrayBuffer>[] = [];
    let at = 0;
    for (; packet.length - at >= most; at += most) {
      const lacing = new Uint8Array(OGG_MAX_SEGMENTS).fill(FULL_SEGMENT);
      const part = packet.subarray(at, at + most);
      pages.push(this.#write(lacing, [part], OGG_NO_GRANULE, at > 0 ? OGG_CONTINUED : 0));
    }
    const lacing = new Uint8Array(oggSegments(packet.length - at)).fill(FULL_SEGMENT);
    lacing[lacing.length - 1] = (packet.length - at) % FULL_SEGMENT;
    pages.push(this.#write(lacing, [packet.subarray(at)], granule, at > 0 ? OGG_CONTINUED : 0));
    return pages;
  }

  #write(
    lacing: Uint8Array,
    content: readonly Uint8Array[],
    granule: number,
    flags: number,
  ): Uint8Array<ArrayBuffer> {
    const length = content.reduce((sum, part) => sum + part.length, 0);
    const page = new Uint8Array(HEADER_BYTES + lacing.length + length);
    const view = new DataView(page.buffer);
    page.set([0x4f, 0x67, 0x67, 0x53]);
    view.setUint8(OFFSET.flags, flags);
    view.setBigInt64(OFFSET.granule, BigInt(granule), true);
    view.setUint32(OFFSET.serial, this.#serial, true);
    view.setUint32(OFFSET.sequence, this.#sequence++, true);
    view.setUint8(OFFSET.segments, lacing.length);
    page.set(lacing, HEADER_BYTES);
    let at = HEADER_BYTES + lacing.length;
    for (const part of content) {
      page.set(part, at);
      at += part.length;
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
