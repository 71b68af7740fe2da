import { checkBytes, checkObject } from '../option-names.ts';
import { integerIn } from '../arguments.ts';
import { headerExtensionBytes, writeHeaderExtensions } from './header-extensions.ts';
import type { HeaderExtension } from './header-extensions.ts';
import { writeUint16, writeUint32 } from '../bytes.ts';
import {
  EXTENSION_BIT,
  MARKER_BIT,
  RTP_HEADER_BYTES,
  RTP_MAX_CSRCS,
  RTP_OFFSET,
  RTP_VERSION,
  VERSION_SHIFT,
} from './rtp-packet.ts';

/** The header of an RTP packet (RFC 3550 §5.1). */
export interface RtpHeader {
  /** Payload type, 0..127. */
  readonly payloadType: number;
  /** Sequence number, 0..65535; increases by one with every packet, and wraps to 0. */
  readonly sequenceNumber: number;
  /** Timestamp of the first frame, in units of the payload's clock, 0..2³²−1. */
  readonly timestamp: number;
  /** The SSRC of the source: random, so that no two collide (RFC 3550 §8). 0..2³²−1 */
  readonly ssrc: number;
  /** Marker bit. With audio: the first packet of a talkspurt (RFC 3551 §4.1). @default false */
  readonly marker?: boolean;
  /** The SSRCs of the sources that a mixer combined, at most 15. @default [] */
  readonly csrcs?: readonly number[];
  /** Elements of the header extension. @default [] */
  readonly extensions?: readonly HeaderExtension[];
}

const MAX_UINT16 = 2 ** 16 - 1;
const MAX_UINT32 = 2 ** 32 - 1;
const MAX_PAYLOAD_TYPE = 127;

/** Returns the number of bytes that `writeRtpHeader` will write. */
export function rtpHeaderBytes(header: RtpHeader): number {
  checkObject('header must be an RtpHeader', header);
  const { csrcs, extensions } = header;
  if (csrcs !== undefined) checkObject('csrcs must be an array', csrcs, 'length');
  const extensionBytes = extensions === undefined ? 0 : headerExtensionBytes(extensions);
  return RTP_HEADER_BYTES + 4 * (csrcs?.length ?? 0) + extensionBytes;
}

/**
 * Writes a header; the payload follows directly. Allocates nothing.
 * @param target caller-owned; at least `rtpHeaderBytes(header)` bytes from `byteOffset`
 * @returns the number of bytes written
 * @throws RangeError when a field is out of its range, or the target is too short
 */
export function writeRtpHeader(header: RtpHeader, target: Uint8Array, byteOffset = 0): number {
  const bytes = rtpHeaderBytes(header);
  checkBytes('target', target);
  const { csrcs, extensions } = header;
  if (byteOffset + bytes > target.length) {
    const room = target.length - byteOffset;
    throw new RangeError(`the header has ${bytes} bytes, got room for ${room}.`);
  }
  const csrcCount = csrcs?.length ?? 0;
  integerIn('csrcs.length', csrcCount, 0, RTP_MAX_CSRCS);
  const hasExtension = extensions !== undefined && extensions.length > 0;
  target[byteOffset] =
    (RTP_VERSION << VERSION_SHIFT) | (hasExtension ? EXTENSION_BIT : 0) | csrcCount;
  target[byteOffset + RTP_OFFSET.payloadType] =
    (header.marker === true ? MARKER_BIT : 0) |
    integerIn('payloadType', header.payloadType, 0, MAX_PAYLOAD_TYPE);
  writeUint16(
    integerIn('sequenceNumber', header.sequenceNumber, 0, MAX_UINT16),
    target,
    byteOffset + RTP_OFFSET.sequenceNumber,
  );
  // Not by `integerIn`, and in halves: a number above 2³¹ would be boxed when passed to a function that is not inlined.
  const { timestamp, ssrc } = header;
  if (timestamp >>> 0 !== timestamp) throw notUint32('timestamp', timestamp);
  writeUint16(timestamp >>> 16, target, byteOffset + RTP_OFFSET.timestamp);
  writeUint16(timestamp & MAX_UINT16, target, byteOffset + RTP_OFFSET.timestamp + 2);
  if (ssrc >>> 0 !== ssrc) throw notUint32('ssrc', ssrc);
  writeUint16(ssrc >>> 16, target, byteOffset + RTP_OFFSET.ssrc);
  writeUint16(ssrc & MAX_UINT16, target, byteOffset + RTP_OFFSET.ssrc + 2);
  let at = byteOffset + RTP_HEADER_BYTES;
  for (let i = 0; i < csrcCount; i++, at += 4) {
    writeUint32(integerIn('csrc', csrcs![i], 0, MAX_UINT32), target, at);
  }
  if (hasExtension) writeHeaderExtensions(extensions, target, at);
  return bytes;
}

function notUint32(name: string, value: number): RangeError {
  return new RangeError(`${name} must be an integer from 0 to ${MAX_UINT32}, got ${value}.`);
}
