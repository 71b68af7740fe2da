import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { describe, integerIn, numberIn } from '../arguments.ts';
import { OPUS_RATE, opusPacketFrames, opusGapPackets } from '../codec/opus-packet.ts';
import { joinBytes, utf8Bytes } from '../bytes.ts';

/** Options of an Ogg Opus stream, mostly for its header. */
export interface OggOpusOptions {
  /** Number of channels, 1 or 2 (channel mapping family 0). */
  readonly channels: number;
  /** Number of frames at 48 kHz that the player must leave out: the encoder's look-ahead. 0–65535. */
  readonly preSkip: number;
  /** Sample rate of the encoder's input in Hz; for information only. @default 48000 */
  readonly inputSampleRate?: number | undefined;
  /** Gain for the player to apply, in dB, −128 to 127.99. @default 0 */
  readonly gainDb?: number | undefined;
  /** Distinguishes this stream from others in the same file; a random number is best. 0..2³²−1. @default 1 */
  readonly serial?: number | undefined;
  /**
   * How much audio may wait to share a page, in milliseconds, 0–5000. With 0 each packet is a page and is sent immediately, for
   * streams. Larger values make smaller files: at 24 kb/s, one page for each packet of 20 ms takes 50 % more space.
   * @default 0
   */
  readonly pageDurationMs?: number | undefined;
  /** Tags such as `{ TITLE: 'Interview' }` (Vorbis comments). Names are printable ASCII without '='. @default none */
  readonly tags?: Readonly<Record<string, string>> | undefined;
}
const NAMES = {
  channels: 1,
  preSkip: 1,
  inputSampleRate: 1,
  gainDb: 1,
  serial: 1,
  pageDurationMs: 1,
  tags: 1,
} satisfies OptionNames<OggOpusOptions>;

/** RFC 7845 §5.1: version 1 of the head, without a channel mapping table. */
const HEAD_BYTES = 19;
const HEAD_VERSION = 1;
/** The encoder named in the comments. */
const VENDOR = 'micwire, libopus';

/**
 * Writes an Ogg Opus stream (RFC 7845) that may be cut at any page; with one packet per page, packets never wait. Each method
 * returns the bytes to append, possibly 0 bytes while packets wait for their page. Send `head()` first, also to listeners that join
 * later: after it they can begin at any page.
 */
export class OggOpusWriter {
  readonly #options: OggOpusOptions;
  readonly #pages: OggPageWriter;
  /** Frames at 48 kHz that the packets so far decode to, pre-skip included. */
  #granule = 0;
  /** Packets that wait for their page, their segments, and the frames in them. */
  #waiting: Uint8Array[] = [];
  #segments = 0;
  #waitingFrames = 0;
  readonly #pageFrames: number;
  #begun = false;
  #ended = false;

  /** @throws TypeError or RangeError for options out of their range */
  constructor(options: OggOpusOptions) {
    checkOptions('OggOpusWriter', options, NAMES);
    integerIn('channels', options.channels, 1, 2);
    integerIn('preSkip', options.preSkip, 0, 2 ** 16 - 1);
    integerIn('inputSampleRate', options.inputSampleRate ?? OPUS_RATE, 0, 2 ** 32 - 1);
    numberIn('gainDb', options.gainDb ?? 0, -128, 127.99);
    checkOggTags(options.tags);
    const pageDurationMs = numberIn('pageDurationMs', options.pageDurationMs ?? 0, 0, 5000);
    this.#pageFrames = (pageDurationMs / 1000) * OPUS_RATE;
    this.#options = options;
    this.#pages = new OggPageWriter(integerIn('serial', options.serial ?? 1, 0, 2 ** 32 - 1));
  }

  /** Number of frames at 48 kHz that the player must leave out. */
  get preSkip(): number {
    return this.#options.preSkip;
  }

