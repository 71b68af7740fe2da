import { readUint16 } from '../../bytes.ts';
import { checkBytes } from '../../option-names.ts';
import { isChannelData } from './channel-data.ts';
import { isStun } from './stun-message.ts';

/** Kinds of packet that share the UDP port of a call. */
export type PacketKind = 'stun' | 'channel-data' | 'dtls' | 'rtp' | 'rtcp' | 'zrtp' | 'unknown';

/** Recognizes a datagram of a call by its first bytes (RFC 7983 §7; RTP and RTCP by RFC 5761 §4). */
export function packetKind(bytes: Uint8Array): PacketKind {
  const first = checkBytes('bytes', bytes)[0] ?? 255;
  if (isStun(bytes)) return 'stun';
  if (isChannelData(bytes)) return 'channel-data';
  if (first >= 16 && first <= 19) return 'zrtp';
  if (first >= 20 && first <= 63 && bytes.length >= DTLS_HEADER_BYTES) return 'dtls';
  if (first < 128 || first > 191 || bytes.length < LEAST_RTCP_BYTES) return 'unknown';
  const type = readUint16(bytes, 0) & 0xff;
  return type >= 192 && type <= 223 ? 'rtcp' : 'rtp';
}

/** RFC 6347 §4.1. */
const DTLS_HEADER_BYTES = 13;
/** RFC 3550 §6.4: header and SSRC. */
const LEAST_RTCP_BYTES = 8;

/** Describes each kind in a few words. */
export const KIND_WORDS: Readonly<Record<PacketKind, string>> = {
  stun: 'a STUN message',
  'channel-data': 'a ChannelData message',
  dtls: 'a record of DTLS',
  rtp: 'a packet of RTP, encrypted in WebRTC',
  rtcp: 'a packet of RTCP, encrypted in WebRTC',
  zrtp: 'a message of ZRTP',
  unknown: 'something that RFC 7983 does not know',
};
