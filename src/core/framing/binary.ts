import { FORMATS, PAYLOAD_FORMATS } from '../format/formats.ts';
import type { PayloadFormat } from '../format/formats.ts';
import { PacketError } from '../errors.ts';
import type {
  MessageDecoder,
  MessageEncoder,
  MessageField,
  SelfDescribingFraming,
} from './framing.ts';
import { integerBytes, integerBytesAt, readInteger, writeInteger } from './integers.ts';
import {
  checkIncoming,
  checkMessage,
  checkOutgoing,
  checkOutgoingLength,
  checkPayloadLength,
  payloadBytes,
  sharedByStreams,
} from './packet.ts';
import type { LazyPacket, Packet, PacketHeader } from './packet.ts';
import { frameTimestamp } from '../format/stream-format.ts';

/*
 * Version 2. Three bytes, then integers of 1, 2, 4 or 8 bytes (RFC 9000 §16), then the payload up to the message's end.
 *
 *    0                   1                   2
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
 *   +-------+-------+-+-+-+---------+---------------+
 *   | ver=2 | format|F|T|D|channels |   rate code   |     channels: their number minus one
 *   +-------+-------+-+-+-+---------+---------------+
 *   | sample rate in Hz (i)                         |     only if the rate code is 0
 *   +-----------------------------------------------+
 *   | sequence (i)                                  |
 *   +-----------------------------------------------+
 *   | frames (i)                                    |
 *   +-----------------------------------------------+
 *   | frame, the first (i)                          |     only if F = 1; otherwise sequence × frames
 *   +-----------------------------------------------+
 *   | timestamp in µs (i)                           |     only if T = 1; otherwise that of the frame, rounded
 *   +-----------------------------------------------+
 *   | dropped (i)                                   |     only if D = 1; otherwise 0
 *   +-----------------------------------------------+
 *   | payload: samples, interleaved, or a packet of Opus
 *   +-------------------------------- …
 */

/** The version that this code writes, and the only one that it reads. */
const BINARY_VERSION = 2;

const FORMATS_BY_CODE: readonly (PayloadFormat | undefined)[] = /* @__PURE__ */ byCode();

/** Rates by their code. New ones go to the end; code 0 means that the rate follows in Hz. */
const RATES: readonly number[] = [
  0, 8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000,
  176_400, 192_000,
];

const VERSION_SHIFT = 4;
const FORMAT_MASK = 0x0f;
const HAS_FRAME = 0x80;
const HAS_TIMESTAMP = 0x40;
const HAS_DROPPED = 0x20;
const CHANNELS_MASK = 0x1f;
/** Version and format, flags and channels, rate code. */
const FIXED_BYTES = 3;

const encoder: MessageEncoder = { encode: encodeBinary, reset() {} };
const decoder: MessageDecoder = { decode: (message) => [decodeBinary(message)], reset() {} };

/** A header of 6 to 9 bytes for a typical packet, followed by the unchanged samples: small on the wire and quick to read. */
export const binaryFraming: SelfDescribingFraming = {
  name: 'binary',
  message: 'bytes',
  formats: PAYLOAD_FORMATS,
  createEncoder: /* @__PURE__ */ sharedByStreams(encoder),
  createDecoder: /* @__PURE__ */ sharedByStreams(decoder),
  layout: binaryLayout,
};

function encodeBinary(packet: Packet | LazyPacket): Uint8Array<ArrayBuffer> {
  checkOutgoing(packet);
  const payload = payloadBytes(packet);
  checkOutgoingLength(packet, payload.length);
  const { sequence, frames, frame, timestamp, dropped, sampleRate } = packet;
  const rateCode = Math.max(0, RATES.indexOf(sampleRate));
  const hasFrame = frame !== sequence * frames;
  const hasTimestamp = timestamp !== frameTimestamp(frame, sampleRate);

  let length = FIXED_BYTES + integerBytes(sequence) + integerBytes(frames) + payload.length;
  if (rateCode === 0) length += integerBytes(sampleRate);
  if (hasFrame) length += integerBytes(frame);
  if (hasTimestamp) length += integerBytes(timestamp);
  if (dropped !== 0) length += integerBytes(dropped);

  const message = new Uint8Array(length);
  message[0] = (BINARY_VERSION << VERSION_SHIFT) | FORMATS[packet.format].code;
  message[1] =
    (hasFrame ? HAS_FRAME : 0) |
    (hasTimestamp ? HAS_TIMESTAMP : 0) |
    (dropped === 0 ? 0 : HAS_DROPPED) |
    (packet.channels - 1);
  message[2] = rateCode;
  let at = FIXED_BYTES;
  if (rateCode === 0) at = writeInteger(sampleRate, message, at);
  at = writeInteger(sequence, message, at);
  at = writeInteger(frames, message, at);
  if (hasFrame) at = writeInteger(frame, message, at);
  if (hasTimestamp) at = writeInteger(timestamp, message, at);
  if (dropped !== 0) at = writeInteger(dropped, message, at);
  message.set(payload, at);
  return message;
}

