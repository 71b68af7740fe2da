import { checkBytes, checkObject, checkText } from '../option-names.ts';
import { describe, integerIn, numberIn } from '../arguments.ts';
import { PacketError } from '../errors.ts';
import {
  readUint16,
  readUint24,
  readUint32,
  writeUint16,
  writeUint24,
  writeUint32,
} from '../bytes.ts';
import { timestampDifference } from './unwrapper.ts';

/*
 * Sender and receiver reports (RFC 3550 §6.4). Packets follow each other in one message (§6.1); packets of other types are skipped.
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  0 |V=2|P|    RC   |   PT=200, 201 |   length in words, less one   |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  4 |                       SSRC of the reporter                    |
 *    +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
 *  8 |              NTP timestamp, seconds                           |  sender reports (200) only
 * 12 |             NTP timestamp, fraction                           |
 * 16 |                         RTP timestamp                         |
 * 20 |                     sender's packet count                     |
 * 24 |                      sender's octet count                     |
 *    +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
 *  0 |                SSRC of the reported source                    |  RC blocks of these
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  4 | fraction lost |     cumulative number of packets lost         |
 *    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  8 |           extended highest sequence number received           |
 * 12 |                      interarrival jitter                      |
 * 16 |                         last SR (LSR)                         |
 * 20 |                   delay since last SR (DLSR)                  |
 *    +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
 */

/** A receiver's report about one source (RFC 3550 §6.4.1). */
export interface ReportBlock {
  /** SSRC of the source that it describes. */
  readonly ssrc: number;
  /** Fraction of packets lost since the previous report, 0..255/256 in steps of 1/256. Duplicates never make it negative. */
  readonly fractionLost: number;
  /** Packets lost since the start, −2²³..2²³−1; negative if more arrived than were expected. */
  readonly packetsLost: number;
  /** Highest sequence number, extended to 32 bits: the lower 16 are the packet's. */
  readonly highestSequence: number;
  /** Interarrival jitter in units of the payload's clock, 0..2³²−1. */
  readonly jitter: number;
  /** The middle 32 bits of the NTP time of the last sender report; 0 if none has arrived. */
  readonly lastSenderReport: number;
  /** Time from the arrival of that report to this report, in 1/65536 s; 0 if none has arrived. */
  readonly delaySinceSenderReport: number;
}

/** Report of a participant that sends (RFC 3550 §6.4.1). */
export interface SenderReport {
  readonly type: 'sender';
  readonly ssrc: number;
  /** When it was sent, in seconds of the sender's clock: `ntpSeconds(timeMs)`. 0..2³²−1 */
  readonly ntpSeconds: number;
  /** The fraction of that second, in 2⁻³² s: `ntpFraction(timeMs)`. 0..2³²−1 */
  readonly ntpFraction: number;
  /** The same instant in the payload's clock, 0..2³²−1. */
  readonly rtpTimestamp: number;
  /** Packets sent since the start, modulo 2³². */
  readonly packetCount: number;
  /** Bytes of payload sent since the start, modulo 2³². */
  readonly octetCount: number;
  readonly reports: readonly ReportBlock[];
}

/** Report of a participant that only receives (RFC 3550 §6.4.2). */
export interface ReceiverReport {
  readonly type: 'receiver';
  readonly ssrc: number;
  readonly reports: readonly ReportBlock[];
}

const VERSION = 2;
const VERSION_SHIFT = 6;
const PADDING_BIT = 0x20;
const COUNT_MASK = 0x1f;
const MAX_REPORTS = 31;
const SENDER_TYPE = 200;
const RECEIVER_TYPE = 201;
const DESCRIPTION_TYPE = 202;
const CNAME_ITEM = 1;
/** RTCP uses the payload types 192–223 if RTP shares its port (RFC 5761 §4). */
const RTCP_TYPES = [192, 223] as const;

const HEADER_BYTES = 8;
const SENDER_BYTES = 20;
const BLOCK_BYTES = 24;
const SENDER_OFFSET = { seconds: 8, fraction: 12, rtpTimestamp: 16, packets: 20, octets: 24 };
const BLOCK_OFFSET = { ssrc: 0, fraction: 4, lost: 5, highest: 8, jitter: 12, lsr: 16, dlsr: 20 };

const MAX_UINT32 = 2 ** 32 - 1;
const FRACTION_STEPS = 256;
const MAX_LOST = 2 ** 23 - 1;

