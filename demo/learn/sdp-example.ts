import type { Negotiated } from './renegotiate.ts';

/** A side of the example: the differences between the two descriptions. */
interface Side {
  readonly session: string;
  readonly ufrag: string;
  readonly password: string;
  readonly fingerprint: string;
  readonly setup: string;
  readonly direction: string;
  readonly address: string;
}

/** A call of audio and a data channel, as Chromium describes it, without rarely used codecs and extensions. */
const describe = (side: Side): string => {
  const transport = [
    'c=IN IP4 0.0.0.0',
    `a=ice-ufrag:${side.ufrag}`,
    `a=ice-pwd:${side.password}`,
    'a=ice-options:trickle',
    `a=fingerprint:sha-256 ${side.fingerprint}`,
    `a=setup:${side.setup}`,
  ];
  return [
    'v=0',
    `o=- ${side.session} 2 IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    'a=group:BUNDLE 0 1',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111 9 0 8',
    ...transport,
    `a=candidate:1 1 udp 2122260223 ${side.address} 54321 typ host`,
    'a=mid:0',
    `a=${side.direction}`,
    'a=rtcp-mux',
    'a=rtpmap:111 opus/48000/2',
    'a=rtcp-fb:111 transport-cc',
    'a=fmtp:111 minptime=10;useinbandfec=1',
    'a=rtpmap:9 G722/8000',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    ...transport,
    'a=mid:1',
    'a=sctp-port:5000',
    'a=max-message-size:262144',
    '',
  ].join('\r\n');
};

/** Shown before there is a call. Its addresses are those of documentation (RFC 5737). */
export const EXAMPLE_NEGOTIATED: Negotiated = {
  offer: describe({
    session: '4611731400430051336',
    ufrag: 'EsAw',
    password: 'bP+XJMM09aR8AiX1jdukzR6Y',
    fingerprint:
      'DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09:53:C7:1E:2B:5A:92:13:4F:88:0C:6D:E1',
    setup: 'actpass',
    direction: 'sendrecv',
    address: '192.0.2.101',
  }),
  answer: describe({
    session: '7729313105229487162',
    ufrag: 'k0Rq',
    password: 'tH8Lw2cVq5ZyNf3sUe7oGx1D',
    fingerprint:
      '4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:0E:66:91:F3:2D:70:C4:58:AA:17:3B:05',
    setup: 'active',
    direction: 'recvonly',
    address: '198.51.100.22',
  }),
};
