import { checkObject, checkSpelling } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn } from '../arguments.ts';
import { FORMATS, PAYLOAD_FORMATS } from '../format/formats.ts';
import type { PayloadFormat } from '../format/formats.ts';
import { checkStream } from '../format/check-stream.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { RtpStreamOptions } from './rtp-stream.ts';

/** The payload type of RED where none was agreed on. Chromium offers 63, which Wireshark does not take for a dynamic one. */
export const RED_PAYLOAD_TYPE = 112;

/** The default SSRC: with a single sender any will do. The letters 'micw'. */
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

/** A line of SDP behind `a=rtpmap:`, taken apart. */
interface RtpMap {
  readonly payloadType: number;
  readonly name: string;
  readonly clockRate: number;
  readonly channels: number;
}

/**
 * How RTP carries a stream: first as agreed on, then without agreement.
 * @throws TypeError or RangeError for a stream that it cannot
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

/** Hz that a stream's timestamps count in. @throws TypeError or RangeError for a stream that RTP cannot carry */
export function rtpClockRate(stream: StreamFormat): number {
  return rtpMaps(stream)[0].clockRate;
}

/** A stream's payload type: the static one where there is one, else our usual dynamic one. @throws as `rtpClockRate` */
export function rtpPayloadType(stream: StreamFormat): number {
  const [agreed, ...fixed] = rtpMaps(stream);
  const { sampleRate, channels } = stream;
  const own = fixed.find((map) => map.clockRate === sampleRate && map.channels === channels);
  return (own ?? agreed).payloadType;
}

/**
 * A stream as a line of SDP has it behind `a=rtpmap:` and the payload type: `opus/48000/2`, `L16/16000`.
 * @throws as `rtpClockRate`
 */
export function rtpMap(stream: StreamFormat): string {
  const [{ name, clockRate, channels }] = rtpMaps(stream);
  return `${name}/${clockRate}${channels === 1 ? '' : `/${channels}`}`;
}

/**
 * The payload types that a stream agreed on.
 * @throws RangeError when one is out of its range, or both are the same: nothing would tell which a packet is; TypeError for a
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
