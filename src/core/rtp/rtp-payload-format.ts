import { checkObject, checkSpelling } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn } from '../arguments.ts';
import { FORMATS, PAYLOAD_FORMATS } from '../format/formats.ts';
import type { PayloadFormat } from '../format/formats.ts';
import { checkStream } from '../format/check-stream.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { RtpStreamOptions } from './rtp-stream.ts';

/** The payload type of RED if none was agreed on. Chromium offers 63, which Wireshark does not treat as dynamic. */
export const RED_PAYLOAD_TYPE = 112;

/** The default SSRC: with a single sender any value works. The letters 'micw'. */
export const DEFAULT_SSRC = 0x6d69_6377;

/** The formats that RTP carries. */
export const RTP_FORMATS: readonly PayloadFormat[] = /* @__PURE__ */ PAYLOAD_FORMATS.filter(
  (format) => FORMATS[format].rtp !== undefined,
);

const STREAM_NAMES = {
  format: 1,
  sampleRate: 1,
  channels: 1,
  payloadType: 1,
  redPayloadType: 1,
  ssrc: 1,
  sequenceOffset: 1,
  timestampOffset: 1,
} satisfies OptionNames<RtpStreamOptions>;

/** The parsed value of `a=rtpmap:` in SDP. */
interface RtpMap {
  readonly payloadType: number;
  readonly name: string;
  readonly clockRate: number;
  readonly channels: number;
}

/**
 * Returns how RTP carries a stream: first as a negotiated format, then without negotiation.
 * @throws TypeError or RangeError for a stream that RTP cannot carry
 */
function rtpMaps(stream: StreamFormat): readonly [RtpMap, ...RtpMap[]] {
  checkObject('stream must be an object', stream);
  const { format, sampleRate, channels } = checkStream(stream);
  const { rtp } = FORMATS[format];
  if (rtp === undefined) {
    throw new TypeError(
      `RTP has no payload format for '${format}': format must be one of ${RTP_FORMATS.join(', ')}.`,
    );
  }
  return rtp.map((map): RtpMap => {
    const [payloadType, name, clockRate = sampleRate, mapChannels = channels] = map.split(/[ /]/);
    return {
      payloadType: Number(payloadType),
      name: name!,
      clockRate: Number(clockRate),
      channels: Number(mapChannels),
    };
  }) as [RtpMap, ...RtpMap[]];
}

/** Returns the clock rate of a stream's timestamps in Hz. @throws TypeError or RangeError for a stream that RTP cannot carry */
export function rtpClockRate(stream: StreamFormat): number {
  return rtpMaps(stream)[0].clockRate;
}

/** Returns a stream's payload type: the static one if it exists, otherwise our usual dynamic one. @throws as `rtpClockRate` */
export function rtpPayloadType(stream: StreamFormat): number {
  const [agreed, ...fixed] = rtpMaps(stream);
  const { sampleRate, channels } = stream;
  const own = fixed.find((map) => map.clockRate === sampleRate && map.channels === channels);
  return (own ?? agreed).payloadType;
}

/**
 * Returns the value that follows `a=rtpmap:` and the payload type in SDP: `opus/48000/2`, `L16/16000`.
 * @throws as `rtpClockRate`
 */
export function rtpMap(stream: StreamFormat): string {
  const [{ name, clockRate, channels }] = rtpMaps(stream);
  return `${name}/${clockRate}${channels === 1 ? '' : `/${channels}`}`;
}

/**
 * Returns the payload types agreed on for a stream.
 * @throws RangeError when one is out of its range, or both are the same, which would leave packets ambiguous; TypeError for a
 *   misspelt name
 */
export function payloadTypesOf(stream: RtpStreamOptions): {
  readonly payloadType: number;
  readonly redPayloadType: number;
} {
  checkObject('stream must be an object', stream);
  checkSpelling('stream', stream, STREAM_NAMES);
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
