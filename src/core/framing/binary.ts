import { PAYLOAD_FORMATS } from '../codec/payload-format.ts';
import type { PayloadFormat } from '../codec/payload-format.ts';
import { PacketError } from '../errors.ts';
import type { Framing } from './framing.ts';
import type { LazyPacket, Packet, PacketHeader } from './packet.ts';
import {
  checkIncoming,
  checkOutgoing,
  checkPayloadLength,
  payloadBounds,
  payloadBytes,
} from './packet.ts';

/*
 * Version 1. The header's numbers are unsigned and in network byte order (big-endian, as in RTP); the payload's
 * samples are little-endian, as Web Audio's platforms have them. The payload begins at a multiple of 8.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---------------+---------------+---------------+---------------+
 * 0 |  version = 1  |    format     |   channels    | reserved = 0  |
 *   +---------------+---------------+---------------+---------------+
 * 4 |                       sample rate in Hz                       |
 *   +---------------------------------------------------------------+
 * 8 |                            frames                             |
 *   +---------------------------------------------------------------+
 * 12|                    dropped (frames, before)                   |
 *   +---------------------------------------------------------------+
 * 16|                                                               |
 *   +                       sequence (64 bits)                      +
 * 20|                                                               |
 *   +---------------------------------------------------------------+
 * 24|                                                               |
 *   +                  frame, the first (64 bits)                   +
 * 28|                                                               |
 *   +---------------------------------------------------------------+
 * 32|                                                               |
 *   +                   timestamp in µs (64 bits)                   +
 * 36|                                                               |
 *   +---------------------------------------------------------------+
 * 40|          payload: samples, interleaved, or a packet of Opus   |
 *   +---------------------------------------------------------------+
 */

/** Byte offset of each field of the binary header. */
export const BINARY_OFFSET: {
  readonly version: number;
  readonly format: number;
  readonly channels: number;
  readonly reserved: number;
  readonly sampleRate: number;
  readonly frames: number;
  readonly dropped: number;
  readonly sequence: number;
  readonly frame: number;
  readonly timestamp: number;
  readonly payload: number;
} = {
  version: 0,
  format: 1,
  channels: 2,
  reserved: 3,
  sampleRate: 4,
  frames: 8,
  dropped: 12,
  sequence: 16,
  frame: 24,
  timestamp: 32,
  payload: 40,
};

/** The version that this code writes, and the only one that it reads. */
export const BINARY_VERSION = 1;

/** The format byte. A new format takes the next number; a number is never given twice. */
const FORMAT_CODES: Readonly<Record<PayloadFormat, number>> = {
  s16: 1,
  s24: 2,
  f32: 3,
  mulaw: 4,
  alaw: 5,
  opus: 6,
};

const FORMATS_BY_CODE: ReadonlyMap<number, PayloadFormat> = new Map(
  PAYLOAD_FORMATS.map((format) => [FORMAT_CODES[format], format]),
);

const TWO_32 = 2 ** 32;

/** A 40-byte header and the samples as they are: the smallest on the wire and the quickest to read. */
export const binaryFraming: Framing = {
  name: 'binary',
  message: 'bytes',
  encode: encodeBinary,
  decode: decodeBinary,
};

function encodeBinary(packet: Packet | LazyPacket): Uint8Array {
  checkOutgoing(packet);
  const payload = payloadBytes(packet);
  const [least, most] = payloadBounds(packet);
  if (payload.length < least || payload.length > most) {
    throw new RangeError(`payload must have ${most} bytes, got ${payload.length}.`);
  }
  const message = new Uint8Array(BINARY_OFFSET.payload + payload.length);
  const view = new DataView(message.buffer);
  view.setUint8(BINARY_OFFSET.version, BINARY_VERSION);
  view.setUint8(BINARY_OFFSET.format, FORMAT_CODES[packet.format]);
  view.setUint8(BINARY_OFFSET.channels, packet.channels);
  view.setUint32(BINARY_OFFSET.sampleRate, packet.sampleRate);
  view.setUint32(BINARY_OFFSET.frames, packet.frames);
  view.setUint32(BINARY_OFFSET.dropped, packet.dropped);
  setUint53(view, BINARY_OFFSET.sequence, packet.sequence);
  setUint53(view, BINARY_OFFSET.frame, packet.frame);
  setUint53(view, BINARY_OFFSET.timestamp, packet.timestamp);
  message.set(payload, BINARY_OFFSET.payload);
  return message;
}

function decodeBinary(message: string | Uint8Array): Packet {
  if (typeof message === 'string') {
    throw new PacketError('unknown-type', 'a binary packet must be bytes, got text.');
  }
  if (message.length < BINARY_OFFSET.payload) {
    const expected = BINARY_OFFSET.payload;
    throw new PacketError('truncated', `the header has ${expected} bytes, got ${message.length}.`);
  }
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const version = view.getUint8(BINARY_OFFSET.version);
  if (version !== BINARY_VERSION) {
    throw new PacketError('unknown-type', `version must be ${BINARY_VERSION}, got ${version}.`);
  }
  const formatCode = view.getUint8(BINARY_OFFSET.format);
  const format = FORMATS_BY_CODE.get(formatCode);
  if (format === undefined) {
    throw new PacketError('unknown-type', `format ${formatCode} is not known.`);
  }
  const reserved = view.getUint8(BINARY_OFFSET.reserved);
  if (reserved !== 0) {
    throw new PacketError('bad-field', `the reserved byte must be 0, got ${reserved}.`);
  }
  const header: PacketHeader = {
    sequence: getUint64(view, BINARY_OFFSET.sequence),
    frame: getUint64(view, BINARY_OFFSET.frame),
    frames: view.getUint32(BINARY_OFFSET.frames),
    timestamp: getUint64(view, BINARY_OFFSET.timestamp),
    dropped: view.getUint32(BINARY_OFFSET.dropped),
    format,
    sampleRate: view.getUint32(BINARY_OFFSET.sampleRate),
    channels: view.getUint8(BINARY_OFFSET.channels),
  };
  checkIncoming(header);
  checkPayloadLength(header, message.length - BINARY_OFFSET.payload);
  return { ...header, payload: message.subarray(BINARY_OFFSET.payload) };
}

/** DataView's own 64-bit setters take BigInt; two halves are quicker and need none. */
function setUint53(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, Math.floor(value / TWO_32));
  view.setUint32(offset + 4, value % TWO_32);
}

/** Above 2⁵³ the result is rounded; `checkIncoming` refuses it. */
function getUint64(view: DataView, offset: number): number {
  return view.getUint32(offset) * TWO_32 + view.getUint32(offset + 4);
}