function decodeBinary(message: string | Uint8Array): Packet {
  const bytes = checkFixed(message);
  const flags = bytes[1]!;
  let at = FIXED_BYTES;
  const next = (): number => {
    const value = readInteger(bytes, at);
    at += integerBytesAt(bytes, at);
    return value;
  };
  const format = FORMATS_BY_CODE[bytes[0]! & FORMAT_MASK]!;
  const sampleRate = bytes[2] === 0 ? next() : RATES[bytes[2]!]!;
  const sequence = next();
  const frames = next();
  const frame = (flags & HAS_FRAME) === 0 ? sequence * frames : next();
  const timestamp = (flags & HAS_TIMESTAMP) === 0 ? frameTimestamp(frame, sampleRate) : next();
  const dropped = (flags & HAS_DROPPED) === 0 ? 0 : next();
  const channels = (flags & CHANNELS_MASK) + 1;
  const header: PacketHeader = {
    sequence,
    frame,
    frames,
    timestamp,
    dropped,
    format,
    sampleRate,
    channels,
  };
  checkIncoming(header);
  checkPayloadLength(header, bytes.length - at);
  return { ...header, payload: bytes.subarray(at) };
}

/** Checks that the values in the first three bytes are known; otherwise throws a PacketError. */
function checkFixed(message: string | Uint8Array): Uint8Array {
  if (typeof message === 'string') {
    throw new PacketError('unknown-type', 'a binary packet must be bytes, got text.');
  }
  checkMessage(message);
  if (message.length < FIXED_BYTES) {
    const got = `got ${message.length}.`;
    throw new PacketError('truncated', `the header has at least ${FIXED_BYTES} bytes, ${got}`);
  }
  const version = message[0]! >> VERSION_SHIFT;
  if (version !== BINARY_VERSION) {
    throw new PacketError('unknown-type', `version must be ${BINARY_VERSION}, got ${version}.`);
  }
  const formatCode = message[0]! & FORMAT_MASK;
  if (FORMATS_BY_CODE[formatCode] === undefined) {
    throw new PacketError('unknown-type', `format ${formatCode} is not known.`);
  }
  const rateCode = message[2]!;
  if (rateCode >= RATES.length) {
    throw new PacketError('unknown-type', `rate code ${rateCode} is not known.`);
  }
  return message;
}

function binaryLayout(message: string | Uint8Array): readonly MessageField[] {
  const bytes = checkFixed(message);
  const flags = bytes[1]!;
  const fields: MessageField[] = [
    { name: 'version, format', byteOffset: 0, byteLength: 1 },
    { name: 'flags, channels', byteOffset: 1, byteLength: 1 },
    { name: 'rate code', byteOffset: 2, byteLength: 1 },
  ];
  let byteOffset = FIXED_BYTES;
  const add = (name: string): void => {
    readInteger(bytes, byteOffset);
    const byteLength = integerBytesAt(bytes, byteOffset);
    fields.push({ name, byteOffset, byteLength });
    byteOffset += byteLength;
  };
  if (bytes[2] === 0) add('sampleRate');
  add('sequence');
  add('frames');
  if ((flags & HAS_FRAME) !== 0) add('frame');
  if ((flags & HAS_TIMESTAMP) !== 0) add('timestamp');
  if ((flags & HAS_DROPPED) !== 0) add('dropped');
  fields.push({ name: 'payload', byteOffset, byteLength: bytes.length - byteOffset });
  return fields;
}

function byCode(): (PayloadFormat | undefined)[] {
  const formats: (PayloadFormat | undefined)[] = [];
  for (const format of PAYLOAD_FORMATS) formats[FORMATS[format].code] = format;
  return formats;
}