/** Returns whether a message is RTCP and not RTP (RFC 5761 §4), judged by its second byte. */
export function isRtcp(source: Uint8Array, byteOffset = 0): boolean {
  const type = checkBytes('source', source)[byteOffset + 1] ?? 0;
  return type >= RTCP_TYPES[0] && type <= RTCP_TYPES[1];
}

/**
 * Returns the sender and receiver reports of a message, in its order; an empty list if it holds only other packets. Reads each byte
 * at most a few times, and returns at most one report for every 8 bytes and one block for every 24.
 * @throws PacketError when the message does not consist of whole RTCP packets
 */
export function readReports(
  source: Uint8Array,
  byteOffset = 0,
  byteLength: number = checkBytes('source', source).length - byteOffset,
): (SenderReport | ReceiverReport)[] {
  const end = byteOffset + byteLength;
  const reports: (SenderReport | ReceiverReport)[] = [];
  for (let at = byteOffset; at < end;) {
    const bytes = rtcpPacketBytes(source, at, end);
    const type = source[at + 1]!;
    if (type === SENDER_TYPE || type === RECEIVER_TYPE) {
      reports.push(readReport(source, at, bytes - rtcpPaddingBytes(source, at, bytes), type));
    }
    at += bytes;
  }
  return reports;
}

/** Returns the size of the packet at `at`, including padding. @throws PacketError when it is not a packet, or extends past `end` */
export function rtcpPacketBytes(source: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) {
    throw new PacketError('truncated', `an RTCP packet has at least 4 bytes, got ${end - at}.`);
  }
  const version = source[at]! >> VERSION_SHIFT;
  if (version !== VERSION) {
    throw new PacketError('unknown-type', `RTCP's version must be 2, got ${version}.`);
  }
  const bytes = 4 * (readUint16(source, at + 2) + 1);
  if (at + bytes > end) {
    throw new PacketError('truncated', `the RTCP packet has ${bytes} bytes, got ${end - at}.`);
  }
  // Only the last packet may be padded (RFC 3550 §6.4.1).
  if ((source[at]! & PADDING_BIT) !== 0 && at + bytes !== end) {
    throw new PacketError('bad-field', 'only the last RTCP packet of a message may have padding.');
  }
  return bytes;
}

/**
 * Returns the number of padding bytes at the end of a packet, including their count (RFC 3550 §6.4.1); 0 without padding.
 * @param bytes size of the packet, from {@link rtcpPacketBytes}
 * @throws PacketError when the count is not a multiple of four, or reaches into the header
 */
export function rtcpPaddingBytes(source: Uint8Array, at: number, bytes: number): number {
  if ((source[at]! & PADDING_BIT) === 0) return 0;
  const padding = source[at + bytes - 1]!;
  if (padding % 4 === 0 && padding > 0 && padding <= bytes - 4) return padding;
  const range = `a multiple of 4 from 4 to ${bytes - 4}`;
  throw new PacketError('bad-field', `padding must be ${range}, got ${padding}.`);
}

function readReport(
  source: Uint8Array,
  at: number,
  bytes: number,
  type: number,
): SenderReport | ReceiverReport {
  const count = source[at]! & COUNT_MASK;
  const isSender = type === SENDER_TYPE;
  const blocksAt = at + HEADER_BYTES + (isSender ? SENDER_BYTES : 0);
  const expected = blocksAt - at + count * BLOCK_BYTES;
  // A longer packet is valid: extensions of a profile follow (§6.4.3).
  if (expected > bytes) {
    throw new PacketError('truncated', `${count} reports have ${expected} bytes, got ${bytes}.`);
  }
  const reports = Array.from({ length: count }, (_, block) =>
    readBlock(source, blocksAt + block * BLOCK_BYTES),
  );
  const ssrc = readUint32(source, at + 4);
  if (!isSender) return { type: 'receiver', ssrc, reports };
  return {
    type: 'sender',
    ssrc,
    ntpSeconds: readUint32(source, at + SENDER_OFFSET.seconds),
    ntpFraction: readUint32(source, at + SENDER_OFFSET.fraction),
    rtpTimestamp: readUint32(source, at + SENDER_OFFSET.rtpTimestamp),
    packetCount: readUint32(source, at + SENDER_OFFSET.packets),
    octetCount: readUint32(source, at + SENDER_OFFSET.octets),
    reports,
  };
}