  /** Number of frames at 48 kHz in the stream so far, without the pre-skip. */
  get frames(): number {
    return Math.max(0, this.#granule - this.#options.preSkip);
  }

  /** Number of frames at 48 kHz to which the packets so far decode, including the pre-skip: the position of the next packet. */
  get position(): number {
    return this.#granule;
  }

  /**
   * Returns the pages at the beginning: OpusHead on one, OpusTags on the next, or on several if the tags are long. Call it only
   * once.
   */
  head(): Uint8Array<ArrayBuffer> {
    if (this.#begun) throw new RangeError('head() must be called first, and only once.');
    this.#begun = true;
    const head = this.#pages.page([opusHead(this.#options)], 0, OGG_BEGIN);
    return joinBytes([head, ...this.#pages.pagesOf(opusTags(this.#options.tags ?? {}), 0)]);
  }

  /**
   * Adds one packet.
   * @param packet the packet, which is kept until its page is full and must not change
   * @throws PacketError when it is not an Opus packet
   */
  packet(packet: Uint8Array): Uint8Array<ArrayBuffer> {
    this.#checkOpen();
    return this.#add(packet, opusPacketFrames(packet));
  }

  /** Returns the page of the waiting packets. */
  flush(): Uint8Array<ArrayBuffer> {
    if (this.#waiting.length === 0) return new Uint8Array(0);
    const page = this.#pages.page(this.#waiting, this.#granule, 0);
    this.#emptyPage();
    return page;
  }

  /**
   * Fills a gap with packets without data, which a decoder conceals (RFC 7845 §4.1). This keeps the stream in time, however much
   * was lost: pass the number of frames that `position` is behind.
   * @param frames number of lost frames at 48 kHz. A remainder shorter than 2.5 ms (120 frames) is left out
   */
  gap(frames: number): Uint8Array<ArrayBuffer> {
    this.#checkOpen();
    integerIn('frames', frames, 0, Number.MAX_SAFE_INTEGER);
    const packets = opusGapPackets(frames, this.#options.channels);
    return joinBytes(packets.map((packet) => this.packet(packet)));
  }

  /**
   * Returns the last page. Its granule position marks the end of the audio, so that a player leaves out the padding of the last
   * packet (RFC 7845 §4.4).
   * @param packet the last packet. Without it the page is empty
   * @param trimFrames number of frames at 48 kHz to leave out at the end of that packet
   * @throws PacketError when it is not an Opus packet
   */
  end(packet?: Uint8Array, trimFrames = 0): Uint8Array<ArrayBuffer> {
    this.#checkOpen();
    const frames = packet === undefined ? 0 : opusPacketFrames(packet);
    integerIn('trimFrames', trimFrames, 0, frames);
    let before: Uint8Array = new Uint8Array(0);
    if (packet !== undefined) {
      if (this.#segments + oggSegments(packet.length) > OGG_MAX_SEGMENTS) before = this.flush();
      this.#waiting.push(packet);
      this.#granule += frames - trimFrames;
    }
    const granule = this.#waiting.length === 0 ? OGG_NO_GRANULE : this.#granule;
    const page = this.#pages.page(this.#waiting, granule, OGG_END);
    this.#emptyPage();
    this.#ended = true;
    return joinBytes([before, page]);
  }

  /** Adds a packet to the current page. @returns the pages that are now full: the previous one, this one, or neither */
  #add(packet: Uint8Array, frames: number): Uint8Array<ArrayBuffer> {
    const segments = oggSegments(packet.length);
    const full = this.#segments + segments > OGG_MAX_SEGMENTS;
    const before = full ? this.flush() : new Uint8Array(0);
    this.#waiting.push(packet);
    this.#segments += segments;
    this.#waitingFrames += frames;
    this.#granule += frames;
    if (this.#waitingFrames < this.#pageFrames) return before;
    return joinBytes([before, this.flush()]);
  }

  #emptyPage(): void {
    this.#waiting = [];
    this.#segments = 0;
    this.#waitingFrames = 0;
  }

  #checkOpen(): void {
    if (!this.#begun) throw new RangeError('head() must come first.');
    if (this.#ended) throw new RangeError('The stream has ended.');
  }
}

/** Returns the identification header (RFC 7845 §5.1), which WebM and WebCodecs also use as a description. */
export function opusHead(options: OggOpusOptions): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  head.set(utf8Bytes('OpusHead'));
  view.setUint8(8, HEAD_VERSION);
  view.setUint8(9, options.channels);
  view.setUint16(10, options.preSkip, true);
  view.setUint32(12, options.inputSampleRate ?? OPUS_RATE, true);
  view.setInt16(16, Math.round((options.gainDb ?? 0) * 256), true);
  view.setUint8(18, 0);
  return head;
}

/** The comment header (RFC 7845 §5.2). */
function opusTags(tags: Readonly<Record<string, string>>): Uint8Array {
  const comments = Object.entries(tags).map(([name, value]) => utf8Bytes(`${name}=${value}`));
  const parts = [utf8Bytes('OpusTags'), ...withLength(utf8Bytes(VENDOR)), uint32(comments.length)];
  return joinBytes([...parts, ...comments.flatMap(withLength)]);
}

function withLength(bytes: Uint8Array): Uint8Array[] {
  return [uint32(bytes.length), bytes];
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Vorbis comment names: printable ASCII 0x20 to 0x7D without '='. */
const TAG_NAME = /^[ -<>-}]+$/;
/** Maximum size of all tags. A player may refuse 120 MiB (RFC 7845 §5.2). */
const MAX_TAGS_BYTES = 2 ** 20;

/** @throws TypeError or RangeError for a tag that Vorbis comments cannot hold */
export function checkOggTags(tags: unknown): void {
  if (tags === undefined) return;
  if (typeof tags !== 'object' || tags === null) {
    throw new TypeError(`tags must be an object of names and texts, got ${describe(tags)}.`);
  }
  let bytes = 0;
  for (const [name, value] of Object.entries(tags)) {
    if (!TAG_NAME.test(name)) {
      throw new RangeError(`a tag's name must be printable ASCII without '=', got '${name}'.`);
    }
    if (typeof value !== 'string') {
      throw new TypeError(`tag ${name} must be a string, got ${describe(value)}.`);
    }
    // Checked before the conversion: a character takes at least one byte.
    bytes += value.length <= MAX_TAGS_BYTES ? utf8Bytes(`${name}=${value}`).length : value.length;
    if (bytes > MAX_TAGS_BYTES) {
      throw new RangeError(
        `tags must take at most ${MAX_TAGS_BYTES} bytes of UTF-8 in all, and take more with ${name}. Leave some out, or shorten them.`,
      );
    }
  }
}

/*
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
/** Maximum number of segments in a page. */
const OGG_MAX_SEGMENTS = 255;
/** A segment of this size means that the packet continues. */
const FULL_SEGMENT = 255;

const OFFSET = { flags: 5, granule: 6, serial: 14, sequence: 18, crc: 22, segments: 26 } as const;

/** The page starts with the rest of a packet (RFC 3533 §6, header type flag). */
const OGG_CONTINUED = 1;
/** First page of the stream. */
const OGG_BEGIN = 2;
/** Last page of the stream. */
const OGG_END = 4;

/** The granule position of a page on which no packet ends (RFC 3533 §6). */
const OGG_NO_GRANULE = -1;

/** Returns the number of segments that a packet takes. */
function oggSegments(packetBytes: number): number {
  return Math.floor(packetBytes / FULL_SEGMENT) + 1;
}

/** Writes the pages of one logical stream. Allocates each page. */
export class OggPageWriter {
  readonly #serial: number;
  #sequence = 0;

  /** @param serial distinguishes this stream from others in the same file, 0..2³²−1 */
  constructor(serial: number) {
    this.#serial = serial;
  }

  /**
   * Returns one page.
   * @param packets the packets on the page, possibly an empty list
   * @param granule position at the end of the last packet, or `OGG_NO_GRANULE`
   * @param flags `OGG_BEGIN`, `OGG_END`, or 0
   * @throws RangeError when the packets need more than `OGG_MAX_SEGMENTS` segments
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
   * Returns one packet on as many pages as it needs, without other packets.
   * @param granule position at the end of the packet
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

/** x³² + x²⁶ + x²³ + … + 1 (RFC 3533 §6, CRC checksum): not reflected, initial value 0, not inverted. */
const CRC_POLYNOMIAL = 0x04c11db7;

const CRC_TABLE: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? CRC_POLYNOMIAL : 0);
  return crc;
});

/** Returns the checksum of a page whose checksum field is 0. */
export function oggCrc(page: Uint8Array): number {
  let crc = 0;
  for (let i = 0; i < page.length; i++) {
    crc = (crc << 8) ^ CRC_TABLE[((crc >>> 24) ^ page[i]!) & 0xff]!;
  }
  return crc >>> 0;
}
