/**
 * The bytes of a message on the wire, with every header around it up to IPv4, as `bitrate_kbps` is defined. Computed, because a
 * page cannot see it.
 */

const IPV4 = 20;
const UDP = 8;
/** With time stamps, which every system sends (RFC 7323). */
const TCP = 20 + 12;
/** Payload of a segment on Ethernet: 1500 less IP and TCP. */
const SEGMENT = 1500 - IPV4 - TCP;

/** A frame from a client carries its length in 0, 2 or 8 bytes more, and a mask (RFC 6455 §5.2). */
function webSocketHeader(messageBytes: number): number {
  const length = messageBytes <= 125 ? 0 : messageBytes <= 0xffff ? 2 : 8;
  return 2 + length + 4;
}

/** Of a message to a server over a WebSocket: each in segments of its own, as long as the network keeps up. */
export function webSocketWireBytes(messageBytes: number): number {
  const bytes = messageBytes + webSocketHeader(messageBytes);
  return bytes + Math.ceil(bytes / SEGMENT) * (TCP + IPV4);
}

/** DATA chunk and common header (RFC 9260 §3). */
const SCTP_CHUNK = 16;
const SCTP = 12;
/**
 * Of a record of DTLS 1.3 (RFC 9147 §4): header with 16 bits each of number and length, the type of the content, and AES-GCM's tag.
 * Chromium 156's count of sent bytes agrees to within a byte per packet.
 */
const DTLS = 5 + 1 + 16;
/** What Chromium puts into one SCTP packet, less its headers. */
const SCTP_PAYLOAD = 1200 - SCTP_CHUNK - SCTP;

/** Of a message over a data channel. */
export function dataChannelWireBytes(messageBytes: number): number {
  const packets = Math.max(1, Math.ceil(messageBytes / SCTP_PAYLOAD));
  const padded = Math.ceil(messageBytes / 4) * 4;
  return padded + packets * (SCTP_CHUNK + SCTP + DTLS + UDP + IPV4);
}

/**
 * Of a packet of QUIC with one datagram (RFC 9000 §17.3.1, RFC 9221 §4, RFC 9297 §2.1): its header with the server's connection ID
 * of 8 bytes and a packet number of 2, the frame's type and length, the session, and AES-GCM's tag.
 */
const QUIC = 1 + 8 + 2 + 16;
const DATAGRAM = 1 + 2 + 1;

/** Of a message over WebTransport, in a datagram. */
export function webTransportWireBytes(messageBytes: number): number {
  return messageBytes + DATAGRAM + QUIC + UDP + IPV4;
}

/** The tag of AES_CM_128_HMAC_SHA1_80 (RFC 3711 §8.2), which two Chromium 156 agree on. */
const SRTP_TAG = 10;

/** Of packets of RTP: payload and headers as counted, and for each packet what goes around it. */
export function srtpWireBytes(rtpBytes: number, packets: number): number {
  return rtpBytes + packets * (SRTP_TAG + UDP + IPV4);
}
