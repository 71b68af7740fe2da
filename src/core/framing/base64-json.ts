import { PAYLOAD_FORMATS } from '../format/formats.ts';
import type { PayloadFormat } from '../format/formats.ts';
import { describeOutside } from '../arguments.ts';
import { PacketError } from '../errors.ts';
import { base64Length, decodeBase64 } from '../base64/base64.ts';
import type { MessageDecoder, MessageEncoder, SelfDescribingFraming } from './framing.ts';
import { parseJsonObject } from './json-object.ts';
import type { JsonFields } from './json-object.ts';
import type { LazyPacket, Packet, PacketHeader } from './packet.ts';
import {
  MAX_PAYLOAD_BYTES,
  checkIncoming,
  checkMessage,
  checkOutgoing,
  checkPayloadLength,
  payloadBounds,
  payloadBase64,
  sharedByStreams,
} from './packet.ts';

/*
 * Version 1: one JSON object (RFC 8259) per message, written in this order and read in any order. Unknown keys are ignored, so that
 * a later writer may add some.
 *
 *   {"type":"audio","version":1,
 *    "sequence":12,"frame":3840,"frames":320,"timestamp":240000,"dropped":0,
 *    "format":"s16","sampleRate":16000,"channels":1,
 *    "payload":"AAAB…"}            Base64 with padding (RFC 4648 §4) of little-endian interleaved samples
 */

/** The value of `type` in every message. */
const JSON_TYPE = 'audio';
/** The version that this code writes, and the only one that it reads. */
const JSON_VERSION = 1;

/** Length of the longest text that is passed to the JSON parser: the longest payload and room for the other fields. */
const MAX_MESSAGE_LENGTH = base64Length(MAX_PAYLOAD_BYTES) + 4096;

const encoder: MessageEncoder = { encode: encodeBase64Json, reset() {} };
const decoder: MessageDecoder = { decode: (message) => [decodeBase64Json(message)], reset() {} };

/** One JSON object per message with the samples in Base64, as accepted by speech services and readable in any inspector. */
export const base64JsonFraming: SelfDescribingFraming = {
  name: 'base64-json',
  message: 'text',
  formats: PAYLOAD_FORMATS,
  createEncoder: /* @__PURE__ */ sharedByStreams(encoder),
  createDecoder: /* @__PURE__ */ sharedByStreams(decoder),
  layout: () => [],
};

function encodeBase64Json(packet: Packet | LazyPacket): string {
  checkOutgoing(packet);
  const payload = payloadBase64(packet);
  const [least, most] = payloadBounds(packet);
  if (payload.length < base64Length(least) || payload.length > base64Length(most)) {
    throw new RangeError(
      `payload must have ${base64Length(most)} Base64 digits, got ${payload.length}.`,
    );
  }
  // Every part is a number, a name from a closed list or Base64, so escaping is never needed, and JSON.stringify would only read
  // the payload another time.
  return (
    `{"type":"${JSON_TYPE}","version":${JSON_VERSION},"sequence":${packet.sequence},` +
    `"frame":${packet.frame},"frames":${packet.frames},"timestamp":${packet.timestamp},` +
    `"dropped":${packet.dropped},"format":"${packet.format}","sampleRate":${packet.sampleRate},` +
    `"channels":${packet.channels},"payload":"${payload}"}`
  );
}

function decodeBase64Json(message: string | Uint8Array): Packet {
  if (typeof message !== 'string') {
    checkMessage(message);
    throw new PacketError('unknown-type', 'a JSON packet must be text, got bytes.');
  }
  const fields = parseJsonObject('a message', message, { maxLength: MAX_MESSAGE_LENGTH });
  if (fields['type'] !== JSON_TYPE) {
    throw new PacketError('unknown-type', `type must be '${JSON_TYPE}'.`);
  }
  if (fields['version'] !== JSON_VERSION) {
    throw new PacketError('unknown-type', `version must be ${JSON_VERSION}.`);
  }
  const header: PacketHeader = {
    sequence: numberField(fields, 'sequence'),
    frame: numberField(fields, 'frame'),
    frames: numberField(fields, 'frames'),
    timestamp: numberField(fields, 'timestamp'),
    dropped: numberField(fields, 'dropped'),
    format: formatField(fields),
    sampleRate: numberField(fields, 'sampleRate'),
    channels: numberField(fields, 'channels'),
  };
  checkIncoming(header);
  const text = fields['payload'];
  if (typeof text !== 'string') throw new PacketError('bad-field', 'payload must be a string.');
  const payload = decodeBase64(text);
  checkPayloadLength(header, payload.length);
  return { ...header, payload };
}

function numberField(fields: JsonFields, name: string): number {
  const value = fields[name];
  if (typeof value === 'number') return value;
  throw new PacketError('bad-field', `${name} must be a number, got ${describeOutside(value)}.`);
}

function formatField(fields: JsonFields): PayloadFormat {
  for (const format of PAYLOAD_FORMATS) if (format === fields['format']) return format;
  throw new PacketError('unknown-type', `format must be one of ${PAYLOAD_FORMATS.join(', ')}.`);
}