function readBlock(source: Uint8Array, at: number): ReportBlock {
  return {
    ssrc: readUint32(source, at + BLOCK_OFFSET.ssrc),
    fractionLost: source[at + BLOCK_OFFSET.fraction]! / FRACTION_STEPS,
    packetsLost: (readUint24(source, at + BLOCK_OFFSET.lost) << 8) >> 8,
    highestSequence: readUint32(source, at + BLOCK_OFFSET.highest),
    jitter: readUint32(source, at + BLOCK_OFFSET.jitter),
    lastSenderReport: readUint32(source, at + BLOCK_OFFSET.lsr),
    delaySinceSenderReport: readUint32(source, at + BLOCK_OFFSET.dlsr),
  };
}

/** Returns the size of a report in bytes. */
export function reportBytes(report: SenderReport | ReceiverReport): number {
  checkObject('report must be a SenderReport or ReceiverReport', report, 'reports');
  const { type, reports } = report;
  checkObject('reports must be an array', reports, 'length');
  return HEADER_BYTES + (type === 'sender' ? SENDER_BYTES : 0) + reports.length * BLOCK_BYTES;
}

/**
 * Writes a report as one RTCP packet; other packets may follow directly.
 * @param target caller-owned; at least `reportBytes(report)` bytes from `byteOffset`
 * @returns the number of bytes written
 * @throws RangeError when a field is out of its range, or there are more than 31 blocks
 */
export function writeReport(
  report: SenderReport | ReceiverReport,
  target: Uint8Array,
  byteOffset = 0,
): number {
  const bytes = reportBytes(report);
  checkBytes('target', target);
  const { reports } = report;
  target[byteOffset] =
    (VERSION << VERSION_SHIFT) | integerIn('reports.length', reports.length, 0, MAX_REPORTS);
  target[byteOffset + 1] = report.type === 'sender' ? SENDER_TYPE : RECEIVER_TYPE;
  writeUint16(bytes / 4 - 1, target, byteOffset + 2);
  write32('ssrc', report.ssrc, target, byteOffset + 4);
  let at = byteOffset + HEADER_BYTES;
  if (report.type === 'sender') {
    const { seconds, fraction, rtpTimestamp, packets, octets } = SENDER_OFFSET;
    write32('ntpSeconds', report.ntpSeconds, target, byteOffset + seconds);
    write32('ntpFraction', report.ntpFraction, target, byteOffset + fraction);
    write32('rtpTimestamp', report.rtpTimestamp, target, byteOffset + rtpTimestamp);
    write32('packetCount', report.packetCount, target, byteOffset + packets);
    write32('octetCount', report.octetCount, target, byteOffset + octets);
    at += SENDER_BYTES;
  }
  for (const block of reports) {
    checkObject('reports must hold ReportBlocks', block);
    writeBlock(block, target, at);
    at += BLOCK_BYTES;
  }
  return bytes;
}

function writeBlock(block: ReportBlock, target: Uint8Array, at: number): void {
  const fraction = numberIn('fractionLost', block.fractionLost, 0, 1);
  write32('ssrc', block.ssrc, target, at + BLOCK_OFFSET.ssrc);
  target[at + BLOCK_OFFSET.fraction] = Math.min(
    FRACTION_STEPS - 1,
    Math.floor(fraction * FRACTION_STEPS),
  );
  const lost = integerIn('packetsLost', block.packetsLost, -MAX_LOST - 1, MAX_LOST);
  writeUint24(lost, target, at + BLOCK_OFFSET.lost);
  write32('highestSequence', block.highestSequence, target, at + BLOCK_OFFSET.highest);
  write32('jitter', block.jitter, target, at + BLOCK_OFFSET.jitter);
  write32('lastSenderReport', block.lastSenderReport, target, at + BLOCK_OFFSET.lsr);
  write32('delaySinceSenderReport', block.delaySinceSenderReport, target, at + BLOCK_OFFSET.dlsr);
}

function write32(name: string, value: number, target: Uint8Array, at: number): void {
  writeUint32(integerIn(name, value, 0, MAX_UINT32), target, at);
}

/** Returns the size of a source description with this name, in bytes. */
export function sourceDescriptionBytes(cname: string): number {
  checkText('cname', cname);
  // The list of items ends with at least one zero byte, and the packet on a word boundary (§6.5).
  return HEADER_BYTES + 4 * Math.ceil((2 + cname.length + 1) / 4);
}

