import { checkObject } from '../option-names.ts';
import {
  describe,
  integerIn,
  oneOf,
  MAX_CHANNELS,
  MAX_SAMPLE_RATE,
  MIN_SAMPLE_RATE,
} from '../arguments.ts';
import type { PayloadFormat } from '../format/payload-format.ts';
import { OPUS_SAMPLE_RATES } from '../codec/opus-library.ts';
import { OPUS_RATE } from '../codec/opus-packet.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { RtpStreamOptions } from './rtp-stream.ts';

/** How RTP carries one of our formats. */
export interface RtpPayloadFormat {
  /** The name in SDP (a=rtpmap). */
  readonly encodingName: string;
  /** The payload type where none was agreed on, 96..127 (RFC 3551 §6). */
  readonly dynamicType: number;
  /** Payload types that need no agreement (RFC 3551 §6, table 4). */
  readonly staticTypes: readonly StaticType[];
  /** Where the timestamp counts at one rate whatever the sound's is; else undefined, and it counts frames. */
  readonly clockRate: number | undefined;
}

/** A payload type that needs no agreement. */
export interface StaticType {
  readonly payloadType: number;
  readonly sampleRate: number;
  readonly channels: number;
}

/** The payload type of RED where none was agreed on. Chromium offers 63, which Wireshark does not take for a dynamic one. */
export const RED_PAYLOAD_TYPE = 112;

/** The default SSRC: with a single sender any will do. The letters 'micw'. */
export const DEFAULT_SSRC = 0x6d69_6377;

/**
 * What RTP carries, and how. There is no payload format for 32-bit floating point.
 *
 *   opus         RFC 7587. Its clock is 48 kHz, whatever the sound's rate is
 *   s16 → L16    RFC 3551 §4.5.11: network byte order, as against `s16`
 *   s24 → L24    RFC 3190 §4: likewise
 *   mulaw, alaw  RFC 3551 §4.5.14
 */
export const RTP_PAYLOAD_FORMATS: Readonly<Partial<Record<PayloadFormat, RtpPayloadFormat>>> = {
  opus: { encodingName: 'opus', dynamicType: 111, staticTypes: [], clockRate: OPUS_RATE },
  s16: {
    encodingName: 'L16',
    dynamicType: 96,
    staticTypes: [
      { payloadType: 10, sampleRate: 44_100, channels: 2 },
      { payloadType: 11, sampleRate: 44_100, channels: 1 },
    ],
    clockRate: undefined,
  },
  s24: { encodingName: 'L24', dynamicType: 97, staticTypes: [], clockRate: undefined },
  mulaw: {
    encodingName: 'PCMU',
    dynamicType: 98,
    staticTypes: [{ payloadType: 0, sampleRate: 8000, channels: 1 }],
    clockRate: undefined,
  },
  alaw: {
    encodingName: 'PCMA',
    dynamicType: 99,
    staticTypes: [{ payloadType: 8, sampleRate: 8000, channels: 1 }],
    clockRate: undefined,
  },
};

/** The formats that RTP carries: those of the table. */
export const RTP_FORMATS: readonly PayloadFormat[] = ['s16', 's24', 'mulaw', 'alaw', 'opus'];

/** Opus is mono or stereo (RFC 7587 §7). */
const OPUS_CHANNELS = 2;

/**
 * How RTP carries a stream.
 * @throws TypeError or RangeError for a stream that it cannot
 */
function rtpPayloadFormat({ format, sampleRate, channels }: StreamFormat): RtpPayloadFormat {
  const { [oneOf('format', format, RTP_FORMATS)]: payloadFormat } = RTP_PAYLOAD_FORMATS;
  if (payloadFormat === undefined) throw new TypeError(`format is ${describe(format)}.`);
  const rate = integerIn('sampleRate', sampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
  integerIn('channels', channels, 1, format === 'opus' ? OPUS_CHANNELS : MAX_CHANNELS);
  if (format === 'opus' && !OPUS_SAMPLE_RATES.includes(rate)) {
    throw new RangeError(`sampleRate must be one of ${OPUS_SAMPLE_RATES.join(', ')}, got ${rate}.`);
  }
  return payloadFormat;
}

/** Hz that a stream's timestamps count in. @throws as `rtpPayloadFormat` */
export function rtpClockRate(stream: StreamFormat): number {
  checkObject('stream must be an object', stream);
  return rtpPayloadFormat(stream).clockRate ?? stream.sampleRate;
}

/** A stream's payload type: the static one where there is one, else our usual dynamic one. @throws as `rtpPayloadFormat` */
export function rtpPayloadType(stream: StreamFormat): number {
  checkObject('stream must be an object', stream);
  const { staticTypes, dynamicType } = rtpPayloadFormat(stream);
  for (const { payloadType, sampleRate, channels } of staticTypes) {
    if (sampleRate === stream.sampleRate && channels === stream.channels) return payloadType;
  }
  return dynamicType;
}

/**
 * A stream as a line of SDP has it behind `a=rtpmap:` and the payload type: `opus/48000/2`, `L16/16000`.
 * @throws as `rtpPayloadFormat`
 */
export function rtpMap(stream: StreamFormat): string {
  checkObject('stream must be an object', stream);
  const { encodingName } = rtpPayloadFormat(stream);
  // Opus says 2 even where it is mono (RFC 7587 §7).
  const channels = stream.format === 'opus' ? OPUS_CHANNELS : stream.channels;
  return `${encodingName}/${rtpClockRate(stream)}${channels === 1 ? '' : `/${channels}`}`;
}

/**
 * The payload types that a stream agreed on.
 * @throws RangeError when one is out of its range, or both are the same: nothing would tell which a packet is
 */
export function payloadTypesOf(stream: RtpStreamOptions): {
  readonly payloadType: number;
  readonly redPayloadType: number;
} {
  const payloadType = integerIn(
    'payloadType',
    stream.payloadType ?? rtpPayloadType(stream),
    0,
    127,
  );
  const redPayloadType = integerIn(
    'redPayloadType',
    stream.redPayloadType ?? RED_PAYLOAD_TYPE,
    0,
    127,
  );
  if (payloadType === redPayloadType) {
    throw new RangeError(
      `payloadType must differ from redPayloadType, got ${payloadType} for both.`,
    );
  }
  return { payloadType, redPayloadType };
}