/**
 * Writes a source description (RFC 3550 §6.5) of one source as one RTCP packet: its canonical name, which every compound packet
 * must contain (§6.1).
 * @param ssrc SSRC of the source described, here the reporter, 0..2³²−1
 * @param cname 1 to 255 ASCII characters without control characters
 * @param target caller-owned; at least `sourceDescriptionBytes(cname)` bytes from `byteOffset`
 * @returns the number of bytes written
 * @throws TypeError or RangeError when a field is out of its range
 */
export function writeSourceDescription(
  ssrc: number,
  cname: string,
  target: Uint8Array,
  byteOffset = 0,
): number {
  const name = checkCname(cname);
  const bytes = sourceDescriptionBytes(name);
  checkBytes('target', target);
  target.fill(0, byteOffset, byteOffset + bytes);
  target[byteOffset] = (VERSION << VERSION_SHIFT) | 1;
  target[byteOffset + 1] = DESCRIPTION_TYPE;
  writeUint16(bytes / 4 - 1, target, byteOffset + 2);
  write32('ssrc', ssrc, target, byteOffset + 4);
  target[byteOffset + HEADER_BYTES] = CNAME_ITEM;
  target[byteOffset + HEADER_BYTES + 1] = name.length;
  for (let i = 0; i < name.length; i++) {
    target[byteOffset + HEADER_BYTES + 2 + i] = name.charCodeAt(i);
  }
  return bytes;
}

/** @throws TypeError or RangeError for an invalid canonical name. @internal */
export function checkCname(cname: unknown): string {
  if (typeof cname !== 'string') {
    throw new TypeError(`cname must be a string, got ${describe(cname)}.`);
  }
  if (/^[ -~]{1,255}$/.test(cname)) return cname;
  const expected = '1 to 255 printable characters of ASCII';
  throw new RangeError(`cname must have ${expected}, got ${describe(cname.slice(0, 40))}.`);
}

/** Length of 1/65536 s in ms. */
const MS_PER_UNIT = 1000 / 2 ** 16;

/**
 * Returns the round-trip time (RFC 3550 §6.4.1, figure 2): the time since the sender report that the receiver refers to, less the
 * time that the receiver held it.
 * @param nowMs when the report arrived, by the clock used for the sender reports
 * @returns ms, at least 0; NaN if the receiver has not received a sender report yet
 */
export function roundTripMs(report: ReportBlock, nowMs: number): number {
  checkObject('report must be a ReportBlock', report);
  if (report.lastSenderReport === 0) return Number.NaN;
  const now = ntpMiddle(ntpSeconds(nowMs), ntpFraction(nowMs));
  const passed = timestampDifference(report.lastSenderReport, now);
  return Math.max(0, passed - report.delaySinceSenderReport) * MS_PER_UNIT;
}

/*
 * Time in RTCP (RFC 3550 §4): 64 bits since 1900; reports carry the middle 32 bits.
 *
 *     |        seconds (32 bits)        |       fraction (32 bits)        |
 *                      |      the middle 32 bits: 1/65536 s     |
 *
 * Without a wall clock any clock will do: only differences count.
 */

const TWO_16 = 2 ** 16;
const TWO_32 = 2 ** 32;
/** Seconds from 1900 to 1970. */
const UNIX_EPOCH_SECONDS = 2_208_988_800;
/** Largest time in ms whose milliseconds can be told apart. */
const MAX_MS = Number.MAX_SAFE_INTEGER / 1000;

/** Returns the seconds of an instant given in ms (since 1970, for a wall clock), modulo 2³². */
export function ntpSeconds(timeMs: number): number {
  const seconds = Math.floor(numberIn('timeMs', timeMs, 0, MAX_MS) / 1000);
  return (seconds + UNIX_EPOCH_SECONDS) % TWO_32;
}

/** Returns the fraction of the second of an instant, in 2⁻³² s. */
export function ntpFraction(timeMs: number): number {
  const ms = numberIn('timeMs', timeMs, 0, MAX_MS);
  return Math.floor(((ms % 1000) / 1000) * TWO_32);
}

/** Returns the middle 32 bits of an NTP time. @param seconds 0..2³²−1 @param fraction 0..2³²−1 */
export function ntpMiddle(seconds: number, fraction: number): number {
  return (seconds % TWO_16) * TWO_16 + Math.floor(fraction / TWO_16);
}

/** Returns the instant in ms since 1970, in NTP's first era, which ends in 2036; negative before 1970. */
export function ntpToMs(seconds: number, fraction: number): number {
  return (seconds - UNIX_EPOCH_SECONDS) * 1000 + (fraction / TWO_32) * 1000;
}
